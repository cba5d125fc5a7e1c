import assert from "node:assert/strict";
import { test } from "node:test";

import { boundsOf, buildGrid, fitView, nearest } from "../../widgets/views/shared/mapmath.js";
import { assembled, readAtlas, takePiece } from "../../widgets/views/shared/mapdata.js";
import { axisOf, colouringOf, inked, measureOf } from "../../widgets/views/shared/mapinks.js";
import { mapPlaces } from "../../widgets/views/shared/mapplaces.js";
import { MOST_CLASSES, classColours, luminance, parsed, scale, trustScale } from "../../widgets/views/shared/palette.js";
import { DIM, LEVELS, UNSEEN, buffer, classTints, dimmed, levelTints, packed, paint, radiusFor } from "../../widgets/views/shared/raster.js";
import { counted, seedless, told, trust, trustOf } from "../../widgets/views/shared/trust.js";

const GROUND = [255, 255, 255];
const look = { radius: 2, alpha: 1, ground: GROUND, far: null };

/** Paints points and gives back a reader of pixels. */
function painted(xy, tints, palette, changes = {}, width = 40, height = 40) {
  const grid = buildGrid(xy);
  const target = buffer(width, height);
  const sorted = Uint8Array.from(grid.rows, (row) => tints[row]);
  paint(target, grid, sorted, palette, { x: 0, y: 0, k: 10, width, height }, { ...look, ...changes });
  return (x, y) => target.pixels[(y + target.pad) * target.width + x + target.pad] >>> 0;
}

test("a point is painted where it lies, in its colour, and nothing elsewhere", () => {
  const at = painted(Float32Array.of(0, 0, 1, 1), [0, 1], [[200, 0, 0], [0, 0, 200]]);
  assert.equal(at(20, 20), packed([200, 0, 0]));
  assert.equal(at(30, 10), packed([0, 0, 200])); // one up and to the right
  assert.equal(at(5, 35), packed(GROUND));
});

test("dimmed points lie under the others and points outside the view are left out", () => {
  const palette = [[200, 0, 0], [0, 0, 200]];
  const at = painted(Float32Array.of(0, 0, 0, 0, 50, 50, -50, 0), [0, 1 | DIM, 0, 0], palette, { far: [220, 220, 220] });
  assert.equal(at(20, 20), packed([200, 0, 0]));
  const alone = painted(Float32Array.of(0, 0), [1 | DIM], palette, { far: [220, 220, 220] });
  assert.equal(alone(20, 20), packed([220, 220, 220]));
});

test("points cut by the rim show their part of it and do not come out on the other side", () => {
  const at = painted(Float32Array.of(-2.05, 0, 0, 2.1), [0, 0], [[0, 0, 0]], { radius: 2.5 });
  assert.equal(at(0, 20), packed([0, 0, 0]));
  assert.equal(at(20, 0), packed([0, 0, 0]));
  for (const [x, y] of [[39, 19], [39, 20], [39, 21], [20, 39]]) assert.equal(at(x, y), packed(GROUND));
});

test("blending half a colour over white gives the half, and a stride of three paints a third", () => {
  const one = painted(Float32Array.of(0, 0), [0], [[0, 100, 200]], { alpha: 0.5 });
  const value = one(20, 20);
  for (const [shift, expected] of [[0, 128], [8, 178], [16, 228]]) assert.ok(Math.abs(((value >> shift) & 255) - expected) <= 3);
  const row = Float32Array.from({ length: 60 }, (_, i) => (i % 2 ? 0 : Math.floor(i / 2) / 8 - 1.9));
  const count = (stride) => {
    const at = painted(row, new Uint8Array(30), [[0, 0, 0]], { radius: 0.5, stride });
    return Array.from({ length: 40 }, (_, x) => at(x, 20)).filter((pixel) => pixel !== packed(GROUND)).length;
  };
  assert.equal(count(1), 30);
  assert.equal(count(3), 10);
});

