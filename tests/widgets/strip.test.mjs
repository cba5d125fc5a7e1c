import assert from "node:assert/strict";
import { test } from "node:test";

import { goingTo, here, journeyOf, journeying, named, placeOf, sameSpot } from "../../widgets/views/shared/journey.js";
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
  assert.deepEqual(journeyOf(null), { start: null, end: null, kind: "arc", t: null });
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
