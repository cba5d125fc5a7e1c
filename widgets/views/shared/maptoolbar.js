// @ts-check
/** The row above the map: which map, coloured by what, which tool; and the zoom in its corner. */
import { h } from "./dom.js";
import { mapIcon } from "./mapicons.js";
import { MEASURES } from "./mappanels.js";
import { readable } from "./words.js";

export const TOOLS = /** @type {const} */ ({
  explore: { title: "Explore", key: "E", help: "Press or drag anywhere to see what the model draws there (E)" },
  lasso: { title: "Lasso", key: "L", help: "Draw around points to select them; Shift adds, Alt takes away (L)" },
  path: { title: "Draw a path", key: "D", help: "Draw a line for the path to follow; a click adds one more stop (D)" },
  pan: { title: "Pan", key: "P", help: "Drag to move the map (P)" },
});
const MOST_SEGMENTS = 4;
const NAMES = { pca: "PCA", umap: "UMAP", tsne: "t-SNE", mds: "MDS" };
export const layoutTitle = (name) => NAMES[name] ?? readable(name);

/** What an axis is called in a list. @param {any} axis entry of info.axes @param {string[]} names */
const axisTitle = (axis, names) => `${names?.[axis.axis] ?? `z${axis.axis + 1}`}${axis.label ? ` · ${axis.label}` : ""}`;

/** @param {{layout(name: string): void, colour(name: string): void, tool(name: string): void}} act */
export function toolbar(act) {
  const layouts = h("div", { class: "le-map-layouts" });
  const colours = h("select", { class: "le-select", "aria-label": "Colour by", on: { change: (event) => act.colour(event.target.value) } });
  const tools = h("div", { class: "le-segments", role: "radiogroup", "aria-label": "Tool" },
    Object.entries(TOOLS).map(([name, { title, help }]) =>
      h("button", { type: "button", class: "le-button", role: "radio", title: help, "data-tool": name, "aria-label": title, on: { click: () => act.tool(name) } },
        mapIcon(/** @type {any} */ (name)), h("span", { class: "le-map-word" }, title))));
  const root = h("div", { class: "le-map-bar" }, layouts, h("label", { class: "le-map-colour" }, h("span", { class: "le-map-word" }, "Colour by"), colours), h("span", { class: "le-map-gap" }), tools);
  for (const group of [tools, layouts]) group.addEventListener("keydown", roving);

  let shown = "";
  return {
    root,
    /** @param {any} info @param {string} layout @param {string} colour @param {string} tool */
    show(info, layout, colour, tool) {
      const print = JSON.stringify([info?.name, layout, info?.atlas?.layouts?.length]);
      if (print !== shown) {
        shown = print;
        layouts.replaceChildren(layoutPicker(info, layout, act));
        colours.replaceChildren(...colourOptions(info));
      }
      root.hidden = !info?.atlas?.layouts?.length;
      colours.value = colour;
      if (colours.selectedIndex < 0) colours.value = "";
      for (const node of tools.children) check(node, node.dataset.tool === tool);
    },
  };
}

/** @param {{zoomStep(factor: number): void, fit(): void}} field */
export function zoomButtons(field) {
  const button = (name, title, click) => h("button", { type: "button", class: "le-button le-bare", title, "aria-label": title, on: { click } }, mapIcon(name));
  return h("div", { class: "le-map-zoom", role: "group", "aria-label": "Zoom" },
    button("plus", "Zoom in (+)", () => field.zoomStep(1.6)), button("minus", "Zoom out (−)", () => field.zoomStep(1 / 1.6)), button("fit", "Show the whole map (0)", () => field.fit()));
}

/** One stop for the Tab key in a radio group: the chosen one. */
function check(node, chosen) {
  node.setAttribute("aria-checked", String(chosen));
  node.tabIndex = chosen ? 0 : -1;
}

/** Arrow keys move within a radio group, as in a native one. @param {KeyboardEvent} event */
function roving(event) {
  const radios = [.../** @type {any} */ (event.currentTarget).querySelectorAll("[role=radio]")];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const at = radios.indexOf(/** @type {any} */ (event.target));
  if (!step || at < 0) return;
  event.preventDefault();
  const next = radios[(at + step + radios.length) % radios.length];
  next.focus();
  next.click();
}

function layoutPicker(info, layout, act) {
  const names = info?.atlas?.layouts?.map((entry) => entry.name) ?? [];
  if (names.length > MOST_SEGMENTS) {
    const options = names.map((name) => h("option", { value: name, selected: name === layout }, layoutTitle(name)));
    return h("select", { class: "le-select", "aria-label": "Map", on: { change: (event) => act.layout(event.target.value) } }, options);
  }
  const segments = names.map((name) => {
    const node = h("button", { type: "button", class: "le-button", role: "radio", on: { click: () => act.layout(name) } }, layoutTitle(name));
    check(node, name === layout);
    return node;
  });
  return h("div", { class: "le-segments", role: "radiogroup", "aria-label": "Map" }, segments);
}

function colourOptions(info) {
  const labels = info?.atlas?.labels ?? [];
  const axes = info?.axes ?? [];
  const group = (label, options) => (options.length ? [h("optgroup", { label }, options)] : []);
  return [
    h("option", { value: "" }, "one colour"),
    ...group("This map", Object.entries(MEASURES).map(([name, { option }]) => h("option", { value: `map:${name}` }, option))),
    ...group("Labels", labels.map(({ name }) => h("option", { value: name }, readable(name)))),
    ...group("Axes of the model", axes.map((axis) => h("option", { value: `axis:${axis.axis}` }, axisTitle(axis, info.space?.axes)))),
  ];
}
