// @ts-check
/**
 * Talking to the live channel: numbering requests, dragging at the pace of the answers, committing, asking once.
 *
 * @typedef {{ get(key: string): any, set(key: string, value: any): void, on(event: string, callback: Function): void,
 *   off(event: string, callback?: Function): void, send(content: any, callbacks?: any, buffers?: any[]): void, save_changes?(): void }} Model
 */

/** Every view carries its own copy of this module, yet numbers must grow over all of them: the last one given out is kept for the page. */
const CLOCK = Symbol.for("latent-explorer.clock");
const LANDED = new Set(["frame", "skipped", "error"]);

/** Microseconds since 1970, strictly increasing over all views of the page. */
export function stamp() {
  const clock = (/** @type {any} */ (globalThis)[CLOCK] ??= { last: 0 });
  clock.last = Math.max(clock.last + 1, Math.round((performance.timeOrigin + performance.now()) * 1000));
  return clock.last;
}

/**
 * Sends drafts while a hand moves: only the newest patch, one decode in flight, the next the moment the answer arrives.
 *
 * `done()` ends the gesture and must be called on release, before `commit`, and also when the gesture is given up: a draft still waiting is sent at
 * once, so that its number lies before that of the still that follows. Between the first draft and `done()` (or `commit`) the
 * model's key `hand` holds the name of the view; the stage asks for no still in that time, and shows the session again afterwards.
 *
 * @param {Model} model
 * @param {string} view
 * @param {{ patience?: number }} [options] milliseconds after which an answer counts as lost
 */
export function pace(model, view, { patience = 3000 } = {}) {
  let flying = 0; // the number of the request without an answer
  let overdue = 0; // a timer
  /** @type {object | null} */
  let waiting = null;

  const launch = () => {
    clearTimeout(overdue);
    flying = 0;
    if (!waiting) return;
    const patch = waiting;
    waiting = null;
    flying = stamp();
    overdue = /** @type {any} */ (setTimeout(launch, patience));
    model.send({ type: "decode", seq: flying, view, patch });
  };
  const hear = (/** @type {any} */ header) => {
    if (flying && header?.seq === flying && header.view === view && LANDED.has(header.type)) launch();
  };
  model.on("msg:custom", hear);

  return {
    /** Wants the session with `patch` on the stage, as soon as the channel is free. @param {object} patch */
    draft(patch) {
      waiting = patch;
      if (model.get("hand") !== view) model.set("hand", view);
      if (!flying) launch();
    },
    /** The hand is off. */
    done() {
      if (waiting) launch();
      if (model.get("hand") === view) model.set("hand", null);
    },
    /** Forgets everything; for the view's cleanup. */
    dispose() {
      waiting = null;
      clearTimeout(overdue);
      if (model.get("hand") === view) model.set("hand", null);
      model.off("msg:custom", hear);
    },
  };
}

/** Makes a patch a step of the history. `label` says what was done, in words. The model's key `hand` is "commit" until the stage hears of the new state. @param {Model} model @param {object} patch @param {string} label */
export function commit(model, patch, label) {
  model.set("hand", "commit");
  model.send({ type: "commit", patch, label });
}

/**
 * Sends one request and waits for its answer.
 *
 * @param {Model} model
 * @param {any} header with `type` and `view`; `seq` is added
 * @param {{ patience?: number, signal?: AbortSignal, payload?: Uint8Array | null }} [options] `payload` goes with the request
 * @returns {Promise<{ header: any, payload: DataView | null }>} rejects with the server's sentence, or one about the time that passed
 */
export function ask(model, header, { patience = 30_000, signal, payload = null } = {}) {
  const seq = stamp();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error(`The server did not answer "${header.type}" within ${patience / 1000} seconds.`)), patience);
    const hear = (/** @type {any} */ answer, /** @type {any[]} */ buffers) => {
      if (answer?.seq !== seq || answer.view !== header.view) return;
      if (answer.type === "error") return settle(new Error(answer.message));
      settle(null, { header: answer, payload: buffers?.[0] ?? null });
    };
    const abort = () => settle(new DOMException("The view no longer wants the answer.", "AbortError"));
    const settle = (/** @type {any} */ error, /** @type {any} */ answer) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      model.off("msg:custom", hear);
      error ? reject(error) : resolve(answer);
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort);
    model.on("msg:custom", hear);
    model.send({ ...header, seq }, undefined, payload ? [payload] : undefined);
  });
}
