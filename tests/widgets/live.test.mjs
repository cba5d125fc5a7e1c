import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { ask, commit, pace, stamp } from "../../widgets/views/shared/live.js";

/** A model that remembers what was sent and lets the test answer. */
function fake() {
  const values = {};
  const callbacks = [];
  return {
    sent: [],
    get: (key) => values[key],
    set: (key, value) => void (values[key] = value),
    on: (event, callback) => event === "msg:custom" && callbacks.push(callback),
    off: (event, callback) => callbacks.splice(callbacks.indexOf(callback), 1),
    send(content) { this.sent.push(content); },
    answer: (content, buffers = []) => [...callbacks].forEach((callback) => callback(content, buffers)),
    listeners: () => callbacks.length,
  };
}
let model;
beforeEach(() => (model = fake()));
const answered = (type = "frame", request = model.sent.at(-1)) => model.answer({ type, seq: request.seq, view: request.view });
const patches = () => model.sent.map((request) => request.patch);

test("stamps only grow, also when the clock stands still", () => {
  const stamps = Array.from({ length: 1000 }, stamp);
  assert.ok(stamps.every((value, i) => Number.isSafeInteger(value) && (i === 0 || value > stamps[i - 1])));
});

test("one request is in flight and the newest patch goes next", () => {
  const { draft } = pace(model, "sliders");
  for (const n of [1, 2, 3]) draft({ n });
  assert.deepEqual(patches(), [{ n: 1 }]);
  answered();
  assert.deepEqual(patches(), [{ n: 1 }, { n: 3 }]);
  answered();
  assert.equal(model.sent.length, 2);
});

test("skipped and error free the channel, answers to others do not", () => {
  const { draft } = pace(model, "map");
  draft({ n: 1 }), draft({ n: 2 });
  model.answer({ type: "frame", seq: model.sent[0].seq, view: "stage" });
  model.answer({ type: "frame", seq: model.sent[0].seq - 1, view: "map" });
  assert.equal(model.sent.length, 1);
  answered("skipped"), draft({ n: 3 }), answered("error");
  assert.deepEqual(patches(), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test("a lost answer does not stop the drag", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { draft } = pace(model, "map");
  draft({ n: 1 }), draft({ n: 2 });
  mock.timers.tick(2999);
  assert.equal(model.sent.length, 1);
  mock.timers.tick(1);
  assert.deepEqual(patches(), [{ n: 1 }, { n: 2 }]);
  mock.timers.reset();
});

test("the last draft is sent on release, before the commit", () => {
  const { draft, done } = pace(model, "sliders");
  draft({ n: 1 }), draft({ n: 2 });
  assert.equal(model.get("hand"), "sliders");
  done(), commit(model, { n: 2 }, "z3");
  assert.deepEqual(model.sent.map(({ type, patch }) => [type, patch.n]), [["decode", 1], ["decode", 2], ["commit", 2]]);
  assert.equal(model.get("hand"), "commit"); // until the stage hears of the new state
});

test("a gesture given up leaves no hand behind", () => {
  const { draft, done } = pace(model, "sliders");
  draft({ n: 1 }), done();
  assert.equal(model.get("hand"), null);
});

test("a disposed pacer is silent", () => {
  const { draft, dispose } = pace(model, "map");
  draft({ n: 1 }), draft({ n: 2 }), dispose();
  answered();
  assert.equal(model.sent.length, 1);
  assert.equal(model.listeners(), 0);
});

test("ask resolves with its own answer and rejects with the server's sentence", async () => {
  const good = ask(model, { type: "example", view: "sample", row: 3 });
  const payload = new DataView(new ArrayBuffer(2));
  model.answer({ type: "example", seq: 1, view: "sample" });
  model.answer({ type: "example", seq: model.sent[0].seq, view: "sample", row: 3 }, [payload]);
  assert.equal((await good).payload, payload);
  const bad = ask(model, { type: "example", view: "sample", row: -1 });
  model.answer({ type: "error", message: "There is no row -1.", seq: model.sent[1].seq, view: "sample" });
  await assert.rejects(bad, /There is no row -1/);
  const stop = new AbortController();
  const gone = ask(model, { type: "grid", view: "sample" }, { signal: stop.signal });
  stop.abort();
  await assert.rejects(gone, { name: "AbortError" });
  assert.equal(model.listeners(), 0);
});
