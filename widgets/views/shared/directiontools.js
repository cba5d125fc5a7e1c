// @ts-check
/** What is done with all edits at once: looked away from, taken away, kept as one; what must stay; and the file of directions. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { readable } from "./words.js";

/**
 * @param {{ blink(down: boolean): void, reset(): void, compose(name: string): void, save(): void, load(file: File): void, protect(names: string[]): void }} on
 */
export function directionTools(on) {
  const button = (/** @type {string} */ words, /** @type {any} */ shape, /** @type {string} */ title, /** @type {any} */ more) => h("button", { type: "button", class: "le-button", title, ...more }, shape && icon(shape), words);
  const reset = button("No edits", "reset", "Take all edits away", { on: { click: on.reset } });
  const blink = button("Hold: before", "compare", "Hold to see the picture without the edits", { class: "le-button le-dir-blink" });
  let down = false;
  const press = (/** @type {boolean} */ now) => {
    if (now === down || (now && blink.disabled)) return;
    down = now;
    blink.setAttribute("aria-pressed", String(down));
    on.blink(down);
  };
  blink.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => event.button === 0 && (blink.setPointerCapture(event.pointerId), press(true)));
  for (const event of ["pointerup", "pointercancel", "blur"]) blink.addEventListener(event, () => press(false));
  blink.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault()); // a long press is the point
  blink.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => (event.key === " " || event.key === "Enter") && (event.preventDefault(), press(true)));
  blink.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => (event.key === " " || event.key === "Enter") && press(false));

  const name = h("input", { class: "le-field", type: "text", maxlength: 80, "aria-label": "Name of the new direction", autocomplete: "off" });
  const naming = h("form", { class: "le-row", hidden: true }, name, h("button", { class: "le-button le-primary" }, "Keep"), button("Cancel", null, "", { on: { click: () => ask(false) } }));
  const compose = button("Keep as one", "plus", "Make one direction of all edits", { on: { click: () => ask(true) } });
  const ask = (/** @type {boolean} */ open) => {
    naming.hidden = !open;
    compose.hidden = open;
    open ? (name.select(), name.focus()) : compose.focus();
  };
  naming.addEventListener("submit", (/** @type {Event} */ event) => (event.preventDefault(), ask(false), on.compose(name.value.trim() || name.placeholder)));
  naming.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && ask(false));

  const file = h("input", { type: "file", accept: ".safetensors", hidden: true, "aria-label": "A file of directions" });
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (chosen) on.load(chosen);
  });
  const save = button("Save", "save", "Save all of these directions as a file", { on: { click: on.save } });
  const kept = h("summary");
  const boxes = h("div", { class: "le-dir-boxes" });
  const guards = h("details", { class: "le-dir-more le-dir-guards", hidden: true }, kept, h("p", { class: "le-note" }, "Every step goes without what would change these, as far as is known from the labels of the map."), boxes);
  /** @type {string[]} */ let names = [];
  const el = h("div", { class: "le-dir-tools" }, h("div", { class: "le-row" }, blink, reset, compose), naming, guards);
  return {
    el,
    files: h("div", { class: "le-row" }, save, button("Load", "open", "Load a file of directions", { on: { click: () => file.click() } }), file),
    /** @param {string[]} edits names of the directions moved along @param {number} count how many directions there are */
    suit(edits, count) {
      reset.disabled = blink.disabled = !edits.length;
      compose.disabled = edits.length < 2;
      save.disabled = !count;
      name.placeholder = edits.join(" + ").slice(0, 80);
      if (edits.length < 2 && !naming.hidden) naming.hidden = true, (compose.hidden = false);
    },
    /** @param {string[] | null} known attributes that can be protected; null: as before @param {string[]} on_ which are */
    protect(known, on_) {
      if (known && known.join() !== names.join()) {
        names = known;
        boxes.replaceChildren(...names.map((each) => h("label", { class: "le-dir-guard" }, h("input", { type: "checkbox", value: each, on: { change: () => on.protect([...boxes.querySelectorAll("input:checked")].map((box) => /** @type {any} */ (box).value)) } }), readable(each))));
      }
      guards.hidden = !names.length;
      kept.textContent = on_.length ? `Keep as they are: ${on_.map(readable).join(", ")}` : "Keep some things as they are";
      for (const box of /** @type {any} */ (boxes.querySelectorAll("input"))) box.checked = on_.includes(box.value);
    },
  };
}
