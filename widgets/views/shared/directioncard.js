// @ts-check
/** One direction as a card: what it does to the picture on the stage, a slider that says where the data end, and what else it moves. */
import { h } from "./dom.js";
import { REACH, effect, leaks } from "./edits.js";
import { icon } from "./icons.js";
import { percent, readable } from "./words.js";

const FRAME = 48; // pixels of a picture of the strip
const KEY_PAUSE = 400; // milliseconds after the last key until it is a step of the history
const MOST_LEAKS = 3;

/**
 * @param {import("./edits.js").Direction & { pinned: boolean, held: boolean }} direction
 * @param {{ move(amount: number): void, release(): void, rename(name: string): void, pin(): void, remove(): void, shift(by: number): void, drop(id: string): void }} to
 */
export function directionCard(direction, to) {
  const canvas = h("canvas", { class: "le-dir-strip", width: 1, height: 1, role: "img", "aria-label": `${direction.name}: five pictures along it` });
  const name = h("input", { class: "le-field le-dir-name", ".value": direction.name, "aria-label": "Name of the direction", maxlength: 80, spellcheck: "false", autocomplete: "off" });
  const range = h("input", { type: "range", class: "le-range le-dir-range", min: -REACH, max: REACH, step: 0.05, ".value": "0", "aria-label": `${direction.name}, how far` });
  const amount = h("output", { class: "le-dir-amount" }, "0");
  const pin = h("button", { type: "button", class: "le-button le-bare", "aria-pressed": String(direction.pinned), "aria-label": `Pin ${direction.name}`, title: "Keep at the top", on: { click: to.pin } }, icon("star"));
  const remove = h("button", { type: "button", class: "le-button le-bare", "aria-label": `Remove ${direction.name} from the bench`, title: "Remove from the bench", hidden: !direction.held || direction.bundled, on: { click: to.remove } }, icon("close"));
  const el = h("li", { class: "le-dir", draggable: "true", tabindex: -1, "data-id": direction.id },
    h("div", { class: "le-dir-head" }, name, h("span", { class: "le-dir-method", title: direction.unit }, direction.title), pin, remove),
    canvas,
    h("div", { class: "le-dir-slide" }, ends(direction.evidence?.ends), range, amount),
    h("p", { class: "le-note" }, effect(direction.evidence, readable)), bars(direction.evidence));
  let pause = 0;
  let held = false;

  const say = (/** @type {number} */ value) => {
    amount.textContent = value.toFixed(2).replace("-", "−").replace(/\.?0+$/, "") || "0";
    range.setAttribute("aria-valuetext", `${amount.textContent} ${beyond(value, direction.evidence?.ends) ? ", beyond the data" : ""}`);
    el.classList.toggle("le-dir-set", value !== 0);
    amount.classList.toggle("le-dir-beyond", beyond(value, direction.evidence?.ends));
  };
  const finish = () => {
    clearTimeout(pause);
    pause = 0;
    if (held) (held = false), to.release();
  };
  range.addEventListener("input", () => {
    held = true;
    const value = Math.abs(Number(range.value)) < 0.08 ? 0 : Number(range.value); // zero is easy to hit
    say(value);
    to.move(value);
  });
  range.addEventListener("change", () => {
    clearTimeout(pause);
    pause = /** @type {any} */ (setTimeout(finish, range.matches(":active") ? 0 : KEY_PAUSE));
  });
  range.addEventListener("pointerup", finish);
  range.addEventListener("blur", finish);
  range.addEventListener("dblclick", () => (held = true, (range.value = "0"), say(0), to.move(0), finish()));
  range.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Delete" || event.key === "Backspace") event.preventDefault(), (held = true), (range.value = "0"), say(0), to.move(0), finish();
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) event.preventDefault(), event.stopPropagation(), to.shift(event.key === "ArrowUp" ? -1 : 1);
  });
  name.addEventListener("change", () => to.rename(name.value.trim()));
  name.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") name.blur();
    if (event.key === "Escape") (name.value = direction.name), name.blur();
  });
  el.addEventListener("dragstart", (/** @type {DragEvent} */ event) => {
    if (event.target !== el || document.activeElement === name || document.activeElement === range) return event.preventDefault();
    event.dataTransfer?.setData("application/x-direction", direction.id);
  });
  el.addEventListener("dragover", (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("application/x-direction") && (event.preventDefault(), el.classList.add("le-dir-target")));
  el.addEventListener("dragleave", () => el.classList.remove("le-dir-target"));
  el.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    el.classList.remove("le-dir-target");
    const dropped = event.dataTransfer?.getData("application/x-direction");
    if (dropped && dropped !== direction.id) event.preventDefault(), to.drop(dropped);
  });
  // a range inside a draggable item would be dragged with it
  range.addEventListener("pointerdown", () => (el.draggable = false));
  range.addEventListener("pointerup", () => (el.draggable = true));

  return {
    el, direction,
    /** The session's amount. @param {number} value */
    follow(value) {
      if (held) return;
      range.value = String(value);
      say(value);
    },
    /** The strip's pictures. @param {any} header @param {DataView} payload raw RGBA, one below the other */
    fill(header, payload) {
      const { width, height, count } = header;
      canvas.width = width * count;
      canvas.height = height;
      canvas.style.width = `${FRAME * count}px`;
      const context = canvas.getContext("2d");
      const size = width * height * 4;
      for (let i = 0; i < count; i++) {
        const pixels = new Uint8ClampedArray(payload.buffer, payload.byteOffset + i * size, size);
        context.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), i * width, 0);
      }
    },
    stop: () => clearTimeout(pause),
  };
}

/** Whether an amount lies past the end of the data. @param {number} value @param {any} ends */
function beyond(value, ends) {
  return !!ends && ((ends.forth !== null && value >= ends.forth) || (ends.back !== null && value <= ends.back));
}

/** Hatched where codes are rarer than 1 in 20 draws. @param {any} ends */
function ends(ends) {
  const share = (/** @type {number} */ amount) => `${((amount + REACH) / (2 * REACH)) * 100}%`;
  const zone = (/** @type {string} */ from, /** @type {string} */ to) => h("i", { class: "le-dir-out", style: `left:${from};right:calc(100% - ${to})` });
  return h("span", { class: "le-dir-ends", "aria-hidden": "true", title: "Hatched: beyond the data" },
    ends?.back === null || ends?.back === undefined ? null : zone("0%", share(ends.back)), ends?.forth === null || ends?.forth === undefined ? null : zone(share(ends.forth), "100%"), h("i", { class: "le-dir-zero" }));
}

/** The attributes that move along, as bars. @param {any} evidence */
function bars(evidence) {
  const rows = leaks(evidence).slice(0, MOST_LEAKS);
  if (!evidence?.matched) return null;
  if (!rows.length) return h("p", { class: "le-note" }, "Nothing else was seen to change.");
  return h("dl", { class: "le-dir-leaks", "aria-label": `What else changes, in ${evidence.matched.starts} pictures` }, rows.map(([attribute, share]) => [
    h("dt", null, readable(attribute)),
    h("dd", { title: `In ${percent(share)} of ${evidence.matched.starts} pictures` }, h("i", { style: `width:${Math.round(share * 100)}%` }), h("span", null, percent(share))),
  ]));
}
