// @ts-check
/**
 * Reading a session: where one is, the patch that goes elsewhere, and where on a map that is. Pure.
 *
 * @typedef {{origin: any, axes: [number, number][]}} Spot
 * @typedef {{start: Spot | null, end: Spot | null, kind: string, t: number | null}} Journey
 */

/** @type {Journey} */
const NO_JOURNEY = { start: null, end: null, kind: "arc", t: null };

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

/** The patch that changes some of the journey; a time without both ends falls away. @param {Partial<Journey>} changes */
export function journeying(session, changes) {
  const { start, end, t } = { ...journeyOf(session), ...changes };
  return { journey: { ...changes, t: start && end ? t : null } };
}

/** @param {Spot | null | undefined} a @param {Spot | null | undefined} b */
export const sameSpot = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * Where on a map a spot lies, when that follows from the spot alone: an atlas code, or a place on this very map, and nothing set by hand.
 * @param {Spot | null} spot @param {{layout: string, xy: Float32Array, n: number} | null} atlas @returns {[number, number] | null}
 */
export function placeOf(spot, atlas, sampled = false) {
  if (!spot || !atlas || spot.axes?.length) return null;
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
  return spot.axes?.length ? `${base}, changed by hand` : base;
}
