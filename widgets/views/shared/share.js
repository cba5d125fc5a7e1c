// @ts-check
/** The menu for taking a state away and bringing one back, and for what is kept of the visitor. */
import { linkTo } from "./address.js";
import { h } from "./dom.js";
import { openRecipe } from "./drops.js";
import { icon } from "./icons.js";
import { ask } from "./live.js";
import { savePicture } from "./saving.js";

const INSIDE = "Links and saved pictures carry the numbers behind the picture, so that it can be drawn again. A photo of yours is never in them.";

/** @param {any} model @param {{ say(sentence: string): void, signal: AbortSignal }} options */
export function shareMenu(model, { say, signal }) {
  const row = (/** @type {any} */ name, /** @type {string} */ words, /** @type {string} */ note, /** @type {() => void} */ click) =>
    h("button", { type: "button", class: "le-share-row", on: { click } }, icon(name), h("span", null, words, note && h("small", null, note)));
  const button = h("button", { type: "button", class: "le-button le-share-button", "aria-expanded": "false", "aria-haspopup": "dialog", title: "Share, save and bring back", on: { click: () => toggle() } }, icon("share"), h("span", null, "Share"));
  const input = h("input", { type: "file", accept: "image/png,.png", class: "le-unseen", tabindex: -1, "aria-hidden": "true" });
  const code = h("pre", { class: "le-share-code", tabindex: 0, "aria-label": "Python", hidden: true });
  const where = h("p", { class: "le-note" });
  const remove = row("trash", "Delete my data", "", () => sure(true));
  const certain = h("div", { class: "le-share-sure", hidden: true }, h("p", null, "All your steps, bookmarks and pictures here are deleted, for good, and the page starts afresh."),
    h("div", { class: "le-row" }, h("button", { type: "button", class: "le-button le-share-delete", on: { click: () => forget() } }, "Delete everything"), h("button", { type: "button", class: "le-button", on: { click: () => sure(false) } }, "Keep it")));
  const sheet = h("section", { class: "le-panel le-share-sheet", role: "dialog", "aria-label": "Share", tabindex: -1, hidden: true },
    row("link", "Copy link", "The address of exactly this state", () => copyLink()),
    row("save", "Save picture", "A PNG that opens here as it was when it is dropped on the page", () => done(savePicture(model, "header"), "Saved, with the recipe inside.")),
    row("code", "Copy as Python", "A few lines that draw the same", () => copyPython()), code,
    row("open", "Open a saved picture…", "", () => input.click()), input,
    h("p", { class: "le-note le-share-inside" }, INSIDE),
    h("div", { class: "le-share-kept" }, where, remove, certain));
  const el = h("div", { class: "le-share" }, button, sheet);

  /** @param {Promise<any>} work @param {string} words */
  const done = async (work, words) => {
    try {
      await work;
      say(words);
      toggle(false);
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  };
  const copyLink = async () => {
    const session = model.get("state")?.session;
    if (!session) return;
    const link = await linkTo(session, location.href);
    if (!link) return say("This state is too large to live in an address. Save the picture instead: it carries everything.");
    done(copy(link.href), link.exact ? "The link is copied." : "The link is copied. To fit, its numbers are rounded and a selection on the map is left out.");
  };
  const copyPython = async () => {
    try {
      const { header } = await ask(model, { type: "python", view: "header" });
      code.textContent = header.text;
      code.hidden = false;
      await copy(header.text);
      say("The lines are copied.");
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  };
  const forget = () => done(model.get("forget")?.(), "Everything kept of you has been deleted.");
  const sure = (/** @type {boolean} */ ask) => {
    certain.hidden = !ask;
    remove.hidden = ask;
    if (ask) certain.querySelector("button:last-child")?.focus();
  };
  const toggle = (open = sheet.hidden) => {
    if (open === !sheet.hidden) return;
    sheet.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    code.hidden = true;
    sure(false);
    if (open) tell();
    (open ? sheet : button).focus();
  };
  const tell = async () => {
    remove.hidden = !model.get("forget");
    try {
      where.textContent = (await ask(model, { type: "history", view: "header" }, { signal })).header.about;
    } catch {} // the corner says when the server does not answer
  };
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = ""; // the same file may be chosen again
    if (file) toggle(false), openRecipe(model, file, say);
  });
  sheet.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (event.stopPropagation(), toggle(false)));
  document.addEventListener("pointerdown", (event) => !el.contains(/** @type {Node} */ (event.target)) && !sheet.hidden && toggle(false), { signal });
  return { el };
}

/** Puts a text on the clipboard; pages without a secure connection have only the old way. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { style: "position:fixed;opacity:0", ".value": text });
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    if (!copied) throw new Error("This browser does not let the page use the clipboard.");
  }
}
