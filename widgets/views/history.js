// @ts-check
/** The history: every step as a small picture, branches below one another, bookmarks first; a click or an arrow key goes there. */
import base from "./shared/base.css";
import { calm, dress, h, hear } from "./shared/dom.js";
import { glances } from "./shared/glances.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { ask } from "./shared/live.js";
import { ago, branches, layout, neighbour } from "./shared/tree.js";
import css from "./history.css";

const CELL = { width: 66, height: 76, middle: 28 };
const NEAR = 200; // pixels beyond the edge that count as in sight
const MANY = 100; // steps, beyond which drawing all of them takes noticeable time
const PAUSE = 250; // milliseconds between two drawings of so many
const FOLDED = "latent-explorer.history.folded";

/** @typedef {import("./shared/tree.js").Step} Step */

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-history", base, css);
  const stop = new AbortController();
  const pictures = glances(model, (number) => tiles.filter((tile) => tile.number === number).forEach(show));
  /** @type {Step[]} */ let steps = [];
  /** @type {Map<number, import("./shared/tree.js").Spot>} */ let spots = new Map();
  /** @type {{ number: number, el: HTMLElement, canvas: HTMLCanvasElement }[]} */ let tiles = [];
  let now = -1;
  let session = "";
  let asked = 0;
  let stale = false;

  const parts = build({ fold: (folded) => (folded ? null : refresh(), keep(folded)), star: (name) => model.send({ type: "star", step: now, ...(name === null ? {} : { name }) }), earlier: () => model.get("resume")?.() });
  el.append(parts.el);
  parts.open(!kept(el));

  /** Asks for the tree, once for all that happens until it comes. */
  async function refresh() {
    if (!model.get("state")) return;
    stale = true;
    if (asked || parts.folded()) return;
    asked = 1;
    while (stale && !stop.signal.aborted) {
      stale = false;
      try {
        const { header } = await ask(model, { type: "history", view: "history" }, { signal: stop.signal });
        tell(header);
      } catch (error) {
        if (!stop.signal.aborted) parts.trouble(error.message);
      }
      if (steps.length > MANY) await new Promise((resolve) => setTimeout(resolve, PAUSE)); // what follows at once is drawn in one go
    }
    asked = 0;
  }
  /** @param {any} header */
  function tell(header) {
    if (model.get("visitor") !== session) pictures.forget();
    session = model.get("visitor");
    parts.trouble(header.trouble ?? "");
    const moved = now !== header.now;
    [steps, now] = [header.steps, header.now];
    spots = layout(steps);
    draw();
    if (moved) tiles.find((tile) => tile.number === now && !tile.el.dataset.star)?.el.scrollIntoView({ block: "nearest", inline: "nearest", behavior: calm() ? "auto" : "smooth" });
  }
  /** All tiles anew: some hundred small nodes, in far less time than a picture takes. */
  function draw() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.(".le-history-tile"));
    const starred = steps.filter(({ star }) => star !== null);
    tiles = [];
    parts.stars.replaceChildren(...starred.map((step) => tile(step, step.star ?? "", true)));
    parts.tree.replaceChildren(...steps.map((step) => place(tile(step, step.label, false), /** @type {any} */ (spots.get(step.number)))));
    parts.show(steps, starred.length, now, spots);
    tiles.forEach(show);
    if (focused && el.contains(document.activeElement) === false) tiles.find((each) => each.number === now && !each.el.dataset.star === !focused.dataset.star)?.el.focus({ preventScroll: true });
    look();
  }
  /** @param {Step} step @param {string} words @param {boolean} star */
  function tile(step, words, star) {
    const current = step.number === now;
    const canvas = h("canvas", { width: 48, height: 48, "aria-hidden": "true" });
    const when = ago(step.made, Date.now() / 1000);
    const name = [star ? `Bookmark: ${words}` : `Step ${step.number}: ${words}`, when, step.model !== model.get("info")?.name && titleOf(step.model), step.star !== null && !star && `bookmarked as ${step.star}`].filter(Boolean).join(", ");
    const button = h("div", { class: "le-history-tile", role: "option", tabindex: current && !star ? 0 : -1, "aria-selected": String(current), "aria-label": name, title: name, "data-step": step.number, "data-star": star, on: { click: () => go(step.number) } },
      canvas, step.star !== null && !star && h("span", { class: "le-history-mark" }, icon("star")), h("span", { class: "le-history-label" }, words));
    if (star) button.tabIndex = 0;
    tiles.push({ number: step.number, el: button, canvas });
    return button;
  }
  /** @param {{ number: number, el: HTMLElement, canvas: HTMLCanvasElement }} tile */
  function show({ number, el: node, canvas }) {
    const picture = pictures.of(number);
    node.classList.toggle("le-history-blank", picture === null);
    if (picture) canvas.getContext("2d")?.drawImage(picture, 0, 0);
  }
  const titleOf = (/** @type {string} */ name) => model.get("models")?.find((/** @type {any} */ one) => one.name === name)?.title ?? name;
  const go = (/** @type {number} */ number) => number !== now && model.send({ type: "go", step: number });
  /** Wants the pictures of what is in sight, the present step's first. */
  function look() {
    const { left, right, top, bottom } = parts.scroll.getBoundingClientRect();
    const seen = tiles.filter(({ el: node }) => {
      const box = node.getBoundingClientRect();
      return node.dataset.star || (box.right > left - NEAR && box.left < right + NEAR && box.bottom > top - NEAR && box.top < bottom + NEAR);
    });
    pictures.want([...new Set([now, ...seen.map(({ number }) => number)])]);
  }
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const node = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".le-history-tile"));
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(node.dataset.step);
    const next = event.key === "Enter" || event.key === " " ? number : node.dataset.star ? undefined : neighbour(event.key, number, steps, spots);
    if (next === undefined) return;
    if (next !== null || /^(Arrow|Home|End)/.test(event.key)) event.preventDefault(), event.stopPropagation();
    if (next !== null) go(next);
  };

  el.addEventListener("keydown", keys, { signal: stop.signal });
  tellKeys(el, "History", [{ press: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: "To the step before, after, or on another branch", at: ".le-history-tile[tabindex='0']" }]);
  parts.scroll.addEventListener("scroll", look, { signal: stop.signal, passive: true });
  const watch = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && look());
  watch.observe(parts.scroll);
  const sized = new ResizeObserver(look);
  sized.observe(parts.scroll);
  const deaf = hear(model, {
    "change:state": refresh, "change:hand": pictures.go, "change:earlier": () => parts.earlier(model.get("earlier"), titleOf),
  });
  parts.earlier(model.get("earlier"), titleOf);
  refresh();
  return () => {
    stop.abort();
    watch.disconnect();
    sized.disconnect();
    deaf();
    pictures.forget();
    undress();
  };
}

