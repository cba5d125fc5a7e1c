// @ts-check
/** Numbers in plain words. Pure. */

/**
 * How ordinary a code is. Two measures are at hand and either may vouch for it: its length under the prior (`typicality`, a two-sided tail probability) and how near
 * the data lie (`strangeness`, the share of atlas codes that are closer to their own nearest neighbour; null while a hand moves).
 *
 * @param {number | null | undefined} typicality in [0, 1]
 * @param {number | null | undefined} strangeness in [0, 1]
 * @param {number[] | null | undefined} [code] to tell too long from too short
 * @returns {{ level: 0 | 1 | 2, word: string, why: string }}
 */
export function ordinary(typicality, strangeness, code) {
  if (typicality === null || typicality === undefined) return { level: 0, word: "unknown", why: "Nothing is known of this code." };
  const short = !!code?.length && code.reduce((sum, v) => sum + v * v, 0) < code.length;
  const near = strangeness !== null && strangeness !== undefined && strangeness <= 0.9;
  const lonely = strangeness === null || strangeness === undefined || strangeness >= 0.99;
  const level = typicality >= 0.05 || near ? 0 : typicality < 0.001 && lonely && !short ? 2 : 1;
  return { level, word: ["typical", "unusual", "far from anything learned"][level], why: [lengthInWords(typicality, short), strangenessInWords(strangeness)].filter(Boolean).join(" ") };
}

/** @param {number} typicality @param {boolean} short */
function lengthInWords(typicality, short) {
  const place = short ? "nearer to the average" : "farther out";
  return `Typicality ${digits(typicality)}: of random draws, ${percent(typicality)} have a length as unlikely as this one${typicality < 0.05 ? `, which lies ${place} than draws do` : ""}.`;
}

/** @param {number | null | undefined} strangeness */
function strangenessInWords(strangeness) {
  if (strangeness === null || strangeness === undefined) return "";
  return `Strangeness ${digits(strangeness)}: ${percent(strangeness)} of the mapped pictures lie closer to their nearest neighbour than this one does to its own.`;
}

/** How near the nearest training example is. @param {number | null | undefined} strangeness @param {number} distance */
export function closeness(strangeness, distance) {
  if (distance < 1e-3) return "the same code";
  if (strangeness === null || strangeness === undefined) return `${digits(distance)} away`;
  if (strangeness <= 0.1) return "very close";
  if (strangeness <= 0.5) return "close";
  if (strangeness <= 0.9) return "not far";
  return strangeness <= 0.99 ? "far" : "very far";
}

/** @param {number} share in [0, 1] */
export function percent(share) {
  const value = share * 100;
  return value > 0 && value < 0.1 ? "fewer than 0.1 %" : `${value < 10 && value > 0 ? Number(value.toPrecision(2)) : Math.round(value)} %`;
}

/** Three digits, no exponent. @param {number} value */
export function digits(value) {
  if (value !== 0 && Math.abs(value) < 0.001) return value < 0 ? "above −0.001" : "below 0.001";
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

/** "hair_color" as one reads it. @param {string} name */
export const readable = (name) => name.replaceAll("_", " ");

/** A few labels as one line: "hair color red, glasses none". @param {Record<string, string>} labels */
export const listed = (labels) => Object.entries(labels ?? {}).map(([name, value]) => `${readable(name)} ${readable(value)}`).join(", ");

/** 12345 as "12,345". @param {number} n */
export const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** Whether the pictures of a model's atlas are draws from its prior, as they are where no encoder could find training pictures. @param {any} info */
export const drawn = (info) => !!info?.atlas && !info?.parts?.includes("encoder");
