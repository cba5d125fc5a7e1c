// @ts-check
/**
 * A walk along a direction, as the server tells it: which steps there are, where it leaves what was trained or drawn, what a step says. Pure.
 *
 * @typedef {{
 *   id: string, first: number, step: number, count: number, times: number[], trained: [number, number] | null, cut: [boolean, boolean], speed: number[],
 *   heights: number[] | null, percentile: number[] | null, typicality: number[], change: number[], missed: number, places: [number, number][] | null,
 * }} Walk `first` is the number of the first step; lists have one entry a step
 * @typedef {{ id: string, name: string, title: string, target: string, unit: string, accuracy: number | null, kind: "flow" | "path" | "walk" | "vector", trained: number | null,
 *   equation: string, inert: boolean, landscape: boolean }} Followed
 */
import { digits, percent } from "./words.js";

export const STEPS = [0.1, 0.25, 0.5, 1]; // lengths of a step, in units of a direction
export const SPEEDS = [2, 4, 8, 16]; // steps a second
export const LIMITS = [0.9, 0.95, 0.99, 0.999]; // shares of draws that may be shorter before a walk counts as drifting
const MOST_SIDE = 24;
const FARTHEST = 8; // units

/** How many steps lie to either side. @param {number} step */
export const sideOf = (step) => Math.min(MOST_SIDE, Math.floor(FARTHEST / step + 1e-9));

/** The number of the step at an amount, and the amount at a step. @param {number} amount @param {number} step */
export const stepAt = (amount, step) => Math.round(amount / step);

/** @param {number} n @param {number} step */
export const amountAt = (n, step) => Number((n * step).toFixed(6));

/** The number of the last step. @param {Walk} walk */
export const lastOf = (walk) => walk.first + walk.count - 1;

/** A step held within a walk. @param {Walk} walk @param {number} n */
export const within = (walk, n) => Math.min(Math.max(n, walk.first), lastOf(walk));

/** Whether a step is beyond what was trained. @param {Walk} walk @param {number} n */
export const beyond = ({ trained }, n) => !!trained && (n < trained[0] || n > trained[1]);

/** Whether a code at a step is longer than a share of draws. @param {Walk} walk @param {number} n @param {number} limit 1: never */
export const drifted = ({ percentile, first }, n, limit) => limit < 1 && !!percentile && percentile[n - first] > limit;

/**
 * Where playing towards one side ends, and why: where the code drifts (unless it did so from the start), where the walk is no longer a code, or at its last step.
 * @param {Walk} walk @param {number} limit @param {1 | -1} sign @returns {{ at: number, why: "drift" | "diverged" | "end" }}
 */
export function stopOf(walk, limit, sign) {
  const end = sign > 0 ? lastOf(walk) : walk.first;
  if (!drifted(walk, 0, limit)) for (let n = sign; sign * n <= sign * end; n += sign) if (drifted(walk, n, limit)) return { at: n, why: "drift" };
  return { at: end, why: walk.cut[sign > 0 ? 1 : 0] ? "diverged" : "end" };
}

/** Why playing ended, in words; "" where there is nothing to say. @param {Walk} walk @param {number} limit @param {1 | -1} sign */
export function stopWords(walk, limit, sign) {
  const { at, why } = stopOf(walk, limit, sign);
  if (why === "drift") return `Stopped at step ${shown(at)}: the code is longer there than ${percent(limit)} of random draws.`;
  return why === "diverged" ? `The walk diverges after step ${shown(at)}: its numbers leave what a code may be, so it was stopped there.` : "";
}

/** A whole number with a proper minus. @param {number} n */
export const shown = (n) => String(n).replace("-", "−");

/** Where one is, in a few words. @param {Walk} walk @param {number} n */
export function position(walk, n) {
  if (n === 0) return "the start";
  return `step ${shown(n)} of ${shown(n > 0 ? lastOf(walk) : walk.first)}`;
}

/** A step for the ear. @param {Walk} walk @param {number} n @param {number} limit */
export function stepWords(walk, n, limit) {
  const far = drifted(walk, n, limit) ? ", longer than draws are" : "";
  return `${position(walk, n)}, ${digits(Math.abs(amountAt(n, walk.step)))} units${n < 0 ? " back" : ""}${beyond(walk, n) ? ", beyond what was trained" : ""}${far}`;
}

/** What is told of one step: a name, a value, what it means. @param {Walk} walk @param {number} n @returns {[string, string, string][]} */
export function readouts(walk, n) {
  const i = within(walk, n) - walk.first;
  const { heights, speed, change, percentile, typicality } = walk;
  return [
    ["Landscape u", heights ? digits(heights[i]) : "none", heights ? "The height of the potential here. A flow goes up its slope." : "This direction is not the slope of a landscape."],
    ["Slope ‖v‖", digits(speed[i]), "How far the direction's own next step takes the code, in latent lengths."],
    ["Picture change", i ? digits(change[i]) : "—", "How much the picture differs from that of the step before. 1 is a quarter of the difference between two random pictures."],
    ["Code length", percentile ? percent(percentile[i]) : `typicality ${digits(typicality[i])}`, percentile ? "How many random draws have a shorter code. Near 100 % the code has drifted from what the model knows." : "Random draws of this model are all of one length."],
  ];
}

/** Steps of which pictures are shown, evenly from the first to the last, step 0 among them. @param {Walk} walk @param {number} count */
export function sampled(walk, count) {
  const last = lastOf(walk);
  const every = Math.max(1, Math.ceil((walk.count - 1) / (count - 1)));
  const steps = [];
  for (let n = -Math.floor(-walk.first / every) * every; n <= last; n += every) steps.push(n);
  return steps;
}

/** What two orders differ by, in words. @param {{ gap: number, moved: number, other_moved: number }} told @param {string} one @param {string} other */
export function gapWords({ gap, moved, other_moved: otherMoved }, one, other) {
  const mean = (moved + otherMoved) / 2;
  const share = mean > 0 ? gap / mean : 0;
  const verdict = gap < 0.02 ? "They commute here: the order makes no difference to be seen." : `That is ${percent(share)} of what the two change together.`;
  return `“${one}” then “${other}” and the other way round end ${digits(gap)} units of picture change apart. ${verdict}`;
}

/** What a direction is, in a line. @param {Followed} flow */
export function about(flow) {
  const parts = [flow.title];
  if (flow.equation && flow.kind === "flow") parts.push(flow.equation === "none" ? "no equation" : `${flow.equation.replace("hamilton-jacobi", "Hamilton-Jacobi")} equation`);
  if (flow.trained !== null) parts.push(`trained for ${flow.trained} steps of its own`);
  if (flow.accuracy !== null && flow.kind === "flow") parts.push(`told apart in ${percent(flow.accuracy)} of pairs`);
  return `${parts.join(", ")}.${flow.inert ? " Inert: it hardly changes the picture." : ""}`;
}
