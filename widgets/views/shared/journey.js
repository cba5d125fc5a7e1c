// @ts-check
/**
 * Reading a session: where one is, the patch that goes elsewhere, and where on a map that is. Pure.
 *
 * @typedef {{origin: any, axes: [number, number][]}} Spot
 * @typedef {{start: Spot | null, end: Spot | null, kind: string, t: number | null, stops: Spot[], pace: "code" | "picture"}} Journey
 */

export const MOST_STOPS = 24;

/** @type {Journey} */
const NO_JOURNEY = { start: null, end: null, kind: "arc", t: null, stops: [], pace: "code" };

/** The journey of a session, whole. @returns {Journey} */
export const journeyOf = (session) => ({ ...NO_JOURNEY, ...session?.journey });

/** The spot one is at: on a path it has no name of its own and is given by the numbers of the newest frame. Null when those are not known yet. @returns {Spot | null} */
export function here(session, frame) {
  if (!session) return null;
  if (journeyOf(session).t === null) return session.spot;
  return frame?.code ? { origin: { kind: "values", values: Array.from(frame.code) }, axes: [] } : null;
}

/** The patch that puts the session at an origin, off the path. A patch of the journey names only what it changes, so that an end just set is not undone. */
export const goingTo = (session, origin) => ({ spot: { origin, axes: [] }, ...(journeyOf(session).t === null ? {} : { journey: { t: null } }) });

/** What a path goes through, in order. @param {Journey} journey @returns {Spot[]} */
export const pointsOf = ({ start, stops, end }) => /** @type {Spot[]} */ ([start, ...stops, end].filter(Boolean));

/** Whether there are points enough for a path. @param {Journey} journey */
export const isWhole = (journey) => pointsOf(journey).length >= 2;

/** Points in order as the fields of a journey: the first is A, the last is B. @param {Spot[]} points */
export const ordered = (points) => ({ start: points[0] ?? null, stops: points.slice(1, -1), end: points.length > 1 ? points[points.length - 1] : null });

/** A journey whose ends are named even where they came as stops, as when points were picked on the map. @param {Journey} journey @returns {Journey} */
export function laidOut(journey) {
  if (isWhole(journey)) return { ...journey, ...ordered(pointsOf(journey)) };
  return journey.stops.length ? { ...journey, start: journey.stops[0], stops: [], end: null } : journey;
}

/** Points with the one at `from` moved to `to`. @template T @param {T[]} points @param {number} from @param {number} to @returns {T[]} */
export function moved(points, from, to) {
  const rest = points.filter((_, index) => index !== from);
  return [...rest.slice(0, to), points[from], ...rest.slice(to)];
}

/** Whether a line on a map, or one solved for its ends, is the path: its stops are not the visitor's own. @param {Journey} journey */
export const isLine = ({ kind }) => kind === "drawn" || kind === "geodesic";

/** The map on which the points of a path make a line, or null when they are not places of one map as they are. @param {Journey} journey @returns {string | null} */
export function mapOf(journey) {
  const maps = new Set(pointsOf(journey).map(({ origin, axes }) => (origin.kind === "place" && !axes.length ? origin.layout : null)));
  return maps.size === 1 ? [...maps][0] : null;
}

/** The patch that changes some of the journey; a time without a whole path falls away. @param {Partial<Journey>} changes */
export function journeying(session, changes) {
  const next = { ...journeyOf(session), ...changes };
  return { journey: { ...changes, t: isWhole(next) ? next.t : null } };
}

/** @param {Spot | null | undefined} a @param {Spot | null | undefined} b */
export const sameSpot = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * Where on a map a spot lies, when that follows from the spot alone: an atlas code, or a place on this very map, and nothing set by hand.
 * @param {Spot | null} spot @param {{layout: string, xy: Float32Array, n: number} | null} atlas @returns {[number, number] | null}
 */
export function placeOf(spot, atlas, sampled = false) {
  if (!spot || !atlas || spot.axes?.length || spot.bumps?.length) return null;
  const { origin } = spot;
  if (origin.kind === "place" && origin.layout === atlas.layout) return [origin.x, origin.y];
  if (origin.kind === "entry" && origin.row < atlas.n && !sampled) return [atlas.xy[2 * origin.row], atlas.xy[2 * origin.row + 1]];
  return null;
}

/** What a spot is, in a few words. @param {Spot | null} spot */
export function named(spot) {
  if (!spot) return "not picked";
  const { origin } = spot;
  const base = { seed: `seed ${origin.seed}`, entry: `atlas code ${origin.row}`, place: "a place on the map", values: "a code of its own" }[origin.kind] ?? origin.kind;
  return spot.axes?.length || spot.bumps?.length ? `${base}, changed by hand` : base;
}
