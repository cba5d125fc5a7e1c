// @ts-check
/**
 * Where things are on the map, gathered from the frames that pass by: where one is, the trail, the ends of the path and the path itself. Pure but for
 * its memory.
 *
 * @typedef {[number, number]} Place
 */
import { isLine, journeyOf, placeOf } from "./journey.js";
import { rounded } from "./mapline.js";

const TRAIL = 30;
const REMEMBERED = 200;

export function mapPlaces() {
  /** @type {Map<string, Place>} */ const known = new Map(); // by layout and spot
  /** @type {Map<string, Place[]>} */ const trails = new Map(); // by layout
  /** @type {{key: string, places: Place[]} | null} */ let path = null;
  /** @type {{layout: string, place: Place, interpolated: boolean} | null} */ let at = null;
  let newest = 0;

  const name = (layout, spot) => `${layout}\n${JSON.stringify(spot)}`;
  const pathName = (session, layout) => JSON.stringify([layout, { ...journeyOf(session), t: null }]);
  const remember = (layout, spot, place) => {
    known.set(name(layout, spot), place);
    if (known.size > REMEMBERED) known.delete(/** @type {string} */ (known.keys().next().value));
  };
  const find = (spot, atlas, sampled) => (spot && atlas ? (placeOf(spot, atlas, sampled) ?? known.get(name(atlas.layout, spot)) ?? null) : null);

  function hearFrame(header, session, layout, atlas, hand) {
    if (header.seq <= newest || !header.place || !layout) return false;
    newest = header.seq;
    const resting = !hand && journeyOf(session).t === null;
    const own = resting && atlas?.layout === layout ? placeOf(session?.spot, atlas, session?.sampled) : null; // a place picked by hand stays where the hand put it
    at = { layout, place: own ?? header.place, interpolated: !!header.interpolated };
    if (!header.still) return true;
    remember(layout, resting ? session.spot : { origin: { kind: "values", values: header.code }, axes: [] }, at.place);
    const trail = trails.get(layout) ?? [];
    const last = trail[trail.length - 1];
    if (!last || last[0] !== at.place[0] || last[1] !== at.place[1]) trails.set(layout, [...trail, at.place].slice(-TRAIL));
    return true;
  }

  return {
    /** Takes in an answer; whether the marks changed. @param {any} header @param {any} session @param {string} layout the session's @param {any} atlas the one on show @param {string | null} hand */
    hear(header, session, layout, atlas, hand) {
      if (header?.type === "frame") return hearFrame(header, session, layout, atlas, hand);
      if (header?.type !== "path" || !header.places || header.count < 3 || !layout) return false;
      path = { key: pathName(session, layout), places: header.places };
      return true;
    },
    /** A hand put the session there; the frame that confirms it is still under way. @param {string} layout @param {Place} place @param {boolean} interpolated */
    went(layout, place, interpolated) {
      at = { layout, place, interpolated };
    },
    /** @param {any} session @param {any} atlas */
    marks(session, atlas) {
      const layout = atlas?.layout ?? "";
      const journey = journeyOf(session);
      const { start, end, t } = journey;
      const own = t === null ? find(session?.spot, atlas, session?.sampled) : null;
      const here = at?.layout === layout ? at.place : own;
      const stops = journey.stops.map((stop) => find(stop, atlas, session?.sampled));
      const line = isLine(journey) && stops.length > 1 && stops.every(Boolean) ? /** @type {Place[]} */ (stops) : [];
      const onMap = journey.kind === "drawn" && line.length ? rounded(line) : path && path.key === pathName(session, layout) ? path.places : line;
      return {
        here, interpolated: at?.layout === layout && at.interpolated, trail: trails.get(layout) ?? [],
        ends: { A: find(start, atlas, session?.sampled) ?? onMap[0] ?? null, B: find(end, atlas, session?.sampled) ?? onMap[onMap.length - 1] ?? null }, path: onMap,
        stops: isLine(journey) ? [] : stops,
      };
    },
    forget() {
      for (const store of [known, trails]) store.clear();
      [path, at] = [null, null];
    },
  };
}
