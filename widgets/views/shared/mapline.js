// @ts-check
/**
 * A path made on the map: from a line drawn by hand to the few corners that keep its shape, and from picked points to stops. Pure.
 *
 * @typedef {[number, number]} Place
 */
import { MOST_STOPS, isLine, journeyOf, laidOut, ordered, pointsOf } from "./journey.js";

/**
 * The corners of a line that matter most, in order: at most `most` of them, and none that changes the line by less than `least`. First and last are kept.
 * The corner that lies farthest from what is kept so far is added first (Ramer, 1972; Douglas and Peucker, 1973).
 * @param {Place[]} line @param {number} least in the line's units @param {number} [most]
 */
export function corners(line, least, most = MOST_STOPS) {
  if (line.length < 3) return line.slice();
  const kept = new Set([0, line.length - 1]);
  let pieces = [farthest(line, 0, line.length - 1)];
  while (kept.size < most) {
    const next = pieces.reduce((a, b) => (b.apart > a.apart ? b : a), pieces[0]);
    if (!next || next.apart < least) break;
    kept.add(next.at);
    pieces = [...pieces.filter((piece) => piece !== next), farthest(line, next.from, next.at), farthest(line, next.at, next.to)];
  }
  return [...kept].sort((a, b) => a - b).map((i) => line[i]);
}

/** The point between two others of a line that lies farthest from the segment between them. @param {Place[]} line */
function farthest(line, from, to) {
  let [at, apart] = [from, -1];
  for (let i = from + 1; i < to; i++) {
    const distance = toSegment(line[i], line[from], line[to]);
    if (distance > apart) [at, apart] = [i, distance];
  }
  return { from, to, at, apart };
}

/** How far a point is from a segment. @param {Place} p @param {Place} a @param {Place} b */
export function toSegment([px, py], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(Math.max(((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/**
 * A fine line through corners without a bend at any: the curve that the server lifts (`explorer.core.path.rounded`), centripetal Catmull-Rom.
 * @param {Place[]} points @param {number} [pieces] from one corner to the next @returns {Place[]}
 */
export function rounded(points, pieces = 12) {
  const own = points.filter((point, i) => !i || point[0] !== points[i - 1][0] || point[1] !== points[i - 1][1]);
  if (own.length < 3) return own;
  const gap = own.slice(1).map((point, i) => Math.sqrt(Math.hypot(point[0] - own[i][0], point[1] - own[i][1])));
  return [0, 1].map((axis) => {
    const values = own.map((point) => point[axis]);
    const slope = gap.map((step, i) => (values[i + 1] - values[i]) / step);
    const inner = slope.slice(1).map((next, i) => (slope[i] * gap[i + 1] + next * gap[i]) / (gap[i] + gap[i + 1]));
    const tangent = [slope[0], ...inner, slope[slope.length - 1]];
    return [...gap.flatMap((step, i) => Array.from({ length: pieces }, (_, j) => hermite(j / pieces, values[i], values[i + 1], step * tangent[i], step * tangent[i + 1]))), values[values.length - 1]];
  }).reduce((xs, ys) => /** @type {any} */ (xs.map((x, i) => [x, ys[i]])));
}

/** Between two values with slopes, u in [0, 1). */
const hermite = (u, a, b, ma, mb) => (1 + 2 * u) * (1 - u) ** 2 * a + u * (1 - u) ** 2 * ma + u ** 2 * (3 - 2 * u) * b + u ** 2 * (u - 1) * mb;

/** The patch that makes corners on a map the path. @param {string} layout @param {Place[]} places */
export const drawnPath = (layout, places) => ({
  journey: { kind: "drawn", start: null, end: null, t: null, stops: places.map(([x, y]) => ({ origin: { kind: "place", layout, x, y }, axes: [] })) },
});

/** The patch that makes the path go on to one more point; a line drawn or solved gives way to a new path. Null when it has as many points as it may. @param {any} session @param {import("./journey.js").Spot} spot */
export function prolonged(session, spot) {
  const now = journeyOf(session);
  const points = [...(isLine(now) ? [] : pointsOf(laidOut(now))), spot];
  if (points.length > MOST_STOPS + 2) return null;
  const kind = isLine(now) || (now.kind === "arc" && points.length > 2) ? "spline" : now.kind;
  return { journey: { ...ordered(points), kind, t: null } };
}
