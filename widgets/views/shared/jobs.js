// @ts-check
/**
 * Long work on the server: started by a request that is answered by `job`, looked at four times a second, cancelled.
 *
 * @typedef {{ id: string, kind: string, title: string, state: "waiting" | "running" | "done" | "failed" | "cancelled", step: number, steps: number,
 *   figures: Record<string, number>, minutes: number, words: string, error: string, result: any }} Job
 * @typedef {import("./live.js").Model} Model
 */
import { h } from "./dom.js";
import { ask } from "./live.js";

const EVERY = 250; // milliseconds between two looks
const OFFLINE = 1000; // milliseconds between two tries while there is no connection
const ENDS = new Set(["done", "failed", "cancelled"]);

/** Whether nothing more will come of a job. @param {Job} job */
export const over = (job) => ENDS.has(job.state);

/**
 * Starts a job and follows it to its end.
 *
 * @param {Model} model
 * @param {any} request that starts it, with `type` and `view`
 * @param {{ told?: (job: Job) => void, signal?: AbortSignal, payload?: Uint8Array | null, every?: number }} [options] `told` hears of every look, the first and the last included
 * @returns {Promise<Job>} done or cancelled; rejects with the sentence of one that failed. An abort only stops looking: the job goes on
 */
export async function run(model, request, { told, signal, payload = null, every } = {}) {
  const { header } = await ask(model, request, { signal, payload });
  told?.(header.job);
  return over(header.job) ? settled(header.job) : watch(model, { view: request.view, id: header.job.id, told, signal, every });
}

/** Follows a job that was started before. @param {Model} model @param {{ view: string, id: string, told?: (job: Job) => void, signal?: AbortSignal, every?: number }} options @returns {Promise<Job>} as `run` */
export async function watch(model, { view, id, told, signal, every = EVERY }) {
  for (;;) {
    await pause(model.get("status")?.connected === false ? Math.max(OFFLINE, every) : every, signal);
    /** @type {Job | undefined} */ let job;
    try {
      job = (await ask(model, { type: "job", view, id }, { signal })).header.job;
    } catch (error) {
      if (signal?.aborted || model.get("status")?.connected !== false) throw error; // without a connection it is asked again
    }
    if (!job) continue;
    told?.(job);
    if (over(job)) return settled(job);
  }
}

/** Asks a job to end. What it found until then may still come: keep watching. @param {Model} model @param {{ view: string, id: string }} options */
export const cancel = (model, { view, id }) => ask(model, { type: "cancel", view, id });

/** The newest job of a kind, or of one of several, that waits or runs, as after the page was loaded again; null when there is none. @param {Model} model @param {{ view: string, kind: string | string[], signal?: AbortSignal }} options @returns {Promise<Job | null>} */
export async function underWay(model, { view, kind, signal }) {
  const { header } = await ask(model, { type: "jobs", view }, { signal });
  return header.jobs.findLast((/** @type {Job} */ job) => [kind].flat().includes(job.kind) && !over(job)) ?? null;
}

/** How long a job will still take, in seconds, if it goes on as until now; null when that cannot be said. @param {Job} job */
export function secondsLeft({ state, step, steps, minutes }) {
  if (state !== "running" || step <= 0 || steps <= 0 || minutes <= 0) return null;
  return Math.max(0, (minutes * 60 * (steps - step)) / step);
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1.5) return "a second";
  if (seconds < 90) return `${seconds < 10 ? Math.round(seconds) : Math.round(seconds / 5) * 5} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

/** How far a job is, in a line. @param {Job} job */
export function inWords(job) {
  if (job.state === "waiting") return "Waiting for its turn…";
  if (job.state === "failed") return job.error;
  if (over(job)) return job.state === "done" ? "Done." : "Cancelled.";
  const left = secondsLeft(job);
  return `${job.words || `${job.title}…`}${left === null ? "" : ` About ${duration(left)} left.`}`;
}

/**
 * A bar, what is being done, how long it will take, and a button that cancels. Style: `jobs.css`.
 *
 * @param {{ cancel: () => void, stop?: string }} options `stop` is the word on the button
 * @returns {{ el: HTMLElement, show(job: Job): void, hide(): void }}
 */
export function progressBar({ cancel, stop = "Cancel" }) {
  const fill = h("i");
  const track = h("div", { class: "le-job-track", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const words = h("p", { class: "le-note le-job-words" });
  const button = h("button", { type: "button", class: "le-button" }, stop);
  const el = h("div", { class: "le-job", hidden: true }, track, words, button);
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    words.textContent = "Stopping…";
    cancel();
  });
  return {
    el,
    show(job) {
      if (el.hidden || el.dataset.id !== job.id) button.removeAttribute("aria-disabled");
      el.hidden = false;
      el.dataset.id = job.id;
      const share = job.steps > 0 ? Math.min(1, job.step / job.steps) : 0;
      el.classList.toggle("le-job-waiting", job.state === "waiting" || (job.state === "running" && share === 0));
      fill.style.width = `${100 * share}%`;
      track.setAttribute("aria-label", job.title);
      track.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      if (over(job) || button.getAttribute("aria-disabled") !== "true") words.textContent = inWords(job);
      track.setAttribute("aria-valuetext", words.textContent ?? "");
    },
    hide() {
      el.hidden = true;
    },
  };
}

/** @param {Job} job */
function settled(job) {
  if (job.state === "failed") throw new Error(job.error);
  return job;
}

/** @param {number} milliseconds @param {AbortSignal} [signal] */
const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
  const leave = () => {
    clearTimeout(timer);
    reject(new DOMException("The view no longer follows the job.", "AbortError"));
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener("abort", leave);
    resolve(undefined);
  }, milliseconds);
  if (signal?.aborted) return leave();
  signal?.addEventListener("abort", leave, { once: true });
});
