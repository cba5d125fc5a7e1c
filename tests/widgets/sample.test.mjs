import assert from "node:assert/strict";
import { test } from "node:test";
import { elsewhere, gridFirst, gridStep, seedOf, typedSeed, wrapped } from "../../widgets/views/shared/seeds.js";

test("seeds are read with their separators, and only whole ones that exist", () => {
  assert.deepEqual(["42", "4,294,967,295", " 1 000 ", "4294967296", "-1", "x", ""].map(typedSeed), [42, 4294967295, 1000, null, null, null, null]);
});

test("before the first seed comes the last", () => assert.deepEqual([wrapped(-1), wrapped(2 ** 32), wrapped(7)], [4294967295, 0, 7]));

test("the grid stays while the seed is in it", () => {
  assert.deepEqual([gridFirst(null, 4), gridFirst(5, 4), gridFirst(5, 20), gridFirst(5, 21), gridFirst(5, 900)], [5, 5, 5, 22, 901]);
  assert.equal(gridFirst(null, 2 ** 32 - 3), 2 ** 32 - 16);
});

test("arrows stay inside the grid and do not wrap", () => {
  assert.deepEqual([gridStep("ArrowRight", 2), gridStep("ArrowRight", 3), gridStep("ArrowDown", 5), gridStep("ArrowUp", 2), gridStep("Home", 6), gridStep("End", 4), gridStep("a", 0)], [3, null, 9, null, 4, 7, null]);
});

test("where the picture comes from is said when it is not a seed alone", () => {
  const seed = { spot: { origin: { kind: "seed", seed: 3, truncation: 0.5 }, axes: [] }, journey: { t: null } };
  assert.deepEqual(seedOf(seed), { seed: 3, truncation: 0.5 });
  assert.equal(elsewhere(seed), "");
  assert.match(elsewhere({ ...seed, journey: { t: 0 } }), /path/);
  assert.match(elsewhere({ ...seed, spot: { ...seed.spot, axes: [[1, 2]] } }), /1 axis was/);
  assert.match(elsewhere({ spot: { origin: { kind: "place" }, axes: [] } }), /place of the map/);
  assert.equal(seedOf({ spot: { origin: { kind: "entry", row: 1 }, axes: [] } }), null);
});
