import assert from "node:assert/strict";
import { test } from "node:test";

import { combined, inside, lassoed } from "../../widgets/views/shared/maplasso.js";
import {
  DIRECTIONS, boundsOf, buildGrid, clamped, counted, fitView, nearest, nearestAnywhere, neighbour, panned, quantiles, resized, runs, thinned, toData, toScreen, zoomed,
} from "../../widgets/views/shared/mapmath.js";

/** Repeatable numbers in [0, 1). */
function random(seed) {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
}
function cloud(n, seed = 1) {
  const next = random(seed);
  return Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? 3 * next() - 1 : 8 * next() ** 2 - 4));
}
const close = (a, b, most = 1e-6) => assert.ok(Math.abs(a - b) <= most, `${a} is not ${b}`);

test("the fitted view holds every point, with y pointing up and one scale for both axes", () => {
  const xy = cloud(500);
  const view = fitView(boundsOf(xy), 640, 400, 24);
  for (let i = 0; i < 500; i++) {
    const [x, y] = toScreen(view, xy[2 * i], xy[2 * i + 1]);
    assert.ok(x >= 23.9 && x <= 616.1 && y >= 23.9 && y <= 376.1);
  }
  assert.ok(toScreen(view, 0, 1)[1] < toScreen(view, 0, 0)[1]);
  const [x, y] = toData(view, ...toScreen(view, 0.3, -0.7));
  close(x, 0.3), close(y, -0.7);
});

test("panning moves what is under the pointer with it, zooming leaves it there, also at the limits", () => {
  const view = fitView([[0, 0], [4, 2]], 640, 400);
  const before = toData(view, 100, 120);
  const after = toData(panned(view, 30, -20), 130, 100);
  close(before[0], after[0]), close(before[1], after[1]);
  for (const factor of [1.7, 0.2, 1e9]) {
    const near = zoomed(view, factor, 100, 120, [view.k / 2, view.k * 400]);
    const [x, y] = toData(near, 100, 120);
    close(x, before[0]), close(y, before[1]);
    assert.ok(near.k >= view.k / 2 && near.k <= view.k * 400);
  }
});

test("maps of no, one, equal or collinear points still have a finite view and a grid", () => {
  for (const xy of [[], [2, 3], [2, 3, 2, 3, 2, 3], [0, 0, 5, 0, 9, 0], [0, -1, 0, 7]]) {
    const points = Float32Array.from(xy);
    const grid = buildGrid(points);
    const view = fitView(boundsOf(points), 300, 200);
    assert.ok(Number.isFinite(view.k) && view.k > 0);
    assert.equal(grid.rows.length, xy.length / 2);
    assert.equal(grid.starts[grid.starts.length - 1], xy.length / 2);
    assert.equal(nearestAnywhere(grid, 1, 1) >= 0, xy.length > 0);
    assert.ok(neighbour(grid, 2, 3, DIRECTIONS.up) >= -1);
  }
});

test("a view cannot be moved off the data, and keeps its middle when its field changes size", () => {
  const view = { ...fitView([[0, 0], [4, 2]], 640, 400), x: 99, y: -99 };
  assert.deepEqual([clamped(view, [[0, 0], [4, 2]]).x, clamped(view, [[0, 0], [4, 2]]).y], [4, 0]);
  const small = resized(view, 320, 200);
  assert.deepEqual([small.x, small.y, small.k], [99, -99, view.k / 2]);
});

test("the grid holds every row once, in the cell where it lies", () => {
  const xy = cloud(3000, 5);
  const grid = buildGrid(xy);
  assert.deepEqual([...grid.rows].sort((a, b) => a - b), Array.from({ length: 3000 }, (_, i) => i));
  for (let i = 0; i < 3000; i++) assert.deepEqual([grid.xy[2 * i], grid.xy[2 * i + 1]], [xy[2 * grid.rows[i]], xy[2 * grid.rows[i] + 1]]);
  const found = [...runs(grid, -100, -100, 100, 100)].reduce((sum, [from, to]) => sum + to - from, 0);
  assert.equal(found, 3000);
});

