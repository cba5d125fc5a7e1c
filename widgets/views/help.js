// @ts-check
/** The help sheet: what is what, every key there is, and where to read on. Opened by `?` or the button in the bar; and the first visit's hints. */
import sheet from "./shared/base.css";
import { dress, h, hear, isTyping } from "./shared/dom.js";
import { hints } from "./shared/hints.js";
import { icon } from "./shared/icons.js";
import { caps, tellKeys, toldKeys } from "./shared/keys.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import css from "./help.css";

const WHAT = [
  "A model here is a machine that draws a picture for every code, a list of numbers. The space of all codes is its latent space.",
  "The stage shows the picture of the code you are at, and how ordinary that code is.",
  "The map shows thousands of known pictures as points, alike ones near each other. Press or drag anywhere to draw what lies there.",
  "A seed is a random draw. Sliders move single numbers of the code; a band shows where known pictures lie.",
  "A and B are two ends of a path; the strip is the film of the way between them.",
  "Each step you take is kept in the history. Any of them can be gone back to.",
  "The model panel says what a model is, how it was made and how good it was measured to be.",
  "What is far from all known pictures is marked as such: a model has an answer there too, but nothing to know it from.",
];
const DOCS = [["README.md", "what there is and how to begin"], ["docs/bring-your-own-model.md", "opening a model of your own"], ["docs/limits.md", "what this does not do, and what to be careful with"], ["docs/training.md", "how the models that come with it were made"], ["docs/live-channel.md", "how pictures follow a hand"]];

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-help", sheet, css);
  const stop = new AbortController();
  const { signal } = stop;
  const body = h("div", { class: "le-help-body", tabindex: 0 });
  const close = h("button", { type: "button", class: "le-button le-bare", "aria-label": "Close", title: "Close (Esc)", on: { click: () => dialog.close() } }, icon("close"));
  const dialog = h("dialog", { class: "le-help-sheet", "aria-label": "Help" }, h("div", { class: "le-help-head" }, h("h2", { class: "le-title le-grow" }, "Help"), close), body);
  const tour = hints(el, { signal, ready: () => document.querySelector("[data-view=stage][data-still=true]") !== null });
  el.append(dialog);

  const open = () => {
    if (dialog.open) return dialog.close();
    body.replaceChildren(...content(() => (dialog.close(), tour.again())));
    dialog.showModal(); // traps the focus, closes on Escape and gives the focus back
    close.focus();
  };
  dialog.addEventListener("click", (/** @type {Event} */ event) => event.target === dialog && dialog.close(), { signal }); // beside the sheet
  dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && event.stopPropagation(), { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    open();
  }, { signal });
  const deaf = hear(model, { "change:help": open });
  tellKeys(el, "Everywhere", [{ press: ["?"], does: "This sheet" }, { press: ["Tab"], does: "From one control to the next; with Shift back" }]);
  return () => {
    stop.abort();
    deaf();
    dialog.close();
    undress();
  };
}

/** @param {() => void} again shows the hints of the first visit once more */
function content(again) {
  const groups = new Map();
  for (const { group, keys } of toldKeys()) groups.set(group, [...(groups.get(group) ?? []), ...keys]);
  for (const [group, keys] of Object.entries(PANEL_KEYS)) if (!groups.has(group)) groups.set(group, keys);
  const key = (/** @type {string} */ press) => caps(press).flatMap((cap, i) => [i ? "+" : null, h("kbd", null, cap)]);
  return [
    h("h3", null, "What is what"), h("ul", { class: "le-help-what" }, WHAT.map((words) => h("li", null, words))),
    h("h3", null, "Keys"),
    h("div", { class: "le-help-keys" }, [...groups].map(([group, keys]) => h("section", { class: "le-help-group" }, h("h4", null, group),
      h("dl", null, keys.flatMap((/** @type {import("./shared/keys.js").Key} */ { press, does }) => [h("dt", null, press.map((one) => h("span", null, key(one)))), h("dd", null, does)]))))),
    h("h3", null, "To read on"), h("ul", { class: "le-help-docs" }, DOCS.map(([file, words]) => h("li", null, h("code", null, file), ` ${words}`))),
    h("p", { style: "margin:16px 0 0" }, h("button", { type: "button", class: "le-button", on: { click: again } }, "Show the first hints again")),
  ];
}

export default { render };
