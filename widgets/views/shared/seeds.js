// @ts-check
/** Seeds and the grid of their pictures. Pure. */

export const MOST_SEED = 2 ** 32 - 1;
export const GRID = 16;
export const COLUMNS = 4;

/** A seed near the one meant, wrapping around at the ends. @param {number} seed */
export const wrapped = (seed) => ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32;

/** What someone typed as a seed, or null. @param {string} text */
export function typedSeed(text) {
  const plain = text.replace(/[\s,.'’_]/g, "");
  return /^\d{1,10}$/.test(plain) && Number(plain) <= MOST_SEED ? Number(plain) : null;
}

/** Where the grid begins: it stays while the seed is in it (or just before it), so that nothing jumps under a finger. @param {number | null} first @param {number} seed */
export function gridFirst(first, seed) {
  const stays = first !== null && seed >= first - 1 && seed < first + GRID;
  return stays ? first : Math.min(wrapped(seed + 1), 2 ** 32 - GRID);
}

/** Where an arrow key leads in the grid; null when the key means nothing or leads out. @param {string} key @param {number} index */
export function gridStep(key, index) {
  const column = index % COLUMNS;
  const next = {
    ArrowLeft: column > 0 ? index - 1 : null, ArrowRight: column < COLUMNS - 1 ? index + 1 : null, ArrowUp: index - COLUMNS, ArrowDown: index + COLUMNS,
    Home: index - column, End: index - column + COLUMNS - 1, PageUp: column, PageDown: GRID - COLUMNS + column,
  }[key];
  return next === undefined || next === null || next < 0 || next >= GRID ? null : next;
}

/** The session's seed and truncation; null where the picture comes from elsewhere. @param {any} session */
export function seedOf(session) {
  const { origin } = session?.spot ?? {};
  return origin?.kind === "seed" ? { seed: origin.seed, truncation: origin.truncation } : null;
}

/** Where the picture comes from if not from a seed alone, in words; "" if it does. @param {any} session */
export function elsewhere(session) {
  if ((session?.journey?.t ?? null) !== null) return "The stage shows a point of the path.";
  const place = { entry: "The stage shows a known picture of the map.", place: "The stage shows a place of the map.", values: "The stage shows a code given by its numbers." }[/** @type {string} */ (session?.spot?.origin?.kind)];
  return place ? `${place} A seed starts afresh.` : session?.spot?.axes?.length ? `${session.spot.axes.length} ${session.spot.axes.length === 1 ? "axis was" : "axes were"} set by hand after the draw.` : "";
}
