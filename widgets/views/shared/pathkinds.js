// @ts-check
/** The kinds of path, in plain words, as one group of choices. */
import { h } from "./dom.js";
import { isLine, laidOut, mapOf, pointsOf } from "./journey.js";

/** @type {Record<string, [string, string]>} */
export const KINDS = {
  chord: ["Straight", "The shortest way between the codes. Half-way between far codes the pictures may go bland, as short codes are rare (a chord)"],
  arc: ["Round", "Keeps codes as long as typical ones, so that pictures stay rich on the way (an arc; slerp)"],
  spline: ["Through points", "One bend through all the stops, without a corner at any (a centripetal Catmull-Rom spline)"],
  geodesic: ["Smoothest", "Of all ways from A to B the one on which the pixels change least in all; it is searched for, which takes a while, and may cross-fade or lead through rare codes (a geodesic of the pull-back metric)"],
  drawn: ["Drawn", "Follows the line drawn on the map; what the map leaves out changes smoothly"],
};

/** The kinds to choose from for a path as it is. @param {import("./journey.js").Journey} journey @param {boolean} [gradients] whether the model lets the smoothest way be searched for */
export function kindsFor(journey, gradients = false) {
  const many = journey.kind !== "geodesic" && pointsOf(journey).length > 2;
  return Object.keys(KINDS).filter((kind) => kind === journey.kind || { spline: many, drawn: many && mapOf(journey) !== null, geodesic: gradients }[kind] !== false);
}

/** What of a path changes with its kind: a line that becomes another kind hands its corners on as stops, what was solved goes. @param {import("./journey.js").Journey} journey @param {string} kind */
export function turned(journey, kind) {
  const { start, stops, end } = laidOut(journey);
  if (kind === "drawn") return { kind, start: null, stops: pointsOf(journey), end: null };
  if (journey.kind === "geodesic") return { kind, stops: [] };
  return isLine(journey) ? { kind, start, stops, end } : { kind };
}

/** By how much less the picture changes on the smoothest way, in words. Pure. @param {Record<string, number>} lengths */
export function lessWords({ geodesic, chord, arc }) {
  const less = (/** @type {number} */ other) => Math.round(100 * (1 - geodesic / other));
  return `On the smoothest way the picture changes ${less(chord)} % less than straight and ${less(arc)} % less than round.`;
}

/** @param {(kind: string) => void} choose */
export function kindChoice(choose) {
  const buttons = Object.entries(KINDS).map(([kind, [title, help]]) =>
    h("button", { type: "button", class: "le-button", role: "radio", title: help, "data-kind": kind, on: { click: () => choose(kind) } }, title));
  const el = h("div", { class: "le-segments le-strip-kinds", role: "radiogroup", "aria-label": "Kind of path", on: { keydown: roving } }, buttons);
  return {
    el,
    /** @param {import("./journey.js").Journey} journey @param {boolean} gradients */
    show(journey, gradients) {
      const kinds = kindsFor(journey, gradients);
      for (const node of buttons) {
        const chosen = node.dataset.kind === journey.kind;
        node.hidden = !kinds.includes(node.dataset.kind);
        node.setAttribute("aria-checked", String(chosen));
        node.tabIndex = chosen ? 0 : -1;
      }
    },
  };
}

/** Arrow keys move within the radio group. @param {any} event */
function roving(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const radios = [...event.currentTarget.children].filter((node) => !node.hidden);
  const next = radios[(radios.indexOf(event.target) + step + radios.length) % radios.length];
  next.focus();
  next.click();
}
