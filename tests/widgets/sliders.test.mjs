import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, badge, base, byKey, fromTrack, reachOf, redraw, setAxes, shownValue, sorted, toTrack, typed } from "../../widgets/views/shared/axes.js";

const ends = (low, high) => ({ low, q05: low / 2, median: 0, q95: high / 2, high });
const report = (axis, label, kl, extra = {}) => ({ axis, label, note: "", kl, activity: kl, unsure: false, mean: ends(-2, 2), sampled: ends(-2.6, 2.6), ...extra });
const info = { space: { axes: ["z1", "z2", "z3"], prior: "normal" }, axes: [report(0, "passive", 0.001), report(1, "active", 2.4, { m: 0.02, s: 0.001 }), report(2, "mixed", 0.4, { unsure: true, mean: ends(-4, 3) })] };
const session = (changes = {}) => ({ spot: { origin: { kind: "seed", seed: 4, truncation: 0.7 }, axes: [[2, 1.5]] }, journey: { start: null, end: null, kind: "arc", t: null }, locked: [], ...changes });

test("axes are sorted by activity or by number", () => {
  assert.deepEqual(sorted(axesOf(info), "activity").map(({ name }) => name), ["z2", "z3", "z1"]);
  assert.deepEqual(sorted(axesOf(info), "number").map(({ name }) => name), ["z1", "z2", "z3"]);
});

test("without reports, axes have the prior's ends and no badge", () => {
  const [axis] = axesOf({ space: { axes: ["z1"], prior: "normal" }, axes: [] });
  assert.equal(badge(axis), null);
  assert.equal(axis.measured, false);
  assert.ok(Math.abs(axis.ends.mean.high - 2.576) < 1e-9);
  assert.equal(reachOf(axis), 2.576 * 1.3);
});

test("a track reaches a third beyond the data, and at least to three", () => {
  const [first, , third] = axesOf({ ...info, axes: [report(0, "active", 1, { mean: ends(-1, 1), sampled: ends(-1, 1) }), report(2, "active", 1, { mean: ends(-4, 3) })] });
  assert.equal(reachOf(first), 3);
  assert.equal(reachOf(third), 5.2);
});

test("values and places on the track belong together", () => {
  for (const value of [-3, -1.25, 0, 2.99]) assert.equal(fromTrack(toTrack(value, 3), 3), value);
  assert.equal(toTrack(50, 3), 1);
  assert.equal(fromTrack(-1, 3), -3);
});

test("a badge says the word, the numbers and whether it is unsure", () => {
  const [, active, mixed] = axesOf(info).map(badge);
  assert.equal(active.letter, "A");
  assert.match(active.title, /^active\..*m 0\.02.*s 0\.001.*KL 2\.4 nats/);
  assert.equal(mixed.letter, "M?");
  assert.match(mixed.title, /unsure/);
});

test("a draft keeps the origin and the other axes", () => {
  const patch = setAxes(session(), base(session(), null), new Map([[0, -1]]));
  assert.deepEqual(patch, { spot: { origin: { kind: "seed", seed: 4, truncation: 0.7 }, axes: [[0, -1], [2, 1.5]] } });
});

test("a draft on a path freezes the code and leaves the path", () => {
  const walking = session({ journey: { start: {}, end: {}, kind: "arc", t: 0.5 } });
  const patch = setAxes(walking, base(walking, [1, 2, 3]), new Map([[1, 0]]));
  assert.deepEqual(patch.spot, { origin: { kind: "values", values: [1, 2, 3] }, axes: [[1, 0]] });
  assert.deepEqual(patch.journey, { t: null });
});

test("resetting takes an axis out", () => assert.deepEqual(setAxes(session(), base(session(), null), new Map([[2, null]])).spot.axes, []));

test("a new draw keeps what is locked where it is now", () => {
  const patch = redraw(session({ locked: [0, 2] }), [0.5, 1, -2], 77);
  assert.deepEqual(patch.spot, { origin: { kind: "seed", seed: 77, truncation: 0.7 }, axes: [[0, 0.5], [2, -2]] });
});

test("keys step, jump to the data's ends, or mean nothing", () => {
  const at = (key, shift = false) => byKey(key, shift, 0.2, { low: -2, high: 2.5 });
  assert.deepEqual([at("ArrowRight"), at("ArrowLeft", true), at("PageUp"), at("Home"), at("End"), at("a")], [0.3, -0.3, 1.2, -2, 2.5, null]);
});

test("typed numbers are read kindly, and only numbers", () => {
  assert.deepEqual(["1,5", "−2", " .25 ", "", "x", "1e9", "NaN"].map(typed), [1.5, -2, 0.25, null, null, null, null]);
  assert.deepEqual([-0.001, -1.5, 2].map(shownValue), ["0.00", "−1.50", "2.00"]);
});
