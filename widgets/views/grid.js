// @ts-check
/** A square of pictures around the one on the stage: what two axes do together. A click goes there. */
import base from "./shared/base.css";
import jobs from "./shared/jobs.css";
import sheet from "./grid.css";
import { axesOf } from "./shared/axes.js";
import { dress, h, hear, isOff, turnOff } from "./shared/dom.js";
import { fetchFile, save, weight } from "./shared/files.js";
import { paint, pictured, rgba } from "./shared/frames.js";
import { icon } from "./shared/icons.js";
import { cancel, progressBar, run } from "./shared/jobs.js";
import { tellKeys } from "./shared/keys.js";
import { arranged } from "./shared/edits.js";
import { cellName, cellStep, choicesOf, directionChoices, firstTwo, middleOf, partsOf, REACHES, SIDES } from "./shared/lattice.js";
import { ask, commit } from "./shared/live.js";
import { mapIcon } from "./shared/mapicons.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";

const NARROW = 480; // pixels, below which nine pictures in a row are too small for a finger
const SCALE = 4; // of the pictures in a saved file
const SETTLE = 120; // milliseconds without a change before the square is drawn anew

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} host */
function render({ model, el }) {
  const undress = dress(el, "le-square", base, jobs, sheet);
  const stop = new AbortController();
  const { signal } = stop;
  let of = ""; // the model that the choices are of
  let benched = ""; // the model and the bench whose directions are offered
  /** @type {import("./shared/lattice.js").Choice[]} */ let choices = [];
  let [shown, visible, timer, job, follow] = ["", false, /** @type {any} */ (0), "", false];
  let current = 0; // the cell that Tab reaches
  /** @type {any} */ let told = null; // the newest answer
  let wanted = new AbortController();

  const session = () => model.get("state")?.session;
  const select = (/** @type {string} */ label, /** @type {[any, string][]} */ options, /** @type {any} */ chosen) =>
    h("select", { class: "le-select", "aria-label": label, on: { change: () => refresh() } }, options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
  const x = select("Axis from left to right", [], "");
  const y = select("Axis from bottom to top", [], "");
  const reach = select("How far to either side", REACHES.map((value) => [value, `±${value}`]), 2);
  const side = select("Pictures a side", SIDES.map((value) => [value, `${value} × ${value}`]), 5);
  const swap = h("button", { type: "button", class: "le-button le-bare", title: "Swap the two axes", "aria-label": "Swap the two axes", on: { click: () => ([x.value, y.value] = [y.value, x.value], refresh()) } }, mapIcon("swap"));
  const keep = h("button", { type: "button", class: "le-button", title: "Save the grid as a picture with both axes named", on: { click: () => isOff(keep) || saveSquare() } }, icon("save"), "Save grid");
  const field = (/** @type {string} */ words, /** @type {any} */ control, title = "") => h("label", { class: "le-square-field", title }, h("span", null, words), control);
  const bar = progressBar({ cancel: () => job && cancel(model, { view: "grid", id: job }).catch(() => {}) });
  const grid = h("div", { class: "le-square-grid", role: "grid", "aria-label": "Pictures of two axes", on: { keydown: walk } });
  const note = h("p", { class: "le-note", role: "status" });
  const trouble = h("p", { class: "le-error", role: "alert", hidden: true });
  const empty = h("p", { class: "le-empty", hidden: true }, "This model has fewer than two axes, and no directions.");
  const body = h("div", { class: "le-panel le-square-body" },
    h("div", { class: "le-square-form" }, field("Left to right", x), swap, field("Bottom to top", y), field("How far", reach, "One: the standard deviation that an axis has among the data, or one unit of a direction"), field("Pictures", side)),
    grid, h("div", { class: "le-row" }, keep, note), bar.el, trouble);
  el.append(body, empty);
  tellKeys(el, "Grid", PANEL_KEYS.Grid);

  const mover = (/** @type {any} */ node) => choices.find(({ value }) => value === node.value)?.mover;
  const wish = () => ({ patch: {}, x: mover(x), y: mover(y), reach: Number(reach.value), size: Number(side.value) });

  function refresh() {
    const info = model.get("info");
    if (info && info.name !== of) begin(info);
    lookUp();
    const ready = !!session() && choices.length > 1;
    empty.hidden = !info || choices.length > 1;
    body.hidden = !ready;
    if (!ready) return;
    side.lastElementChild.disabled = el.clientWidth < NARROW;
    if (side.lastElementChild.disabled && side.value === "9") side.value = "7";
    const same = x.value === y.value;
    turnOff(keep, same);
    fail(same ? "Choose two different axes." : "");
    if (!same) later();
  }
  function begin(/** @type {any} */ info) {
    of = info.name;
    offer(choicesOf(axesOf(info)), []);
    const two = firstTwo(choices);
    if (two) [x.value, y.value] = two;
    shown = benched = "";
  }
  /** What may be chosen, what is chosen being kept where it is still there. @param {import("./shared/lattice.js").Choice[]} axes @param {import("./shared/lattice.js").Choice[]} directions */
  function offer(axes, directions) {
    choices = [...axes, ...directions];
    const options = (/** @type {import("./shared/lattice.js").Choice[]} */ some) => some.map(({ value, words }) => h("option", { value }, words));
    const two = firstTwo(choices) ?? ["", ""];
    [x, y].forEach((node, i) => {
      const before = node.value;
      node.replaceChildren(...(directions.length ? [h("optgroup", { label: "Axes" }, options(axes)), h("optgroup", { label: "Directions" }, options(directions))] : options(axes)));
      node.value = choices.some(({ value }) => value === before) ? before : two[i];
    });
  }
  /** Asks which directions there are, when the bench has changed. */
  async function lookUp() {
    const bench = session()?.bench ?? [];
    const now = JSON.stringify([of, bench]);
    if (!visible || !session() || now === benched) return;
    benched = now;
    try {
      const { header } = await ask(model, { type: "directions", view: "grid", ids: bench.map((/** @type {any} */ { id }) => id) }, { signal, patience: 120_000 });
      if (now !== benched) return;
      offer(choices.filter(({ mover: by }) => "axis" in by), directionChoices(arranged(header.directions, bench)));
      refresh();
    } catch {
      if (now === benched) benched = ""; // axes there are in any case; the next change asks again
    }
  }

  /** What the square should show. */
  const print = () => JSON.stringify([of, pictured(session()), wish()]);
  /** Draws anew once nothing changes for a moment, no hand moves, and the square is in sight. */
  function later() {
    clearTimeout(timer);
    if (visible && !model.get("hand") && print() !== shown) timer = setTimeout(fill, SETTLE);
  }
  async function fill() {
    const asked = (shown = print());
    wanted.abort();
    wanted = new AbortController();
    const { size } = wish();
    grid.setAttribute("aria-busy", "true");
    try {
      for (const part of partsOf(size)) {
        const { header, payload } = await ask(model, { type: "lattice", view: "grid", ...wish(), ...part }, { signal: wanted.signal });
        if (asked !== shown) return;
        if (header.type !== "lattice" || !payload) return void (shown = "");
        if (!part.first) lay(header);
        for (let i = 0; i < header.count; i++) paint(cells()[header.first + i].firstChild, rgba(payload, header.width, header.height, i));
      }
      note.textContent = "";
    } catch (error) {
      if (/** @type {any} */ (error).name === "AbortError") return;
      shown = "";
      fail(/** @type {any} */ (error).message);
    }
    grid.setAttribute("aria-busy", "false");
  }

  const cells = () => /** @type {any[]} */ ([...grid.querySelectorAll(".le-square-cell")]);
  /** Makes room for a square and names its rows and columns. */
  function lay(/** @type {any} */ header) {
    const size = header.across.length;
    const active = /** @type {any} */ (grid.getRootNode()).activeElement;
    const inside = grid.contains(active);
    if (told?.across.length !== size) {
      grid.style.setProperty("--le-side", String(size));
      grid.replaceChildren(...Array.from({ length: size }, (_, row) => h("div", { role: "row", class: "le-square-row" },
        h("span", { class: "le-square-label le-square-down", role: "rowheader" }),
        Array.from({ length: size }, (__, column) => {
          const index = row * size + column;
          return h("button", { type: "button", class: "le-square-cell", role: "gridcell", tabindex: -1, on: { click: () => go(index), focus: () => stand(index) } }, h("canvas", { width: 1, height: 1, "aria-hidden": "true" }));
        }))), h("div", { role: "row", class: "le-square-row" }, h("span", { class: "le-square-label" }), Array.from({ length: size }, () => h("span", { class: "le-square-label", role: "columnheader" }))));
      current = middleOf(size);
    }
    told = header;
    const minus = (/** @type {string} */ text) => text.replace("-", "−");
    grid.querySelectorAll(".le-square-down").forEach((node, row) => (node.textContent = minus(header.down[row])));
    grid.querySelectorAll("[role=columnheader]").forEach((node, column) => (node.textContent = minus(header.across[column])));
    cells().forEach((cell, index) => {
      cell.title = cellName(header, index);
      cell.setAttribute("aria-label", cell.title);
      cell.setAttribute("aria-selected", String(index === middleOf(size)));
    });
    stand(follow ? middleOf(size) : current);
    if (inside && follow) cells()[current].focus();
    follow = false;
  }
  function stand(/** @type {number} */ index) {
    current = index;
    cells().forEach((cell, i) => (cell.tabIndex = i === current ? 0 : -1));
  }
  function walk(/** @type {KeyboardEvent} */ event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !told) return;
    const next = cellStep(event.key, current, told.across.length);
    if (next === null) return;
    event.preventDefault();
    cells()[next].focus();
  }

  async function go(/** @type {number} */ index) {
    if (!told || index === middleOf(told.across.length)) return;
    const label = cellName(told, index);
    try {
      const { header } = await ask(model, { type: "cell", view: "grid", ...wish(), cell: index }, { signal });
      follow = true;
      commit(model, { spot: header.spot, journey: { t: null } }, label);
    } catch (error) {
      if (/** @type {any} */ (error).name !== "AbortError") fail(/** @type {any} */ (error).message);
    }
  }
  async function saveSquare() {
    turnOff(keep, true);
    fail("");
    try {
      const done = await run(model, { type: "square", view: "grid", ...wish(), scale: SCALE }, { signal, told: (state) => ((job = state.id), bar.show(state)) });
      if (done.state === "done") {
        const blob = await fetchFile(model, { view: "grid", made: done.result, signal });
        save(blob, done.result.name);
        note.textContent = `Saved ${done.result.name}, ${weight(blob.size)}.`;
      }
    } catch (error) {
      if (/** @type {any} */ (error).name !== "AbortError") fail(/** @type {any} */ (error).message);
    }
    bar.hide();
    turnOff(keep, false);
  }
  function fail(/** @type {string} */ sentence) {
    trouble.hidden = !sentence;
    trouble.textContent = sentence;
  }

  const sight = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible) refresh();
  });
  sight.observe(el);
  const unhear = hear(model, { "change:info": refresh, "change:state": refresh, "change:hand": () => choices.length > 1 && session() && later() });
  refresh();
  return () => {
    stop.abort();
    wanted.abort();
    clearTimeout(timer);
    sight.disconnect();
    unhear();
    undress();
  };
}

export default { render };