/** The elements, and the words that go into them. @param {{ fold(folded: boolean): void, star(name: string | null): void, earlier(): void }} on */
function build(on) {
  const summary = h("button", { type: "button", class: "le-button le-bare le-history-fold", "aria-expanded": "true" }, icon("down"), h("span", { class: "le-title" }, "History"));
  const count = h("span", { class: "le-note" });
  const resume = h("button", { type: "button", class: "le-button", hidden: true, on: { click: on.earlier } });
  const stars = h("div", { class: "le-history-stars", role: "listbox", "aria-label": "Bookmarks" });
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  lines.append(path);
  lines.setAttribute("aria-hidden", "true");
  lines.classList.add("le-history-lines");
  const tree = h("div", { class: "le-history-tree", role: "listbox", "aria-label": "Steps", "aria-orientation": "horizontal" });
  const field = h("div", { class: "le-history-field" }, lines, tree);
  const scroll = h("div", { class: "le-history-scroll" }, field);
  const words = h("span", { class: "le-history-words le-grow" });
  const mark = h("button", { type: "button", class: "le-button", title: "Keeps this step, under a name, for as long as you like", on: { click: () => on.star("") } }, icon("star"), "Bookmark");
  const name = h("input", { class: "le-field le-history-name", type: "text", maxlength: 80, "aria-label": "Name of the bookmark", autocomplete: "off" });
  const unmark = h("button", { type: "button", class: "le-button", on: { click: () => on.star(null) } }, icon("close"), "Remove bookmark");
  const bar = h("div", { class: "le-row le-history-bar" }, words, mark, name, unmark);
  const empty = h("p", { class: "le-note" }, "Everything you do appears here, step by step. Any step can be gone back to, and nothing is lost: going on from there begins a branch.");
  const trouble = h("p", { class: "le-error", role: "alert", hidden: true });
  const body = h("div", { class: "le-history-body" }, trouble, stars, scroll, bar, empty);
  let label = "";
  const rename = () => name.value.trim() !== label && on.star(name.value);
  name.addEventListener("change", rename);
  name.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") name.value = label, name.blur();
    if (event.key === "Enter") name.blur();
  });
  const open = (/** @type {boolean} */ unfolded) => {
    body.hidden = !unfolded;
    summary.setAttribute("aria-expanded", String(unfolded));
  };
  summary.addEventListener("click", () => (open(body.hidden), on.fold(body.hidden)));
  return {
    el: h("section", { class: "le-panel", "aria-label": "History" }, h("div", { class: "le-row" }, summary, count, h("span", { class: "le-grow" }), resume), body),
    stars, tree, scroll, open,
    folded: () => body.hidden,
    /** @param {string} sentence */
    trouble(sentence) {
      trouble.hidden = !sentence;
      trouble.textContent = sentence;
    },
    /** @param {any} earlier @param {(model: string) => string} titleOf */
    earlier(earlier, titleOf) {
      resume.hidden = !earlier?.steps;
      if (earlier?.steps) resume.textContent = `Continue last session: ${earlier.steps} steps, ${ago(earlier.made, Date.now() / 1000)}`;
      resume.title = earlier?.steps ? `With ${titleOf(earlier.model)}` : "";
    },
    /** @param {Step[]} steps @param {number} starred @param {number} now @param {Map<number, import("./shared/tree.js").Spot>} spots */
    show(steps, starred, now, spots) {
      const all = [...spots.values()];
      const [columns, lanes] = [Math.max(...all.map(({ column }) => column)) + 1, Math.max(...all.map(({ lane }) => lane)) + 1];
      const [width, height] = [columns * CELL.width, lanes * CELL.height];
      field.style.width = `${width}px`;
      field.style.height = `${height}px`;
      lines.setAttribute("width", String(width));
      lines.setAttribute("height", String(height));
      path.setAttribute("d", branches(steps, spots, CELL));
      const alone = steps.length === 1 && !starred;
      empty.hidden = !alone;
      scroll.hidden = bar.hidden = alone;
      stars.hidden = !starred;
      count.textContent = alone ? "" : `${steps.length} steps`;
      const step = /** @type {Step} */ (steps.find(({ number }) => number === now));
      words.replaceChildren(h("strong", null, step.label), ` · step ${step.number}, ${ago(step.made, Date.now() / 1000)}`);
      mark.hidden = step.star !== null;
      name.hidden = unmark.hidden = step.star === null;
      label = step.star ?? "";
      if (document.activeElement !== name) name.value = label;
    },
  };
}

/** @param {HTMLElement} node @param {import("./shared/tree.js").Spot} spot */
function place(node, { column, lane }) {
  node.style.left = `${column * CELL.width}px`;
  node.style.top = `${lane * CELL.height}px`;
  return node;
}

/** Whether it was folded the last time; on a narrow screen it is at first. @param {HTMLElement} el */
function kept(el) {
  try {
    return (localStorage.getItem(FOLDED) ?? String(el.clientWidth < 560 && el.clientWidth > 0)) === "true";
  } catch {
    return false;
  }
}

/** @param {boolean} folded */
function keep(folded) {
  try {
    localStorage.setItem(FOLDED, String(folded));
  } catch {} // a browser without storage forgets
}

export default { render };
