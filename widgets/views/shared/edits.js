// @ts-check
/** Edits along directions, as the session holds them. Pure. */
import { base } from "./axes.js";

export const REACH = 4; // units of a slider to either side
export const MOST_EDITS = 16;

/**
 * @typedef {{ id: string, name: string, method: string, title: string, bundled: boolean, unit: string, target: string, settings: Record<string, any>, evidence: any }} Direction
 * @typedef {[string, number]} Edit identity of a direction, and how far along it in its units
 */

/** The spot that edits stand on: the session's, or where the path is just now. @param {any} session @param {number[] | null | undefined} code */
export function standing(session, code) {
  const from = base(session, code);
  return { spot: from.leaves ? { origin: from.origin, axes: [] } : { ...session?.spot, origin: from.origin, axes: from.axes }, leaves: from.leaves };
}

/** The amount of an edit in a session; 0 where there is none. @param {any} session @param {string} id */
export const amountOf = (session, id) => ((session?.journey?.t ?? null) === null ? session?.spot?.edits?.find((/** @type {Edit} */ [own]) => own === id)?.[1] ?? 0 : 0);

/** The patch that sets one edit: in its place among the others, at their end, or taken away at 0. @param {ReturnType<typeof standing>} from @param {string} id @param {number} amount */
export function setEdit(from, id, amount) {
  const edits = /** @type {Edit[]} */ (from.spot.edits ?? []);
  const known = edits.some(([own]) => own === id);
  const next = known ? edits.map((edit) => (edit[0] === id ? [id, amount] : edit)) : [...edits, [id, amount]];
  const spot = { ...from.spot, edits: next.filter(([, value]) => value !== 0) };
  return from.leaves ? { spot, journey: { t: null } } : { spot };
}

/** The patch that leaves no edit. @param {ReturnType<typeof standing>} from */
export const noEdits = (from) => ({ spot: { ...from.spot, edits: [] }, ...(from.leaves ? { journey: { t: null } } : {}) });

/**
 * Directions in the order of the bench, with the names given there: first those on it, pinned ones before the others, then what came with the model.
 *
 * @param {Direction[]} known @param {{ id: string, name: string, pinned: boolean }[]} bench
 */
export function arranged(known, bench) {
  const by = new Map(known.map((direction) => [direction.id, direction]));
  const held = bench.filter(({ id }) => by.has(id)).map(({ id, name, pinned }) => ({ .../** @type {Direction} */ (by.get(id)), name: name || /** @type {Direction} */ (by.get(id)).name, pinned, held: true }));
  const rest = known.filter(({ id }) => !bench.some((each) => each.id === id)).map((direction) => ({ ...direction, pinned: false, held: false }));
  return [...held.filter(({ pinned }) => pinned), ...held.filter(({ pinned }) => !pinned), ...rest];
}

/** What a direction does, in a line: its effect and what else it moves most. @param {any} evidence @param {(name: string) => string} readable */
export function effect(evidence, readable) {
  if (!evidence?.target) return evidence?.change ? "Nothing names what these pictures show; only how much they change is known." : "Not measured yet.";
  const { question, class: name, sign } = evidence.target;
  const matched = evidence.matched ?? {};
  const reach = matched.matched ? `${Math.round(matched.reached * 100)} % reach it by ${Math.abs(matched.amount)}` : matched.reached === null || matched.reached === undefined ? "" : `at most ${Math.round(matched.reached * 100)} % reach it`;
  return `${sign < 0 ? "Backwards: " : ""}${readable(question)} → ${readable(name)}${reach ? `; ${reach}` : ""}`;
}

/** What else moves, most first: attribute, share of starts in which it changed. @param {any} evidence @returns {[string, number][]} */
export const leaks = (evidence) => Object.entries(evidence?.matched?.leakage ?? {}).filter(([, share]) => share > 0).sort(([, a], [, b]) => b - a);
