// @ts-check
/** All directions' evidence as a table to sort, and how alike they are as a matrix. */
import { h } from "./dom.js";
import { interval } from "./edits.js";
import { readable } from "./words.js";

/** @typedef {import("./edits.js").Direction} Direction */

const plain = (/** @type {number} */ value) => value.toFixed(2).replace("-", "−");
const whole = (/** @type {number} */ value) => `${Math.round(value * 100)} %`;

/**
 * What each column is called, what it means, what it tells of a direction (null: unknown), how that is written, and of how many pictures it is a share.
 *
 * @type {{ name: string, title: string, value: (direction: any) => any, written?: (value: any) => string, of?: (direction: any) => number }[]}
 */
export const COLUMNS = [
  { name: "Name", title: "", value: (d) => d.name },
  { name: "Shown", title: "In how many pictures that did not show it they do at last; the line is the 95 % interval", value: (d) => d.evidence?.matched?.most ?? d.evidence?.matched?.reached ?? null, written: whole, of: (d) => d.evidence.matched.starts },
  { name: "At", title: "The amount at which 80 % of them show it", value: (d) => (d.evidence?.matched?.matched ? d.evidence.matched.amount : null), written: plain },
  { name: "Leaks", title: "In how many pictures each other attribute has changed by then, on average; the line is the 95 % interval", value: (d) => d.evidence?.matched?.leakage_mean ?? null, written: whole, of: (d) => d.evidence.matched.starts },
  { name: "Steady", title: "Mean rank correlation of the effect with the amount: 1 where it only grows", value: (d) => d.evidence?.monotone ?? null, written: plain },
  { name: "Breaks", title: "The amount at which half of the other attributes have changed: it is somebody else", value: (d) => d.evidence?.breaks ?? null, written: plain },
  { name: "Again", title: "How alike what the same search finds with another seed and other codes is: 1 is the same direction", value: (d) => d.evidence?.agreement?.cosine ?? null, written: plain },
  { name: "Effect", title: "The class that it leads to, as the judge sees it", value: (d) => (d.evidence?.target ? `${readable(d.evidence.target.question)} → ${readable(d.evidence.target.class)}` : null) },
  { name: "Method", title: "", value: (d) => d.title },
  { name: "Pictures", title: "From how many pictures this was measured", value: (d) => d.evidence?.starts ?? null, written: String },
];

/** Rows in the order of one column; what is missing comes last either way. @param {any[]} directions @param {number} column @param {number} sign */
export function ordered(directions, column, sign) {
  const { value } = COLUMNS[column];
  return [...directions].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
  });
}

/** A share with its interval, in words and as a line with a dot. @param {number} share @param {number} n */
function ranged(share, n) {
  const [low, high] = interval(share, n).map((end) => Math.round(end * 100));
  return h("span", { class: "le-dir-range95", title: `${low} to ${high} % (95 % interval, ${n} pictures)` }, h("span", null, whole(share)), h("span", { class: "le-unseen" }, `, ${low} to ${high} %`),
    h("i", { "aria-hidden": "true" }, h("b", { style: `left:${low}%;right:${100 - high}%` }), h("u", { style: `left:${share * 100}%` })));
}

export function evidenceTable() {
  /** @type {Direction[]} */ let rows = [];
  let [column, sign] = [3, 1]; // the cleanest first
  const body = h("tbody");
  const heads = COLUMNS.map(({ name, title }, i) => h("th", { scope: "col" }, h("button", { type: "button", class: "le-button le-bare", title: title || `Sort by ${name.toLowerCase()}`, on: { click: () => ((sign = column === i ? -sign : 1), (column = i), draw()) } }, name)));
  const el = h("div", { class: "le-dir-scroll", tabindex: 0, role: "region", "aria-label": "Evidence" }, h("table", { class: "le-dir-table" }, h("thead", null, h("tr", null, heads)), body));
  const cell = (/** @type {any} */ direction, /** @type {typeof COLUMNS[number]} */ { value, written = String, of }) => {
    const known = value(direction);
    return known === null ? "–" : of ? ranged(known, of(direction)) : written(known);
  };
  const draw = () => {
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? (sign > 0 ? "ascending" : "descending") : "none"));
    body.replaceChildren(...ordered(rows, column, sign).map((direction) => h("tr", null, COLUMNS.map((known, i) => h(i ? "td" : "th", i ? null : { scope: "row" }, cell(direction, known))))));
  };
  return { el, show: (/** @type {Direction[]} */ directions) => ((rows = directions), draw()) };
}

/** What a cosine says of two directions. @param {string} one @param {string} other @param {number} value */
export function alikeInWords(one, other, value) {
  const close = Math.abs(value) > 0.9 ? `nearly the same direction${value < 0 ? ", backwards" : ""}` : Math.abs(value) > 0.5 ? `related${value < 0 ? ", backwards" : ""}` : "different";
  return `${one} and ${other}: ${close} (cosine ${plain(value)})`;
}

/** A matrix of cosines: teal for alike, amber for opposite, the number in every cell. */
export function alikeMatrix() {
  const el = h("div", { class: "le-dir-scroll", tabindex: 0, role: "region", "aria-label": "How alike directions are" });
  return {
    el,
    /** @param {string[]} names @param {number[][]} values cosines */
    show(names, values) {
      const cell = (/** @type {number} */ value, /** @type {number} */ i, /** @type {number} */ j) => h("td", {
        title: i === j ? names[i] : alikeInWords(names[i], names[j], value),
        style: `background:color-mix(in srgb, ${value < 0 ? "var(--le-accent-2)" : "var(--le-accent)"} ${Math.round(Math.abs(value) * 60)}%, transparent)`,
      }, value.toFixed(1).replace("-0.0", "0.0").replace("-", "−"));
      const pairs = values.flatMap((row, i) => row.slice(0, i).map((value, j) => ({ value, words: alikeInWords(names[j], names[i], value) }))).filter(({ value }) => Math.abs(value) > 0.9);
      el.replaceChildren(
        h("p", { class: "le-note" }, pairs.length ? `${pairs.map(({ words }) => words).slice(0, 6).join("; ")}${pairs.length > 6 ? `; and ${pairs.length - 6} more pairs` : ""}.` : "No two of them are the same direction."),
        h("table", { class: "le-dir-matrix" }, h("thead", null, h("tr", null, h("td"), names.map((name, j) => h("th", { scope: "col", title: name }, String(j + 1))))),
          h("tbody", null, values.map((row, i) => h("tr", null, h("th", { scope: "row" }, `${i + 1} ${names[i]}`), row.map((value, j) => cell(value, i, j)))))));
    },
    fail: (/** @type {string} */ words) => el.replaceChildren(h("p", { class: "le-note" }, words)),
  };
}
