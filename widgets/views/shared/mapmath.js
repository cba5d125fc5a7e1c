// @ts-check
/**
 * The geometry of a map: view transform, grid index, nearest point, neighbour in a direction. Pure: typed arrays in, numbers out.
 *
 * Data has its y axis pointing up, the screen has it pointing down. Both axes share one scale, so a circle stays a circle.
 *
 * @typedef {{x: number, y: number, k: number, width: number, height: number}} View  the data position at the centre, pixels per data unit, size in pixels
 * @typedef {{xy: Float32Array, rows: Uint32Array, starts: Uint32Array, columns: number, lines: number, x0: number, y0: number, cell: number, n: number}} Grid
 *   `xy` and `rows` are sorted by cell: cell c holds the sorted positions starts[c] to starts[c + 1]
 * @typedef {[[number, number], [number, number]]} Bounds
 */

const PER_CELL = 6;
const MOST_CELLS = 1 << 20;
export const DIRECTIONS = /** @type {const} */ ({ right: [1, 0], left: [-1, 0], up: [0, 1], down: [0, -1] });

/** The view that shows all of `bounds`, with `margin` pixels around. @param {Bounds} bounds @returns {View} */
export function fitView([[x0, y0], [x1, y1]], width, height, margin = 24) {
  const room = (size) => Math.max(size - 2 * margin, size / 2, 1);
  const k = Math.min(room(width) / (x1 - x0), room(height) / (y1 - y0)); // a flat extent gives Infinity, which loses
  const safe = Number.isFinite(k) && k > 0 ? k : Math.min(width, height) / 2 || 1;
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, k: safe, width, height };
}

/** @param {View} view @returns {[number, number]} */
export const toScreen = (view, x, y) => [(x - view.x) * view.k + view.width / 2, (view.y - y) * view.k + view.height / 2];

/** @param {View} view @returns {[number, number]} */
export const toData = (view, px, py) => [(px - view.width / 2) / view.k + view.x, view.y - (py - view.height / 2) / view.k];

/** The view moved by so many pixels: what was under the pointer stays under it. @param {View} view @returns {View} */
export const panned = (view, dx, dy) => ({ ...view, x: view.x - dx / view.k, y: view.y + dy / view.k });

/** The view zoomed about a pixel, between `least` and `most` pixels per unit. @param {View} view @returns {View} */
export function zoomed(view, factor, px, py, [least, most]) {
  const k = Math.min(Math.max(view.k * factor, least), most);
  const [x, y] = toData(view, px, py);
  return { ...view, k, x: x - (px - view.width / 2) / k, y: y + (py - view.height / 2) / k };
}

/** The view in a field of another size: centre and extent kept. @param {View} view @returns {View} */
export function resized(view, width, height) {
  const ratio = Math.min(width, height) / Math.max(Math.min(view.width, view.height), 1);
  return { ...view, width, height, k: view.k * (ratio || 1) };
}

/** The view held near the data, so that it cannot be lost. @param {View} view @param {Bounds} bounds @returns {View} */
export function clamped(view, [[x0, y0], [x1, y1]]) {
  const hold = (value, low, high) => Math.min(Math.max(value, low), high);
  return { ...view, x: hold(view.x, x0, x1), y: hold(view.y, y0, y1) };
}

/** A step between two views, t in [0, 1]; the scale changes evenly to the eye. @param {View} a @param {View} b @returns {View} */
export function between(a, b, t) {
  const mix = (from, to) => from + (to - from) * t;
  return { ...b, k: a.k * (b.k / a.k) ** t, x: mix(a.x, b.x), y: mix(a.y, b.y) };
}

/** The box around all points; the unit square when there are none. @param {Float32Array} xy @returns {Bounds} */
export function boundsOf(xy) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    if (xy[i] < x0) x0 = xy[i];
    if (xy[i] > x1) x1 = xy[i];
    if (xy[i + 1] < y0) y0 = xy[i + 1];
    if (xy[i + 1] > y1) y1 = xy[i + 1];
  }
  return xy.length ? [[x0, y0], [x1, y1]] : [[0, 0], [1, 1]];
}

/** Sorts points `(n, 2)` into square cells of about six each. @param {Float32Array} xy @returns {Grid} */
export function buildGrid(xy) {
  const n = xy.length / 2;
  const [[x0, y0], [x1, y1]] = boundsOf(xy);
  const cells = Math.min(Math.max(n / PER_CELL, 1), MOST_CELLS);
  const [width, height] = [x1 - x0, y1 - y0];
  const cell = Math.max(Math.sqrt((width * height) / cells), Math.max(width, height) / Math.min(cells, 4096)) || 1;
  const columns = Math.floor(width / cell) + 1;
  const lines = Math.floor(height / cell) + 1;
  const starts = new Uint32Array(columns * lines + 1);
  const home = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const at = Math.floor((xy[2 * i + 1] - y0) / cell) * columns + Math.floor((xy[2 * i] - x0) / cell);
    home[i] = at;
    starts[at + 1]++;
  }
  for (let c = 0; c < columns * lines; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const rows = new Uint32Array(n);
  const sorted = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const at = next[home[i]]++;
    rows[at] = i;
    sorted[2 * at] = xy[2 * i];
    sorted[2 * at + 1] = xy[2 * i + 1];
  }
  return { xy: sorted, rows, starts, columns, lines, x0, y0, cell, n };
}

