// @ts-check
/** What stands around and over the points: legend, card of a selection, tooltip. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { counted } from "./mapmath.js";
import { css, gradient, trustScale } from "./palette.js";
import { digits, grouped, readable } from "./words.js";

const percent = (part, whole) => `${whole ? Math.round((100 * part) / whole) : 0}\u00a0%`;
const short = (value) => digits(Number(value.toPrecision(2)));
const MOST_ROWS = 5;
export const MOST_KEPT = 100_000; // rows of a selection that a session holds

/** @typedef {{kind: "none"} | {kind: "label", name: string, classes: string[], values: Uint8Array, colours: import("./palette.js").Colour[], unseen: import("./palette.js").Colour} | {kind: "axis", title: string, low: number, high: number, values: Float32Array} | {kind: "place", measure: string, local: import("./maplocal.js").Local, values: Uint8Array | null, seedless?: string}} Colouring */

export const MEASURES = {
  kept: { option: "how far to trust", title: "Neighbours kept", tip: "neighbours kept", begin: "Measure it", about: "seconds" },
  stays: { option: "same for any seed", title: "Same with other seeds", tip: "same with other seeds", begin: "Draw it with two more seeds", about: "about a minute" },
};

/** The legend: classes that can be isolated, or a colour bar, or how far its measuring is. @param {(index: number | null) => void} isolate @param {{start(): void, cancel(): void}} measuring */
export function legend(isolate, measuring) {
  const root = h("div", { class: "le-map-legend" });
  return {
    root,
    /** @param {Colouring} colouring @param {number | null} only @param {boolean} dark */
    show(colouring, only, dark) {
      const held = /** @type {HTMLElement | null} */ (root.contains(document.activeElement) ? document.activeElement : null)?.dataset.index;
      root.hidden = colouring.kind === "none";
      if (colouring.kind === "none") root.replaceChildren();
      if (colouring.kind === "label") root.replaceChildren(...chips(colouring, only, isolate));
      if (colouring.kind === "axis") root.replaceChildren(bar(colouring, dark));
      if (colouring.kind === "place") root.replaceChildren(placeBar(colouring, dark, measuring));
      if (held) /** @type {any} */ (root.querySelector(`[data-index="${held}"]`))?.focus();
    },
  };
}

function chips({ name, classes, values, colours, unseen: grey }, only, isolate) {
  const { counts, unseen, n } = counted(values, classes.length);
  const chip = (index, title, colour, count) =>
    h("button", {
      type: "button", class: "le-map-chip", "aria-pressed": String(only === index), "data-index": index,
      title: only === index ? "Show all" : `Show only: ${title}, ${grouped(count)} of ${grouped(n)}`, on: { click: () => isolate(only === index ? null : index) },
    }, h("i", { style: `background:${css(colour)}` }), title, h("small", null, percent(count, n)));
  const own = classes.slice(0, colours.length).map((title, i) => chip(i, readable(title), colours[i], counts[i]));
  const others = counts.slice(colours.length).reduce((sum, count) => sum + count, 0) + unseen;
  const rest = others ? [h("span", { class: "le-map-chip" }, h("i", { style: `background:${css(grey)}` }), classes.length > colours.length ? "other" : "not seen", h("small", null, percent(others, n)))] : [];
  return [h("span", { class: "le-map-legend-title" }, readable(name)), ...own, ...rest];
}

function bar({ title, low, high }, dark) {
  return h("div", { class: "le-map-scale", role: "img", "aria-label": `Colour scale of ${title}, from ${short(low)} to ${short(high)}` },
    h("span", { class: "le-map-legend-title" }, title), h("span", null, short(low)), h("i", { style: `background:${gradient(dark)}` }), h("span", null, short(high)));
}

/** The colours of what was measured of places, in words; or how to get them. */
function placeBar({ measure, local, values, seedless }, dark, measuring) {
  const { title, begin, about } = MEASURES[measure];
  const line = (...children) => h("div", { class: "le-map-scale" }, h("span", { class: "le-map-legend-title" }, title), ...children);
  if (seedless) return line(h("span", { role: "status" }, seedless));
  if (values)
    return h("div", { class: "le-map-scale", role: "img", "aria-label": `Colour scale: ${title.toLowerCase()}, from orange, none, to blue, all ${local.k}` },
      h("span", { class: "le-map-legend-title" }, title), h("span", null, "none"), h("i", { style: `background:${gradient(dark, trustScale)}` }), h("span", null, `all ${local.k}`));
  if (local.state === "working" || local.state === "asked") {
    const { step = 0, steps = 1, words = "" } = local.job ?? {};
    return line(h("progress", { max: steps, value: step || null, "aria-label": title }), h("span", { role: "status" }, words || "measuring…"),
      local.job && h("button", { type: "button", class: "le-button", "data-index": "cancel", on: { click: measuring.cancel } }, "Cancel"));
  }
  return line(h("button", { type: "button", class: "le-button", "data-index": "begin", on: { click: measuring.start } }, begin), h("span", { role: local.error ? "alert" : null }, local.error || `takes ${about}`));
}

