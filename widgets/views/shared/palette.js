// @ts-check
/** Colours that survive colour blindness and both themes. Pure. Colours are `[r, g, b]` in 0-255. @typedef {[number, number, number]} Colour */

/**
 * Classes: the seven of Okabe and Ito (2008) and five more, each moved a little by a search until any two were at least 15 CIELAB units apart for normal,
 * protan, deutan and tritan eyes, and each stood out from its ground (Machado et al., 2009, for the eyes; checked by the tests).
 */
const LIGHT = ["#0e72b2", "#c07d00", "#639b62", "#cc7eaf", "#58b8ee", "#ff8b4e", "#c8b400", "#892357", "#322086", "#6c6852", "#6d3c21", "#349f7f"];
const DARK = ["#3c94d4", "#f4a80e", "#17bc8b", "#df92c1", "#89cff6", "#fc7232", "#faea4c", "#cc074b", "#8771f1", "#90838d", "#606e55", "#88faec"];
export const MOST_CLASSES = LIGHT.length;

/** Anchors of viridis (Smith and van der Walt, 2015): dark to light in even steps of perceived lightness. */
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

/**
 * How far to trust a place: from orange, which stands out most from its ground, through grey to blue. Orange and blue stay apart for every kind of eye, and
 * lightness never turns back, so that it can also be read in grey (checked by the tests).
 */
const TRUST_LIGHT = ["#9a3b00", "#b0623a", "#a1897c", "#7a9dbb", "#49a8ee"];
const TRUST_DARK = ["#ffb45a", "#cf8f66", "#a2948b", "#7390b0", "#3f80d2"];

/** @param {string} text "#rgb", "#rrggbb" or "rgb(r, g, b)" @returns {Colour} */
export function parsed(text) {
  const hex = text.trim().match(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i)?.[1];
  if (hex) return /** @type {Colour} */ ((hex.length === 3 ? [...hex].map((d) => d + d) : hex.match(/../g) ?? []).map((d) => parseInt(d, 16)));
  const numbers = text.match(/[\d.]+/g)?.slice(0, 3).map(Number) ?? [];
  return numbers.length === 3 ? /** @type {Colour} */ (numbers) : [128, 128, 128];
}

/** @param {Colour} colour */
export const css = ([r, g, b]) => `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;

/** Between two colours, t in [0, 1]. @param {Colour} a @param {Colour} b @returns {Colour} */
export const mixed = (a, b, t) => /** @type {Colour} */ (a.map((v, i) => v + (b[i] - v) * t));

/** @param {Colour} colour share of light, linear: for contrast and for telling dark ground from light */
export function luminance(colour) {
  const [r, g, b] = colour.map((v) => ((v /= 255), v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The colours of classes on a dark or light ground. @returns {Colour[]} */
export const classColours = (dark) => (dark ? DARK : LIGHT).map(parsed);

/** Viridis at t in [0, 1]; on dark ground its darkest part is left out, on light ground its lightest. @returns {Colour} */
export function scale(t, dark) {
  const at = (dark ? 0.24 + 0.76 * clamp(t) : 0.78 * clamp(t)) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return mixed(parsed(VIRIDIS[i]), parsed(VIRIDIS[i + 1]), at - i);
}

/** From doubt, t = 0, to trust, t = 1. @returns {Colour} */
export function trustScale(t, dark) {
  const anchors = dark ? TRUST_DARK : TRUST_LIGHT;
  const at = clamp(t) * (anchors.length - 1);
  const i = Math.min(Math.floor(at), anchors.length - 2);
  return mixed(parsed(anchors[i]), parsed(anchors[i + 1]), at - i);
}

/** A scale as a CSS gradient. @param {boolean} dark @param {(t: number, dark: boolean) => Colour} [of] */
export const gradient = (dark, of = scale) => `linear-gradient(to right, ${Array.from({ length: 11 }, (_, i) => css(of(i / 10, dark))).join(", ")})`;

const clamp = (t) => Math.min(Math.max(t, 0), 1);
