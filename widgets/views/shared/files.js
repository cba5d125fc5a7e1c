// @ts-check
/** Files that the server made: fetched part by part, and saved. */
import { h } from "./dom.js";
import { ask } from "./live.js";
import { bytesOf } from "./wire.js";

/**
 * @typedef {{ file: string, name: string, type: string, bytes: number, parts: number }} Made what a job's result says of its file
 * @param {import("./live.js").Model} model @param {{ view: string, made: Made, told?: (share: number) => void, signal?: AbortSignal }} options
 * @returns {Promise<Blob>}
 */
export async function fetchFile(model, { view, made, told, signal }) {
  const parts = [];
  for (let part = 0; part < made.parts; part++) {
    const { payload } = await ask(model, { type: "fetch", view, file: made.file, part }, { signal });
    if (payload) parts.push(bytesOf(payload).slice());
    told?.((part + 1) / made.parts);
  }
  return new Blob(parts, { type: made.type });
}

/** Lets the browser save a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** 1,234,567 bytes as "1.2 MB". Pure. @param {number} bytes */
export const weight = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`);
