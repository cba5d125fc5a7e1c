// @ts-check
/** The kinds of path, in plain words, as one group of choices. */
import { h } from "./dom.js";
import { isLine, laidOut, mapOf, pointsOf } from "./journey.js";

/** @type {Record<string, [string, string]>} */
export const KINDS = {
  chord: ["Straight", "The shortest way between the codes. Half-way between far codes the pictures may go bland, as short codes are rare (a chord)"],
  arc: ["Round", "Keeps codes as long as typical ones, so that pictures stay rich on the way (an arc; slerp)"],
  spline: ["Through points", "One bend through all the stops, without a corner at any (a centripetal Catmull-Rom spline)"],
  drawn: ["Drawn", "Follows the line drawn on the map; what the map leaves out changes smoothly"],
};

/** The kinds to choose from for a path as it is. @param {import("./journey.js").Journey} journey */
export function kindsFor(journey) {
  const many = pointsOf(journey).length > 2;
  return Object.keys(KINDS).filter((kind) => kind === journey.kind || { spline: many, drawn: many && mapOf(journey) !== null }[kind] !== false);
}

/** What of a path changes with its kind: a line that becomes another kind hands its corners on as stops. @param {import("./journey.js").Journey} journey @param {string} kind */
export function turned(journey, kind) {
  const { start, stops, end } = laidOut(journey);
  if (kind === "drawn") return { kind, start: null, stops: pointsOf(journey), end: null };
  return isLine(journey) ? { kind, start, stops, end } : { kind };
}

/** @param {(kind: string) => void} choose */
export function kindChoice(choose) {
  const buttons = Object.entries(KINDS).map(([kind, [title, help]]) =>
    h("button", { type: "button", class: "le-button", role: "radio", title: help, "data-kind": kind, on: { click: () => choose(kind) } }, title));
  const el = h("div", { class: "le-segments le-strip-kinds", role: "radiogroup", "aria-label": "Kind of path", on: { keydown: roving } }, buttons);
  return {
    el,
    /** @param {import("./journey.js").Journey} journey */
    show(journey) {
      const kinds = kindsFor(journey);
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
