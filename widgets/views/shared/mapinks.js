// @ts-check
/**
 * From "coloured by" to a tint for each point. Pure.
 *
 * @typedef {import("./mappanels.js").Colouring} Colouring
 * @typedef {import("./maplocal.js").Local} Local
 * @typedef {{dark: boolean, plain: import("./palette.js").Colour, unseen: import("./palette.js").Colour}} Ground
 */
import { quantiles } from "./mapmath.js";
import { MOST_CLASSES, classColours, scale, trustScale } from "./palette.js";
import { LEVELS, UNSEEN, classTints, levelTints } from "./raster.js";
import { trustOf } from "./trust.js";

const TAILS = [0.02, 0.98]; // what lies outside takes the colour of the end, so that a few far values do not flatten the rest

/** The axis that a colour such as "axis:3" names, or -1. @param {string} name */
export const axisOf = (name) => (/^axis:\d+$/.test(name) ? Number(name.slice(5)) : -1);

/** The measure of places that a colour such as "map:kept" names, or "". @param {string} name */
export const measureOf = (name) => /^map:(kept|stays)$/.exec(name)?.[1] ?? "";

/**
 * What is known for colouring by `name`; "none" while it is not there.
 * @param {import("./mapdata.js").MapAtlas} atlas @param {any} info @param {string} name @param {{amounts?: Float32Array | null, local?: Local | null}} known of the axis, of the places
 * @param {Ground} ground @returns {Colouring}
 */
export function colouringOf(atlas, info, name, { amounts = null, local = null }, { dark, unseen }) {
  const label = info.atlas?.labels?.find((entry) => entry.name === name);
  const values = label && atlas.labels.get(name);
  if (values) return { kind: "label", name, classes: label.classes, values, colours: classColours(dark).slice(0, Math.min(label.classes.length, MOST_CLASSES)), unseen };
  if (measureOf(name) && local) return { kind: "place", measure: local.measure, local, values: local.values };
  if (!amounts) return { kind: "none" };
  const [low, high] = quantiles(amounts, TAILS);
  const axis = axisOf(name);
  return { kind: "axis", title: info.space?.axes?.[axis] ?? `z${axis + 1}`, low, high, values: amounts };
}

/** The tint of each point in the grid's order, and the colours of the tints. @param {import("./mapdata.js").MapAtlas} atlas @param {Colouring} colouring @param {Ground} ground */
export function inked(atlas, colouring, { dark, plain, unseen }) {
  const palette = new Array(UNSEEN + 1).fill(unseen);
  if (colouring.kind === "label") {
    colouring.colours.forEach((colour, i) => (palette[i] = colour));
    return { palette, tints: classTints(atlas.grid, colouring.values, colouring.colours.length) };
  }
  if (colouring.kind === "axis") {
    for (let i = 0; i < LEVELS; i++) palette[i] = scale(i / (LEVELS - 1), dark);
    return { palette, tints: levelTints(atlas.grid, colouring.values, colouring.low, colouring.high) };
  }
  if (colouring.kind === "place" && colouring.values) {
    for (let i = 0; i < LEVELS; i++) palette[i] = trustScale(i / (LEVELS - 1), dark);
    const level = Uint8Array.from({ length: 256 }, (_, share) => Math.round(trustOf(share, colouring.local.k, atlas.total) * (LEVELS - 1)));
    return { palette, tints: classTints(atlas.grid, colouring.values.map((share) => level[share]), LEVELS) };
  }
  palette[0] = plain;
  return { palette, tints: new Uint8Array(atlas.n) };
}
