import assert from "node:assert/strict";
import { test } from "node:test";

import { heightOf, inShort, levelOf, wordsAt } from "../../widgets/views/shared/distance.js";
import { outcome } from "../../widgets/views/shared/exporting.js";
import { weight } from "../../widgets/views/shared/files.js";
import { goingTo, here, isWhole, journeyOf, journeying, laidOut, mapOf, moved, named, ordered, placeOf, pointsOf, sameSpot } from "../../widgets/views/shared/journey.js";
import { kindsFor, lessWords, turned } from "../../widgets/views/shared/pathkinds.js";
import { stepped, swing } from "../../widgets/views/shared/player.js";

const A = { origin: { kind: "entry", row: 3 }, axes: [] };
const B = { origin: { kind: "seed", seed: 8, truncation: 1 }, axes: [[2, 0.5]] };
const session = (journey = {}) => ({ spot: A, journey: { start: null, end: null, kind: "arc", t: null, ...journey } });

test("here is the session's spot, or on a path the code of the newest frame", () => {
  assert.deepEqual(here(session(), null), A);
  assert.equal(here(session({ start: A, end: B, t: 0.5 }), null), null);
  assert.deepEqual(here(session({ start: A, end: B, t: 0.5 }), { code: Float32Array.of(1, 2) }), { origin: { kind: "values", values: [1, 2] }, axes: [] });
  assert.equal(here(undefined, null), null);
});

test("going elsewhere leaves the path and does not touch its ends", () => {
  const origin = { kind: "entry", row: 9 };
  assert.deepEqual(goingTo(session({ start: A }), origin), { spot: { origin, axes: [] } });
  assert.deepEqual(goingTo(session({ start: A, end: B, t: 0.2 }), origin).journey, { t: null });
});

test("a change of the journey sends what changes, and no time without both ends", () => {
  assert.deepEqual(journeying(session({ start: A, end: B, kind: "chord" }), { t: 0.4 }), { journey: { t: 0.4 } });
  assert.deepEqual(journeying(session(), { start: A, t: null }), { journey: { start: A, t: null } });
  assert.deepEqual(journeying(session({ start: A, end: B, t: 0.4 }), { end: null }).journey.t, null);
  assert.deepEqual(journeyOf(null), { start: null, end: null, kind: "arc", t: null, stops: [], pace: "code" });
});

test("a spot's place follows from it only for atlas codes and places of that map, unchanged by hand", () => {
  const atlas = { layout: "pca", n: 4, xy: Float32Array.of(0, 0, 0, 0, 0, 0, 5, 6) };
  assert.deepEqual(placeOf(A, atlas), [5, 6]);
  assert.equal(placeOf(A, atlas, true), null); // sampled: the code is not the atlas code
  assert.equal(placeOf({ ...A, axes: [[0, 1]] }, atlas), null);
  assert.equal(placeOf({ origin: { kind: "entry", row: 4 }, axes: [] }, atlas), null);
  assert.equal(placeOf({ origin: { kind: "place", layout: "umap", x: 1, y: 1 }, axes: [] }, atlas), null);
  assert.equal(placeOf(B, atlas), null);
});

test("spots are told apart and named", () => {
  assert.ok(sameSpot(A, structuredClone(A)) && !sameSpot(A, B) && sameSpot(null, undefined));
  assert.equal(named(A), "atlas code 3");
  assert.equal(named(B), "seed 8, changed by hand");
  assert.equal(named(null), "not picked");
});

test("playing swings from one end to the other and back, from where it starts, and rests at the ends", () => {
  assert.equal(swing(0, 0.3), 0.3);
  assert.equal(swing(4000, 0), 1);
  assert.equal(swing(4200, 0), 1);
  assert.ok(Math.abs(swing(4350 + 2000, 0) - 0.5) < 1e-9);
  assert.equal(swing(8500, 0), 0);
  for (let at = 0; at < 30_000; at += 37) assert.ok(swing(at, 0.9) >= 0 && swing(at, 0.9) <= 1);
  for (let at = 1; at < 20_000; at += 16) assert.ok(Math.abs(swing(at, 0.4) - swing(at - 1, 0.4)) < 0.001);
});

test("with less motion it stands on frames", () => {
  for (let at = 0; at < 9000; at += 100) assert.equal((stepped(at, 0, 8) * 8) % 1, 0);
});

const C = { origin: { kind: "place", layout: "umap", x: 1, y: 2 }, axes: [] };
const D = { origin: { kind: "place", layout: "umap", x: 3, y: 4 }, axes: [] };
const path = (fields) => journeyOf({ journey: fields });

test("points come in the order A, stops, B, and two of any kind make a path", () => {
  assert.deepEqual(pointsOf(path({ start: A, stops: [C], end: B })), [A, C, B]);
  assert.ok(isWhole(path({ stops: [A, B] })) && isWhole(path({ start: A, stops: [B] })) && !isWhole(path({ stops: [A] })));
  assert.deepEqual(ordered([A, C, B]), { start: A, stops: [C], end: B });
  assert.deepEqual(ordered([]), { start: null, stops: [], end: null });
  const { start, stops, end } = laidOut(path({ stops: [A, C, B] }));
  assert.deepEqual([start, stops, end], [A, [C], B]);
  assert.equal(laidOut(path({ end: B })).start, null);
});

