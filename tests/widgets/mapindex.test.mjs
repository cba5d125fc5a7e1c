/** Whatever the zoom, the order, the filter or the thinning: what is picked is the atlas row that looking at every point finds. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { corners, drawnPath, prolonged, rounded, toSegment } from "../../widgets/views/shared/mapline.js";
import { assembled, takePiece } from "../../widgets/views/shared/mapdata.js";
import { combined, inside, lassoed } from "../../widgets/views/shared/maplasso.js";
import { DIRECTIONS, boundsOf, buildGrid, fitView, nearest, neighbour, panned, thinned, toData, toScreen, zoomed } from "../../widgets/views/shared/mapmath.js";
import { roomFor, sideFor, spaced, thumbAt, visible } from "../../widgets/views/shared/mapthumbs.js";
import { DIM, classTints, dimmed } from "../../widgets/views/shared/raster.js";

/** Repeatable numbers in [0, 1). */
function random(seed) {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
}

/** Clouds that have caught us before: clusters, equal points, lines, one far outlier. */
function cloud(kind, n, next) {
  const normal = () => next() + next() + next() - 1.5;
  const point = {
    even: () => [next(), next()],
    clusters: () => ((c) => [10 * Math.cos(c) + normal(), 10 * Math.sin(c) + normal()])(Math.floor(next() * 7)),
    equal: () => [Math.floor(next() * 6), Math.floor(next() * 6)],
    line: () => [next() * 1e4, 3],
    outlier: (i) => (i ? [next(), next()] : [1e5, -1e5]),
  }[kind];
  return Float32Array.from(Array.from({ length: n }, (_, i) => point(i)).flat());
}
const KINDS = ["even", "clusters", "equal", "line", "outlier"];

/** Calls back for many maps, each seen through some views that a hand may reach. */
function eachView(rounds, callback) {
  for (let round = 0; round < rounds; round++) {
    const next = random(1000 + round);
    const kind = KINDS[round % KINDS.length];
    const xy = cloud(kind, 1 + Math.floor(next() * 900), next);
    const [width, height] = [200 + Math.floor(next() * 600), 150 + Math.floor(next() * 400)];
    let view = fitView(boundsOf(xy), width, height, 28);
    const fitted = view.k;
    for (let step = 0; step < 5; step++) {
      callback({ xy, n: xy.length / 2, grid: buildGrid(xy), view, next, what: `${kind}, round ${round}, step ${step}` });
      view = zoomed(panned(view, (next() - 0.5) * width, (next() - 0.5) * height), 0.5 + 6 * next(), next() * width, next() * height, [fitted / 2, fitted * 400]);
    }
  }
}
const apart = ({ xy }, row, x, y) => (xy[2 * row] - x) ** 2 + (xy[2 * row + 1] - y) ** 2;

test("a pixel means the point that is nearest of all, within reach, at any zoom", () => {
  eachView(40, (map) => {
    for (let trial = 0; trial < 8; trial++) {
      const [px, py, reach] = [map.next() * map.view.width, map.next() * map.view.height, 6 + 4 * map.next()];
      const [x, y] = toData(map.view, px, py);
      const row = nearest(map.grid, x, y, reach / map.view.k);
      let best = Infinity;
      for (let i = 0; i < map.n; i++) best = Math.min(best, apart(map, i, x, y));
      if (row < 0) assert.ok(best >= (reach / map.view.k) ** 2 * (1 - 1e-9), map.what);
      else assert.equal(apart(map, row, x, y), best, map.what);
    }
  });
});

test("a point's own pixel means that point, or another at the very same place", () => {
  eachView(20, (map) => {
    for (let trial = 0; trial < 6; trial++) {
      const row = Math.floor(map.next() * map.n);
      const [x, y] = [map.xy[2 * row], map.xy[2 * row + 1]];
      const found = nearest(map.grid, ...toData(map.view, ...toScreen(map.view, x, y)), 3 / map.view.k);
      if (found !== row) assert.ok(found >= 0 && apart(map, found, x, y) <= (1e-4 / map.view.k) ** 2 + 1e-9 * (x * x + y * y), map.what);
    }
  });
});

test("a lasso drawn on the screen catches the rows inside its thinned line and no others, and adds and removes by row", () => {
  eachView(30, (map) => {
    const [cx, cy] = [map.next() * map.view.width, map.next() * map.view.height];
    const line = Array.from({ length: 60 }, (_, i) => toData(map.view, cx + (40 + 80 * map.next()) * Math.cos(i / 9.5), cy + (40 + 80 * map.next()) * Math.sin(i / 9.5)));
    const drawn = thinned(line, 2 / map.view.k);
    const expected = Array.from({ length: map.n }, (_, row) => row).filter((row) => inside(drawn, map.xy[2 * row], map.xy[2 * row + 1]));
    const caught = lassoed(map.grid, drawn);
    assert.deepEqual([...caught], expected, map.what);
    const before = Array.from({ length: map.n }, (_, row) => row).filter(() => map.next() < 0.3);
    assert.deepEqual([...combined(before, caught, "add")], [...new Set([...before, ...expected])].sort((a, b) => a - b), map.what);
    assert.deepEqual([...combined(before, caught, "remove")], before.filter((row) => !expected.includes(row)), map.what);
  });
});

