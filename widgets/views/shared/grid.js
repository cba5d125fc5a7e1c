// @ts-check
/** Sixteen pictures to choose from: one stop of the Tab key, arrows within. */
import { h } from "./dom.js";
import { paint, rgba } from "./frames.js";
import { COLUMNS, GRID, gridStep } from "./seeds.js";
import { digits } from "./words.js";

/** @param {(seed: number) => void} choose */
export function seedGrid(choose) {
  let first = 0;
  let current = 0; // the one that Tab reaches
  const cells = Array.from({ length: GRID }, (_, index) => h("button", { type: "button", class: "le-grid-cell", role: "gridcell", tabindex: index ? -1 : 0, disabled: true, on: { click: () => choose(first + index), focus: () => reach(index) } },
    h("canvas", { width: 1, height: 1, "aria-hidden": "true" })));
  const rows = Array.from({ length: GRID / COLUMNS }, (_, row) => h("div", { role: "row", class: "le-grid-row" }, cells.slice(row * COLUMNS, (row + 1) * COLUMNS)));
  const el = h("div", { class: "le-grid", role: "grid", "aria-label": "Pictures of the next seeds", "aria-busy": "true", on: { keydown: walk } }, rows);

  const reach = (/** @type {number} */ index) => {
    cells[current].tabIndex = -1;
    cells[(current = index)].tabIndex = 0;
  };
  function walk(/** @type {KeyboardEvent} */ event) {
    const next = gridStep(event.key, current);
    if (next === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    cells[next].focus();
  }
  return {
    el,
    /** @param {any} header @param {DataView} payload */
    fill(header, payload) {
      first = header.first;
      cells.forEach((cell, index) => {
        cell.disabled = index >= header.count;
        if (cell.disabled) return;
        paint(cell.firstChild, rgba(payload, header.width, header.height, index));
        cell.title = `Seed ${first + index}`;
        cell.setAttribute("aria-label", `Seed ${first + index}, typicality ${digits(header.typicality[index])}`);
      });
      el.setAttribute("aria-busy", "false");
    },
    wait: () => el.setAttribute("aria-busy", "true"),
    /** @param {number | null} seed */
    mark: (seed) => cells.forEach((cell, index) => cell.setAttribute("aria-selected", String(seed !== null && !cell.disabled && seed === first + index))),
  };
}
