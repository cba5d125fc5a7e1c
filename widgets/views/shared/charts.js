// @ts-check
/** Plotly, fetched over the channel when a chart is first drawn, from this machine and from nowhere else; kept for the page. */
import { ask } from "./live.js";
import { bytesOf } from "./wire.js";

const KEPT = Symbol.for("latent-explorer.plotting");

/** @param {import("./live.js").Model} model @param {string} view @param {AbortSignal} [signal] @returns {Promise<any>} */
export function plotting(model, view, signal) {
  const page = /** @type {any} */ (globalThis);
  page[KEPT] ??= load(model, view, signal).catch((error) => {
    delete page[KEPT];
    throw error;
  });
  return page[KEPT];
}

async function load(model, view, signal) {
  const { payload } = await ask(model, { type: "plotting", view }, { signal, patience: 60_000 });
  if (!payload) throw new Error("The library of charts came empty.");
  const url = URL.createObjectURL(new Blob([bytesOf(payload)], { type: "text/javascript" }));
  try {
    return (await import(/* @vite-ignore */ url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}
