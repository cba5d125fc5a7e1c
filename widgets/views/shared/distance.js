// @ts-check
/**
 * How far a path leads from the data: one bar a place, as high as it is far, against a line that 99 % of the data stay below among themselves.
 *
 * @typedef {{ t: number[], typicality: number[], distance: number[] | null, strangeness: number[] | null, usual: [number, number] | null }} Apart
 */
import { h } from "./dom.js";
import { digits, ordinary, percent } from "./words.js";

export const LOOKS = 33;
const HEADROOM = 1.6; // what the height of the bar stands for, in the distance that 99 % of the data stay below

/** Near, not far, or far: nearer than the median, than 99 % of the data, or farther. Pure. @param {number} distance @param {[number, number]} usual @returns {0 | 1 | 2} */
export const levelOf = (distance, [median, most]) => (distance <= median ? 0 : distance <= most ? 1 : 2);

/** A bar's height, a share of the room there is. Pure. @param {number} distance @param {[number, number]} usual */
export const heightOf = (distance, [, most]) => Math.min(1, most > 0 ? distance / (HEADROOM * most) : 1);

const WORDS = ["near the data", "not far from the data", "far from the data"];

/** One place of the path in words. Pure. @param {Apart} apart @param {number} index */
export function wordsAt({ t, typicality, distance, strangeness, usual }, index) {
  const far = distance && strangeness && usual
    ? `${WORDS[levelOf(distance[index], usual)]}: ${digits(distance[index])} to the nearest picture of the map; ${percent(strangeness[index])} of those lie closer to their own nearest. `
    : "";
  return `${Math.round(100 * t[index])} % of the way, ${far}Typicality ${digits(typicality[index])}: ${ordinary(typicality[index], strangeness?.[index] ?? null).word}.`;
}

/** The whole path in words. Pure. @param {Apart} apart */
export function inShort({ t, distance, usual }) {
  if (!distance || !usual) return "";
  const far = distance.filter((value) => levelOf(value, usual) === 2).length;
  const most = distance.indexOf(Math.max(...distance));
  if (far === distance.length) return "Far from the data all the way, its ends included, as random draws often are.";
  const farthest = `farthest at ${Math.round(100 * t[most])} % of the way`;
  if (far) return `Far from the data on ${Math.max(1, Math.round((100 * far) / distance.length))} % of the way, ${farthest}.`;
  return distance.every((value) => levelOf(value, usual) === 0) ? "Near the data all the way." : `Never far from the data, ${farthest}.`;
}

export function distanceBar() {
  const bars = Array.from({ length: LOOKS }, () => h("i"));
  const chart = h("div", { class: "le-apart-bars", role: "img" }, bars, h("span", { class: "le-apart-line", style: `inset-block-end:${100 / HEADROOM}%` }));
  const words = h("span");
  const title = "How far each place is from the nearest picture of the map. The dashed line: 99 % of those pictures have a neighbour nearer than that.";
  const el = h("div", { class: "le-apart", hidden: true }, chart, h("p", { class: "le-note le-apart-words", title }, h("b", null, "Distance from the data. "), words));
  return {
    el,
    /** @param {Apart | null} apart */
    show(apart) {
      el.hidden = !apart?.distance || !apart.usual;
      if (!apart?.distance || !apart.usual) return;
      bars.forEach((bar, index) => {
        bar.hidden = index >= apart.t.length;
        if (bar.hidden) return;
        const distance = /** @type {number[]} */ (apart.distance)[index];
        bar.style.blockSize = `${Math.max(6, 100 * heightOf(distance, /** @type {any} */ (apart.usual)))}%`;
        bar.dataset.level = String(levelOf(distance, /** @type {any} */ (apart.usual)));
        bar.title = wordsAt(apart, index);
      });
      words.textContent = inShort(apart);
      chart.setAttribute("aria-label", `Distance from the data along the path. ${words.textContent}`);
    },
    /** Marks where on the path one is. @param {number | null} t */
    where(t) {
      bars.forEach((bar, index) => bar.classList.toggle("le-apart-here", t !== null && index === Math.round(t * (LOOKS - 1))));
    },
  };
}
