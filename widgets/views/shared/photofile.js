// @ts-check
/** Picture files in the browser: which of several things is one, and a canvas of it no larger than needed. */
import { h } from "./dom.js";

const SIDE = 2048; // pixels of the longer side that is kept
export const MOST = 14 << 20; // bytes of a file that the browser cannot open and the server might
export const TYPES = "image/*,.tif,.tiff,.bmp";
const NAMES = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif|heic)$/i;

/** The first picture among files that were dropped, pasted or chosen. @param {Iterable<File> | null | undefined} files @returns {File | null} */
export const pictureAmong = (files) => [...(files ?? [])].find(isPicture) ?? null;

/** @param {{ type: string, name?: string }} file */
export const isPicture = (file) => file.type.startsWith("image/") || (!file.type && NAMES.test(file.name ?? ""));

/** A picture on a canvas, upright and on white, scaled to at most 2048 pixels; null when this browser cannot open it. @param {Blob} file @returns {Promise<HTMLCanvasElement | null>} */
export async function opened(file, side = SIDE) {
  /** @type {ImageBitmap} */ let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = h("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/** @param {Blob} blob */
export const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer());
