// @ts-check
/**
 * What was measured of every place of a map, asked for over the channel; where the server does not know it yet, the job that finds it out.
 *
 * @typedef {{measure: string, k: number, about: any, values: Uint8Array | null, state: "asked" | "unknown" | "working" | "known" | "failed", job: any, error: string}} Local
 */
import { stamp } from "./live.js";
import { bytesOf } from "./wire.js";

const PACE = 700; // milliseconds between two looks at a job
const UNDER_WAY = new Set(["waiting", "running"]);

/** @param {import("./live.js").Model} model @param {() => void} changed called when something came, failed or went on */
export function mapLocal(model, changed) {
  /** @type {Map<string, Local>} */ const known = new Map(); // by layout and measure
  /** @type {Map<number, string>} */ const asked = new Map(); // what each request is about
  /** @type {Map<string, any>} */ const timers = new Map(); // by key: the next look at its job

  const send = (key, request) => {
    const seq = stamp();
    asked.set(seq, key);
    model.send({ ...request, seq, view: "map" });
  };
  const ask = (key, start) => {
    const [layout, measure] = key.split("\n");
    send(key, { type: "local", layout, measure, ...(start ? { start } : {}) });
  };
  const settle = (key, changes) => {
    const old = known.get(key);
    if (!old) return;
    known.set(key, { ...old, ...changes });
    changed();
  };
  const later = (key, callback) => {
    clearTimeout(timers.get(key));
    timers.set(key, setTimeout(callback, PACE));
  };

  const readers = {
    local(key, header, payload) {
      if (!header.n) return settle(key, { state: "unknown", job: null });
      settle(key, { state: "known", k: header.about?.k ?? 15, about: header.about, values: bytesOf(payload).slice(), job: null });
    },
    job(key, { job }) {
      if (UNDER_WAY.has(job.state)) {
        settle(key, { state: "working", job });
        return later(key, () => known.get(key)?.job?.id === job.id && send(key, { type: "job", id: job.id }));
      }
      if (job.state === "done") return ask(key, false);
      settle(key, job.state === "cancelled" ? { state: "unknown", job: null } : { state: "failed", error: job.error, job: null });
    },
    error: (key, header) => settle(key, { state: "failed", error: header.message, job: null }),
  };
  const hear = (header, buffers) => {
    const key = asked.get(header?.seq);
    if (key === undefined || header.view !== "map" || !readers[header.type]) return;
    asked.delete(header.seq);
    readers[header.type](key, header, buffers?.[0]);
  };
  model.on("msg:custom", hear);

  const name = (layout, measure) => `${layout}\n${measure}`;
  const forget = () => {
    timers.forEach(clearTimeout);
    for (const store of [known, asked, timers]) store.clear();
  };
  return {
    /** What is known of a measure of a map; asked for when nobody did. @param {string} layout @param {string} measure @returns {Local} */
    get(layout, measure) {
      const key = name(layout, measure);
      if (!known.has(key)) {
        known.set(key, { measure, k: 15, about: null, values: null, state: "asked", job: null, error: "" });
        ask(key, false);
      }
      return /** @type {Local} */ (known.get(key));
    },
    /** Has it measured. @param {string} layout @param {string} measure */
    start(layout, measure) {
      const key = name(layout, measure);
      if (!["unknown", "failed"].includes(known.get(key)?.state ?? "")) return;
      settle(key, { state: "working", error: "" });
      ask(key, true);
    },
    /** Gives up on measuring. @param {string} layout @param {string} measure */
    cancel(layout, measure) {
      const job = known.get(name(layout, measure))?.job;
      if (job) send(name(layout, measure), { type: "cancel", id: job.id });
    },
    forget,
    dispose() {
      model.off("msg:custom", hear);
      forget();
    },
  };
}
