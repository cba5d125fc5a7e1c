// @ts-check
/** What a bank of sliders needs to know of the axes of a latent space. Pure. */
import { digits } from "./words.js";

/** Quantiles of a standard normal, for models without an atlas. */
const PRIOR = { low: -2.576, q05: -1.645, median: 0, q95: 1.645, high: 2.576 };
const UNIFORM = { low: -0.99, q05: -0.9, median: 0, q95: 0.9, high: 0.99 };
const BADGES = {
  active: { letter: "A", word: "active", means: "The encoder uses this axis for every picture." },
  mixed: { letter: "M", word: "mixed", means: "The encoder uses this axis for some pictures, or only weakly." },
  passive: { letter: "P", word: "passive", means: "The encoder ignores this axis: moving it should change little." },
};

/**
 * @typedef {{ axis: number, name: string, label: "active" | "mixed" | "passive" | null, unsure: bool, note: string, kl: number | null, activity: number | null,
 *   ends: Record<"mean" | "sampled", typeof PRIOR>, m: number | null, s: number | null, measured: boolean }} Axis
 * @typedef {boolean} bool
 */

/** One entry an axis, whether there are reports on them or not. @param {any} info the model's passport @returns {Axis[]} */
export function axesOf(info) {
  const reports = new Map((info?.axes ?? []).map((/** @type {any} */ report) => [report.axis, report]));
  const prior = info?.space?.prior === "uniform" ? UNIFORM : PRIOR;
  return (info?.space?.axes ?? []).map((/** @type {string} */ name, /** @type {number} */ axis) => {
    const report = reports.get(axis);
    return {
      axis, name, label: report?.label ?? null, unsure: !!report?.unsure, note: report?.note ?? "", kl: report?.kl ?? null, activity: report?.activity ?? null,
      m: report?.m ?? null, s: report?.s ?? null, measured: !!report, ends: { mean: report?.mean ?? prior, sampled: report?.sampled ?? report?.mean ?? prior },
    };
  });
}

/** How far a track reaches to either side: a third beyond the data, at least to three. @param {Axis} axis */
export function reachOf(axis) {
  const ends = [axis.ends.mean, axis.ends.sampled].flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]);
  return Math.max(3, Math.max(...ends) * 1.3);
}

/** Where a value lies on its track, in [0, 1]. @param {number} value @param {number} reach */
export const toTrack = (value, reach) => Math.min(1, Math.max(0, (value + reach) / (2 * reach)));

/** The value at a place of the track, to two decimals. @param {number} share in [0, 1] @param {number} reach */
export const fromTrack = (share, reach) => Math.round((Math.min(1, Math.max(0, share)) * 2 - 1) * reach * 100) / 100;

/** Most active first; what nobody measured stays in order at the end. @param {Axis[]} axes @param {"activity" | "number"} by */
export function sorted(axes, by) {
  if (by === "number") return [...axes].sort((a, b) => a.axis - b.axis);
  return [...axes].sort((a, b) => (b.activity ?? b.kl ?? -1) - (a.activity ?? a.kl ?? -1) || a.axis - b.axis);
}

/** The badge of an axis, in a letter, a word and a sentence; null when nothing was measured. @param {Axis} axis */
export function badge(axis) {
  if (!axis.label) return null;
  const { letter, word, means } = BADGES[axis.label];
  const numbers = [axis.m === null ? "" : `m ${digits(axis.m)} (mean variance of the encoder)`, axis.s === null ? "" : `s ${digits(axis.s)} (how much that variance varies)`, axis.kl === null ? "" : `KL ${digits(axis.kl)} nats`].filter(Boolean);
  const unsure = axis.unsure ? " The label is unsure: it changes when the pictures are drawn again." : "";
  return { letter: axis.unsure ? `${letter}?` : letter, word, title: `${word}. ${means}${unsure}${axis.note ? ` ${axis.note}` : ""}${numbers.length ? ` ${numbers.join(", ")}.` : ""}` };
}

/**
 * The spot that hand-set axes build upon: the session's, or where the path is just now, frozen as numbers.
 *
 * @param {any} session
 * @param {number[] | null | undefined} code of the newest frame
 * @returns {{ origin: any, axes: [number, number][], rest: any, leaves: boolean }} `rest` is what else was done to the spot; `leaves`: the patch must also leave the path
 */
export function base(session, code) {
  if (session?.journey?.t === null || session?.journey?.t === undefined || !code) {
    const { origin = { kind: "seed", seed: 0, truncation: 1 }, axes = [], ...rest } = session?.spot ?? {};
    return { origin, axes, rest, leaves: false };
  }
  return { origin: { kind: "values", values: [...code] }, axes: [], rest: {}, leaves: true };
}

/** The patch that sets (or with null unsets) axes on top of a base. @param {any} session @param {ReturnType<typeof base>} from @param {Map<number, number | null>} changes */
export function setAxes(session, from, changes) {
  const axes = new Map(from.axes);
  for (const [axis, value] of changes) value === null ? axes.delete(axis) : axes.set(axis, value);
  return patched(from, { axes: [...axes].sort(([a], [b]) => a - b) });
}

/** The patch that puts bumps on top of a base. @param {ReturnType<typeof base>} from @param {import("./bumps.js").Bump[]} bumps */
export const setBumps = (from, bumps) => patched(from, { bumps });

/** @param {ReturnType<typeof base>} from @param {any} changes */
const patched = ({ origin, axes, rest, leaves }, changes) => ({ spot: { ...rest, origin, axes, ...changes }, ...(leaves ? { journey: { t: null } } : {}) });

/** The axes that a search finds: by a part of the name, or by numbers and ranges as in "3, 8-12"; all without one. @param {Axis[]} axes @param {string} text */
export function searched(axes, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return axes;
  const ranges = wanted.split(/[\s,]+/).map((part) => part.match(/^(\d+)(?:[-–](\d+))?$/));
  if (ranges.every(Boolean)) return axes.filter(({ axis }) => ranges.some((range) => axis + 1 >= Number(range?.[1]) && axis + 1 <= Number(range?.[2] ?? range?.[1])));
  return axes.filter(({ name, label }) => name.toLowerCase().includes(wanted) || label === wanted);
}

/** A new draw in which the locked axes stay where they are. @param {any} session @param {number[] | null | undefined} code @param {number} seed */
export function redraw(session, code, seed) {
  const kept = (session?.locked ?? []).filter((/** @type {number} */ axis) => code && axis < code.length).map((/** @type {number} */ axis) => [axis, code?.[axis]]);
  const origin = { kind: "seed", seed, truncation: session?.spot?.origin?.truncation ?? 1 };
  return { spot: { origin, axes: kept }, journey: { t: null } };
}

/** How far a key moves a value, or where to; null when the key means nothing here. @param {string} key @param {boolean} shift @param {number} value @param {{ low: number, high: number }} ends */
export function byKey(key, shift, value, ends) {
  const step = shift ? 0.5 : 0.1;
  const to = { ArrowRight: value + step, ArrowUp: value + step, ArrowLeft: value - step, ArrowDown: value - step, PageUp: value + 1, PageDown: value - 1, Home: ends.low, End: ends.high }[key];
  return to === undefined ? null : Math.round(to * 100) / 100;
}

/** What someone typed as a number, or null. @param {string} text */
export function typed(text) {
  const value = Number(text.trim().replace("−", "-").replace(",", "."));
  return text.trim() && Number.isFinite(value) && Math.abs(value) <= 100 ? value : null;
}

/** A random seed. */
export const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0];

/** Two decimals with a proper minus. @param {number} value */
export const shownValue = (value) => value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
