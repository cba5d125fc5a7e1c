// @ts-check
/** The channels of a code as small heat maps: blue below zero, orange above, the ground colour at zero. */
import { parsed } from "./palette.js";

const BELOW = { light: "#0e72b2", dark: "#3c94d4" };
const ABOVE = { light: "#b45309", dark: "#fbae3c" };

/** @param {Uint8Array} levels 0 to 255, zero at 128 @param {boolean} dark @returns {Uint8ClampedArray<ArrayBuffer>} RGBA */
export function heat(levels, dark) {
  const ground = dark ? [15, 23, 42] : [255, 255, 255];
  const [below, above] = [BELOW, ABOVE].map((ink) => parsed(ink[dark ? "dark" : "light"]));
  const pixels = new Uint8ClampedArray(levels.length * 4);
  for (let i = 0; i < levels.length; i++) {
    const share = Math.min(1, Math.abs(levels[i] - 128) / 127);
    const ink = levels[i] < 128 ? below : above;
    for (let k = 0; k < 3; k++) pixels[4 * i + k] = ground[k] + (ink[k] - ground[k]) * share;
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}
