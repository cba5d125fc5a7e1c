/** What was measured of places comes when the server knows it; else a job finds it out, and can be given up. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { mapLocal } from "../../widgets/views/shared/maplocal.js";

/** A model whose requests are kept, and a way to answer the newest. */
function setting() {
  const callbacks = new Set();
  const sent = [];
  let changes = 0;
  const model = { get: () => null, set() {}, on: (_, callback) => callbacks.add(callback), off: (_, callback) => callbacks.delete(callback), send: (header) => sent.push(header) };
  const local = mapLocal(/** @type {any} */ (model), () => changes++);
  const answer = (header, payload = null, to = sent[sent.length - 1]) => callbacks.forEach((callback) => callback({ view: "map", seq: to.seq, ...header }, payload ? [new DataView(payload.buffer)] : []));
  return { local, sent, answer, callbacks, changes: () => changes };
}
const known = { type: "local", layout: "umap", measure: "kept", n: 3, about: { k: 15, n: 3 } };
const job = (state, more = {}) => ({ type: "job", job: { id: "j1", state, step: 1, steps: 2, words: "seed 1", error: "", ...more } });

test("what is known is asked for once, without starting anything", () => {
  const { local, sent, answer, changes } = setting();
  assert.equal(local.get("umap", "kept").state, "asked");
  local.get("umap", "kept");
  assert.equal(sent.length, 1);
  assert.deepEqual([sent[0].type, sent[0].layout, sent[0].measure, sent[0].start], ["local", "umap", "kept", undefined]);
  answer(known, Uint8Array.of(0, 17, 255));
  const found = local.get("umap", "kept");
  assert.deepEqual([found.state, found.k, [...found.values]], ["known", 15, [0, 17, 255]]);
  assert.equal(changes(), 1);
  local.dispose();
});

test("what is not known is measured by a job that is watched until it is done", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { local, sent, answer } = setting();
  local.get("umap", "stays");
  answer({ type: "local", n: 0, about: null });
  assert.equal(local.get("umap", "stays").state, "unknown");
  local.start("umap", "stays");
  local.start("umap", "stays"); // a second press starts nothing
  assert.equal(sent.filter(({ start }) => start).length, 1);
  answer(job("running"));
  assert.deepEqual([local.get("umap", "stays").state, local.get("umap", "stays").job.words], ["working", "seed 1"]);
  mock.timers.tick(1000);
  assert.deepEqual([sent[sent.length - 1].type, sent[sent.length - 1].id], ["job", "j1"]);
  answer(job("done"));
  assert.equal(sent[sent.length - 1].type, "local");
  answer({ ...known, measure: "stays" }, Uint8Array.of(1, 2, 3));
  assert.equal(local.get("umap", "stays").state, "known");
  local.dispose();
  mock.timers.reset();
});

test("a job can be given up and begun again; one that fails says why", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { local, sent, answer } = setting();
  local.get("umap", "stays");
  answer({ type: "local", n: 0 });
  local.start("umap", "stays");
  answer(job("waiting"));
  local.cancel("umap", "stays");
  assert.deepEqual([sent[sent.length - 1].type, sent[sent.length - 1].id], ["cancel", "j1"]);
  answer(job("cancelled"));
  assert.equal(local.get("umap", "stays").state, "unknown");
  local.start("umap", "stays");
  answer(job("failed", { error: "The UMAP map failed." }));
  assert.deepEqual([local.get("umap", "stays").state, local.get("umap", "stays").error], ["failed", "The UMAP map failed."]);
  local.start("umap", "stays");
  answer({ type: "error", message: "Four long jobs are under way." });
  assert.equal(local.get("umap", "stays").error, "Four long jobs are under way.");
  local.dispose();
  mock.timers.reset();
});

test("answers to a map that was left, or to another view, change nothing", () => {
  const { local, sent, answer, callbacks, changes } = setting();
  local.get("umap", "kept");
  answer({ ...known, view: "strip" }, Uint8Array.of(1, 2, 3));
  assert.equal(changes(), 0);
  const [first] = sent;
  local.forget();
  answer(known, Uint8Array.of(1, 2, 3), first);
  assert.equal(local.get("umap", "kept").state, "asked");
  local.dispose();
  assert.equal(callbacks.size, 0);
});
