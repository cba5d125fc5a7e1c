import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, branches, layout, neighbour } from "../../widgets/views/shared/tree.js";

/** Steps from pairs of number and parent. */
const tree = (...pairs) => pairs.map(([number, parent]) => ({ number, parent, label: `${number}`, made: number, model: "m", star: null }));
const place = (spots, number) => [spots.get(number).column, spots.get(number).lane];
const CELL = { width: 10, height: 20, middle: 5 };

test("steps without branches stand in one row", () => {
  const spots = layout(tree([0, null], [1, 0], [2, 1]));
  assert.deepEqual([0, 1, 2].map((n) => place(spots, n)), [[0, 0], [1, 0], [2, 0]]);
});

test("a branch stands below, right of where it leaves", () => {
  const spots = layout(tree([0, null], [1, 0], [2, 1], [3, 1], [4, 3]));
  assert.deepEqual([2, 3, 4].map((n) => place(spots, n)), [[2, 0], [2, 1], [3, 1]]);
});

test("no two steps stand on one spot, whatever the tree", () => {
  for (let seed = 1; seed < 60; seed++) {
    let random = seed;
    const next = (n) => ((random = (random * 48271) % 2147483647) % n);
    const steps = tree([0, null], ...Array.from({ length: 40 }, (_, i) => [i + 1, next(12) ? next(i + 1) : null]));
    const spots = layout(steps);
    assert.equal(spots.size, steps.length);
    assert.equal(new Set([...spots.values()].map(({ column, lane }) => `${column} ${lane}`)).size, steps.length);
    for (const { number, parent } of steps) {
      if (parent === null) continue;
      const [from, to] = [spots.get(parent), spots.get(number)];
      assert.equal(to.column, from.column + 1);
      assert.ok(to.lane >= from.lane);
    }
  }
});

test("a long history is laid out at once", () => {
  const steps = tree([0, null], ...Array.from({ length: 360 }, (_, i) => [i + 1, i % 3 ? i : Math.max(0, i - 5)]));
  const began = performance.now();
  layout(steps);
  assert.ok(performance.now() - began < 50);
});

test("arrows lead to the step before, the one after, and to the branches beside", () => {
  const steps = tree([0, null], [1, 0], [2, 1], [3, 1], [4, 3]);
  const spots = layout(steps);
  const to = (key, now) => neighbour(key, now, steps, spots);
  assert.deepEqual([to("ArrowLeft", 3), to("ArrowRight", 1), to("ArrowDown", 2), to("ArrowUp", 4)], [1, 2, 3, 2]);
  assert.deepEqual([to("ArrowLeft", 0), to("ArrowRight", 4), to("ArrowUp", 1), to("x", 1)], [null, null, null, null]);
  assert.deepEqual([to("Home", 4), to("End", 0)], [0, 4]);
});

test("every step but the first of a line has a line that leads to it", () => {
  const steps = tree([0, null], [1, 0], [2, 0], [5, 9]);
  assert.equal(branches(steps, layout(steps), CELL).match(/M/g).length, 2);
});

test("times are said as people say them", () => {
  const now = 1e9;
  assert.deepEqual([5, 100, 7200, 86400, 5 * 86400].map((s) => ago(now - s, now)), ["just now", "2 min ago", "2 h ago", "yesterday", "5 days ago"]);
});
