// @ts-check
/** The stops of a path between A and B, as small pictures: dragged or moved by keys into another order, gone to, removed. */
import { h } from "./dom.js";
import { paint } from "./frames.js";
import { icon } from "./icons.js";
import { named } from "./journey.js";

const INTENT = 6; // pixels of motion before a press becomes a drag

/**
 * Indices are those of the path's points: A is 0, the first stop 1.
 *
 * @param {{ move(from: number, to: number): void, remove(index: number): void, go(index: number): void }} to
 */
export function stopChips(to) {
  let chosen = -1; // a point's index
  /** @type {import("./journey.js").Spot[]} */ let spots = [];
  /** @type {{ chip: any, from: number, x: number, id: number, moving: boolean } | null} */ let held = null;

  const list = h("ol", { class: "le-stops-list", "aria-label": "Stops of the path", on: { keydown: keyed } });
  const said = h("span", { class: "le-note" });
  const act = (/** @type {string} */ title, /** @type {any} */ picture, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button le-bare", title, "aria-label": title, on: { click } }, picture);
  const earlier = act("Move this stop earlier", icon("left"), () => shift(-1));
  const later = act("Move this stop later", icon("right"), () => shift(1));
  const acts = h("div", { class: "le-row le-stops-acts", hidden: true, role: "group", "aria-label": "The chosen stop" }, said, earlier, later,
    h("button", { type: "button", class: "le-button", on: { click: () => to.go(chosen) } }, "Go to this stop"),
    h("button", { type: "button", class: "le-button", on: { click: () => remove(chosen) } }, "Remove"));

  const chips = () => /** @type {any[]} */ ([...list.children]).map((item) => item.firstChild);

  function choose(/** @type {number} */ index) {
    chosen = index;
    chips().forEach((chip, i) => {
      chip.setAttribute("aria-pressed", String(i + 1 === chosen));
      chip.tabIndex = i + 1 === (chosen > 0 ? chosen : 1) ? 0 : -1;
    });
    acts.hidden = !spots[chosen - 1];
    said.textContent = acts.hidden ? "" : `Stop ${chosen} of ${spots.length}: ${named(spots[chosen - 1])}`;
  }
  function shift(/** @type {number} */ step) {
    const from = chosen;
    chosen = Math.min(Math.max(from + step, 1), spots.length); // beyond the last stop it becomes an end, and another takes its place here
    to.move(from, from + step);
  }
  function remove(/** @type {number} */ index) {
    chosen = -1;
    to.remove(index);
  }

  function keyed(/** @type {KeyboardEvent} */ event) {
    const index = chips().indexOf(event.target);
    if (index < 0 || event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && event.altKey) choose(index + 1), shift(step);
    else if (step) chips()[Math.min(Math.max(index + step, 0), spots.length - 1)].focus();
    else if (event.key === "Delete" || event.key === "Backspace") remove(index + 1);
    else return;
    event.preventDefault();
  }

  function press(/** @type {PointerEvent} */ event) {
    if (event.button || held) return;
    const chip = /** @type {any} */ (event.currentTarget);
    held = { chip, from: chips().indexOf(chip), x: event.clientX, id: event.pointerId, moving: false };
    chip.setPointerCapture(event.pointerId);
  }
  function drag(/** @type {PointerEvent} */ event) {
    if (held?.id !== event.pointerId) return;
    if (!held.moving && Math.abs(event.clientX - held.x) < INTENT) return;
    held.moving = true;
    held.chip.classList.add("le-stops-held");
    const item = held.chip.parentNode;
    const after = chips().find((chip) => chip !== held?.chip && middle(chip) > event.clientX);
    const before = after?.parentNode ?? null;
    if (item.nextSibling !== before) list.insertBefore(item, before);
  }
  function letGo(/** @type {PointerEvent} */ event) {
    if (held?.id !== event.pointerId) return;
    const { chip, from, moving } = held;
    held = null;
    chip.classList.remove("le-stops-held");
    const at = chips().indexOf(chip);
    if (!moving) choose(chosen === at + 1 ? -1 : at + 1);
    else if (event.type === "pointercancel") list.insertBefore(chip.parentNode, list.children[from + (at < from ? 1 : 0)] ?? null);
    else if (at !== from) (chosen = at + 1), to.move(from + 1, at + 1);
  }

  return {
    el: h("div", { class: "le-stops", hidden: true }, list),
    acts,
    /** @param {import("./journey.js").Spot[]} next */
    show(next) {
      if (held) return;
      if (JSON.stringify(next) !== JSON.stringify(spots)) {
        const focused = chips().indexOf(/** @type {any} */ (list.getRootNode()).activeElement);
        spots = next;
        list.replaceChildren(...spots.map((spot, i) => h("li", null, h("button", {
          type: "button", class: "le-stops-chip", title: `Stop ${i + 1}: ${named(spot)}`, "aria-label": `Stop ${i + 1} of ${spots.length}, ${named(spot)}. Alt with arrow keys moves it, Delete removes it.`,
          on: { pointerdown: press, pointermove: drag, pointerup: letGo, pointercancel: letGo, click: (/** @type {any} */ event) => event.detail === 0 && choose(chosen === i + 1 ? -1 : i + 1) },
        }, h("canvas", { width: 1, height: 1, "aria-hidden": "true" }), h("span", { "aria-hidden": "true" }, String(i + 1))))));
        if (focused >= 0) chips()[Math.min(chosen > 0 ? chosen - 1 : focused, spots.length - 1)]?.focus();
      }
      this.el.hidden = !spots.length;
      choose(spots[chosen - 1] ? chosen : -1);
    },
    /** @param {number} index of the stop, from 0 @param {ImageData} pixels */
    picture: (index, pixels) => chips()[index] && paint(chips()[index].firstChild, pixels),
  };
}

const middle = (/** @type {Element} */ node) => {
  const { left, width } = node.getBoundingClientRect();
  return left + width / 2;
};
