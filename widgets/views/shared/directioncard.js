// @ts-check
/** One direction as a card: five pictures along it, below them a slider that says where the data end and how much else changes, and what was measured. */
import { h } from "./dom.js";
import { REACH, STRIP, beyond, effect, leaking, leaks, written } from "./edits.js";
import { icon } from "./icons.js";
import { digits, percent, readable } from "./words.js";

const KEY_PAUSE = 400; // milliseconds after the last key until it is a step of the history
const MOST_LEAKS = 3; // in the line below the slider
const ZERO = 0.08; // units around 0 that count as 0 under a hand, so that it is easy to hit

/**
 * @typedef {{ move(amount: number): void, release(): void, rename(name: string): void, pin(): void, remove(): void, shift(by: number): void, grip(event: PointerEvent): void }} Hands
 * @param {import("./edits.js").Listed} direction
 * @param {Hands} to
 */
export function directionCard(direction, to) {
  const { evidence } = direction;
  const canvas = h("canvas", { class: "le-dir-strip", width: 5, height: 1, role: "img", "aria-label": `${direction.name}: five pictures along it`, title: "Press a picture to go that far" });
  const name = h("input", { class: "le-field le-dir-name", ".value": direction.name, "aria-label": "Name of the direction", title: "Its name: write another", maxlength: 80, spellcheck: "false", autocomplete: "off" });
  const range = h("input", { type: "range", class: "le-range le-dir-range", min: -REACH, max: REACH, step: 0.05, ".value": "0", "aria-label": `${direction.name}, how far` });
  const amount = h("output", { class: "le-dir-amount" }, "0");
  const tool = (/** @type {string} */ label, /** @type {string} */ title, /** @type {any} */ shape, /** @type {any} */ more) => h("button", { type: "button", class: "le-button le-bare", "aria-label": `${label} ${direction.name}`, title, ...more }, shape);
  const grip = tool("Move", "Drag to another place, or press ↑ and ↓", h("span", { class: "le-dir-grip", "aria-hidden": "true" }), { "data-part": "grip", on: { pointerdown: to.grip } });
  const pin = tool(direction.pinned ? "Unpin" : "Pin", direction.pinned ? "Back to its group" : "Keep at the top", icon("star"), { "data-part": "pin", "aria-pressed": String(direction.pinned), on: { click: to.pin } });
  const remove = tool("Remove", "Remove from the list", icon("close"), { "data-part": "remove", hidden: direction.bundled, on: { click: to.remove } });
  const el = h("li", { class: "le-dir", "data-id": direction.id },
    h("div", { class: "le-dir-head" }, grip, name, amount, pin, remove),
    h("div", { class: "le-dir-way" }, canvas, h("div", { class: "le-dir-slide" }, marks(evidence), range)),
    h("div", { class: "le-dir-said" }, h("p", { class: "le-dir-how" }, effect(evidence, readable)), also(evidence)),
    measured(direction));
  let pause = 0;
  let held = false;

  const say = (/** @type {number} */ value) => {
    const out = beyond(value, evidence?.ends);
    amount.textContent = written(value);
    range.setAttribute("aria-valuetext", `${amount.textContent}${out ? ", beyond the data" : ""}`);
    el.classList.toggle("le-dir-set", value !== 0);
    amount.classList.toggle("le-dir-beyond", out);
    amount.title = out ? "Beyond the data: hardly any picture that the model has seen lies that far." : "How far";
  };
  const finish = () => {
    clearTimeout(pause);
    pause = 0;
    if (held) (held = false), to.release();
  };
  const go = (/** @type {number} */ value) => {
    held = true;
    range.value = String(value);
    say(value);
    to.move(value);
  };
  range.addEventListener("input", () => go(range.matches(":active") && Math.abs(Number(range.value)) < ZERO ? 0 : Number(range.value)));
  range.addEventListener("change", () => {
    clearTimeout(pause);
    pause = /** @type {any} */ (setTimeout(finish, range.matches(":active") ? 0 : KEY_PAUSE));
  });
  range.addEventListener("pointerup", finish);
  range.addEventListener("blur", finish);
  range.addEventListener("dblclick", () => (go(0), finish()));
  range.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Delete" || event.key === "Backspace") event.preventDefault(), go(0), finish();
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) event.preventDefault(), event.stopPropagation(), to.shift(event.key === "ArrowUp" ? -1 : 1);
  });
  grip.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") event.preventDefault(), event.stopPropagation(), to.shift(event.key === "ArrowUp" ? -1 : 1);
  });
  canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    go(STRIP[Math.min(STRIP.length - 1, Math.floor(((event.clientX - box.left) / box.width) * STRIP.length))]);
    finish();
  });
  name.addEventListener("change", () => to.rename(name.value.trim() === direction.own ? "" : name.value.trim()));
  name.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") name.blur();
    if (event.key === "Escape") (name.value = direction.name), name.blur();
  });

  return {
    el, direction,
    /** What its strip shows. */
    drawn: "",
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
      const context = canvas.getContext("2d");
      const size = width * height * 4;
      for (let i = 0; i < count; i++) context.putImageData(new ImageData(new Uint8ClampedArray(/** @type {ArrayBuffer} */ (payload.buffer), payload.byteOffset + i * size, size), width, height), i * width, 0);
    },
    stop: finish,
  };
}

