// @ts-check
/** The card of one model: what it is, can do, weighs, is allowed for, and how good it was measured to be. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { abilities, facts, figure, record, tooLarge } from "./passport.js";

/** @param {{ open(): void }} on */
export function passportCard({ open }) {
  const el = h("section", { class: "le-panel", "aria-label": "Passport", "aria-live": "polite" });
  const pairs = (/** @type {string} */ name, /** @type {[string, any][]} */ rows) => h("dl", { class: name }, rows.flatMap(([what, words]) => [h("dt", null, what), h("dd", null, words)]));
  const section = (/** @type {string} */ title, /** @type {any[]} */ ...children) => h("div", { class: "le-model-section" }, h("h4", null, title), ...children);

  const can = (/** @type {any} */ about) => {
    const lines = abilities(about.parts);
    if (!lines.length) return h("p", { class: "le-note" }, "What it can do is known once it is open.");
    return h("ul", { class: "le-model-can" }, lines.map(({ can, words }) => h("li", can ? null : { class: "le-model-not" }, icon(can ? "check" : "close"), h("span", null, words))));
  };
  const hash = (/** @type {string} */ weights) => {
    const copy = h("button", { type: "button", class: "le-button le-bare", "aria-label": "Copy the whole SHA-256", title: "Copy the whole SHA-256", on: { click: async () => {
      await navigator.clipboard?.writeText(weights);
      copy.replaceChildren(icon("check"));
      setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
    } } }, icon("copy"));
    return h("span", { class: "le-model-copy" }, h("span", { class: "le-model-hash", title: weights }, `${weights.slice(0, 16)}…`), copy);
  };
  /** @param {any} row */
  const measured = (row) => {
    const note = row.how ? h("p", { class: "le-note" }, row.how) : null;
    if (row.values.length === 1 && !row.values[0][0]) return h("tr", null, h("th", { scope: "row" }, row.name, note), h("td", null, figure(row.values[0][1], row.unit)));
    const several = h("div", { class: "le-model-several" }, row.values.map((/** @type {[string, any]} */ [name, value]) => h("div", null, h("span", null, name), h("span", null, figure(value, row.unit)))));
    if (!row.sum) return h("tr", null, h("th", { scope: "row", colspan: 2 }, row.name, several, note));
    return h("tr", null, h("th", { scope: "row" }, h("details", null, h("summary", null, row.name), several, note)), h("td", null, figure(row.sum[1], row.unit), h("div", { class: "le-note" }, row.sum[0])));
  };
  const quality = (/** @type {any} */ about) => about.quality.length
    ? [h("table", { class: "le-model-table" }, h("tbody", null, about.quality.map(measured))), about.conditions ? h("p", { class: "le-note" }, about.conditions) : null]
    : [h("p", { class: "le-note" }, "Nothing was measured of this model, or nobody wrote it into its file.")];

  return {
    el,
    wait: () => void el.setAttribute("aria-busy", "true"),
    /** @param {string} sentence */
    fail(sentence) {
      el.removeAttribute("aria-busy");
      el.replaceChildren(h("p", { class: "le-error", role: "alert" }, sentence));
    },
    /** @param {any} about @param {boolean} isOpen in this session */
    show(about, isOpen) {
      el.removeAttribute("aria-busy");
      const warning = tooLarge(about);
      const button = isOpen ? h("span", { class: "le-model-mark" }, "open") : h("button", { type: "button", class: "le-button le-primary le-model-open", disabled: !!about.why, on: { click: open } }, "Open");
      const rows = facts(about);
      if (about.weights) rows.push(["SHA-256", /** @type {any} */ (hash(about.weights))]);
      el.replaceChildren(
        h("div", { class: "le-model-head" }, h("div", { class: "le-grow" }, h("h3", { class: "le-title" }, about.title), h("p", { class: "le-note" }, `${about.name} · ${about.family}`)), button),
        ...[about.why, warning].filter(Boolean).map((words) => h("p", { class: "le-error", style: "margin-top:8px" }, words)),
        section("What it can do", can(about)), section("What it is", pairs("le-model-facts", rows)),
        section("How good it is", ...quality(about)),
        ...(Object.keys(about.training ?? {}).length ? [h("details", { class: "le-model-section" }, h("summary", { style: "cursor:pointer;font-weight:600;min-height:var(--le-touch)" }, "How it was trained"), pairs("le-model-pairs", record(about.training)))] : []));
    },
  };
}
