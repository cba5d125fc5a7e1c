// @ts-check
/** The list of directions: groups of cards, kept as they are where nothing of them changed, moved by the hand, and drawn when in sight. */
import { directionCard } from "./directioncard.js";
import { h } from "./dom.js";
import { grouped } from "./edits.js";

/** Groups that begin folded where there are named directions. */
const FOLDED = new Set(["unnamed", "control"]);

/**
 * @typedef {import("./edits.js").Listed} Listed
 * @param {{ hands: (direction: Listed) => Omit<import("./directioncard.js").Hands, "grip">, drop: (id: string, place: number) => void, sight: () => void }} on
 *   `drop` is called with the place in the group where a card was let go; `sight` when a card has come into sight
 */
export function directionList({ hands, drop, sight }) {
  const el = h("div", { class: "le-dir-groups" });
  /** @type {Map<string, { key: string, card: ReturnType<typeof directionCard> }>} */ const cards = new Map();
  /** @type {Map<string, any>} */ const groups = new Map();
  const seen = new Set();
  const eye = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
    sight();
  }, { rootMargin: "120px" });

  const cardOf = (/** @type {Listed} */ direction) => {
    const key = JSON.stringify([direction.name, direction.pinned, direction.held, direction.evidence?.starts]);
    const known = cards.get(direction.id);
    if (known?.key === key) return known.card;
    if (known) eye.unobserve(known.card.el), seen.delete(known.card.el), known.card.stop();
    const card = directionCard(direction, { ...hands(direction), grip: (event) => drag(event, card.el) });
    cards.set(direction.id, { key, card });
    eye.observe(card.el);
    return card;
  };
  /** A line shows where a card would come to lie while the hand on its grip moves; where it is let go it goes. @param {PointerEvent} event @param {HTMLElement} li */
  const drag = (event, li) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const grip = /** @type {HTMLElement} */ (event.currentTarget);
    const others = /** @type {HTMLElement[]} */ ([.../** @type {HTMLElement} */ (li.parentElement).children].filter((each) => each !== li));
    const from = [.../** @type {HTMLElement} */ (li.parentElement).children].indexOf(li);
    let place = from;
    grip.focus();
    grip.setPointerCapture(event.pointerId);
    li.classList.add("le-dir-moving");
    const mark = (/** @type {boolean} */ on) => others.forEach((each, i) => {
      each.classList.toggle("le-dir-above", on && i === place && place !== from);
      each.classList.toggle("le-dir-below", on && i === others.length - 1 && place === others.length && place !== from);
    });
    const follow = (/** @type {PointerEvent} */ { clientY }) => {
      const next = others.findIndex((each) => clientY < each.getBoundingClientRect().top + each.getBoundingClientRect().height / 2);
      place = next < 0 ? others.length : next;
      mark(true);
    };
    const over = (/** @type {PointerEvent} */ { type }) => {
      for (const [name, listener] of /** @type {[any, any][]} */ ([["pointermove", follow], ["pointerup", over], ["pointercancel", over]])) grip.removeEventListener(name, listener);
      li.classList.remove("le-dir-moving");
      mark(false);
      if (type === "pointerup" && place !== from) drop(/** @type {string} */ (li.dataset.id), place);
    };
    for (const [name, listener] of /** @type {[any, any][]} */ ([["pointermove", follow], ["pointerup", over], ["pointercancel", over]])) grip.addEventListener(name, listener);
  };
  /** What keys lead to, so that it is found again after a card was made anew. */
  const focused = () => {
    const node = /** @type {HTMLElement | null} */ (/** @type {any} */ (el.getRootNode()).activeElement);
    const li = /** @type {HTMLElement | null} */ (node?.closest?.(".le-dir") ?? null);
    if (!li || !node || !el.contains(li)) return () => {};
    const part = node.dataset.part ? `[data-part=${node.dataset.part}]` : node.classList.contains("le-dir-range") ? ".le-dir-range" : ".le-dir-name";
    return () => document.activeElement !== node && cards.get(li.dataset.id ?? "")?.card.el.querySelector(part)?.focus({ preventScroll: true });
  };

  return {
    el,
    /** @param {import("./edits.js").Direction[]} known @param {import("./edits.js").Held[]} bench @returns {Listed[]} in the order of the screen */
    show(known, bench) {
      const refocus = focused();
      const now = grouped(known, bench);
      const all = now.flatMap(({ directions }) => directions);
      for (const [id, { card }] of cards) if (!all.some((each) => each.id === id)) eye.unobserve(card.el), seen.delete(card.el), card.stop(), cards.delete(id);
      const named = now.some(({ key }) => key === "named");
      const shown = now.map(({ key, title, directions }) => {
        const group = groups.get(key) ?? made(groups, key, !(named && FOLDED.has(key)));
        group.title.textContent = `${title} (${directions.length})`;
        group.list.setAttribute("aria-label", title);
        const items = directions.map((direction) => cardOf(direction).el);
        if (items.length !== group.list.children.length || items.some((item, i) => item !== group.list.children[i])) group.list.replaceChildren(...items);
        return group.el;
      });
      if (shown.length !== el.children.length || shown.some((node, i) => node !== el.children[i])) el.replaceChildren(...shown);
      refocus();
      return all;
    },
    /** The session's amounts. @param {(id: string) => number} amount */
    follow: (amount) => cards.forEach(({ card }, id) => card.follow(amount(id))),
    /** The cards in sight, from the top. */
    inSight: () => [...cards.values()].map(({ card }) => card).filter(({ el: li }) => seen.has(li)).sort((a, b) => a.el.getBoundingClientRect().top - b.el.getBoundingClientRect().top),
    stop() {
      eye.disconnect();
      cards.forEach(({ card }) => card.stop());
    },
  };
}

/** @param {Map<string, any>} groups @param {string} key @param {boolean} open */
function made(groups, key, open) {
  const title = h("summary", { class: "le-dir-title" });
  const list = h("ol", { class: "le-dir-list" });
  const group = { el: h("details", { class: "le-dir-group", "data-group": key, open }, title, list), title, list };
  groups.set(key, group);
  return group;
}