test("a time stays while the path is whole by its stops alone", () => {
  assert.equal(journeying(session({ stops: [A, B] }), { t: 0.5 }).journey.t, 0.5);
  assert.equal(journeying(session({ stops: [A, B], t: 0.5 }), { stops: [A] }).journey.t, null);
});

test("a point moves to any other place among the points", () => {
  assert.deepEqual(moved([1, 2, 3, 4], 0, 3), [2, 3, 4, 1]);
  assert.deepEqual(moved([1, 2, 3, 4], 3, 1), [1, 4, 2, 3]);
  assert.deepEqual(moved([1, 2], 1, 1), [1, 2]);
});

test("only the kinds that make sense are offered, and the present one always", () => {
  assert.deepEqual(kindsFor(path({ start: A, end: B })), ["chord", "arc"]);
  assert.deepEqual(kindsFor(path({ start: A, stops: [C], end: B })), ["chord", "arc", "spline"]);
  assert.deepEqual(kindsFor(path({ stops: [C, D, C] })), ["chord", "arc", "spline", "drawn"]);
  assert.ok(kindsFor(path({ stops: [C, D], kind: "drawn" })).includes("drawn"));
  assert.deepEqual(kindsFor(path({ start: A, end: B }), true), ["chord", "arc", "geodesic"]);
  assert.deepEqual(kindsFor(path({ kind: "geodesic", start: A, stops: [C, D], end: B }), true), ["chord", "arc", "geodesic"]);
  assert.equal(mapOf(path({ stops: [C, { ...D, axes: [[1, 2]] }] })), null);
});

test("a drawn line hands its corners on, and gets them back", () => {
  assert.deepEqual(turned(path({ kind: "drawn", stops: [C, D, C] }), "spline"), { kind: "spline", start: C, stops: [D], end: C });
  assert.deepEqual(turned(path({ kind: "spline", start: C, stops: [D], end: C }), "drawn"), { kind: "drawn", start: null, stops: [C, D, C], end: null });
  assert.deepEqual(turned(path({ start: A, end: B }), "chord"), { kind: "chord" });
});

test("what was solved for two ends does not become stops of another kind", () => {
  assert.deepEqual(turned(path({ kind: "geodesic", start: A, stops: [C, D], end: B }), "arc"), { kind: "arc", stops: [] });
  assert.equal(lessWords({ geodesic: 1.2, chord: 1.6, arc: 2 }), "On the smoothest way the picture changes 25 % less than straight and 40 % less than round.");
});

test("without the way back, playing begins anew at the end", () => {
  assert.equal(swing(3000, 0, { back: false, speed: 1 }), 0.75);
  assert.equal(swing(4200, 0, { back: false, speed: 1 }), 1);
  assert.ok(Math.abs(swing(4350 + 400, 0, { back: false, speed: 1 }) - 0.1) < 1e-9);
  assert.equal(swing(1000, 0, { back: true, speed: 2 }), 0.5);
});

const apart = (distance) => ({ t: [0, 0.5, 1], typicality: [0.5, 0.5, 0.0001], distance, strangeness: [0, 0.4, 1], usual: [2, 4] });

test("the distance from the data is told against what is usual among the data", () => {
  assert.deepEqual([0, 2, 3, 4, 4.1].map((value) => levelOf(value, [2, 4])), [0, 0, 1, 1, 2]);
  assert.ok(heightOf(4, [2, 4]) > 0.6 && heightOf(4, [2, 4]) < 0.65 && heightOf(99, [2, 4]) === 1 && heightOf(0, [2, 4]) === 0);
  assert.equal(inShort(apart([0, 1, 2])), "Near the data all the way.");
  assert.equal(inShort(apart([0, 3, 2])), "Never far from the data, farthest at 50 % of the way.");
  assert.equal(inShort(apart([0, 3, 9])), "Far from the data on 33 % of the way, farthest at 100 % of the way.");
  assert.equal(inShort(apart([5, 6, 9])), "Far from the data all the way, its ends included, as random draws often are.");
  assert.equal(inShort(apart(null)), "");
  assert.match(wordsAt(apart([0, 3, 9]), 1), /^50 % of the way, not far from the data: 3 to the nearest/);
  assert.match(wordsAt(apart([0, 3, 9]), 2), /100 % of those lie closer.*far from anything learned\.$/);
  assert.match(wordsAt(apart(null), 0), /^0 % of the way, Typicality 0.5: typical\.$/);
});

test("what a file of the path will be is told before it is made", () => {
  const wish = { kind: "gif", count: 61, scale: 4, fps: 24, back: false };
  const side = { width: 64, height: 48 };
  assert.deepEqual(outcome(wish, side, 2048), { words: "61 frames of 256 × 192 pixels, 2.5 seconds.", fits: true });
  assert.match(outcome({ ...wish, back: true }, side, 2048).words, /^120 frames .* 5.0 seconds/);
  assert.match(outcome({ ...wish, kind: "sheet" }, side, 2048).words, /^61 pictures of 256 × 192 pixels each/);
  assert.equal(outcome({ ...wish, scale: 8 }, { width: 512, height: 512 }, 2048).fits, false);
  assert.deepEqual([900, 51_000, 2_340_000].map(weight), ["1 KB", "51 KB", "2.3 MB"]);
});
