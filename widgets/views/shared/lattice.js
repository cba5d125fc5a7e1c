// @ts-check
/** A grid of two axes: which to choose from, where keys lead, what a cell is called. Pure. */
import { sorted } from "./axes.js";

export const REACHES = [1, 1.5, 2, 2.5, 3, 4];
export const SIDES = [3, 5, 7, 9];
export const PART = 64; // pictures of one request

/**
 * @typedef {{ axis: number } | { direction: string }} Mover what a row or column moves along, as the server reads it
 * @typedef {{ value: string, words: string, mover: Mover }} Choice
 */

/** What may be chosen for a side, the most telling first. @param {import("./axes.js").Axis[]} axes @returns {Choice[]} */
export const choicesOf = (axes) => sorted(axes, "activity").map(({ axis, name, label }) => ({ value: `axis:${axis}`, words: label ? `${name} (${label})` : name, mover: { axis } }));

/** The directions that may be chosen, as a list of one's own calls them. @param {{ id: string, name: string }[]} directions @returns {Choice[]} */
export const directionChoices = (directions) => directions.map(({ id, name }) => ({ value: `direction:${id}`, words: name, mover: { direction: id } }));

/** The two to begin with, or null where there are not two. @param {Choice[]} choices @returns {[string, string] | null} */
export const firstTwo = (choices) => (choices.length < 2 ? null : [choices[0].value, choices[1].value]);

/** The requests that fetch a square of pictures. @param {number} size @returns {{ first: number, count: number }[]} */
export function partsOf(size) {
  const parts = [];
  for (let first = 0; first < size * size; first += PART) parts.push({ first, count: Math.min(PART, size * size - first) });
  return parts;
}

/** Where a key leads from a cell; null when it means nothing or leads out. @param {string} key @param {number} index @param {number} size */
export function cellStep(key, index, size) {
  const column = index % size;
  const next = {
    ArrowLeft: column > 0 ? index - 1 : -1, ArrowRight: column < size - 1 ? index + 1 : -1, ArrowUp: index - size, ArrowDown: index + size,
    Home: index - column, End: index - column + size - 1, PageUp: column, PageDown: size * (size - 1) + column,
  }[key];
  return next === undefined || next < 0 || next >= size * size ? null : next;
}

/** The cell in the middle. @param {number} size */
export const middleOf = (size) => (size * size - 1) / 2;

/** A cell in words. @param {{ names: string[], across: string[], down: string[] }} header @param {number} index */
export function cellName({ names, across, down }, index) {
  const size = across.length;
  const words = `${names[0]} ${across[index % size]}, ${names[1]} ${down[Math.floor(index / size)]}`.replaceAll(" -", " −");
  return index === middleOf(size) ? `${words}: where you are` : words;
}
