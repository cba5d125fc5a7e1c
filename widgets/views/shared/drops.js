// @ts-check
/** Files dropped anywhere on the page: a picture with a recipe opens its state, another one goes to the Photo panel. */
import { h } from "./dom.js";
import { recipeIn } from "./png.js";

/** Opens the recipe in a file as a new step; says so when there is none. @param {any} model @param {Blob} file @param {(sentence: string) => void} say @param {(file: Blob) => boolean} [otherwise] takes a picture without one */
export async function openRecipe(model, file, say, otherwise = () => false) {
  const recipe = await recipeIn(file);
  if (recipe !== null) {
    model.send({ type: "replay", view: "header", recipe });
    return say("Opened what was saved with this picture. Undo goes back.");
  }
  if (!otherwise(file)) say("This file carries no recipe: it was not saved by Latent Explorer, or another program has dropped what was inside.");
}

/** @param {any} model @param {{ el: HTMLElement, say(sentence: string): void, signal: AbortSignal }} options */
export function takeDrops(model, { el, say, signal }) {
  const sheet = h("div", { class: "le-header-drop", hidden: true, "aria-hidden": "true" }, h("strong", null, "Drop a picture"), h("span", null, "One that was saved here opens as it was. Any other goes to the Photo panel."));
  el.append(sheet);
  let leaving = /** @type {any} */ (0);
  const withFiles = (/** @type {DragEvent} */ event) => !event.defaultPrevented && event.dataTransfer?.types.includes("Files");
  const photo = (/** @type {Blob} */ file) => {
    if (!file.type.startsWith("image/") || !document.querySelector("[data-view=photo]") || !model.get("info")?.parts?.includes("generator")) return false;
    model.set("dropped", file);
    /** @type {HTMLElement | undefined} */ ([...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent?.trim() === "Photo"))?.click();
    return true;
  };
  addEventListener("dragover", (event) => {
    if (!withFiles(event)) return;
    event.preventDefault();
    sheet.hidden = false;
    clearTimeout(leaving);
    leaving = setTimeout(() => (sheet.hidden = true), 400); // dragover comes again and again while the file is above the page
  }, { signal });
  addEventListener("drop", (event) => {
    sheet.hidden = true;
    const file = withFiles(event) && event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    openRecipe(model, file, say, photo);
  }, { signal });
}
