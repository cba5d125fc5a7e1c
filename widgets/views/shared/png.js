// @ts-check
/** Looks for a recipe inside a PNG file (explorer/export/png.py), so that the picture itself need not leave the browser. */
import { inflated } from "./packed.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORD = "latent-explorer";
const MOST_BYTES = 64 << 20;
const MOST_TEXT = 900_000;

/** The recipe's text in a file, or null where there is none. @param {Blob} file @returns {Promise<string | null>} */
export async function recipeIn(file) {
  if (file.size < 20 || file.size > MOST_BYTES) return null;
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) return null;
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end > bytes.length) return null;
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === "iTXt") {
      const text = await textOf(bytes.subarray(at + 8, end));
      if (text !== null) return text;
    }
    at = end + 4;
  }
  return null;
}

/** The text of an iTXt chunk with our keyword: keyword, 0, packed or not, method, language, 0, translation, 0, text. @param {Uint8Array<ArrayBuffer>} chunk */
async function textOf(chunk) {
  const ends = (/** @type {number} */ from) => chunk.indexOf(0, from);
  const keyword = ends(0);
  if (keyword < 0 || new TextDecoder("latin1").decode(chunk.subarray(0, keyword)) !== KEYWORD) return null;
  const language = ends(keyword + 3);
  const translation = language < 0 ? -1 : ends(language + 1);
  if (translation < 0) return null;
  const text = chunk.subarray(translation + 1);
  if (text.length > MOST_TEXT) return null;
  try {
    return chunk[keyword + 1] ? await inflated(text.slice(), MOST_TEXT) : new TextDecoder().decode(text);
  } catch {
    return null;
  }
}
