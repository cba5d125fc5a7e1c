// @ts-check
/**
 * Thumbnails in place of points, where the view shows few enough of them: which ones, where, and drawing them.
 *
 * @typedef {import("./mapmath.js").Grid} Grid
 * @typedef {import("./mapmath.js").View} View
 * @typedef {{row: number, position: number, x: number, y: number}} Thumb  row of the atlas, position in the grid's order, middle in CSS pixels
 */
import { runs, toData, toScreen } from "./mapmath.js";
import { css } from "./palette.js";
import { DIM } from "./raster.js";

const [SMALL, LARGE] = [32, 56]; // CSS pixels a side
const MOST = 400;
const GAP = 3;
const FRAME = 2;

/** The grid's positions that a view shows, `margin` pixels around it included; null when they are more than `most`. @param {Grid} grid @param {View} view @returns {number[] | null} */
export function visible(grid, view, margin, most) {
  const [x0, y1] = toData(view, -margin, -margin);
  const [x1, y0] = toData(view, view.width + margin, view.height + margin);
  const found = [];
  for (const [from, to] of runs(grid, x0, y0, x1, y1)) {
    for (let i = from; i < to; i++) {
      const [x, y] = [grid.xy[2 * i], grid.xy[2 * i + 1]];
      if (x < x0 || x > x1 || y < y0 || y > y1) continue;
      if (found.length === most) return null;
      found.push(i);
    }
  }
  return found;
}

/** How many points a field may show and still have room for thumbnails: about as many as would fill it. */
export const roomFor = (width, height) => Math.min(MOST, Math.floor((width * height) / SMALL ** 2));

/** How large thumbnails are: they grow with the room each of `count` has. */
export const sideFor = (count, width, height) => Math.round(Math.min(Math.max(0.7 * Math.sqrt((width * height) / Math.max(count, 1)), SMALL), LARGE));

/** The thumbnails that do not touch each other. Which of two that touch is shown follows from their rows alone, so that panning never exchanges them. @param {Grid} grid @param {number[]} positions @param {View} view @param {number} side @returns {Thumb[]} */
export function spaced(grid, positions, view, side) {
  const order = positions.slice().sort((a, b) => rank(grid.rows[a]) - rank(grid.rows[b]) || grid.rows[a] - grid.rows[b]);
  /** @type {Thumb[]} */ const kept = [];
  for (const position of order) {
    const [x, y] = toScreen(view, grid.xy[2 * position], grid.xy[2 * position + 1]);
    if (kept.every((other) => Math.abs(other.x - x) >= side + GAP || Math.abs(other.y - y) >= side + GAP)) kept.push({ row: grid.rows[position], position, x, y });
  }
  return kept;
}

/** A number that is the same for a row everywhere, and unlike that of its neighbours. */
const rank = (row) => Math.imul(row + 1, 0x9e3779b1) >>> 0;

/** The row whose thumbnail lies under a pixel, or -1. @param {Thumb[]} thumbs @param {number} side */
export const thumbAt = (thumbs, side, px, py) => thumbs.find(({ x, y }) => Math.abs(px - x) <= side / 2 && Math.abs(py - y) <= side / 2)?.row ?? -1;

/** Draws thumbnails, framed in the colour of their points. @param {CanvasRenderingContext2D} ctx scaled to CSS pixels @param {Thumb[]} thumbs @param {number} side @param {import("./mapdata.js").Sprite} sprite @param {{tints: Uint8Array, palette: import("./palette.js").Colour[]}} scene */
export function drawThumbs(ctx, thumbs, side, { bitmap, tile, columns }, { tints, palette }) {
  ctx.imageSmoothingQuality = "high";
  for (const { row, position, x, y } of thumbs) {
    const [left, top] = [(row % columns) * tile, Math.floor(row / columns) * tile];
    if (top >= bitmap.height) continue;
    ctx.globalAlpha = tints[position] & DIM ? 0.25 : 1;
    ctx.fillStyle = css(palette[tints[position] & ~DIM]);
    ctx.fillRect(x - side / 2, y - side / 2, side, side);
    ctx.drawImage(bitmap, left, top, tile, tile, x - side / 2 + FRAME, y - side / 2 + FRAME, side - 2 * FRAME, side - 2 * FRAME);
  }
  ctx.globalAlpha = 1;
}
