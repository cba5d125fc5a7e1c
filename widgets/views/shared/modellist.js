// @ts-check
/** A list of models to choose from: searched, filtered by family and data, each with a small picture where one is at hand. */
import { h } from "./dom.js";
import { found } from "./passport.js";
import { bytesOf } from "./wire.js";

/** @param {{ choose(name: string): void, cover(name: string): Promise<{ header: any, payload: DataView | null }> }} to */
export function modelList({ choose, cover }) {
  /** @type {Map<string, string | null>} */ const covers = new Map(); // addresses of the pictures; null where there is none
  let state = { models: /** @type {any[]} */ ([]), open: "", shown: "" };

  const search = h("input", { class: "le-field", type: "search", placeholder: "Search models", "aria-label": "Search models", autocomplete: "off", spellcheck: "false", on: { input: () => fill() } });
  const family = h("select", { class: "le-select", "aria-label": "Family", on: { change: () => fill() } });
  const data = h("select", { class: "le-select", "aria-label": "Data", on: { change: () => fill() } });
  const list = h("div", { class: "le-model-list", role: "listbox", "aria-label": "Models", on: { keydown: walk, click: pick } });
  const count = h("p", { class: "le-unseen", role: "status" });
  const el = h("section", { class: "le-panel", "aria-label": "Models" }, h("div", { class: "le-model-find" }, search, family, data), count, list);

  const rows = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".le-model-row")]);
  function pick(/** @type {Event} */ event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".le-model-row"));
    if (row) choose(row.dataset.name ?? "");
  }
  function walk(/** @type {KeyboardEvent} */ event) {
    const all = rows();
    const here = all.indexOf(/** @type {any} */ (document.activeElement));
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") return event.preventDefault(), pick(event);
    if (next === undefined || here < 0) return;
    event.preventDefault();
    const row = all[Math.min(all.length - 1, Math.max(0, next))];
    row.focus();
    choose(row.dataset.name ?? "");
  }

  function fill() {
    const focused = list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.name : null;
    const fits = found(state.models, search.value, family.value, data.value);
    const reached = fits.some(({ name }) => name === state.shown) ? state.shown : fits[0]?.name;
    list.replaceChildren(...fits.map((model) => row(model, model.name === reached)), ...(fits.length ? [] : [h("p", { class: "le-model-none" }, "No model fits. Try fewer words.")]));
    count.textContent = `${fits.length} of ${state.models.length} models`;
    if (focused) rows().find((each) => each.dataset.name === focused)?.focus();
    for (const { name } of fits) fetchCover(name);
  }
  /** @param {any} model @param {boolean} reached by Tab */
  const row = (model, reached) => h("div", { class: "le-model-row", role: "option", tabindex: reached ? 0 : -1, "data-name": model.name, "aria-selected": String(model.name === state.shown) },
    h("span", { class: "le-model-cover", "aria-hidden": "true" }, picture(model)),
    h("span", null, h("strong", { class: "le-model-name" }, model.title ?? model.name), h("span", { class: "le-model-what" }, [model.family, model.summary].filter(Boolean).join(" · "))),
    model.name === state.open ? h("span", { class: "le-model-mark" }, "open") : null);
  const picture = (/** @type {any} */ model) => (covers.get(model.name) ? h("img", { src: covers.get(model.name), alt: "" }) : (model.title ?? model.name).charAt(0).toUpperCase());
  const fetchCover = async (/** @type {string} */ name) => {
    if (covers.has(name) || !el.checkVisibility?.()) return;
    covers.set(name, null);
    try {
      const { header, payload } = await cover(name);
      if (!payload) return;
      covers.set(name, URL.createObjectURL(new Blob([bytesOf(payload)], { type: `image/${header.format}` })));
      const place = rows().find((each) => each.dataset.name === name)?.firstChild;
      /** @type {any} */ (place)?.replaceChildren(h("img", { src: covers.get(name), alt: "" }));
    } catch {} // a model without a picture has its first letter
  };
  /** @param {HTMLSelectElement} select @param {string} all @param {string[]} words */
  const choices = (select, all, words) => {
    const former = select.value;
    select.replaceChildren(h("option", { value: "" }, all), ...[...new Set(words.filter(Boolean))].sort().map((word) => h("option", { value: word }, word)));
    select.value = words.includes(former) ? former : "";
  };

  return {
    el,
    /** @param {any[]} models @param {string} open the one that is open @param {string} shown the one whose card is shown */
    show(models, open, shown) {
      if (models !== state.models) {
        choices(family, "All families", models.map((model) => model.family));
        choices(data, "All data", models.map((model) => model.data));
      }
      state = { models, open, shown };
      fill();
    },
    stop: () => covers.forEach((address) => address && URL.revokeObjectURL(address)),
  };
}
