// @ts-check
/** Where two pictures differ, as a picture: dark where they are the same, through violet and orange to pale yellow where they differ most. */

/** Colours at even steps, of even lightness steps too, so that they can be told apart without their hue (after "inferno"). */
const INKS = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
const FULL = 96; // grey levels from which on the colour is the last one

/** The colour of a share in [0, 1]. @param {number} share @returns {[number, number, number]} */
export function ink(share) {
  const at = Math.min(1, Math.max(0, share)) * (INKS.length - 1);
  const i = Math.min(INKS.length - 2, Math.floor(at));
  return /** @type {any} */ (INKS[i].map((from, k) => Math.round(from + (at - i) * (INKS[i + 1][k] - from))));
}

/**
 * The difference of two pictures of the same size. Pure.
 *
 * @param {Uint8ClampedArray} one RGBA @param {Uint8ClampedArray} other RGBA
 * @returns {{ pixels: Uint8ClampedArray, mean: number }} RGBA, and how many grey levels of 255 a channel differs on average, as a share
 */
export function difference(one, other) {
  const pixels = new Uint8ClampedArray(one.length);
  let sum = 0;
  for (let i = 0; i < one.length; i += 4) {
    const apart = [0, 1, 2].map((k) => Math.abs(one[i + k] - other[i + k]));
    sum += apart[0] + apart[1] + apart[2];
    pixels.set([...ink(Math.max(...apart) / FULL), 255], i);
  }
  return { pixels, mean: one.length ? sum / (0.75 * one.length) / 255 : 0 };
}

/** Draws the difference of two canvases on a third, at the size of the second. @param {HTMLCanvasElement} before @param {HTMLCanvasElement} now @param {HTMLCanvasElement} canvas @returns {number} the mean, as above */
export function drawDifference(before, now, canvas) {
  const { width, height } = now;
  const pen = (/** @type {HTMLCanvasElement} */ at) => /** @type {CanvasRenderingContext2D} */ (at.getContext("2d", { willReadFrequently: true }));
  const scratch = Object.assign(document.createElement("canvas"), { width, height });
  const pixels = (/** @type {HTMLCanvasElement} */ of) => (pen(scratch).drawImage(of, 0, 0, width, height), pen(scratch).getImageData(0, 0, width, height).data);
  const found = difference(pixels(before), pixels(now));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  pen(canvas).putImageData(new ImageData(/** @type {any} */ (found.pixels), width, height), 0, 0);
  return found.mean;
}
