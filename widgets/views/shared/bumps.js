// @ts-check
/**
 * Changing a code with channels, rows and columns at places (explorer/studio/planes.py). Pure.
 *
 * @typedef {[number, number, number, number, number]} Bump channel, row, column, radius, amount; a radius of 0 lifts the whole channel
 * @typedef {{ index: number, row: number, column: number, radius: number, amount: number }} Handle a bump at a place; `index` is its place among all bumps
 */

export const MOST_BUMPS = 64;
export const STRONGEST = 4;

const cents = (/** @type {number} */ value) => Math.round(value * 100) / 100;

/** By how much a whole channel is lifted. @param {Bump[]} bumps @param {number} channel */
export const liftOf = (bumps, channel) => cents(bumps.reduce((sum, [where, , , radius, amount]) => sum + (where === channel && radius === 0 ? amount : 0), 0));

/** The bumps with a whole channel lifted by so much instead. @param {Bump[]} bumps @param {number} channel @param {number} amount @returns {Bump[]} */
export function lifted(bumps, channel, amount) {
  const rest = bumps.filter(([where, , , radius]) => where !== channel || radius !== 0);
  return amount === 0 ? rest : [...rest, [channel, 0, 0, 0, cents(amount)]];
}

/** The handles of a channel. @param {Bump[]} bumps @param {number} channel @returns {Handle[]} */
export const handlesOf = (bumps, channel) => bumps.flatMap(([where, row, column, radius, amount], index) => (where === channel && radius > 0 ? [{ index, row, column, radius, amount }] : []));

/** The bumps with one of them changed. @param {Bump[]} bumps @param {number} index @param {Partial<Handle>} changes @param {{ height: number, width: number }} grid @returns {Bump[]} */
export function changed(bumps, index, changes, grid) {
  return bumps.map((bump, i) => {
    if (i !== index) return bump;
    const [channel, row, column, radius, amount] = bump;
    const next = { row, column, radius, amount, ...changes };
    return [channel, inside(next.row, grid.height), inside(next.column, grid.width), Math.max(0.1, cents(next.radius)), cents(Math.min(STRONGEST, Math.max(-STRONGEST, next.amount)))];
  });
}

/** @param {Bump[]} bumps @param {number} index @returns {Bump[]} */
export const without = (bumps, index) => bumps.filter((_, i) => i !== index);

const inside = (/** @type {number} */ value, /** @type {number} */ length) => cents(Math.min(length - 1, Math.max(0, value)));

/** The cell under a place of the pad, both counted from its corner; cells are as large as the pad allows. @param {number} x @param {number} y in [0, 1] @param {{ height: number, width: number }} grid @returns {{ row: number, column: number }} */
export const cellAt = (x, y, grid) => ({ row: inside(y * grid.height - 0.5, grid.height), column: inside(x * grid.width - 0.5, grid.width) });

/** Where the middle of a cell lies on the pad, in [0, 1]. @param {{ row: number, column: number }} cell @param {{ height: number, width: number }} grid @returns {[number, number]} x, y */
export const placeOf = ({ row, column }, grid) => [(column + 0.5) / grid.width, (row + 0.5) / grid.height];

/** A radius to begin with: an eighth of the shorter side, at least a cell. @param {{ height: number, width: number }} grid */
export const firstRadius = (grid) => Math.max(1, Math.round(Math.min(grid.height, grid.width) / 8));

/** How a key changes a handle; null when it means nothing here. @param {string} key @param {boolean} shift a quarter of a cell only @returns {{ row?: number, column?: number } | null} by how much */
export function nudge(key, shift) {
  const step = shift ? 0.25 : 1;
  return { ArrowUp: { row: -step }, ArrowDown: { row: step }, ArrowLeft: { column: -step }, ArrowRight: { column: step } }[key] ?? null;
}

/** Whether the space is one of channels, rows and columns. @param {any} info */
export const isSpatial = (info) => info?.space?.shape?.length === 3 && info.space.shape[1] * info.space.shape[2] > 1;
