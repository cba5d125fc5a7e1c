// @ts-check
/** The smoothest way of a path is searched for on the server: a bar while it lasts, and the journey it found. */
import { cancel, progressBar, run } from "./jobs.js";

/** @param {{ model: import("./live.js").Model, found(journey: any): void, fail(error: Error): void }} host */
export function searching({ model, found, fail }) {
  let job = "";
  /** @type {AbortController | null} */ let going = null;
  const bar = progressBar({ cancel: () => job && cancel(model, { view: "strip", id: job }).catch(() => {}) });
  return {
    el: bar.el,
    /** Starts unless one is under way. @param {() => string} print tells one path from another: what was found for another than the present one is dropped */
    async go(print) {
      if (going) return;
      const [mine, before] = [(going = new AbortController()), print()];
      try {
        const done = await run(model, { type: "geodesic", view: "strip", patch: {} }, { signal: mine.signal, told: (state) => ((job = state.id), bar.show(state)) });
        if (done.state === "done" && print() === before) found(done.result.journey);
      } catch (error) {
        if (/** @type {any} */ (error).name !== "AbortError") fail(/** @type {any} */ (error));
      }
      bar.hide();
      going = null;
    },
    stop: () => going?.abort(),
  };
}
