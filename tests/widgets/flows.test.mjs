import assert from "node:assert/strict";
import { test } from "node:test";

import { about, amountAt, beyond, drifted, gapWords, lastOf, position, readouts, sampled, sideOf, stepAt, stepWords, stopOf, stopWords, within } from "../../widgets/views/shared/flowmarks.js";
import { nextStep } from "../../widgets/views/shared/flowplayer.js";
import { arrowsOf, cells, stretch } from "../../widgets/views/shared/maparrows.js";

const walk = (more = {}) => ({
  id: "a", first: -2, step: 0.25, count: 6, times: [2, 1, 0, 1, 2, 3], trained: [-1, 2], cut: [false, false], speed: [1, 1, 1, 1, 1, 1], heights: [0, 1, 2, 3, 4, 5],
  percentile: [0.4, 0.45, 0.5, 0.6, 0.97, 0.999], typicality: [1, 1, 1, 1, 0.06, 0.001], change: [0, 0.1, 0.2, 0.3, 0.4, 0.5], missed: 0.2, places: null, ...more,
});

test("steps are amounts over the length of a step, and no edit reaches beyond eight units", () => {
  assert.deepEqual([sideOf(0.1), sideOf(0.25), sideOf(0.5), sideOf(1)], [24, 24, 16, 8]);
  assert.equal(stepAt(0.75, 0.25), 3);
  assert.equal(amountAt(3, 0.1), 0.3);
  assert.equal(within(walk(), 99), 3);
  assert.equal(lastOf(walk()), 3);
});

test("a step says whether it was trained and whether the code has drifted", () => {
  assert.deepEqual([-2, -1, 0, 2, 3].map((n) => beyond(walk(), n)), [true, false, false, false, true]);
  assert.equal(beyond(walk({ trained: null }), 3), false);
  assert.deepEqual([1, 2, 3].map((n) => drifted(walk(), n, 0.95)), [false, true, true]);
  assert.equal(drifted(walk(), 3, 1), false);
  assert.match(stepWords(walk(), 3, 0.99), /step 3 of 3, 0.75 units, beyond what was trained, longer than draws are/);
  assert.equal(position(walk(), -1), "step −1 of −2");
});

test("playing stops where the code drifts, unless it had drifted at the start, and where the walk is cut", () => {
  assert.deepEqual(stopOf(walk(), 0.95, 1), { at: 2, why: "drift" });
  assert.deepEqual(stopOf(walk(), 1, 1), { at: 3, why: "end" });
  assert.deepEqual(stopOf(walk(), 0.95, -1), { at: -2, why: "end" });
  assert.deepEqual(stopOf(walk({ percentile: [1, 1, 1, 1, 1, 1] }), 0.95, 1), { at: 3, why: "end" });
  assert.deepEqual(stopOf(walk({ cut: [false, true] }), 1, 1), { at: 3, why: "diverged" });
  assert.match(stopWords(walk(), 0.95, 1), /Stopped at step 2: the code is longer there than 95 % of random draws/);
  assert.match(stopWords(walk({ cut: [false, true] }), 1, 1), /diverges after step 3/);
  assert.equal(stopWords(walk(), 1, 1), "");
});

test("the readouts of a step", () => {
  assert.deepEqual(readouts(walk(), 1).map(([name, value]) => [name, value]), [["Landscape u", "3"], ["Slope ‖v‖", "1"], ["Picture change", "0.3"], ["Code length", "60 %"]]);
  assert.equal(readouts(walk({ heights: null, percentile: null }), 1)[0][1], "none");
  assert.match(readouts(walk({ percentile: null }), 1)[3][1], /typicality 1/);
});

test("pictures of a walk are even and hold its start", () => {
  assert.deepEqual(sampled(walk(), 7), [-2, -1, 0, 1, 2, 3]);
  const long = sampled(walk({ first: -24, count: 49 }), 7);
  assert.deepEqual(long, [-24, -16, -8, 0, 8, 16, 24]);
  assert.ok(sampled(walk({ first: -5, count: 20 }), 7).includes(0));
});

test("a player goes on, turns round at the ends, or stops there", () => {
  assert.deepEqual(nextStep(2, 1, { from: -3, to: 3, back: false }), { n: 3, sign: 1 });
  assert.equal(nextStep(3, 1, { from: -3, to: 3, back: false }), null);
  assert.deepEqual(nextStep(3, 1, { from: -3, to: 3, back: true }), { n: 2, sign: -1 });
  assert.equal(nextStep(0, 1, { from: 0, to: 0, back: true }), null);
});

test("two orders in words", () => {
  assert.match(gapWords({ gap: 0.5, moved: 2, other_moved: 3 }, "A", "B"), /“A” then “B” .* 0.5 units .* 20 %/);
  assert.match(gapWords({ gap: 0.001, moved: 2, other_moved: 3 }, "A", "B"), /commute/);
});

test("a direction in a line", () => {
  const flow = { id: "a", name: "flow 1", title: "Potential flows", target: "", unit: "", accuracy: 0.93, kind: "flow", trained: 6, equation: "hamilton-jacobi", inert: true, landscape: true };
  assert.match(about(flow), /Potential flows, Hamilton-Jacobi equation, trained for 6 steps of its own, told apart in 93 % of pairs. Inert/);
  assert.equal(about({ ...flow, title: "Boundary", kind: "vector", trained: null, equation: "", inert: false }), "Boundary.");
});

test("arrows fill their cells, those near points above all", () => {
  assert.deepEqual(cells(360, 720), [10, 20]);
  const [across, down] = cells(1800, 1800);
  assert.ok(across * down <= 400 && across >= 19);
  const arrows = arrowsOf(Float32Array.of(0, 1, 3, 4, 1, 5, 5, 300, 400, 0));
  assert.deepEqual(arrows[0], { place: [0, 1], way: [3, 4], near: true });
  assert.equal(stretch(arrows, 10), 2);
  assert.equal(stretch([], 10), 0);
});
