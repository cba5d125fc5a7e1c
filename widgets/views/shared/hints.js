// @ts-check
/** Four small notes for a first visit, one at a time, beside what they explain and never over it. Remembered by the browser. */
import { h } from "./dom.js";

export const SEEN = "latent-explorer.hints";
const GAP = 10; // pixels between a note and what it explains
const HINTS = [
  { at: "[data-view=stage] .le-stage-frame", title: "The stage", words: "What the model draws for the code you are at. Press B to compare it with the one before." },
  { at: "[data-view=map] .le-map-top", title: "The map", words: "Every point is a known picture. Press or drag anywhere, also between the points: the model draws what lies there." },
  { at: ".le-tabs .tab-wrapper", title: "The activities", words: "Draw at random, move single numbers of the code by sliders, or read what the model is." },
  { at: "[data-view=strip]", title: "The strip", words: "Set A at one picture and B at another: the way between them becomes a film." },
];

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

/** Where a note of a size goes so that it does not cover the target: its side and its corner; the first side with room wins. Pure. @param {Box} target @param {{ width: number, height: number }} note @param {{ width: number, height: number }} view @returns {{ side: string, left: number, top: number }} */
export function placed(target, note, view) {
  const across = Math.min(Math.max(12, target.left), view.width - note.width - 12);
  const along = Math.min(Math.max(12, target.top), view.height - note.height - 12);
  const sides = [
    { side: "below", left: across, top: target.bottom + GAP, fits: target.bottom + GAP + note.height <= view.height - 8 },
    { side: "right", left: target.right + GAP, top: along, fits: target.right + GAP + note.width <= view.width - 8 },
    { side: "left", left: target.left - GAP - note.width, top: along, fits: target.left - GAP - note.width >= 8 },
    { side: "above", left: across, top: target.top - GAP - note.height, fits: target.top - GAP - note.height >= 8 },
  ];
  const { side, left, top } = sides.find(({ fits }) => fits) ?? { side: "apart", left: across, top: target.top > view.height - target.bottom ? 12 : view.height - note.height - 12 };
  return { side, left, top };
}

/** @param {HTMLElement} el where the notes are kept @param {{ signal: AbortSignal, ready: () => boolean }} options */
export function hints(el, { signal, ready }) {
  let at = -1;
  const title = h("strong");
  const words = h("p");
  const count = h("span", { class: "le-help-count" });
  const next = h("button", { type: "button", class: "le-button le-help-next", on: { click: () => show(at + 1) } });
  const skip = h("button", { type: "button", class: "le-button", on: { click: () => end() } }, "Skip");
  const note = h("div", { class: "le-help-hint", role: "region", "aria-label": "First hints", hidden: true, on: { keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && end() } },
    h("div", { role: "status" }, title, words), h("div", { class: "le-row" }, count, skip, next));
  el.append(note);

  const target = () => document.querySelector(HINTS[at]?.at);
  const follow = () => {
    const box = target()?.getBoundingClientRect();
    if (note.hidden || !box) return;
    const { side, left, top } = placed(box, note.getBoundingClientRect(), { width: document.documentElement.clientWidth, height: innerHeight });
    note.dataset.side = side;
    note.style.left = `${left}px`;
    note.style.top = `${top}px`;
  };
  /** @param {number} i */
  function show(i) {
    at = i;
    while (at < HINTS.length && !target()?.checkVisibility?.()) at++;
    if (at >= HINTS.length) return end();
    title.textContent = HINTS[at].title;
    words.textContent = HINTS[at].words;
    count.textContent = `${at + 1} of ${HINTS.length}`;
    next.textContent = at === HINTS.length - 1 ? "Done" : "Next";
    skip.hidden = at === HINTS.length - 1;
    note.hidden = false;
    const box = /** @type {Element} */ (target()).getBoundingClientRect();
    if (box.bottom > innerHeight || box.top < 0) /** @type {Element} */ (target()).scrollIntoView({ block: "end" });
    follow();
  }
  function end() {
    const inside = note.contains(document.activeElement);
    note.hidden = true;
    at = -1;
    if (inside) /** @type {HTMLElement | null} */ (document.querySelector("[data-view=map] .le-map-top"))?.focus({ preventScroll: true });
    remember();
  }
  for (const event of ["scroll", "resize"]) addEventListener(event, follow, { signal, passive: true, capture: true });
  if (!seen()) {
    const begin = setInterval(() => ready() && (clearInterval(begin), at < 0 && show(0)), 300);
    signal.addEventListener("abort", () => clearInterval(begin));
  }
  return { again: () => show(0) };
}

function seen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true; // without storage they would come back every time
  }
}

function remember() {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {} // a browser without storage was never shown any
}