test("the nearest point is the one that trying all of them finds", () => {
  const xy = cloud(2000, 7);
  const grid = buildGrid(xy);
  const next = random(8);
  for (let trial = 0; trial < 300; trial++) {
    const [x, y, reach] = [12 * next() - 6, 5 * next() - 2, next()];
    let [best, row] = [Infinity, -1];
    for (let i = 0; i < 2000; i++) {
      const d = Math.hypot(xy[2 * i] - x, xy[2 * i + 1] - y);
      if (d < best) [best, row] = [d, i];
    }
    assert.equal(nearest(grid, x, y, reach), best < reach ? row : -1);
    assert.equal(nearestAnywhere(grid, x, y), row);
  }
});

test("an arrow key goes to the cheapest point within 45 degrees, as trying all of them finds, and stays at the rim", () => {
  const xy = cloud(1500, 9);
  const grid = buildGrid(xy);
  for (const [ux, uy] of Object.values(DIRECTIONS)) {
    for (let i = 0; i < 1500; i += 7) {
      let [best, row] = [Infinity, -1];
      for (let j = 0; j < 1500; j++) {
        const [dx, dy] = [xy[2 * j] - xy[2 * i], xy[2 * j + 1] - xy[2 * i + 1]];
        const [ahead, aside] = [dx * ux + dy * uy, Math.abs(dx * uy - dy * ux)];
        if (ahead > 0 && aside <= ahead && ahead + 2 * aside < best) [best, row] = [ahead + 2 * aside, j];
      }
      assert.equal(neighbour(grid, xy[2 * i], xy[2 * i + 1], [ux, uy]), row);
    }
  }
});

test("a lasso catches exactly the rows inside it, by their index, whatever its winding", () => {
  const xy = cloud(2500, 11);
  const grid = buildGrid(xy);
  const star = Array.from({ length: 10 }, (_, i) => [(i % 2 ? 0.8 : 3) * Math.cos((i * Math.PI) / 5) - 1, (i % 2 ? 0.3 : 1.1) * Math.sin((i * Math.PI) / 5) + 0.4]);
  const expected = Array.from({ length: 2500 }, (_, i) => i).filter((i) => inside(star, xy[2 * i], xy[2 * i + 1]));
  assert.ok(expected.length > 50 && expected.length < 2400);
  assert.deepEqual([...lassoed(grid, star)], expected);
  assert.deepEqual([...lassoed(grid, star.slice().reverse())], expected);
  assert.deepEqual([...lassoed(grid, star.slice(0, 2))], []);
  assert.deepEqual([...lassoed(grid, [[90, 90], [91, 90], [91, 91]])], []);
});

test("selections replace, add and remove, and stay in ascending order", () => {
  assert.deepEqual([...combined([9, 2], [30, 4], "replace")], [4, 30]);
  assert.deepEqual([...combined([9, 2], [30, 4, 9], "add")], [2, 4, 9, 30]);
  assert.deepEqual([...combined([9, 2, 4], [4, 77], "remove")], [2, 9]);
});

test("counts of classes leave out what cannot be seen", () => {
  const values = Uint8Array.of(0, 1, 1, 255, 2, 1);
  assert.deepEqual(counted(values, 3), { counts: [1, 3, 1], unseen: 1, n: 6 });
  assert.deepEqual(counted(values, 3, [1, 3, 5]), { counts: [0, 2, 0], unseen: 1, n: 3 });
});

test("a drawn line is thinned but keeps its ends; quantiles ignore what is not a number", () => {
  assert.deepEqual(thinned([[0, 0], [0.1, 0], [5, 0], [5.1, 0]], 1), [[0, 0], [5, 0], [5.1, 0]]);
  assert.deepEqual(thinned(Array.from({ length: 10 }, (_, i) => [i / 2, 0]), 2), [[0, 0], [2, 0], [4, 0], [4.5, 0]]); // drawn slowly: no step is long
  assert.deepEqual(quantiles(Float32Array.of(3, NaN, 1, 2), [0, 0.5, 1]), [1, 2, 3]);
  assert.deepEqual(quantiles(new Float32Array(0), [0.5]), [0]);
});