test("tints follow the grid's order; levels span low to high; what is not known is unseen", () => {
  const xy = Float32Array.of(5, 5, 0, 0, 9, 9);
  const grid = buildGrid(xy);
  const classes = classTints(grid, Uint8Array.of(0, 255, 2), 2);
  const levels = levelTints(grid, Float32Array.of(-9, NaN, 9), -1, 1);
  grid.rows.forEach((row, i) => {
    assert.equal(classes[i], [0, UNSEEN, UNSEEN][row]);
    assert.equal(levels[i], [0, UNSEEN, LEVELS - 1][row]);
  });
});

test("what is outside the selection or not of the isolated class is dimmed, by row", () => {
  const grid = buildGrid(Float32Array.of(5, 5, 0, 0, 9, 9));
  const tints = classTints(grid, Uint8Array.of(0, 1, 0), 2);
  const kept = (selection, only) => [...grid.rows].filter((_, i) => dimmed(grid, tints, selection, only)[i] < DIM).sort();
  assert.deepEqual(kept([1, 2], null), [1, 2]);
  assert.deepEqual(kept([], 0), [0, 2]);
  assert.deepEqual(kept([1, 2], 0), [2]);
});

test("points grow with the zoom and shrink with their number", () => {
  assert.ok(radiusFor(10_000, 640, 400, 1) > radiusFor(1_000_000, 640, 400, 1));
  assert.ok(radiusFor(10_000, 640, 400, 8) > radiusFor(10_000, 640, 400, 1));
  assert.ok(radiusFor(1, 640, 400, 1) <= 3.4 && radiusFor(1e7, 640, 400, 1) === 0.5);
});

test("an atlas answer is read to rows and labels, also from an odd offset, and a short one is refused", () => {
  const n = 3;
  const bytes = new Uint8Array(1 + n * 10);
  const xy = Float32Array.of(0, 0, 1, 2, 3, 1);
  bytes.set(new Uint8Array(xy.buffer), 1);
  bytes.set([0, 1, 255, 2, 2, 0], 1 + 8 * n);
  const header = { layout: "pca", n, labels: ["hair", "eyes"], honesty: {} };
  const atlas = readAtlas(header, new DataView(bytes.buffer, 1));
  assert.deepEqual([...atlas.xy], [...xy]);
  assert.deepEqual([...atlas.labels.get("hair")], [0, 1, 255]);
  assert.deepEqual([...atlas.labels.get("eyes")], [2, 2, 0]);
  assert.throws(() => readAtlas(header, new DataView(bytes.buffer, 2)), /30 bytes, got 29/);
  assert.equal(readAtlas({ ...header, n: 0 }, null).n, 0);
});

test("colouring falls back on one colour until what it needs is there", () => {
  const grid = buildGrid(Float32Array.of(0, 0, 1, 1));
  const atlas = { n: 2, grid, labels: new Map([["hair", Uint8Array.of(1, 0)]]) };
  const info = { atlas: { labels: [{ name: "hair", classes: ["a", "b"] }] }, space: { axes: ["z1", "z2"] } };
  const ground = { dark: false, plain: [1, 2, 3], unseen: [9, 9, 9] };
  assert.equal(colouringOf(atlas, info, "", {}, ground).kind, "none");
  assert.equal(colouringOf(atlas, info, "axis:1", {}, ground).kind, "none");
  const axis = colouringOf(atlas, info, "axis:1", { amounts: Float32Array.of(-1, 4) }, ground);
  assert.deepEqual([axis.kind, axis.title, axis.low, axis.high], ["axis", "z2", -1, 4]);
  const label = colouringOf(atlas, info, "hair", {}, ground);
  assert.deepEqual([...inked(atlas, label, ground).tints].sort(), [0, 1]);
  assert.deepEqual(inked(atlas, colouringOf(atlas, info, "", {}, ground), ground).palette[0], [1, 2, 3]);
  assert.deepEqual([axisOf("axis:12"), axisOf("hair"), axisOf("axis:")], [12, -1, -1]);
});