const share = (/** @type {number} */ amount) => ((Math.max(-REACH, Math.min(REACH, amount)) + REACH) / (2 * REACH)) * 100;

/** What lies behind the slider: hatched where the data have ended, amber bars as high as other attributes have changed by then. @param {any} evidence */
function marks(evidence) {
  const { back = null, forth = null } = evidence?.ends ?? {};
  const out = (/** @type {number} */ from, /** @type {number} */ to) => h("i", { class: "le-dir-out", style: `left:${from}%;right:${100 - to}%` });
  const bars = leaking(evidence).map(([amount, part]) => h("i", { class: "le-dir-leak", style: `left:${share(amount)}%;height:${Math.round(part * 100)}%` }));
  return h("span", { class: "le-dir-marks", "aria-hidden": "true" }, back === null ? null : out(0, share(back)), forth === null ? null : out(share(forth), 100), bars, h("i", { class: "le-dir-zero" }));
}

/** What else changes, in a line. @param {any} evidence */
function also(evidence) {
  if (!evidence?.matched) return null;
  const rows = leaks(evidence).slice(0, MOST_LEAKS).filter(([, part]) => part >= 0.005);
  const words = rows.length ? `Also changes: ${rows.map(([attribute, part]) => `${readable(attribute)} ${Math.round(part * 100)} %`).join(", ")}` : "Nothing else was seen to change.";
  return h("p", { class: "le-dir-also", title: `In so many of ${evidence.matched.starts} pictures, where the effect is reached` }, words);
}

/** All that was measured, folded away. @param {import("./edits.js").Listed} direction */
function measured(direction) {
  const { evidence, settings } = direction;
  if (!evidence?.starts) return null;
  const { back = null, forth = null } = evidence.ends ?? {};
  const end = (/** @type {number | null} */ value) => (value === null ? "not within reach" : written(value));
  const facts = /** @type {[string, string][]} */ ([
    ["Found by", `${direction.title}${settings?.seed === undefined ? "" : `, seed ${settings.seed}`}`],
    ["One unit", `changes the picture by ${direction.unit}`],
    ["The data end at", back === null && forth === null ? "not within reach" : `${end(back)} and ${end(forth)}`],
    evidence.monotone === undefined ? null : ["Steadiness", `${digits(evidence.monotone)} (1: the effect only ever grows with the amount)`],
    evidence.breaks === undefined ? null : ["Identity breaks", evidence.breaks === null ? "not within reach" : `at ${written(evidence.breaks)}, where half of the other attributes have changed`],
    settings?.accuracy === undefined ? null : ["Tells groups apart", `in ${percent(settings.accuracy)} of codes it was not fitted to`],
    ["Measured from", `${evidence.starts} pictures`],
  ].filter(Boolean));
  const rows = leaks(evidence);
  return h("details", { class: "le-dir-more" }, h("summary", null, "What was measured"),
    h("dl", { class: "le-dir-facts" }, facts.flatMap(([term, words]) => [h("dt", null, term), h("dd", null, words)])),
    rows.length ? h("dl", { class: "le-dir-leaks", "aria-label": `What else changes, in ${evidence.matched.starts} pictures` }, rows.flatMap(([attribute, part]) => [
      h("dt", null, readable(attribute)), h("dd", null, h("i", { style: `width:${Math.round(part * 100)}%` }), h("span", null, percent(part)))])) : null);
}