/** The runs [from, to) of sorted positions that a box touches, one a line of cells. @param {Grid} grid @returns {Generator<[number, number]>} */
export function* runs(grid, x0, y0, x1, y1) {
  const column = (x) => Math.min(Math.max(Math.floor((x - grid.x0) / grid.cell), 0), grid.columns - 1);
  const [c0, c1] = [column(x0), column(x1)];
  const first = Math.max(Math.floor((y0 - grid.y0) / grid.cell), 0);
  const last = Math.min(Math.floor((y1 - grid.y0) / grid.cell), grid.lines - 1);
  for (let line = first; line <= last; line++) {
    const [from, to] = [grid.starts[line * grid.columns + c0], grid.starts[line * grid.columns + c1 + 1]];
    if (to > from) yield [from, to];
  }
}

/** The row nearest to a data position within `reach` (data units), or -1. @param {Grid} grid */
export function nearest(grid, x, y, reach) {
  let [row, best] = [-1, reach * reach];
  for (const [from, to] of runs(grid, x - reach, y - reach, x + reach, y + reach)) {
    for (let i = from; i < to; i++) {
      const [dx, dy] = [grid.xy[2 * i] - x, grid.xy[2 * i + 1] - y];
      const distance = dx * dx + dy * dy;
      if (distance < best || (distance === best && row < 0)) [row, best] = [grid.rows[i], distance];
    }
  }
  return row;
}

/** The row nearest to a data position, however far; -1 only without points. @param {Grid} grid */
export function nearestAnywhere(grid, x, y) {
  if (!grid.n) return -1;
  const far = Math.hypot(Math.max(Math.abs(x - grid.x0), Math.abs(x - grid.x0 - grid.columns * grid.cell)), Math.max(Math.abs(y - grid.y0), Math.abs(y - grid.y0 - grid.lines * grid.cell)));
  for (let reach = grid.cell; ; reach *= 2) {
    const row = nearest(grid, x, y, reach);
    if (row >= 0 || reach > far) return row;
  }
}

/**
 * The point that an arrow key walks to: within 45 degrees of the direction, near and straight ahead preferred. -1 at the rim.
 * @param {Grid} grid @param {number} x @param {number} y @param {readonly [number, number]} direction a unit vector
 */
export function neighbour(grid, x, y, [ux, uy]) {
  const cornerwise = Math.max(Math.abs(x - grid.x0), Math.abs(x - grid.x0 - grid.columns * grid.cell), Math.abs(y - grid.y0), Math.abs(y - grid.y0 - grid.lines * grid.cell));
  for (let reach = grid.cell; ; reach *= 2) {
    let [row, best] = [-1, Infinity];
    // only the square ahead: along the direction from 0 to reach, across it within 45 degrees
    const [ax, ay, bx, by] = ux ? [Math.min(0, ux * reach), -reach, Math.max(0, ux * reach), reach] : [-reach, Math.min(0, uy * reach), reach, Math.max(0, uy * reach)];
    for (const [from, to] of runs(grid, x + ax, y + ay, x + bx, y + by)) {
      for (let i = from; i < to; i++) {
        const [dx, dy] = [grid.xy[2 * i] - x, grid.xy[2 * i + 1] - y];
        const ahead = dx * ux + dy * uy;
        const aside = Math.abs(dx * uy - dy * ux);
        if (ahead <= 0 || aside > ahead || ahead > reach) continue;
        const cost = ahead + 2 * aside;
        if (cost < best) [row, best] = [grid.rows[i], cost];
      }
    }
    if ((row >= 0 && best <= reach) || reach > 2 * cornerwise) return row;
  }
}

/** A line with its points at least `step` apart, first and last kept: what a hand draws has far too many. @param {[number, number][]} line */
export function thinned(line, step) {
  let kept = line[0];
  return line.filter((point, i) => {
    const far = i === 0 || i === line.length - 1 || Math.hypot(point[0] - kept[0], point[1] - kept[1]) >= step;
    if (far) kept = point;
    return far;
  });
}

/** How often each class occurs among rows (all rows when omitted); 255 is counted apart. @param {Uint8Array} values @param {number} classes @param {ArrayLike<number>} [rows] */
export function counted(values, classes, rows) {
  const counts = new Array(classes).fill(0);
  let unseen = 0;
  const n = rows ? rows.length : values.length;
  for (let i = 0; i < n; i++) {
    const value = values[rows ? rows[i] : i];
    value < classes ? counts[value]++ : unseen++;
  }
  return { counts, unseen, n };
}

/** The values below which the given shares of finite numbers lie, from at most 20,000 of them. @param {Float32Array} values @param {number[]} shares */
export function quantiles(values, shares) {
  const step = Math.max(1, Math.floor(values.length / 20000));
  const some = Float32Array.from({ length: Math.floor(values.length / step) }, (_, i) => values[i * step]).filter(Number.isFinite).sort();
  return shares.map((share) => some[Math.min(Math.round(share * (some.length - 1)), some.length - 1)] ?? 0);
}
