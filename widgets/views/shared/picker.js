// @ts-check
/** A button that opens a list of cards, one a model. Arrows move, Enter opens, Escape closes; what cannot be traversed says why. */
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @param {{ signal: AbortSignal, open: (name: string) => void }} options */
export function picker({ signal, open }) {
  const title = h("span", { class: "le-picker-title" }, "Models");
  const button = h("button", { type: "button", class: "le-button le-picker-button", "aria-haspopup": "listbox", "aria-expanded": "false" }, h("span", { class: "le-unseen" }, "Model: "), title, icon("down"));
  const list = h("div", { class: "le-picker-list", role: "listbox", "aria-label": "Models", tabindex: -1, hidden: true });
  const el = h("div", { class: "le-picker" }, button, list);

  const cards = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const toggle = (show = list.hidden) => {
    if (!list.children.length) return;
    list.hidden = !show;
    button.setAttribute("aria-expanded", String(show));
    if (show) (cards().find((card) => card.getAttribute("aria-selected") === "true") ?? cards()[0]).focus();
  };
  const close = () => {
    const inside = list.contains(document.activeElement);
    toggle(false);
    if (inside) button.focus();
  };
  const choose = (/** @type {any} */ card) => {
    if (!card || card.getAttribute("aria-disabled") === "true") return;
    close();
    if (card.getAttribute("aria-selected") !== "true") open(card.dataset.name);
  };

  button.addEventListener("click", () => toggle(), { signal });
  button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowDown") event.preventDefault(), toggle(true);
  }, { signal });
  list.addEventListener("click", (/** @type {Event} */ event) => choose(/** @type {Element} */ (event.target).closest(".le-picker-card")), { signal });
  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const all = cards();
    const here = all.indexOf(/** @type {any} */ (document.activeElement));
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") event.stopPropagation(), close();
    else if (event.key === "Enter" || event.key === " ") event.preventDefault(), choose(all[here]);
    else if (next !== undefined) event.preventDefault(), all[Math.min(all.length - 1, Math.max(0, next))].focus();
  }, { signal });
  el.addEventListener("focusout", (/** @type {FocusEvent} */ event) => event.relatedTarget && !el.contains(/** @type {Node} */ (event.relatedTarget)) && toggle(false), { signal });
  document.addEventListener("pointerdown", (event) => !el.contains(/** @type {Node} */ (event.target)) && toggle(false), { signal });

  return {
    el,
    /** @param {any[]} models @param {any} info the passport of the open one */
    show(models, info) {
      title.textContent = info?.title ?? "Choose a model";
      list.replaceChildren(...models.map((model) => card(model, model.name === info?.name)));
    },
  };
}

/** @param {any} model @param {boolean} selected */
function card(model, selected) {
  const can = model.traversable !== false;
  return h("div", { class: "le-picker-card", role: "option", tabindex: -1, "data-name": model.name, "aria-selected": String(selected), "aria-disabled": can ? false : "true" },
    h("span", { class: "le-picker-check" }, selected && icon("check")),
    h("span", { class: "le-grow" },
      h("span", { class: "le-row" }, h("strong", null, model.title ?? model.name), model.family && h("span", { class: "le-picker-family" }, model.family)),
      model.summary && h("span", { class: "le-picker-summary" }, model.summary),
      model.parts?.length ? h("span", { class: "le-picker-parts" }, `Parts: ${model.parts.join(", ")}`) : null,
      !can && h("span", { class: "le-picker-why" }, model.why ?? "It cannot be traversed.")));
}
