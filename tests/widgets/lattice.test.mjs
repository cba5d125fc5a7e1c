import assert from "node:assert/strict";
import { test } from "node:test";

import { cellName, cellStep, choicesOf, directionChoices, firstTwo, middleOf, partsOf } from "../../widgets/views/shared/lattice.js";

const axes = [{ axis: 0, name: "z1", label: "passive", activity: 0.1 }, { axis: 1, name: "z2", label: "active", activity: 0.9 }, { axis: 2, name: "z3", label: null, activity: 0.5 }];

test("the most telling axes are offered first, and are what one begins with", () => {
  const choices = choicesOf(axes);
  assert.deepEqual(choices.map(({ words }) => words), ["z2 (active)", "z3", "z1 (passive)"]);
  assert.deepEqual(choices[0].mover, { axis: 1 });
  assert.deepEqual(firstTwo(choices), ["axis:1", "axis:2"]);
  assert.equal(firstTwo(choicesOf(axes.slice(0, 1))), null);
});

test("large squares are fetched in parts that together are all of it", () => {
  assert.deepEqual(partsOf(5), [{ first: 0, count: 25 }]);
  assert.deepEqual(partsOf(9), [{ first: 0, count: 64 }, { first: 64, count: 17 }]);
});

test("keys lead from cell to cell and never out", () => {
  assert.equal(cellStep("ArrowRight", 3, 5), 4);
  assert.equal(cellStep("ArrowRight", 4, 5), null);
  assert.equal(cellStep("ArrowUp", 3, 5), null);
  assert.equal(cellStep("ArrowDown", 3, 5), 8);
  assert.equal(cellStep("Home", 13, 5), 10);
  assert.equal(cellStep("PageDown", 3, 5), 23);
  assert.equal(cellStep("x", 3, 5), null);
  for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"])
    for (let index = 0; index < 9; index++) assert.ok([null, 0, 1, 2, 3, 4, 5, 6, 7, 8].includes(cellStep(key, index, 3)));
});

test("a cell is called by the values of its column and row", () => {
  const header = { names: ["smile", "age"], across: ["-1", "0", "1"], down: ["2", "0", "-2"] };
  assert.equal(cellName(header, 0), "smile −1, age 2");
  assert.equal(cellName(header, 8), "smile 1, age −2");
  assert.equal(middleOf(3), 4);
  assert.equal(cellName(header, 4), "smile 0, age 0: where you are");
});

test("directions are offered by the names that the list gives them", () => {
  assert.deepEqual(directionChoices([{ id: "a".repeat(24), name: "smile" }]), [{ value: `direction:${"a".repeat(24)}`, words: "smile", mover: { direction: "a".repeat(24) } }]);
});
