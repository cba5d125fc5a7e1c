// @ts-check
/** Which rows a line drawn around points catches, and selections made of them. Pure. */
import { boundsOf } from "./mapmath.js";

/**
 * The rows inside a closed line in data coordinates (even-odd rule), ascending. Cells that the line does not come near are inside or outside as a whole, so
 * that of a million points only those along the line are looked at one by one.
 * @param {import("./mapmath.js").Grid} grid @param {[number, number][]} line @returns {Uint32Array}
 */
export function lassoed(grid, line) {
  if (line.length < 3 || !grid.n) return new Uint32Array(0);
  const { starts, columns, cell } = grid;
  const marked = new Uint8Array(grid.n);
  const near = crossed(grid, line);
  const middle = (at) => inside(line, grid.x0 + ((at % columns) + 0.5) * cell, grid.y0 + (Math.floor(at / columns) + 0.5) * cell);
  for (const [from, to] of boxed(grid, line)) {
    for (let at = from, end; at < to; at = end) {
      for (end = at + 1; end < to && near[end] === near[at]; ) end++;
      if (!near[at] && !middle(at)) continue;
      for (let i = starts[at]; i < starts[end]; i++) if (!near[at] || inside(line, grid.xy[2 * i], grid.xy[2 * i + 1])) marked[grid.rows[i]] = 1;
    }
  }
  return rowsOf(marked);
}

/** The runs of cells [from, to), one a line of them, that the box around a line touches. @param {import("./mapmath.js").Grid} grid @param {[number, number][]} line */
function* boxed({ x0, y0, cell, columns, lines }, line) {
  const [[left, bottom], [right, top]] = boundsOf(Float32Array.from(line.flat()));
  const [c0, c1] = [Math.max(Math.floor((left - x0) / cell) - 1, 0), Math.min(Math.floor((right - x0) / cell) + 1, columns - 1)];
  const [l0, l1] = [Math.max(Math.floor((bottom - y0) / cell) - 1, 0), Math.min(Math.floor((top - y0) / cell) + 1, lines - 1)];
  for (let at = l0; at <= l1 && c0 <= c1; at++) yield [at * columns + c0, at * columns + c1 + 1];
}

/** One for each cell that a closed line crosses, or that lies beside such a cell. @param {import("./mapmath.js").Grid} grid @param {[number, number][]} line */
function crossed({ x0, y0, cell, columns, lines }, line) {
  const near = new Uint8Array(columns * lines);
  line.forEach(([bx, by], i) => {
    const [ax, ay] = line[(i || line.length) - 1];
    const slope = (bx - ax) / (by - ay);
    const [low, high] = [Math.min(ay, by), Math.max(ay, by)];
    const first = Math.max(Math.floor((low - y0) / cell) - 1, 0);
    const last = Math.min(Math.floor((high - y0) / cell) + 1, lines - 1);
    for (let at = first; at <= last; at++) {
      const [from, to] = [Math.max(low, y0 + (at - 1) * cell), Math.min(high, y0 + (at + 2) * cell)];
      const xs = by === ay ? [ax, bx] : [ax + (from - ay) * slope, ax + (to - ay) * slope];
      const left = Math.max(Math.floor((Math.min(...xs) - x0) / cell) - 1, 0);
      const right = Math.min(Math.floor((Math.max(...xs) - x0) / cell) + 1, columns - 1);
      if (left <= right) near.fill(1, at * columns + left, at * columns + right + 1);
    }
  });
  return near;
}

/** Whether a position lies inside a closed line. @param {[number, number][]} line */
export function inside(line, x, y) {
  let within = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [line[i], line[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

/** A selection with newly caught rows: in their place, added or taken away; ascending. @param {ArrayLike<number>} old @param {ArrayLike<number>} caught @param {"replace"|"add"|"remove"} how */
export function combined(old, caught, how) {
  if (how === "replace") return Uint32Array.from(caught).sort();
  const most = Math.max(last(old), last(caught)) + 1;
  const kept = new Uint8Array(most);
  for (let i = 0; i < old.length; i++) kept[old[i]] = 1;
  for (let i = 0; i < caught.length; i++) kept[caught[i]] = how === "add" ? 1 : 0;
  return rowsOf(kept);
}

const last = (rows) => {
  let most = -1;
  for (let i = 0; i < rows.length; i++) if (rows[i] > most) most = rows[i];
  return most;
};

/** The rows that are marked, ascending. @param {Uint8Array} marked */
function rowsOf(marked) {
  let [count, at] = [0, 0];
  for (let i = 0; i < marked.length; i++) count += marked[i];
  const rows = new Uint32Array(count);
  for (let i = 0; i < marked.length; i++) if (marked[i]) rows[at++] = i;
  return rows;
}
