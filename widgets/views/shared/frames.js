// @ts-check
/** Pictures as they travel, and which of them may be shown. */
import { bytesOf } from "./wire.js";

/** A frame's pixels: at once for raw ones, later for JPEG and PNG. @param {{ format: string, width: number, height: number }} header @param {DataView} payload @returns {ImageData | Promise<ImageBitmap>} */
export function pixelsOf(header, payload) {
  if (header.format !== "rgba") return createImageBitmap(new Blob([bytesOf(payload)], { type: `image/${header.format}` }));
  return rgba(payload, header.width, header.height, 0);
}

/** The `index`-th of several raw pictures one after another. @param {DataView} payload @param {number} width @param {number} height @param {number} index */
export function rgba(payload, width, height, index) {
  const size = width * height * 4;
  return new ImageData(new Uint8ClampedArray(/** @type {ArrayBuffer} */ (payload.buffer), payload.byteOffset + index * size, size), width, height);
}

/** Puts pixels on a canvas of their own size. @param {HTMLCanvasElement} canvas @param {ImageData | ImageBitmap | HTMLCanvasElement} pixels */
export function paint(canvas, pixels) {
  if (canvas.width !== pixels.width) canvas.width = pixels.width;
  if (canvas.height !== pixels.height) canvas.height = pixels.height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (pixels instanceof ImageData) pen.putImageData(pixels, 0, 0);
  else pen.drawImage(pixels, 0, 0);
}

/** What of a session decides the picture; while it stays, so does the still. @param {any} session */
export const pictured = (session) => JSON.stringify(session && [session.model, session.spot, session.journey, session.sampled, session.protect]);

/** Frames shown in the last second. */
export class Rate {
  /** @type {number[]} */ times = [];
  /** @param {number} now milliseconds @returns {number} frames a second */
  add(now) {
    this.times.push(now);
    while (this.times[0] <= now - 1000) this.times.shift();
    const span = now - this.times[0];
    return this.times.length < 3 || span <= 0 ? 0 : Math.round(((this.times.length - 1) * 1000) / span);
  }
}