/** The card of a selection. @param {() => void} clear */
export function selectionCard(clear) {
  const body = h("div");
  const close = h("button", { type: "button", class: "le-button le-bare", title: "Clear the selection (Escape)", "aria-label": "Clear the selection", on: { click: clear } }, icon("close"));
  const root = h("div", { class: "le-map-card", role: "region", "aria-label": "Selection", hidden: true }, close, body);
  return {
    root,
    /** @param {ArrayLike<number>} rows @param {number} n @param {Colouring} colouring @param {boolean} left whether it stands at the left, because what it speaks of lies right */
    show(rows, n, colouring, left) {
      root.classList.toggle("le-map-left", left);
      root.hidden = !rows.length;
      if (!rows.length) return;
      const passing = rows.length > MOST_KEPT ? [h("p", null, `Only shown: a session keeps selections of up to ${grouped(MOST_KEPT)}.`)] : [];
      body.replaceChildren(h("strong", null, `${grouped(rows.length)} selected`), h("small", null, `${percent(rows.length, n)} of the map`), ...composition(rows, colouring), ...passing);
    },
  };
}

/** What a selection is made of beside the whole map. @param {ArrayLike<number>} rows @param {Colouring} colouring */
function composition(rows, colouring) {
  if (colouring.kind === "none") return [h("p", null, "Colour by a label to see what is in it.")];
  if (colouring.kind === "place") {
    if (!colouring.values) return [];
    const { k } = colouring.local;
    const part = (of) => ((k * mean(colouring.values, of)) / 255).toFixed(1);
    return [h("p", null, `${MEASURES[colouring.measure].title}: ${part(rows)} of ${k} here, ${part(undefined)} on the whole map.`)];
  }
  if (colouring.kind === "axis") return [h("p", null, `${colouring.title}: mean ${short(mean(colouring.values, rows))} here, ${short(mean(colouring.values))} on the whole map.`)];
  const part = counted(colouring.values, colouring.classes.length, rows);
  const whole = counted(colouring.values, colouring.classes.length);
  const order = part.counts.map((_, i) => i).filter((i) => part.counts[i]).sort((a, b) => part.counts[b] - part.counts[a]);
  const line = (i) =>
    h("tr", null, h("th", { scope: "row" }, readable(colouring.classes[i])),
      h("td", null, h("i", { style: `inline-size:${(100 * part.counts[i]) / part.n}%;background:${css(colouring.colours[i] ?? colouring.unseen)}` })),
      h("td", null, percent(part.counts[i], part.n)), h("td", null, percent(whole.counts[i], whole.n)));
  const more = order.length > MOST_ROWS ? [h("p", null, `and ${order.length - MOST_ROWS} more`)] : [];
  return [h("table", null, h("caption", null, readable(colouring.name)), h("thead", null, h("tr", null, h("td"), h("td"), h("th", { scope: "col" }, "here"), h("th", { scope: "col" }, "all"))), h("tbody", null, order.slice(0, MOST_ROWS).map(line))), ...more];
}

/** @param {ArrayLike<number>} values @param {ArrayLike<number>} [rows] */
function mean(values, rows) {
  const n = rows?.length ?? values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[rows ? rows[i] : i] || 0;
  return n ? sum / n : 0;
}

const THUMB = 80;

/** The tooltip of a point: its thumbnail and its labels. */
export function tooltip() {
  const canvas = h("canvas", { class: "le-map-thumb", "aria-hidden": "true" });
  const list = h("dl");
  const root = h("div", { class: "le-map-tip", hidden: true, "aria-hidden": "true" }, canvas, list);
  let shown = -1;
  return {
    root,
    hide() {
      root.hidden = true;
      shown = -1;
    },
    /** Has the next `show` draw everything again. */
    renew: () => (shown = -1),
    /** @param {number} row @param {import("./mapdata.js").Sprite | null} sprite @param {ImageBitmap | null} picture where there is no sprite @param {[string, string, string][]} labels name, class, colour of the swatch or "" @param {number} x @param {number} y @param {number} width @param {number} height of the field */
    show(row, sprite, picture, labels, x, y, width, height) {
      root.hidden = false;
      if (row !== shown) {
        shown = row;
        const alone = !sprite && picture ? { bitmap: picture, tile: picture.width, columns: 1 } : null;
        drawThumb(canvas, sprite ?? alone, alone ? 0 : row);
        list.replaceChildren(...labels.flatMap(([name, value, swatch]) => [h("dt", null, readable(name)), h("dd", null, swatch && h("i", { style: `background:${swatch}` }), readable(value))]));
      }
      const [w, tall] = [root.offsetWidth, root.offsetHeight];
      const left = x + 16 + w > width ? Math.max(x - 16 - w, 4) : x + 16;
      root.style.transform = `translate(${Math.round(Math.min(left, Math.max(width - w - 4, 4)))}px, ${Math.round(Math.min(Math.max(y - tall / 2, 4), Math.max(height - tall - 4, 4)))}px)`;
    },
  };
}

/** Draws one tile of the sprite. @param {HTMLCanvasElement} canvas @param {import("./mapdata.js").Sprite | null} sprite */
function drawThumb(canvas, sprite, row) {
  const [sx, sy] = sprite ? [(row % sprite.columns) * sprite.tile, Math.floor(row / sprite.columns) * sprite.tile] : [0, 0];
  canvas.hidden = !sprite || sy >= sprite.bitmap.height;
  if (canvas.hidden || !sprite) return;
  const size = Math.round(THUMB * Math.min(devicePixelRatio || 1, 2));
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(sprite.bitmap, sx, sy, sprite.tile, sprite.tile, 0, 0, size, size);
}
