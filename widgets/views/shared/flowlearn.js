// @ts-check
/** Learning flows: how many, held to which equation, for how long; a job that can be stopped and goes on when asked for again. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { cancel, progressBar, run, underWay, watch } from "./jobs.js";

const EQUATIONS = [["wave", "wave"], ["hamilton-jacobi", "Hamilton-Jacobi"], ["heat", "heat"], ["none", "none"]];
const LENGTHS = [[0, "thorough, up to 20 minutes"], [400, "short, for a first look"]];
const TITLE = "Potential flows";

/**
 * @param {{ model: import("./live.js").Model, signal: AbortSignal, found(ids: string[]): void }} host `found` hears of what was learned
 */
export function learner({ model, signal, found }) {
  let job = "";
  const count = h("input", { class: "le-field", type: "number", min: 1, max: 16, ".value": "8", "aria-label": "How many flows" });
  const seed = h("input", { class: "le-field", type: "number", min: 0, max: 4294967295, ".value": "0", "aria-label": "Seed" });
  const equation = h("select", { class: "le-select", "aria-label": "Equation" }, EQUATIONS.map(([value, words]) => h("option", { value }, words)));
  const length = h("select", { class: "le-select", "aria-label": "How long" }, LENGTHS.map(([value, words]) => h("option", { value }, words)));
  const start = h("button", { type: "button", class: "le-button le-primary", on: { click: () => begin() } }, icon("star"), "Learn flows");
  const bar = progressBar({ cancel: () => void (job && cancel(model, { view: "flows", id: job }).catch(() => {})), stop: "Stop" });
  const words = h("p", { class: "le-note", role: "status" });
  const trouble = h("p", { class: "le-error", role: "alert", hidden: true });
  const field = (/** @type {string} */ label, /** @type {any} */ control) => h("label", { class: "le-flow-field" }, h("span", null, label), control);
  const form = h("div", { class: "le-row le-flow-form" }, field("How many", count), field("Equation", equation), field("How long", length), field("Seed", seed), start);
  const el = h("div", { class: "le-flow-learn" },
    h("p", { class: "le-note" }, "Learns landscapes over the codes without any labels: going up each one must change the picture in a way that a small network can tell from all others. The equation says how a landscape may change with time."),
    form, bar.el, words, trouble);
  let can = true;

  const busy = (/** @type {boolean} */ now) => {
    start.disabled = now || !can;
    start.hidden = now;
    if (!now) bar.hide();
  };
  const told = (/** @type {any} */ state) => ((job = state.id), bar.show(state));
  /** @param {Promise<any>} going */
  async function follow(going) {
    busy(true);
    words.textContent = "";
    trouble.hidden = true;
    try {
      const done = await going;
      if (done.state === "done") {
        const ids = done.result?.ids ?? [];
        words.textContent = `${ids.length} flow${ids.length === 1 ? "" : "s"} learned.`;
        found(ids);
      } else words.textContent = "Stopped. What was learned until now is kept: press “Learn flows” with the same choices and it goes on from there.";
    } catch (error) {
      if (signal.aborted) return;
      trouble.hidden = false;
      trouble.textContent = /** @type {Error} */ (error).message;
    } finally {
      if (!signal.aborted) busy(false);
    }
  }
  const number = (/** @type {any} */ input, /** @type {number} */ least, /** @type {number} */ most) => Math.min(most, Math.max(least, Math.round(Number(input.value) || 0)));
  function begin() {
    const wish = { method: "flow", count: number(count, 1, 16), seed: number(seed, 0, 4294967295), equation: equation.value, updates: Number(length.value) };
    follow(run(model, { type: "find", view: "flows", wish }, { signal, told }));
  }
  return {
    el,
    /** @param {string | null} why none can be learned */
    suit(why) {
      can = !why;
      start.disabled = !can;
      form.hidden = !can;
      if (why) words.textContent = why;
    },
    /** Takes up a job of before the page was loaded again. */
    async resume() {
      try {
        const found = await underWay(model, { view: "flows", kind: "find", signal });
        if (found?.title === TITLE) follow(watch(model, { view: "flows", id: found.id, told, signal }));
      } catch { /* the connection was lost: the next visit asks again */ }
    },
  };
}
