// @ts-check
/** The scrubber of a walk: a bar a step that says how long the code is there, the range that was trained, a slider, and buttons that play. */
import { h } from "./dom.js";
import { beyond, drifted, lastOf, shown, stepWords, stopOf } from "./flowmarks.js";
import { icon } from "./icons.js";

/**
 * @param {{ scrub(n: number): void, settle(): void, keyed(keyed: boolean): void, toggle(): void, go(n: number): void, leave(): void }} on
 */
export function scrubber(on) {
  const bars = h("div", { class: "le-flow-bars", "aria-hidden": "true" });
  const trained = h("span", { class: "le-flow-trained" });
  const zero = h("span", { class: "le-flow-zero" });
  const limitLine = h("span", { class: "le-flow-limit" });
  const range = h("input", {
    type: "range", class: "le-range", min: 0, max: 1, step: 1, value: 0, "aria-label": "Step of the walk",
    on: {
      input: () => on.scrub(range.valueAsNumber), change: () => on.settle(), blur: () => on.leave(), pointerdown: () => on.keyed(false),
      keydown: (/** @type {KeyboardEvent} */ event) => on.keyed(/^(Arrow|Page|Home|End)/.test(event.key)),
    },
  });
  const button = (/** @type {string} */ title, /** @type {any} */ picture, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button le-bare", title, "aria-label": title, on: { click } }, picture);
  const start = button("Back to the start", icon("reset"), () => on.go(0));
  const back = button("A step back", icon("left"), () => on.go(now - 1));
  const forth = button("A step forward", icon("right"), () => on.go(now + 1));
  const play = h("button", { type: "button", class: "le-button le-primary le-flow-play", title: "Play", "aria-label": "Play", on: { click: on.toggle } }, icon("play"));
  const output = h("output", { class: "le-flow-position" });
  const key = h("p", { class: "le-note le-flow-key" });
  const buttons = h("div", { class: "le-row le-flow-buttons" }, start, back, play, forth, output);
  const el = h("div", { class: "le-flow-scrub" }, h("div", { class: "le-flow-gauge" }, bars, limitLine, zero), trained, range, key, buttons);
  let now = 0;
  /** @type {import("./flowmarks.js").Walk | null} */ let walk = null;
  let limit = 1;

  const at = (/** @type {number} */ n) => (walk && walk.count > 1 ? (n - walk.first) / (walk.count - 1) : 0.5);
  const left = (/** @type {number} */ share) => `calc(9px + (100% - 18px) * ${share})`;
  return {
    el,
    buttons,
    /** @param {import("./flowmarks.js").Walk} next @param {number} most the share of draws that may be shorter */
    show(next, most) {
      walk = next;
      limit = most;
      range.min = String(walk.first);
      range.max = String(lastOf(walk));
      const stops = [stopOf(walk, limit, -1).at, stopOf(walk, limit, 1).at];
      bars.replaceChildren(...Array.from({ length: walk.count }, (_, i) => {
        const n = next.first + i;
        const share = next.percentile ? next.percentile[i] : 1 - next.typicality[i];
        const level = drifted(next, n, limit) ? 2 : beyond(next, n) ? 1 : 0;
        return h("i", { style: `inset-inline-start:${left(at(n))};inline-size:max(2px, calc((100% - 18px) / ${Math.max(next.count - 1, 1)} - 1.5px));block-size:${Math.max(4, 100 * share)}%`, "data-level": level, "data-off": n < stops[0] || n > stops[1] });
      }));
      zero.style.insetInlineStart = left(at(0));
      limitLine.hidden = limit >= 1 || !walk.percentile;
      limitLine.style.insetBlockEnd = `${100 * limit}%`;
      trained.hidden = !walk.trained;
      if (walk.trained) {
        trained.style.insetInlineStart = trained.style.marginInlineStart = "0";
        trained.style.setProperty("--le-from", left(at(walk.trained[0])));
        trained.style.setProperty("--le-to", left(at(walk.trained[1])));
      }
      key.replaceChildren(
        h("span", null, h("i", { class: "le-flow-swatch", "data-level": 0 }), walk.trained ? "trained range" : "length of the code"),
        ...(walk.trained ? [h("span", null, h("i", { class: "le-flow-swatch", "data-level": 1 }), "beyond training")] : []),
        ...(limit < 1 && walk.percentile ? [h("span", null, h("i", { class: "le-flow-swatch", "data-level": 2 }), "drifted")] : []));
      this.where(now);
    },
    /** @param {number} n @param {boolean} [playing] */
    where(n, playing = false) {
      now = n;
      if (!walk) return;
      const words = stepWords(walk, n, limit);
      if (range.valueAsNumber !== n) range.value = String(n);
      range.setAttribute("aria-valuetext", words);
      output.textContent = n === 0 ? "start" : `step ${shown(n)}`;
      bars.querySelectorAll("i").forEach((bar, i) => bar.classList.toggle("le-flow-here", i === n - walk.first));
      start.disabled = n === 0;
      back.disabled = n <= walk.first;
      forth.disabled = n >= lastOf(walk);
      const label = playing ? "Pause" : "Play";
      if (play.title === label) return;
      play.title = label;
      play.setAttribute("aria-label", label);
      play.replaceChildren(icon(playing ? "pause" : "play"));
    },
    range,
  };
}