test("an arrow key never walks backwards or to a worse point than another, whatever the cloud", () => {
  eachView(25, (map) => {
    const from = Math.floor(map.next() * map.n);
    const [x, y] = [map.xy[2 * from], map.xy[2 * from + 1]];
    for (const [ux, uy] of Object.values(DIRECTIONS)) {
      const cost = (row) => {
        const [dx, dy] = [map.xy[2 * row] - x, map.xy[2 * row + 1] - y];
        const [ahead, aside] = [dx * ux + dy * uy, Math.abs(dx * uy - dy * ux)];
        return ahead > 0 && aside <= ahead ? ahead + 2 * aside : Infinity;
      };
      let best = Infinity;
      for (let row = 0; row < map.n; row++) best = Math.min(best, cost(row));
      const row = neighbour(map.grid, x, y, [ux, uy]);
      row < 0 ? assert.equal(best, Infinity, map.what) : assert.equal(cost(row), best, map.what);
    }
  });
});

test("tints and dimming follow the row through any order of the grid", () => {
  eachView(15, (map) => {
    const classes = Uint8Array.from({ length: map.n }, () => Math.floor(map.next() * 9));
    const selection = Array.from({ length: map.n }, (_, row) => row).filter(() => map.next() < 0.4);
    const only = map.next() < 0.5 ? Math.floor(map.next() * 6) : null;
    const tints = dimmed(map.grid, classTints(map.grid, classes, 6), selection, only);
    const chosen = new Set(selection);
    for (let i = 0; i < map.n; i++) {
      const row = map.grid.rows[i];
      const stays = (!selection.length || chosen.has(row)) && (only === null || classes[row] === only);
      assert.equal(!(tints[i] & DIM), stays, map.what);
      assert.deepEqual([map.grid.xy[2 * i], map.grid.xy[2 * i + 1]], [map.xy[2 * row], map.xy[2 * row + 1]], map.what);
    }
  });
});

test("thumbnails lie on their own points, never touch, are each found under their pixels, and stay when the view is panned", () => {
  let shown = 0;
  eachView(60, (map) => {
    const most = roomFor(map.view.width, map.view.height);
    const few = visible(map.grid, map.view, 16, most);
    const inView = Array.from({ length: map.n }, (_, row) => row).filter((row) => {
      const [px, py] = toScreen(map.view, map.xy[2 * row], map.xy[2 * row + 1]);
      return px >= -16 && py >= -16 && px <= map.view.width + 16 && py <= map.view.height + 16;
    });
    if (inView.length > most + 2) return assert.equal(few, null, map.what); // two may lie on the very rim
    if (!few) return;
    assert.ok(Math.abs(few.length - inView.length) <= 2, map.what);
    const side = sideFor(few.length, map.view.width, map.view.height);
    const thumbs = spaced(map.grid, few, map.view, side);
    for (const { row, position, x, y } of thumbs) {
      shown++;
      assert.equal(map.grid.rows[position], row, map.what);
      const [px, py] = toScreen(map.view, map.xy[2 * row], map.xy[2 * row + 1]);
      assert.ok(Math.hypot(px - x, py - y) < 1e-6, map.what);
      assert.equal(thumbAt(thumbs, side, x + 0.49 * side, y - 0.49 * side), row, map.what);
      assert.ok(thumbs.every((other) => other.row === row || Math.abs(other.x - x) >= side || Math.abs(other.y - y) >= side), map.what);
    }
    assert.ok(!few.length || thumbs.length, map.what);
    const moved = spaced(map.grid, few, panned(map.view, 7.25, -3.5), side);
    assert.deepEqual(moved.map(({ row }) => row), thumbs.map(({ row }) => row), map.what);
  });
  assert.ok(shown > 300);
});

