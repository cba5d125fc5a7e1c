import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { cancel, duration, inWords, run, secondsLeft, underWay, watch } from "../../widgets/views/shared/jobs.js";

const job = (changes = {}) => ({ id: "j1", kind: "refine", title: "Refining", state: "running", step: 0, steps: 10, figures: {}, minutes: 0, words: "", error: "", result: null, ...changes });

/** A model whose server answers as `replies` says, one answer a request. */
function fake(replies) {
  const values = {};
  const callbacks = [];
  return {
    sent: [],
    payloads: [],
    get: (key) => values[key],
    set: (key, value) => void (values[key] = value),
    on: (event, callback) => event === "msg:custom" && callbacks.push(callback),
    off: (event, callback) => callbacks.splice(callbacks.indexOf(callback), 1),
    send(request, _, buffers) {
      this.sent.push(request);
      this.payloads.push(buffers?.[0]);
      const answer = replies.shift();
      if (answer) queueMicrotask(() => [...callbacks].forEach((callback) => callback({ seq: request.seq, view: request.view, ...answer }, [])));
    },
    listeners: () => callbacks.length,
  };
}
const told = (changes) => ({ type: "job", job: job(changes) });
let heard;
beforeEach(() => (heard = []));
const hear = ({ state, step }) => heard.push([state, step]);

test("a job is started, looked at until it is done, and its result given", async () => {
  const model = fake([told({ state: "waiting" }), told({ step: 4 }), told({ state: "done", step: 10, result: { psnr: 30 } })]);
  const payload = Uint8Array.of(1, 2);
  const done = await run(model, { type: "refine", view: "photo", steps: 10 }, { told: hear, every: 1, payload });
  assert.deepEqual(done.result, { psnr: 30 });
  assert.deepEqual(heard, [["waiting", 0], ["running", 4], ["done", 10]]);
  assert.deepEqual(model.sent.map(({ type, id }) => [type, id]), [["refine", undefined], ["job", "j1"], ["job", "j1"]]);
  assert.equal(model.payloads[0], payload);
  assert.equal(model.listeners(), 0);
});

test("a job that failed rejects with its sentence, and so does one that was refused", async () => {
  await assert.rejects(run(fake([told({}), told({ state: "failed", error: "The model drew no numbers." })]), { type: "refine", view: "photo" }, { every: 1 }), /drew no numbers/);
  await assert.rejects(run(fake([{ type: "error", message: "4 long jobs of yours are under way." }]), { type: "refine", view: "photo" }), /4 long jobs/);
});

test("a cancelled job ends the watching", async () => {
  const model = fake([told({ state: "cancelled", step: 3 })]);
  assert.equal((await watch(model, { view: "photo", id: "j1", told: hear, every: 1 })).state, "cancelled");
  const asked = fake([told({})]);
  await cancel(asked, { view: "photo", id: "j1" });
  assert.deepEqual([asked.sent[0].type, asked.sent[0].id], ["cancel", "j1"]);
});

test("a job that the server does not know rejects; without a connection it is asked for again", async () => {
  const unknown = { type: "error", message: "This job is not known here." };
  await assert.rejects(watch(fake([unknown]), { view: "photo", id: "j1", every: 1 }), /not known/);
  const model = fake([unknown, told({ state: "done" })]);
  model.set("status", { connected: false });
  const watching = watch(model, { view: "photo", id: "j1", every: 1 });
  assert.equal((await watching).state, "done");
});

test("an abort stops looking, and leaves nothing behind", async () => {
  const stop = new AbortController();
  const model = fake([told({}), told({ step: 1 })]);
  const watching = watch(model, { view: "photo", id: "j1", every: 5, signal: stop.signal, told: () => stop.abort() });
  await assert.rejects(watching, { name: "AbortError" });
  assert.equal(model.listeners(), 0);
});

test("the newest job of a kind that is not over is found again", async () => {
  const jobs = [job({ id: "a", state: "done" }), job({ id: "b" }), job({ id: "c", state: "waiting" }), job({ id: "d", kind: "flow" }), job({ id: "e", state: "failed" })];
  assert.equal((await underWay(fake([{ type: "jobs", jobs }]), { view: "photo", kind: "refine" })).id, "c");
  assert.equal(await underWay(fake([{ type: "jobs", jobs }]), { view: "photo", kind: "folder" }), null);
});

test("the time left follows from the steps done, and is said in round words", () => {
  assert.equal(secondsLeft(job({ step: 2, minutes: 0.5 })), 120);
  assert.equal(secondsLeft(job({ step: 0, minutes: 0.5 })), null);
  assert.equal(secondsLeft(job({ state: "waiting", step: 2, minutes: 0.5 })), null);
  assert.deepEqual([0.4, 7.4, 33, 89, 100, 3600, 9000].map(duration), ["a second", "7 seconds", "35 seconds", "90 seconds", "2 minutes", "60 minutes", "3 hours"]);
  assert.equal(inWords(job({ state: "waiting" })), "Waiting for its turn…");
  assert.equal(inWords(job({ step: 5, minutes: 0.5, words: "Step 5." })), "Step 5. About 30 seconds left.");
  assert.equal(inWords(job()), "Refining…");
  assert.equal(inWords(job({ state: "failed", error: "No." })), "No.");
});
