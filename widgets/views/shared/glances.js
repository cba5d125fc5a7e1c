// @ts-check
/** Small pictures of steps: asked for a few at a time, kept while the page lives, painted wherever they are shown. */
import { ask } from "./live.js";
import { bytesOf } from "./wire.js";

const AT_ONCE = 8; // few, so that a hand on a slider is not held up
const MOST_TRIES = 2;

/** @param {import("./live.js").Model} model @param {(number: number) => void} ready */
export function glances(model, ready) {
  /** @type {Map<number, ImageBitmap | null>} null: it cannot be drawn */ const kept = new Map();
  /** @type {Map<number, number>} */ const tries = new Map();
  let wanted = /** @type {number[]} */ ([]);
  let busy = false;
  let stop = new AbortController();

  async function fetchSome() {
    if (busy || model.get("hand")) return;
    const steps = wanted.filter((number) => !kept.has(number)).slice(0, AT_ONCE);
    if (!steps.length) return;
    busy = true;
    const { signal } = stop;
    try {
      const { header, payload } = await ask(model, { type: "glance", view: "history", steps, count: steps.length }, { signal });
      const sheet = payload && (await createImageBitmap(new Blob([bytesOf(payload)], { type: `image/${header.format}` })));
      for (const [row, number] of header.steps.entries()) {
        const picture = await createImageBitmap(/** @type {ImageBitmap} */ (sheet), 0, row * header.side, header.side, header.side);
        if (signal.aborted) return;
        kept.set(number, picture);
        ready(number);
      }
      sheet?.close();
      for (const number of steps.filter((one) => !kept.has(one))) failed(number);
    } catch {
      if (!signal.aborted) steps.forEach(failed);
    } finally {
      busy = false;
    }
    if (!signal.aborted) fetchSome();
  }
  /** @param {number} number */
  function failed(number) {
    tries.set(number, (tries.get(number) ?? 0) + 1);
    if (/** @type {number} */ (tries.get(number)) < MOST_TRIES) return;
    kept.set(number, null);
    ready(number);
  }

  return {
    /** What is in sight now, most wanted first. @param {number[]} numbers */
    want(numbers) {
      wanted = numbers;
      fetchSome();
    },
    /** The picture of a step: undefined while it is not there yet, null if it cannot be drawn. @param {number} number */
    of: (number) => kept.get(number),
    go: () => void fetchSome(),
    forget() {
      stop.abort();
      stop = new AbortController();
      kept.clear();
      tries.clear();
      busy = false;
    },
  };
}
