import assert from "node:assert/strict";
import { test } from "node:test";
import { setAxes, setBumps, base } from "../../widgets/views/shared/axes.js";
import { amountOf, arranged, beyond, changed, editsOf, effect, grouped, interval, leaking, leaks, moved, setEdit, setEdits, standing, written } from "../../widgets/views/shared/edits.js";
import { COLUMNS, alikeInWords, ordered } from "../../widgets/views/shared/evidencetable.js";
import { pictured } from "../../widgets/views/shared/frames.js";

const seed = { kind: "seed", seed: 3, truncation: 1 };
const session = (edits = [], more = {}) => ({ spot: { origin: seed, axes: [[1, 0.5]], edits }, journey: { t: null }, ...more });
const known = [
  { id: "a", name: "shape: round", method: "logistic", title: "Boundary", bundled: true, target: "shape: round", evidence: {} },
  { id: "b", name: "component 1", method: "pca", title: "PCA", bundled: true, target: "", evidence: {} },
  { id: "c", name: "random 1", method: "random", title: "Random", bundled: true, target: "", evidence: {} },
  { id: "d", name: "size: big", method: "logistic", title: "Boundary", bundled: true, target: "size: big", evidence: {} },
  { id: "e", name: "mine", method: "composed", title: "composed", bundled: false, target: "", evidence: {} },
  { id: "f", name: "hers", method: "composed", title: "composed", bundled: false, target: "", evidence: {} },
];

test("an edit is set in its place, added at the end, and taken away at 0", () => {
  const from = standing(session([["a", 1], ["b", 2]]), null);
  assert.deepEqual(setEdit(from, "a", -1).spot.edits, [["a", -1], ["b", 2]]);
  assert.deepEqual(setEdit(from, "c", 0.5).spot.edits, [["a", 1], ["b", 2], ["c", 0.5]]);
  assert.deepEqual(setEdit(from, "a", 0).spot.edits, [["b", 2]]);
  assert.deepEqual(setEdit(from, "a", 3).spot.axes, [[1, 0.5]]);
  assert.deepEqual(setEdits(from, []).spot.edits, []);
  assert.equal(setEdit(from, "a", 1).journey, undefined);
});

test("on a path an edit stands on the code shown, and leaves the path", () => {
  const walking = session([["a", 1]], { journey: { t: 0.5 } });
  const from = standing(walking, [1, 2]);
  assert.deepEqual(setEdit(from, "b", 1), { spot: { origin: { kind: "values", values: [1, 2] }, axes: [], edits: [["b", 1]] }, journey: { t: null } });
  assert.equal(amountOf(walking, "a"), 0);
  assert.deepEqual(editsOf(walking), []);
  assert.equal(amountOf(session([["a", 1]]), "a"), 1);
});

test("sliders of axes and bumps keep the edits", () => {
  const edited = session([["a", 1]]);
  assert.deepEqual(setAxes(edited, base(edited, null), new Map([[0, 2]])).spot, { origin: seed, axes: [[0, 2], [1, 0.5]], edits: [["a", 1]] });
  assert.deepEqual(setBumps(base(edited, null), [[0, 1, 1, 1, 1]]).spot.edits, [["a", 1]]);
});

test("what is protected decides the picture", () => {
  assert.notEqual(pictured(session([["a", 1]], { protect: ["shape"] })), pictured(session([["a", 1]], { protect: [] })));
});

test("a newcomer sees named directions before others, and random ones last", () => {
  assert.deepEqual(grouped(known, []).map(({ key, directions }) => [key, directions.map(({ id }) => id).join("")]), [["own", "ef"], ["named", "ad"], ["unnamed", "b"], ["control", "c"]]);
  assert.deepEqual(arranged(known, [{ id: "b", name: "my own word", pinned: true }]).map(({ id, name }) => [id, name])[0], ["b", "my own word"]);
});

