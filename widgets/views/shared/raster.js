// @ts-check
/**
 * Paints points into a pixel buffer: no canvas calls, no objects per point, so that a million stay fluent without a GPU.
 *
 * A point's tint is one byte: its class or level (0-126), UNSEEN, plus DIM for what stands back. Tints lie in the grid's sorted order,
 * which makes writes run along the picture and lets cells outside the view be skipped whole.
 *
 * @typedef {import("./mapmath.js").Grid} Grid
 * @typedef {import("./mapmath.js").View} View
 * @typedef {import("./palette.js").Colour} Colour
 * @typedef {{pixels: Uint32Array, width: number, height: number, pad: number}} Buffer  `width` and `height` include `pad` on all sides
 */
import { runs, toData } from "./mapmath.js";

export const UNSEEN = 127;
export const DIM = 128;
export const LEVELS = 64;
const MOST_RADIUS = 16;
const PHASES = 4;
const OPAQUE = 128; // seven bits, so that a product of two packed channels stays a small integer

/** A buffer of `width` x `height` pixels with room around for points cut by the rim. @returns {Buffer} */
export function buffer(width, height, bytes) {
  const pad = MOST_RADIUS + 2;
  const [w, h] = [width + 2 * pad, height + 2 * pad];
  return { pixels: new Uint32Array(bytes ?? new ArrayBuffer(w * h * 4)), width: w, height: h, pad };
}

/** Pixel value, little endian RGBA. @param {Colour} colour */
export const packed = ([r, g, b]) => ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;

/** Tints by sorted position from a class (255: unseen) of each row. @param {Grid} grid @param {Uint8Array} classes @param {number} known classes with a colour of their own */
export function classTints(grid, classes, known) {
  const tints = new Uint8Array(grid.n);
  for (let i = 0; i < grid.n; i++) {
    const value = classes[grid.rows[i]];
    tints[i] = value < known ? value : UNSEEN;
  }
  return tints;
}

/** Tints by sorted position from a number of each row, `low` to `high` in LEVELS steps. @param {Grid} grid @param {Float32Array} values */
export function levelTints(grid, values, low, high) {
  const tints = new Uint8Array(grid.n);
  const steps = high > low ? (LEVELS - 1) / (high - low) : 0;
  for (let i = 0; i < grid.n; i++) {
    const value = values[grid.rows[i]];
    tints[i] = Number.isFinite(value) ? Math.min(Math.max(Math.round((value - low) * steps), 0), LEVELS - 1) : UNSEEN;
  }
  return tints;
}

/** The tints with DIM set on what is not kept: rows outside `selection` (when there is one) and classes other than `only` (when one is isolated). @param {Grid} grid @param {Uint8Array} tints @param {ArrayLike<number>} selection @param {number | null} only */
export function dimmed(grid, tints, selection, only) {
  const kept = new Uint8Array(grid.n);
  if (selection.length) for (let i = 0; i < selection.length; i++) kept[selection[i]] = 1; // rows the map lacks fall beside the array
  else kept.fill(1);
  return tints.map((tint, i) => (kept[grid.rows[i]] && (only === null || tint === only) ? tint : tint | DIM));
}

/** Radius in CSS pixels: by the room a point has, growing with the zoom. */
export function radiusFor(n, width, height, zoom) {
  const room = Math.min(0.4 * Math.sqrt((width * height) / Math.max(n, 1)), 3.4);
  return Math.min(Math.max(room * Math.max(zoom, 0.5) ** 0.8, 0.5), 6);
}

/**
 * Paints all points that the view shows, the dimmed ones underneath.
 * @param {Buffer} target @param {Grid} grid @param {Uint8Array} tints @param {Colour[]} palette by tint without DIM @param {View} view in device pixels, of the size of the target without its pad
 * @param {{radius: number, alpha: number, ground: Colour, far: Colour | null, stride?: number}} look radius in device pixels; `far` is the colour of dimmed
 *   points, null when there are none; `stride` 3 paints every third point, which keeps a hand fluent over very many
 */
