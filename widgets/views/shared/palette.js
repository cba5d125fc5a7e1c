// @ts-check
/** Colours that survive colour blindness and both themes. Pure. Colours are `[r, g, b]` in 0-255. @typedef {[number, number, number]} Colour */

/** Classes, first the seven of Okabe and Ito (2008); on light ground yellow is deepened so that it can be seen. */
const LIGHT = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#c8b400", "#882255", "#332288", "#7f7f7f", "#6b3a1e", "#12e0c0"];
const DARK = ["#3f9fe0", "#f0a92a", "#12b98a", "#e08fbe", "#8ad0f7", "#ff7530", "#f0e442", "#b0457c", "#8471f0", "#9a9a9a", "#b07a52", "#bff5e6"];
export const MOST_CLASSES = LIGHT.length;

/** Anchors of viridis (Smith and van der Walt, 2015): dark to light in even steps of perceived lightness. */
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

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
  const at = (dark ? 0.18 + 0.82 * clamp(t) : 0.94 * clamp(t)) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return mixed(parsed(VIRIDIS[i]), parsed(VIRIDIS[i + 1]), at - i);
}

/** The scale as a CSS gradient. */
export const gradient = (dark) => `linear-gradient(to right, ${Array.from({ length: 11 }, (_, i) => css(scale(i / 10, dark))).join(", ")})`;

const clamp = (t) => Math.min(Math.max(t, 0), 1);
