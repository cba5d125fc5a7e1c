import assert from "node:assert/strict";
import { test } from "node:test";
import { base, searched, setAxes, setBumps } from "../../widgets/views/shared/axes.js";
import { cellAt, changed, firstRadius, handlesOf, isSpatial, lifted, liftOf, nudge, placeOf, without } from "../../widgets/views/shared/bumps.js";
import { caps, tellKeys, toldKeys } from "../../widgets/views/shared/keys.js";
import { heat } from "../../widgets/views/shared/planes.js";
import { placed } from "../../widgets/views/shared/hints.js";

const grid = { height: 24, width: 32 };
const bumps = [[0, 3, 4, 2, 1.5], [1, 0, 0, 0, -0.5], [0, 10, 12, 1, -1]];

test("a handle is where its cell is, and a place of the pad is a cell", () => {
  for (const cell of [{ row: 0, column: 0 }, { row: 23, column: 31 }, { row: 3.25, column: 4.5 }]) assert.deepEqual(cellAt(...placeOf(cell, grid), grid), cell);
  assert.deepEqual(cellAt(-1, 2, grid), { row: 23, column: 0 });
});

test("handles are those of the channel, with their place among all bumps", () => {
  assert.deepEqual(handlesOf(bumps, 0).map(({ index }) => index), [0, 2]);
  assert.deepEqual(handlesOf(bumps, 1), []);
});

test("a lift is a bump without a radius, one a channel, and none at zero", () => {
  assert.equal(liftOf(bumps, 1), -0.5);
  assert.deepEqual(lifted(bumps, 1, 2).at(-1), [1, 0, 0, 0, 2]);
  assert.equal(lifted(bumps, 1, 0).length, 2);
  assert.equal(lifted(bumps, 3, 1).length, 4);
});

test("a change keeps a handle on the picture, wide enough and not too strong", () => {
  assert.deepEqual(changed(bumps, 0, { row: -5, column: 99, radius: 0, amount: 9 }, grid)[0], [0, 0, 31, 0.1, 4]);
  assert.deepEqual(changed(bumps, 0, { amount: 2 }, grid).slice(1), bumps.slice(1));
  assert.deepEqual(without(bumps, 1), [bumps[0], bumps[2]]);
});

test("arrows nudge by a cell, with Shift by a quarter", () => {
  assert.deepEqual([nudge("ArrowUp", false), nudge("ArrowRight", true), nudge("a", false)], [{ row: -1 }, { column: 0.25 }, null]);
  assert.equal(firstRadius({ height: 4, width: 4 }), 1);
  assert.equal(firstRadius(grid), 3);
});

test("spaces with rows and columns are told from others", () => {
  assert.deepEqual([[4, 24, 32], [512], [512, 1, 1], [8, 8]].map((shape) => isSpatial({ space: { shape } })), [true, false, false, false]);
});

test("bumps go on top of what the spot is, and setting an axis keeps them", () => {
  const spot = { origin: { kind: "seed", seed: 3, truncation: 1 }, axes: [[2, 1]], bumps, anything: "else" };
  const from = base({ spot, journey: { t: null } }, null);
  assert.deepEqual(setBumps(from, []).spot, { ...spot, bumps: [] });
  assert.deepEqual(setAxes({}, from, new Map([[0, 1]])).spot, { ...spot, axes: [[0, 1], [2, 1]] });
  const walking = base({ spot, journey: { t: 0.5 } }, [1, 2]);
  assert.deepEqual(setBumps(walking, bumps), { spot: { origin: { kind: "values", values: [1, 2] }, axes: [], bumps }, journey: { t: null } });
});

test("axes are found by name, by numbers and ranges, and by what they are", () => {
  const axes = Array.from({ length: 20 }, (_, axis) => ({ axis, name: `z${axis + 1}`, label: axis === 4 ? "active" : null }));
  const names = (text) => searched(axes, text).map(({ name }) => name);
  assert.deepEqual(names("3, 8-10"), ["z3", "z8", "z9", "z10"]);
  assert.deepEqual(names("Z12"), ["z12"]);
  assert.deepEqual(names("active"), ["z5"]);
  assert.equal(names("  ").length, 20);
  assert.deepEqual(names("nothing"), []);
});

test("a channel at zero has the colour of the ground, and the two sides differ", () => {
  const light = heat(Uint8Array.of(128, 1, 255), false);
  assert.deepEqual([...light.slice(0, 4)], [255, 255, 255, 255]);
  assert.notDeepEqual([...light.slice(4, 7)], [...light.slice(8, 11)]);
  assert.deepEqual([...heat(Uint8Array.of(128), true).slice(0, 3)], [15, 23, 42]);
});

test("keys are written as they stand on the keyboard", () => {
  assert.deepEqual([caps("Ctrl+Shift+z"), caps("+"), caps(" "), caps("ArrowLeft"), caps("?")], [["Ctrl", "Shift", "Z"], ["+"], ["Space"], ["←"], ["?"]]);
});

test("keys of a view are told once, go with it, and what works everywhere comes first", () => {
  const view = (order) => ({ isConnected: true, order, compareDocumentPosition(other) { return other.order < this.order ? 2 : 4; } });
  const [first, second] = [view(1), view(2)];
  tellKeys(second, "Map", [{ press: ["a"], does: "x", at: ".m" }]);
  tellKeys(first, "Strip", [{ press: ["b"], does: "y", at: ".s" }]);
  tellKeys(second, "Everywhere", [{ press: ["?"], does: "help" }]);
  tellKeys(second, "Map", [{ press: ["c"], does: "z", at: ".m" }]);
  assert.deepEqual(toldKeys().map(({ group }) => group), ["Everywhere", "Strip", "Map"]);
  assert.equal(toldKeys()[2].keys[0].press[0], "c");
  first.isConnected = false;
  assert.deepEqual(toldKeys().map(({ group }) => group), ["Everywhere", "Map"]);
});

test("a hint goes where it covers nothing, and stays in the window", () => {
  const note = { width: 300, height: 120 };
  const apart = (target, view) => {
    const { left, top } = placed(target, note, view);
    const across = Math.min(target.right, left + note.width) - Math.max(target.left, left);
    const along = Math.min(target.bottom, top + note.height) - Math.max(target.top, top);
    return (across <= 0 || along <= 0) && left >= 0 && top >= 0 && left + note.width <= view.width && top + note.height <= view.height;
  };
  const phone = { width: 390, height: 844 };
  assert.ok(apart({ left: 10, top: 60, right: 380, bottom: 420 }, phone));
  assert.ok(apart({ left: 10, top: 440, right: 380, bottom: 840 }, phone));
  assert.ok(apart({ left: 450, top: 60, right: 860, bottom: 890 }, { width: 1440, height: 900 }));
  assert.ok(apart({ left: 0, top: 0, right: 1000, bottom: 890 }, { width: 1440, height: 900 }));
});