export function paint(target, grid, tints, palette, view, look) {
  target.pixels.fill(packed(look.ground));
  if (look.far) pass(target, grid, tints, view, look, DIM, new Array(palette.length).fill(packed(look.far)));
  pass(target, grid, tints, view, look, 0, palette.map(packed));
}

/** One layer: points whose DIM bit equals `layer`. */
function pass(target, grid, tints, view, { radius, alpha, stride = 1 }, layer, colours) {
  const { pixels, width, pad } = target;
  const reach = Math.min(radius, MOST_RADIUS);
  const brushes = brushesFor(reach, 1 - (1 - alpha) ** stride, width);
  const fine = brushes.length > 1;
  const colour = new Int32Array(128);
  for (let i = 0; i < 128; i++) colour[i] = colours[i] ?? 0;
  const { xy } = grid;
  const { k } = view;
  const ox = view.width / 2 - view.x * k + pad;
  const oy = view.height / 2 + view.y * k + pad;
  const [right, bottom] = [view.width + pad + reach, view.height + pad + reach];
  const least = pad - reach;
  const [x0, y1] = toData(view, -reach, -reach);
  const [x1, y0] = toData(view, view.width + reach, view.height + reach);
  for (const [from, to] of runs(grid, x0, y0, x1, y1)) {
    for (let i = from + ((stride - (from % stride)) % stride); i < to; i += stride) {
      const tint = tints[i];
      if ((tint & DIM) !== layer) continue;
      const px = xy[2 * i] * k + ox;
      const py = oy - xy[2 * i + 1] * k;
      if (px < least || py < least || px > right || py > bottom) continue;
      const [ix, iy] = [px | 0, py | 0];
      const brush = fine ? brushes[(((py - iy) * PHASES) | 0) * PHASES + (((px - ix) * PHASES) | 0)] : brushes[0];
      stamp(pixels, iy * width + ix, brush.offsets, brush.alphas, colour[tint & 127]);
    }
  }
}

function stamp(pixels, at, offsets, alphas, colour) {
  const redBlue = colour & 0xff00ff;
  const green = (colour >> 8) & 0xff;
  for (let j = 0; j < offsets.length; j++) {
    const where = at + offsets[j];
    const a = alphas[j];
    if (a === OPAQUE) {
      pixels[where] = colour;
      continue;
    }
    const under = pixels[where];
    const rb = ((redBlue * a + (under & 0xff00ff) * (OPAQUE - a)) >> 7) & 0xff00ff;
    const g = (green * a + ((under >> 8) & 0xff) * (OPAQUE - a)) >> 7;
    pixels[where] = -16777216 | (g << 8) | rb;
  }
}

/** Discs with soft rims, one a sub-pixel position, so that points glide rather than hop; very small ones are a single pixel. */
function brushesFor(radius, alpha, width) {
  const full = Math.round(alpha * OPAQUE);
  if (radius < 0.75) return [{ offsets: Int32Array.of(0), alphas: Uint8Array.of(Math.max(full >> 1, 1)) }];
  return Array.from({ length: PHASES * PHASES }, (_, phase) => {
    const [fx, fy] = [((phase % PHASES) + 0.5) / PHASES, (Math.floor(phase / PHASES) + 0.5) / PHASES];
    const [offsets, alphas] = [[], []];
    const span = Math.ceil(radius + 1);
    for (let dy = -span; dy <= span; dy++) {
      for (let dx = -span; dx <= span; dx++) {
        const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(dx + 0.5 - fx, dy + 0.5 - fy), 0), 1);
        const a = Math.round(cover * full);
        if (a) offsets.push(dy * width + dx), alphas.push(a);
      }
    }
    return { offsets: Int32Array.from(offsets), alphas: Uint8Array.from(alphas) };
  });
}
