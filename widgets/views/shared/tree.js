// @ts-check
/**
 * A history as a drawing: how far to the right and how far down each step stands. Pure.
 *
 * @typedef {{ number: number, parent: number | null, label: string, made: number, model: string, star: string | null }} Step
 * @typedef {{ column: number, lane: number }} Spot
 */

/**
 * Each step stands one column right of the step it was made from. The first step made from another goes on in its lane; each later one begins a lane below,
 * the first that is free there.
 *
 * @param {Step[]} steps by number @returns {Map<number, Spot>}
 */
export function layout(steps) {
  const known = new Set(steps.map((step) => step.number));
  const spots = new Map();
  /** @type {Map<number, number[]>} */ const children = new Map();
  const begins = [];
  for (const { number, parent } of steps) {
    if (parent === null || !known.has(parent)) begins.push({ number, column: 0, above: -1 });
    else children.set(parent, [...(children.get(parent) ?? []), number]);
  }
  /** For each lane, the columns taken, from and to. @type {[number, number][][]} */ const taken = [];
  for (let at = 0; at < begins.length; at++) {
    const { number, column, above } = begins[at];
    const chain = [number];
    for (let next = children.get(number)?.[0]; next !== undefined; next = children.get(next)?.[0]) chain.push(next);
    const from = Math.max(0, column - 1); // the line that leads here needs room, too
    const to = column + chain.length - 1;
    let lane = above + 1;
    while (taken[lane]?.some(([a, b]) => a <= to && from <= b)) lane++;
    (taken[lane] ??= []).push([from, to]);
    const later = [];
    chain.forEach((one, i) => {
      spots.set(one, { column: column + i, lane });
      for (const other of (children.get(one) ?? []).slice(1)) later.push({ number: other, column: column + i + 1, above: lane });
    });
    begins.splice(at + 1, 0, ...later.reverse()); // those that branch off last lie nearest, so that lines do not cross
  }
  return spots;
}

/** The step that an arrow key leads to from another; null where there is none. @param {string} key @param {number} now @param {Step[]} steps @param {Map<number, Spot>} spots */
export function neighbour(key, now, steps, spots) {
  const here = spots.get(now);
  const step = steps.find(({ number }) => number === now);
  if (!here || !step) return null;
  if (key === "Home") return steps[0].number;
  if (key === "End") return /** @type {Step} */ (steps.at(-1)).number;
  if (key === "ArrowLeft") return spots.has(/** @type {any} */ (step.parent)) ? step.parent : null;
  if (key === "ArrowRight") {
    const next = steps.filter(({ parent }) => parent === now);
    return (next.find(({ number }) => spots.get(number)?.lane === here.lane) ?? next[0])?.number ?? null;
  }
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const down = key === "ArrowDown";
  const beyond = [...spots].filter(([, { lane }]) => (down ? lane > here.lane : lane < here.lane));
  const away = ([, { column, lane }]) => 1000 * Math.abs(lane - here.lane) + Math.abs(column - here.column);
  return beyond.length ? beyond.reduce((best, one) => (away(one) < away(best) ? one : best))[0] : null;
}

/** The lines from each step to those made from it, as an SVG path. @param {Step[]} steps @param {Map<number, Spot>} spots @param {{ width: number, height: number, middle: number }} cell */
export function branches(steps, spots, { width, height, middle }) {
  return steps.flatMap(({ number, parent }) => {
    const [to, from] = [spots.get(number), spots.get(/** @type {any} */ (parent))];
    if (!to || !from) return [];
    const [x1, y1, x2, y2] = [(from.column + 0.5) * width, from.lane * height + middle, (to.column + 0.5) * width, to.lane * height + middle];
    if (y1 === y2) return [`M${x1} ${y1}H${x2}`];
    const turn = x1 + width / 2;
    return [`M${x1} ${y1}H${turn - 8}q8 0 8 8V${y2 - 8}q0 8 8 8H${x2}`];
  }).join("");
}

/** When that was, as people say it. @param {number} made seconds since 1970 @param {number} now the same */
export function ago(made, now) {
  const passed = Math.max(0, now - made);
  if (!made) return "";
  if (passed < 45) return "just now";
  if (passed < 45 * 60) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 22 * 3600) return `${Math.max(1, Math.round(passed / 3600))} h ago`;
  const days = Math.round(passed / 86400);
  return days <= 1 ? "yesterday" : `${days} days ago`;
}