/** What an eye without one kind of cone sees (Machado et al., 2009, full severity), then CIELAB. */
const EYES = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
function lab(colour, eye) {
  const linear = colour.map((v) => ((v /= 255), v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const [r, g, b] = eye.map((row) => Math.min(Math.max(row.reduce((sum, w, i) => sum + w * linear[i], 0), 0), 1));
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = [f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047), f(0.2126 * r + 0.7152 * g + 0.0722 * b), f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883)];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test("classes can be told apart by every kind of eye, on both grounds", () => {
  for (const dark of [false, true]) {
    const colours = classColours(dark);
    assert.equal(colours.length, MOST_CLASSES);
    for (const [name, eye] of Object.entries(EYES)) {
      const seen = colours.map((colour) => lab(colour, eye));
      for (let i = 0; i < colours.length; i++)
        for (let j = 0; j < i; j++) {
          const apart = Math.hypot(...seen[i].map((v, k) => v - seen[j][k]));
          assert.ok(apart > 14, `${name}, ${dark ? "dark" : "light"}: ${j} and ${i} are ${apart.toFixed(1)} apart`);
        }
    }
  }
});

test("the scale of an axis grows evenly lighter and is never the ground", () => {
  for (const dark of [false, true]) {
    const steps = Array.from({ length: 21 }, (_, i) => lab(scale(i / 20, dark), EYES.normal)[0]);
    steps.slice(1).forEach((value, i) => assert.ok(value > steps[i]));
  }
  assert.deepEqual(parsed("#fff"), [255, 255, 255]);
  assert.deepEqual(parsed("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.ok(luminance([255, 255, 255]) > 0.99);
});

test("every colour of a class and of a scale stands out from its ground", () => {
  for (const [dark, ground] of /** @type {[boolean, any][]} */ ([[false, [255, 255, 255]], [true, [15, 23, 42]]])) {
    const scaled = Array.from({ length: 21 }, (_, i) => scale(i / 20, dark));
    for (const [colours, least] of [[classColours(dark), 2], [scaled, 1.9]])
      for (const colour of colours) {
        const [high, low] = [luminance(colour), luminance(ground)].sort((a, b) => b - a);
        assert.ok((high + 0.05) / (low + 0.05) > least, `${dark ? "dark" : "light"}: ${colour} has a contrast of ${((high + 0.05) / (low + 0.05)).toFixed(2)}`);
      }
  }
});

test("the colours of trust stay apart for every kind of eye, stand out from the ground, and grow evenly in lightness", () => {
  const grounds = { false: [255, 255, 255], true: [24, 24, 27] };
  for (const dark of [false, true]) {
    const steps = Array.from({ length: 5 }, (_, i) => trustScale(i / 4, dark));
    for (const colour of steps) {
      const [high, low] = [luminance(colour), luminance(grounds[dark])].sort((a, b) => b - a);
      assert.ok((high + 0.05) / (low + 0.05) > 2.5, `${dark ? "dark" : "light"}: ${colour} has too little contrast`);
    }
    for (const [name, eye] of Object.entries(EYES)) {
      const seen = steps.map((colour) => lab(colour, eye));
      const apart = (i, j) => Math.hypot(...seen[i].map((v, k) => v - seen[j][k]));
      assert.ok(apart(0, 4) > 45, `${name}: the ends are ${apart(0, 4).toFixed(1)} apart`);
      for (let i = 1; i < 5; i++) assert.ok(apart(i - 1, i) > 8, `${name}, ${dark}: ${i - 1} and ${i} are ${apart(i - 1, i).toFixed(1)} apart`);
    }
    const lightness = Array.from({ length: 41 }, (_, i) => lab(trustScale(i / 40, dark), EYES.normal)[0]);
    lightness.slice(1).forEach((value, i) => assert.ok(dark ? value < lightness[i] : value > lightness[i], `${dark}: ${i}`));
  }
});

test("the sentence of trust says what was measured, and nothing where nothing was", () => {
  const recall = (value) => ({ recall: { value, low: 0, high: 1 } });
  assert.equal(trust({ method: "umap", k: 15, n: 10000, ...recall(0.43), pca: recall(0.07), random: recall(0.0015) }),
    "On this map, 43 of 100 nearest neighbours are true ones (on PCA 7, by chance fewer than 1; 15 neighbours each, among 10,000 points).");
  assert.match(trust({ method: "pca", k: 15, ...recall(0.07), pca: recall(0.07), random: recall(0) }), /7 of 100 nearest neighbours are true ones \(by chance 0\)\.$/);
  assert.equal(trust({ k: 0, n: 3 }), "");
  assert.equal(trust(null), "");
});

test("a place is trusted from chance, none, to all, and its neighbours are counted in whole ones", () => {
  assert.equal(trustOf(0, 15, 10_000), 0);
  assert.equal(trustOf(255, 15, 10_000), 1);
  assert.equal(trustOf(Math.round((255 * 15) / 61), 15, 62) < 0.06, true); // what chance gives in a small map is no trust at all
  assert.ok(trustOf(85, 15, 10_000) > trustOf(68, 15, 10_000));
  assert.equal(counted(17 * 6, 15), "6 of 15");
  assert.equal(counted(8 * 17 + 8, 15), "about 8 of 15");
});

test("what the colours tell is made of the numbers", () => {
  const values = Uint8Array.of(0, 17, 34, 51, 255);
  assert.match(told("kept", values, 15, { k: 15, n: 5 }), /half of all points keep 2 or fewer of their 15 neighbours\.$/);
  assert.match(told("kept", new Uint8Array(9), 15, null), /keep none of their 15/);
  assert.match(told("kept", values, 15, { n: 2 }), /Measured at 2 points/);
  const seeds = told("stays", values, 15, { stays: { value: 0.39 }, disparity: 0.02 });
  assert.match(seeds, /another seed, 39 of 100 neighbours on this map stay neighbours/);
  assert.match(seeds, /look alike/);
  assert.doesNotMatch(told("stays", values, 15, { stays: { value: 0.39 }, disparity: 0.7 }), /alike/);
  assert.match(seedless({ method: "pca" }), /whatever the seed/);
});

test("places are tinted by their trust, and by one colour while nothing is known of them", () => {
  const grid = buildGrid(Float32Array.of(0, 0, 1, 1, 2, 2));
  const atlas = { n: 3, total: 3000, grid, labels: new Map() };
  const ground = { dark: false, plain: [1, 2, 3], unseen: [9, 9, 9] };
  const local = { measure: "kept", k: 15, about: null, values: null, state: "unknown", job: null, error: "" };
  const before = inked(atlas, colouringOf(atlas, { atlas: {} }, "map:kept", { local }, ground), ground);
  assert.deepEqual([...before.tints, before.palette[0]], [0, 0, 0, [1, 2, 3]]);
  const after = inked(atlas, colouringOf(atlas, { atlas: {} }, "map:kept", { local: { ...local, values: Uint8Array.of(255, 0, 119) } }, ground), ground);
  const tints = Array.from({ length: 3 }, (_, row) => after.tints[[...grid.rows].indexOf(row)]);
  assert.equal(tints[0], LEVELS - 1), assert.equal(tints[1], 0), assert.ok(tints[2] > 30 && tints[2] < 60);
  assert.deepEqual(after.palette[0].map(Math.round), trustScale(0, false));
  assert.deepEqual([measureOf("map:kept"), measureOf("map:moon"), measureOf("hair")], ["kept", "", ""]);
});

test("pieces of a large atlas become the same map as the whole, row by row, and a piece out of turn is refused", () => {
  const n = 1000;
  const xy = Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i * i));
  const labels = Uint8Array.from({ length: n }, (_, i) => i % 7);
  const piece = (from, to) => {
    const bytes = new Uint8Array(9 * (to - from));
    bytes.set(new Uint8Array(xy.slice(2 * from, 2 * to).buffer));
    bytes.set(labels.subarray(from, to), 8 * (to - from));
    return [{ layout: "pca", n, rows: [from, to], labels: ["hair"], bounds: [[-1, -1], [1, 1]], honesty: { k: 15 } }, new DataView(bytes.buffer)];
  };
  const whole = readAtlas(...piece(0, n));
  let pieces = takePiece(null, ...piece(0, 300));
  const first = assembled(pieces);
  assert.deepEqual([first.n, first.total, first.bounds], [300, n, [[-1, -1], [1, 1]]]);
  for (let row = 0; row < 300; row += 37) assert.equal(nearest(first.grid, xy[2 * row], xy[2 * row + 1], 0.5), row);
  assert.throws(() => takePiece(pieces, ...piece(600, 900)), /row 300 of 1000, got row 600/);
  for (const [from, to] of [[300, 600], [600, 900], [900, n]]) pieces = takePiece(pieces, ...piece(from, to));
  const joined = assembled(pieces);
  assert.deepEqual(joined.xy, whole.xy);
  assert.deepEqual([...joined.grid.rows], [...whole.grid.rows]);
  assert.deepEqual([...joined.labels.get("hair")], [...labels]);
});

const ATLAS = { layout: "umap", n: 2, xy: Float32Array.of(1, 2, 3, 4) };
const SEED = { origin: { kind: "seed", seed: 3, truncation: 1 }, axes: [] };
const session = (spot, journey = {}) => ({ spot, journey: { start: null, end: null, kind: "arc", t: null, ...journey }, sampled: false });
const frame = (seq, place, more = {}) => ({ type: "frame", seq, place, interpolated: false, still: true, code: [seq], ...more });

test("where one is follows the newest frame, also one that came before the map", () => {
  const places = mapPlaces();
  assert.equal(places.hear(frame(5, [7, 7]), session(SEED), "umap", null, null), true);
  assert.equal(places.hear(frame(4, [0, 0]), session(SEED), "umap", ATLAS, null), false);
  assert.deepEqual(places.marks(session(SEED), ATLAS).here, [7, 7]);
  assert.deepEqual(places.marks(session(SEED), { ...ATLAS, layout: "pca" }).here, null);
  places.hear(frame(6, [8, 8], { still: false, interpolated: true }), session(SEED), "umap", ATLAS, "sliders");
  const marks = places.marks(session(SEED), ATLAS);
  assert.deepEqual([marks.here, marks.interpolated, marks.trail], [[8, 8], true, [[7, 7]]]);
});

test("a place picked by hand stays there; an atlas code lies on its point", () => {
  const places = mapPlaces();
  const spot = { origin: { kind: "place", layout: "umap", x: 0.5, y: 0.25 }, axes: [] };
  places.hear(frame(1, [0.6, 0.2]), session(spot), "umap", ATLAS, null);
  assert.deepEqual(places.marks(session(spot), ATLAS).here, [0.5, 0.25]);
  const entry = { origin: { kind: "entry", row: 1 }, axes: [] };
  places.hear(frame(2, [9, 9]), session(entry), "umap", ATLAS, null);
  assert.deepEqual(places.marks(session(entry), ATLAS).here, [3, 4]);
});

test("ends of the path are remembered from where they were picked, the path from its frames", () => {
  const places = mapPlaces();
  places.hear(frame(1, [7, 7]), session(SEED), "umap", ATLAS, null);
  const journey = { start: SEED, end: { origin: { kind: "entry", row: 0 }, axes: [] } };
  const way = session(SEED, journey);
  assert.deepEqual(places.marks(way, ATLAS).ends, { A: [7, 7], B: [1, 2] });
  places.hear({ type: "path", count: 2, places: [[0, 0], [0, 0]] }, way, "umap", ATLAS, null);
  assert.deepEqual(places.marks(way, ATLAS).path, []);
  places.hear({ type: "path", count: 3, places: [[7, 7], [5, 5], [1, 2]] }, way, "umap", ATLAS, null);
  assert.equal(places.marks(way, ATLAS).path.length, 3);
  assert.deepEqual(places.marks(session(SEED, { ...journey, kind: "chord" }), ATLAS).path, []);
  places.forget();
  assert.deepEqual(places.marks(way, ATLAS).ends, { A: null, B: [1, 2] });
});
