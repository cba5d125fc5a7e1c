// @ts-check
/** All directions' evidence as a table to sort, and how alike they are as a matrix. */
import { h } from "./dom.js";
import { readable } from "./words.js";

/** @typedef {import("./edits.js").Direction} Direction */

const share = (/** @type {number | null | undefined} */ value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)} %`);

/** What each column is called, what it tells of a direction, and how that is written; what is not a number is sorted as text. */
const COLUMNS = /** @type {[string, string, (direction: any) => any, (value: any) => string][]} */ ([
  ["Name", "", (d) => d.name, String],
  ["Method", "", (d) => d.title, String],
  ["Effect", "The class it leads to, as the judge sees it", (d) => (d.evidence?.target ? `${readable(d.evidence.target.question)} → ${readable(d.evidence.target.class)}` : "–"), String],
  ["Reached", "Share of pictures that show it at the best amount", (d) => d.evidence?.matched?.reached ?? null, share],
  ["At", "The amount at which 80 % do", (d) => (d.evidence?.matched?.matched ? d.evidence.matched.amount : null), (v) => (v === null ? "–" : String(v).replace("-", "−"))],
  ["Leaks", "Mean share in which other attributes changed by then", (d) => d.evidence?.matched?.leakage_mean ?? null, share],
  ["Steady", "Mean rank correlation of the effect with the amount", (d) => d.evidence?.monotone ?? null, (v) => (v === null ? "–" : v.toFixed(2))],
  ["Pictures", "From how many pictures this was measured", (d) => d.evidence?.starts ?? null, (v) => (v === null ? "–" : String(v))],
]);

/** Rows in the order of one column; what is missing comes last either way. @param {Direction[]} directions @param {number} column @param {number} sign */
export function ordered(directions, column, sign) {
  const value = COLUMNS[column][2];
  return [...directions].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  });
}

export function evidenceTable() {
  /** @type {Direction[]} */ let rows = [];
  let [column, sign] = [5, 1];
  const body = h("tbody");
  const heads = COLUMNS.map(([name, title], i) => h("th", { scope: "col" }, h("button", { type: "button", class: "le-button le-bare", title: title || `Sort by ${name.toLowerCase()}`, on: { click: () => ((sign = column === i ? -sign : 1), (column = i), draw()) } }, name)));
  const el = h("div", { class: "le-dir-scroll", tabindex: 0, role: "region", "aria-label": "Evidence" }, h("table", { class: "le-dir-table" }, h("thead", null, h("tr", null, heads)), body));
  const draw = () => {
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? (sign > 0 ? "ascending" : "descending") : "none"));
    body.replaceChildren(...ordered(rows, column, sign).map((direction) => h("tr", null, COLUMNS.map(([, , value, written], i) => h(i ? "td" : "th", i ? null : { scope: "row" }, written(value(direction)))))));
  };
  return { el, show: (/** @type {Direction[]} */ directions) => ((rows = directions), draw()) };
}

/** A matrix of cosines: blue for alike, amber for opposite, the number in every cell. */
export function alikeMatrix() {
  const el = h("div", { class: "le-dir-scroll", tabindex: 0, role: "region", "aria-label": "How alike directions are" });
  return {
    el,
    /** @param {string[]} names @param {number[][]} values cosines */
    show(names, values) {
      const cell = (/** @type {number} */ value, /** @type {number} */ i, /** @type {number} */ j) => h("td", {
        title: `${names[i]} and ${names[j]}: ${i === j ? "the same" : Math.abs(value) > 0.9 ? `nearly the same direction${value < 0 ? ", backwards" : ""}` : `cosine ${value.toFixed(2)}`}`,
        style: `background:color-mix(in srgb, ${value < 0 ? "var(--le-accent-2)" : "var(--le-accent)"} ${Math.round(Math.abs(value) * 70)}%, transparent)`,
      }, value.toFixed(1).replace("-0.0", "0.0").replace("-", "−"));
      el.replaceChildren(h("table", { class: "le-dir-matrix" }, h("tbody", null, values.map((row, i) => h("tr", null, h("th", { scope: "row" }, names[i]), row.map((value, j) => cell(value, i, j)))))));
    },
    fail: (/** @type {string} */ words) => el.replaceChildren(h("p", { class: "le-note" }, words)),
  };
}
