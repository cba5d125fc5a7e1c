// @ts-check
/** Edits along directions, as the session holds them, and directions in the order of the screen. Pure. */
import { base } from "./axes.js";

export const REACH = 4; // units of a slider to either side
export const MOST_EDITS = 16;
export const STRIP = [-0.8, -0.4, 0, 0.4, 0.8].map((share) => share * REACH); // the amounts whose pictures lie above the slider where the thumb would be

/**
 * @typedef {{ id: string, name: string, method: string, title: string, bundled: boolean, unit: string, target: string, settings: Record<string, any>, evidence: any }} Direction
 * @typedef {Direction & { own: string, pinned: boolean, held: boolean }} Listed `name` is the one that the visitor gave it, where there is one; `own` is the direction's
 * @typedef {[string, number]} Edit identity of a direction, and how far along it in its units
 * @typedef {{ id: string, name: string, pinned: boolean }} Held
 */

/** The spot that edits stand on: the session's, or where the path is just now. @param {any} session @param {number[] | null | undefined} code */
export function standing(session, code) {
  const from = base(session, code);
  return { spot: { ...from.rest, origin: from.origin, axes: from.axes }, leaves: from.leaves };
}

/** The session's edits; none on a path, where codes lie between those of its points. @param {any} session @returns {Edit[]} */
export const editsOf = (session) => ((session?.journey?.t ?? null) === null ? session?.spot?.edits ?? [] : []);

/** The amount of an edit in a session; 0 where there is none. @param {any} session @param {string} id */
export const amountOf = (session, id) => editsOf(session).find(([own]) => own === id)?.[1] ?? 0;

/** The patch that sets one edit: in its place among the others, at their end, or taken away at 0. @param {ReturnType<typeof standing>} from @param {string} id @param {number} amount */
export function setEdit(from, id, amount) {
  const edits = /** @type {Edit[]} */ (from.spot.edits ?? []);
  const known = edits.some(([own]) => own === id);
  const next = known ? edits.map((edit) => (edit[0] === id ? [id, amount] : edit)) : [...edits, [id, amount]];
  return setEdits(from, /** @type {Edit[]} */ (next.filter(([, value]) => value !== 0)));
}

/** The patch that sets all edits. @param {ReturnType<typeof standing>} from @param {Edit[]} edits */
export const setEdits = (from, edits) => ({ spot: { ...from.spot, edits }, ...(from.leaves ? { journey: { t: null } } : {}) });

const GROUPS = /** @type {[string, string, (direction: Listed) => boolean][]} */ ([
  ["pinned", "Pinned", ({ pinned }) => pinned],
  ["own", "Yours", ({ bundled }) => !bundled],
  ["named", "Named by what they change", ({ target }) => !!target],
  ["unnamed", "Found without labels", ({ method }) => method !== "random"],
  ["control", "Random, to compare with", () => true],
]);

/**
 * Directions as the list shows them: in groups, those that came with a name before those that did not, and within a group in the order of the bench.
 *
 * @param {Direction[]} known @param {Held[]} bench
 * @returns {{ key: string, title: string, directions: Listed[] }[]} without empty groups
 */
export function grouped(known, bench) {
  const at = new Map(bench.map((held, i) => [held.id, { ...held, i }]));
  const rest = known.map((direction, i) => {
    const held = at.get(direction.id);
    return { ...direction, own: direction.name, name: held?.name || direction.name, pinned: !!held?.pinned, held: !!held, place: held ? held.i : bench.length + i };
  }).sort((a, b) => a.place - b.place);
  const groups = GROUPS.map(([key, title]) => ({ key, title, directions: /** @type {Listed[]} */ ([]) }));
  for (const direction of rest) groups[GROUPS.findIndex(([, , fits]) => fits(direction))].directions.push(direction);
  return groups.filter(({ directions }) => directions.length);
}

/** All of them in that order. @param {Direction[]} known @param {Held[]} bench */
export const arranged = (known, bench) => grouped(known, bench).flatMap(({ directions }) => directions);

/** The bench on which a direction has changed its name or its pin. @param {Held[]} bench @param {string} id @param {Partial<Held>} change */
export function changed(bench, id, change) {
  const held = bench.some((each) => each.id === id) ? bench : [...bench, { id, name: "", pinned: false }];
  return held.map((each) => (each.id === id ? { ...each, ...change } : each));
}

/**
 * The bench after a direction was moved to another place of its group; null where it stays.
 *
 * @param {Direction[]} known @param {Held[]} bench @param {string} id @param {number} to place in the group
 */
export function moved(known, bench, id, to) {
  const group = grouped(known, bench).find(({ directions }) => directions.some((each) => each.id === id))?.directions ?? [];
  const from = group.findIndex((each) => each.id === id);
  const place = Math.max(0, Math.min(group.length - 1, to));
  if (from < 0 || place === from) return null;
  const order = group.map((each) => bench.find((held) => held.id === each.id) ?? { id: each.id, name: "", pinned: false });
  order.splice(place, 0, ...order.splice(from, 1));
  return [...order, ...bench.filter((held) => !order.some(({ id: own }) => own === held.id))];
}

/** What a direction does, in a line: its effect, and how many pictures show it. @param {any} evidence @param {(name: string) => string} readable */
export function effect(evidence, readable) {
  if (!evidence?.target) return evidence?.change ? "Nothing names what these pictures show; only how much they change is known." : "Not measured yet.";
  const { question, class: name, sign } = evidence.target;
  const matched = evidence.matched ?? {};
  const amount = matched.amount === null || matched.amount === undefined ? "" : String(matched.amount).replace("-", "−");
  const reach = matched.reached === null || matched.reached === undefined ? "" : matched.matched ? `${Math.round(matched.reached * 100)} % show it at ${amount}` : `at most ${Math.round(matched.reached * 100)} % show it`;
  const way = `${sign < 0 ? "Backwards: " : ""}${readable(question)} → ${readable(name)}`;
  return evidence.target.given && reach ? reach[0].toUpperCase() + reach.slice(1) : `${way}${reach ? `; ${reach}` : ""}`;
}

/** What else changes, most first: attribute, share of pictures in which it did. @param {any} evidence @returns {[string, number][]} */
export const leaks = (evidence) => Object.entries(evidence?.matched?.leakage ?? {}).filter(([, share]) => share > 0).sort(([, a], [, b]) => b - a);

/** For every measured amount but 0 the mean share in which attributes other than the target have changed; none where nothing names what pictures show. @param {any} evidence @returns {[number, number][]} */
export function leaking(evidence) {
  const others = Object.entries(evidence?.flips ?? {}).filter(([question]) => question !== evidence.target?.question).map(([, shares]) => shares);
  if (!others.length) return [];
  return evidence.amounts.map((/** @type {number} */ amount, /** @type {number} */ i) => [amount, others.reduce((sum, shares) => sum + shares[i], 0) / others.length]).filter(([amount]) => amount !== 0);
}

/** Whether an amount lies past the end of the data. @param {number} value @param {any} ends */
export const beyond = (value, ends) => !!ends && ((ends.forth !== null && value >= ends.forth) || (ends.back !== null && value <= ends.back));

/** An amount as it is written. @param {number} value */
export const written = (value) => value.toFixed(2).replace(/\.?0+$/, "").replace(/^-0$/, "0").replace("-", "−") || "0";

/** Wilson's 95 % interval of a share seen in n cases. @param {number} share @param {number} n @returns {[number, number]} */
export function interval(share, n) {
  if (!n) return [0, 1];
  const z = 1.96;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share) + (z * z) / (4 * n)) / n)) / (1 + (z * z) / n);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