test("names and pins are kept on the bench, and the bench knows the order within a group", () => {
  assert.deepEqual(changed([], "a", { name: "rounder" }), [{ id: "a", name: "rounder", pinned: false }]);
  const bench = changed([{ id: "e", name: "", pinned: false }], "e", { pinned: true });
  assert.deepEqual(bench, [{ id: "e", name: "", pinned: true }]);
  const next = moved(known, [], "d", 0);
  assert.deepEqual(grouped(known, next).find(({ key }) => key === "named").directions.map(({ id }) => id), ["d", "a"]);
  assert.equal(moved(known, [], "a", -1), null, "The first one cannot go up.");
  assert.equal(moved(known, next, "d", 0), null);
  assert.deepEqual(moved(known, [{ id: "e", name: "x", pinned: false }, { id: "a", name: "y", pinned: false }], "f", 0), [{ id: "f", name: "", pinned: false }, { id: "e", name: "x", pinned: false }, { id: "a", name: "y", pinned: false }]);
});

const evidence = {
  starts: 12, amounts: [-2, 0, 2], change: [1, 0, 1], ends: { back: null, forth: 2 }, flips: { shape: [0.1, 0, 0.9], hue: [0.5, 0, 0.25], size: [0, 0, 0.05] },
  target: { question: "shape", class: "very_round", sign: 1, given: false }, matched: { reached: 0.8, matched: true, amount: -1.5, starts: 10, leakage: { hue: 0.25, size: 0.5, tilt: 0 }, leakage_mean: 0.25 },
};

test("effects, leaks and ends in words", () => {
  const readable = (name) => name.replaceAll("_", " ");
  assert.equal(effect(evidence, readable), "shape → very round; 80 % show it at −1.5");
  assert.equal(effect({ ...evidence, target: { ...evidence.target, given: true } }, readable), "80 % show it at −1.5");
  assert.match(effect({ ...evidence, matched: { reached: 0.4, matched: false } }, readable), /at most 40 % show it/);
  assert.match(effect({ change: [1] }, readable), /Nothing names/);
  assert.equal(effect(null, readable), "Not measured yet.");
  assert.deepEqual(leaks(evidence), [["size", 0.5], ["hue", 0.25]]);
  assert.deepEqual(leaking(evidence), [[-2, 0.25], [2, 0.15]]);
  assert.deepEqual(leaking({ amounts: [1] }), []);
  assert.ok(beyond(2, evidence.ends) && !beyond(1.9, evidence.ends) && !beyond(-4, evidence.ends) && !beyond(4, undefined));
  assert.deepEqual([0, -0.001, 1.5, -2, 10].map(written), ["0", "0", "1.5", "−2", "10"]);
});

test("an interval is Wilson's", () => {
  const [low, high] = interval(0.5, 12);
  assert.ok(Math.abs(low - 0.2538) < 1e-3 && Math.abs(high - 0.7462) < 1e-3);
  assert.deepEqual(interval(0.3, 0), [0, 1]);
  assert.ok(interval(0, 12)[0] === 0 && interval(0, 12)[1] > 0.2 && interval(1, 12)[1] === 1);
});

test("the table sorts by any column, and what is unknown comes last either way", () => {
  const rows = [{ name: "b", evidence }, { name: "a", evidence: {} }, { name: "c", evidence: { matched: { leakage_mean: 0.1, starts: 3 } } }];
  const at = COLUMNS.findIndex(({ name }) => name === "Leaks");
  assert.deepEqual(ordered(rows, at, 1).map(({ name }) => name), ["c", "b", "a"]);
  assert.deepEqual(ordered(rows, at, -1).map(({ name }) => name), ["b", "c", "a"]);
  assert.deepEqual(ordered(rows, 0, -1).map(({ name }) => name), ["c", "b", "a"]);
});

test("cosines in words", () => {
  assert.match(alikeInWords("x", "y", 0.95), /nearly the same direction \(cosine 0\.95\)/);
  assert.match(alikeInWords("x", "y", -0.95), /backwards/);
  assert.match(alikeInWords("x", "y", 0.2), /different/);
});
