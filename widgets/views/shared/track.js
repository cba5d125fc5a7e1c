// @ts-check
/** One row of the sliders: a track that shows where the data lie, its value, its lock. It knows nothing of the session. */
import { badge, byKey, fromTrack, reachOf, shownValue, toTrack, typed } from "./axes.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { digits } from "./words.js";

const INTENT = 6; // pixels of sideways motion before a touch grabs the slider
const KEY_PAUSE = 400; // milliseconds after the last key until it is a step of the history
const CLICK_PAUSE = 250; // the same after a click, which may be half of a double-click

/**
 * @param {import("./axes.js").Axis} axis
 * @param {{ move(value: number): void, release(): void, reset(): void, lock(): void, mostKl: number, busy(): boolean }} to
 */
export function track(axis, to) {
  const reach = reachOf(axis);
  const mark = badge(axis);
  let value = 0;
  let ends = axis.ends.mean;
  let pause = 0;
  let held = /** @type {{ id: number, x: number, grabbed: boolean } | null} */ (null);

  const thumb = h("span", { class: "le-track-thumb" });
  const bands = { out: h("span", { class: "le-track-out" }), data: h("span", { class: "le-track-data" }), most: h("span", { class: "le-track-most" }), median: h("span", { class: "le-track-median" }) };
  const rail = h("div", { class: "le-track-rail", role: "slider", tabindex: 0, "aria-label": axis.name, "aria-valuemin": digits(-reach).replace("−", "-"), "aria-valuemax": digits(reach), "aria-orientation": "horizontal" }, Object.values(bands), thumb);
  const number = h("input", { class: "le-field le-track-number", type: "text", inputmode: "decimal", "aria-label": `${axis.name}, value`, autocomplete: "off", spellcheck: "false" });
  const lock = h("button", { type: "button", class: "le-button le-bare le-track-lock", "aria-pressed": "false", on: { click: to.lock } }, icon("unlocked"));
  const share = axis.kl === null || !to.mostKl ? 0 : Math.max(0, axis.kl) / to.mostKl;
  const el = h("div", { class: "le-track", role: "group", "aria-label": mark ? `${axis.name}, ${mark.word}` : axis.name },
    h("span", { class: "le-track-head" },
      mark && h("span", { class: `le-track-badge le-track-${mark.word}`, title: mark.title }, h("span", { "aria-hidden": "true" }, mark.letter), h("span", { class: "le-unseen" }, mark.title)),
      h("span", { class: "le-track-name" }, axis.name),
      axis.kl === null ? null : h("span", { class: "le-track-kl", title: `KL ${digits(axis.kl)} nats: how much this axis tells of a picture` }, h("i", { style: `width:${Math.round(share * 100)}%` }))),
    rail, number, lock);

  const write = (/** @type {number} */ next) => {
    value = next;
    thumb.style.left = `${toTrack(value, reach) * 100}%`;
    const outside = value < ends.low || value > ends.high;
    thumb.classList.toggle("le-track-outside", outside);
    const text = shownValue(value);
    rail.setAttribute("aria-valuenow", value.toFixed(2));
    rail.setAttribute("aria-valuetext", outside && axis.measured ? `${text}, outside the data` : text);
    if (document.activeElement !== number) number.value = text;
  };
  const steer = (/** @type {number} */ next) => {
    write(next);
    to.move(next);
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const box = rail.getBoundingClientRect();
    return fromTrack((event.clientX - box.left) / box.width, reach);
  };
  const letGo = () => {
    if (held?.grabbed) to.release();
    held = null;
    rail.classList.remove("le-track-held");
  };
  const finish = () => {
    if (!pause) return;
    clearTimeout(pause);
    pause = 0;
    to.release();
  };
  const finishIn = (/** @type {number} */ milliseconds) => {
    clearTimeout(pause);
    pause = /** @type {any} */ (setTimeout(finish, milliseconds));
  };
  const reset = () => {
    clearTimeout(pause);
    pause = 0;
    to.reset();
  };

  rail.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || held) return;
    rail.focus({ preventScroll: true });
    held = { id: event.pointerId, x: event.clientX, grabbed: false };
    if (event.pointerType !== "mouse") return; // a finger may be about to scroll: wait for its intent
    rail.setPointerCapture(event.pointerId);
  });
  rail.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (held?.id !== event.pointerId) return;
    if (!held.grabbed) {
      if (Math.abs(event.clientX - held.x) < (event.pointerType === "mouse" ? 2 : INTENT)) return;
      held.grabbed = true;
      clearTimeout(pause);
      pause = 0;
      rail.setPointerCapture(event.pointerId);
      rail.classList.add("le-track-held");
    }
    steer(at(event));
  });
  rail.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
    if (held?.id !== event.pointerId) return;
    if (!held.grabbed) steer(at(event)), finishIn(CLICK_PAUSE);
    letGo();
  });
  rail.addEventListener("pointercancel", letGo);
  rail.addEventListener("dblclick", reset);
  rail.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Delete" || event.key === "Backspace") return event.preventDefault(), reset();
    const next = byKey(event.key, event.shiftKey, value, ends);
    if (next === null) return;
    event.preventDefault();
    steer(next);
    finishIn(KEY_PAUSE);
  });
  rail.addEventListener("blur", finish);
  number.addEventListener("focus", () => number.select());
  number.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") number.blur(), number.focus();
    if (event.key === "Escape") number.value = shownValue(value), number.blur();
  });
  number.addEventListener("blur", () => {
    const next = typed(number.value);
    if (next !== null && shownValue(next) !== shownValue(value)) steer(next), to.release();
    else number.value = shownValue(value);
  });

  return {
    el,
    axis,
    /** Follows a frame, unless the hand is at this very row. @param {number} next */
    follow: (next) => void (held?.grabbed || pause || write(next)),
    /** @param {boolean} sampled */
    bounds(sampled) {
      ends = axis.ends[sampled ? "sampled" : "mean"];
      const cut = (/** @type {HTMLElement} */ node, /** @type {number} */ low, /** @type {number} */ high) => {
        node.style.left = `${toTrack(low, reach) * 100}%`;
        node.style.width = `${(toTrack(high, reach) - toTrack(low, reach)) * 100}%`;
      };
      cut(bands.data, ends.low, ends.high);
      cut(bands.most, ends.q05, ends.q95);
      bands.median.style.left = `${toTrack(ends.median, reach) * 100}%`;
      rail.title = `${axis.measured ? "99 % of the data" : "99 % of random draws"} lie from ${digits(ends.low)} to ${digits(ends.high)}, half below ${digits(ends.median)}.`;
      write(value);
    },
    /** @param {boolean} locked */
    locked(locked) {
      lock.setAttribute("aria-pressed", String(locked));
      lock.replaceChildren(icon(locked ? "locked" : "unlocked"));
      lock.title = locked ? "Locked: a new draw leaves it as it is" : "Lock: a new draw will leave it as it is";
      lock.setAttribute("aria-label", `Lock ${axis.name}`);
    },
    /** @param {boolean} set by hand */
    touched: (set) => void el.classList.toggle("le-track-set", set),
    stop: () => clearTimeout(pause),
  };
}