test("a map that comes in pieces of any size means the same rows as the whole", () => {
  for (let round = 0; round < 20; round++) {
    const next = random(77 + round);
    const xy = cloud(KINDS[round % KINDS.length], 50 + Math.floor(next() * 900), next);
    const n = xy.length / 2;
    const labels = Uint8Array.from({ length: n }, (_, row) => row % 251);
    let pieces = null;
    for (let at = 0; at < n; ) {
      const to = Math.min(n, at + 1 + Math.floor(next() * 300));
      const bytes = new Uint8Array(3 + 9 * (to - at)); // an odd offset, as headers leave behind
      bytes.set(new Uint8Array(xy.slice(2 * at, 2 * to).buffer), 3);
      bytes.set(labels.subarray(at, to), 3 + 8 * (to - at));
      pieces = takePiece(pieces, { layout: "m", n, rows: [at, to], labels: ["a"], honesty: null }, new DataView(bytes.buffer, 3));
      const soFar = assembled(pieces);
      const row = Math.floor(next() * to);
      const found = nearest(soFar.grid, xy[2 * row], xy[2 * row + 1], 1e-3);
      assert.ok(xy[2 * found] === xy[2 * row] && xy[2 * found + 1] === xy[2 * row + 1]);
      at = to;
    }
    const whole = assembled(pieces);
    assert.deepEqual(whole.xy, xy);
    assert.deepEqual([...whole.labels.get("a")], [...labels]);
    assert.deepEqual([...whole.grid.rows].sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
  }
});

test("a drawn line keeps its ends and its shape in at most 24 corners, and none that does not matter", () => {
  const wave = Array.from({ length: 800 }, (_, i) => /** @type {[number, number]} */ ([i / 100, Math.sin(i / 60)]));
  const few = corners(wave, 0.01);
  assert.ok(few.length <= 24 && few.length > 8);
  assert.deepEqual([few[0], few[few.length - 1]], [wave[0], wave[799]]);
  const off = (line, kept) => Math.max(...line.map((point) => Math.min(...kept.slice(1).map((end, i) => toSegment(point, kept[i], end)))));
  assert.ok(off(wave, few) < 0.03);
  assert.ok(off(wave, corners(wave, 0.01, 6)) > off(wave, few));
  const straight = Array.from({ length: 200 }, (_, i) => /** @type {[number, number]} */ ([i, 2 * i]));
  assert.deepEqual(corners(straight, 0.5), [[0, 0], [199, 398]]);
  const corner = [...straight.slice(0, 50), ...straight.slice(0, 50).map(([x, y]) => /** @type {[number, number]} */ ([49 + x, 98 - y]))];
  assert.deepEqual(corners(corner, 0.5), [[0, 0], [49, 98], [98, 0]]);
  assert.deepEqual(corners([[1, 2]], 0.5), [[1, 2]]);
  assert.equal(corners(Array.from({ length: 99 }, () => /** @type {[number, number]} */ ([3, 3])), 0.5).length, 2); // a hand that stood still
  for (let seed = 0; seed < 30; seed++) {
    const next = random(seed);
    const scribble = Array.from({ length: 300 }, () => /** @type {[number, number]} */ ([next(), next()]));
    const kept = corners(scribble, 0);
    assert.equal(kept.length, 24);
    assert.ok(kept.every((point, i) => !i || scribble.indexOf(point) > scribble.indexOf(kept[i - 1])));
  }
});

test("the line shown through corners is the one the server follows", () => {
  const points = [[0, 0], [1, 2], [4, 2.5], [4, 2.5], [3, -1]];
  const line = rounded(/** @type {any} */ (points), 4);
  assert.equal(line.length, 13);
  for (const [i, point] of [[0, points[0]], [4, points[1]], [8, points[2]], [12, points[4]]]) assert.deepEqual(line[i], point);
  const served = [[0.4093, 1.0907], [2.6102, 2.5941], [3.7796, 1.0143]]; // explorer.core.path.rounded at the middle of each piece
  served.forEach(([x, y], i) => assert.ok(Math.hypot(line[4 * i + 2][0] - x, line[4 * i + 2][1] - y) < 1e-4, `${line[4 * i + 2]}`));
  assert.deepEqual(rounded([[1, 1], [2, 2]]), [[1, 1], [2, 2]]);
});

test("picked points make the path go on in their order; a line gives way to a new path", () => {
  const entry = (row) => ({ origin: { kind: "entry", row }, axes: [] });
  let session = { journey: {} };
  const add = (row) => (session = { journey: { ...session.journey, ...prolonged(session, entry(row)).journey } });
  for (const row of [4, 7, 2, 9]) add(row);
  const { start, stops, end, kind } = session.journey;
  assert.deepEqual([start, ...stops, end].map((spot) => spot.origin.row), [4, 7, 2, 9]);
  assert.equal(kind, "spline");
  const line = { journey: { ...drawnPath("umap", [[0, 1], [2, 3]]).journey } };
  assert.deepEqual(line.journey.stops[1], { origin: { kind: "place", layout: "umap", x: 2, y: 3 }, axes: [] });
  assert.deepEqual([line.journey.kind, line.journey.start, line.journey.end], ["drawn", null, null]);
  const anew = prolonged(line, entry(5)).journey;
  assert.deepEqual([anew.start.origin.row, anew.stops, anew.end, anew.kind], [5, [], null, "spline"]);
  for (let row = 0; row < 22; row++) add(100 + row);
  assert.equal(prolonged(session, entry(1)), null);
});
