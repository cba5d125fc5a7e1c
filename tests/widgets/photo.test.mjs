import assert from "node:assert/strict";
import { test } from "node:test";
import { boxOf, byKey, inside } from "../../widgets/views/shared/photocrop.js";
import { isPicture, pictureAmong } from "../../widgets/views/shared/photofile.js";
import { editsOf, sorted } from "../../widgets/views/shared/photopile.js";
import { alike, judged, likeness, off, usualInWords, won } from "../../widgets/views/shared/photowords.js";

const WIDE = { width: 400, height: 200 };
const near = (a, b) => assert.ok(Object.keys(b).every((key) => Math.abs(a[key] - b[key]) < 1e-9), `${JSON.stringify(a)} is not ${JSON.stringify(b)}`);

test("the whole frame is the largest of the model's proportions, around the middle", () => {
  near(boxOf(WIDE, 1, { x: 0.5, y: 0.5, size: 1 }), { left: 100, top: 0, width: 200, height: 200 });
  near(boxOf(WIDE, 4, { x: 0.5, y: 0.5, size: 1 }), { left: 0, top: 50, width: 400, height: 100 });
});

test("a frame pushed beyond the picture stays inside, and its middle with it", () => {
  near(inside(WIDE, 1, { x: 0, y: 0.5, size: 0.5 }), { x: 0.125, y: 0.5, size: 0.5 });
  near(inside(WIDE, 1, { x: 9, y: 9, size: 7 }), { x: 0.75, y: 0.5, size: 1 });
  near(inside(WIDE, 1, { x: 0.5, y: 0.5, size: 0 }), { x: 0.5, y: 0.5, size: 0.1 });
});

test("keys move the frame, make it smaller and larger, and take all again", () => {
  const frame = { x: 0.5, y: 0.5, size: 0.5 };
  near(byKey("ArrowLeft", false, frame), { x: 0.48, y: 0.5, size: 0.5 });
  near(byKey("ArrowDown", true, frame), { x: 0.5, y: 0.6, size: 0.5 });
  near(byKey("+", false, frame), { x: 0.5, y: 0.5, size: 0.45 });
  near(byKey("0", false, frame), { x: 0.5, y: 0.5, size: 1 });
  assert.equal(byKey("a", false, frame), null);
});

test("pictures are told from other files by type, or by name where there is none", () => {
  const files = [{ type: "text/plain", name: "a.txt" }, { type: "", name: "b.TIFF" }, { type: "image/png", name: "c" }];
  assert.deepEqual(files.map(isPicture), [false, true, true]);
  assert.equal(pictureAmong(files).name, "b.TIFF");
  assert.equal(pictureAmong([]), null);
});

test("likeness is said in words that anybody reads", () => {
  assert.deepEqual([40, 30, 25, 18, 9].map(alike), ["almost the same", "close", "recognisable", "only roughly alike", "hardly alike"]);
  assert.equal(off(0.04), "10 %"); // 0.2 of a range of 2
  assert.equal(likeness(0.04, 20), "Only roughly alike: a pixel is typically off by 10 % of the range from black to white (20.0 dB).");
});

test("what is usual names what was compared", () => {
  const far = usualInWords({ share: 1, count: 128, kind: "atlas" });
  assert.ok(far.unlike && /unlike what the model knows/.test(far.text) && /worse than all of 128 pictures of the map/.test(far.text) && /32 pixels/.test(far.text));
  const fine = usualInWords({ share: 0.3, count: 64, kind: "draws" });
  assert.ok(!fine.unlike && /better than 70 % of 64 pictures of its own, encoded once more/.test(fine.text));
  assert.match(usualInWords({ share: 0.8, count: 128, kind: "atlas" }).text, /^It redraws this picture worse than 80 % of/);
  assert.equal(usualInWords(null).text, "");
});

test("what the judge sees in both pictures is kept or changed", () => {
  const { kept, changed, count } = judged({ hair_color: ["red", "red"], top: ["hat", "short_hair"], beard: ["full", null], eyes: [null, null] });
  assert.deepEqual(kept, ["hair color red"]);
  assert.deepEqual(changed, ["top hat → short hair", "beard full → not to be seen"]);
  assert.equal(count, 3);
});

test("what a search has won is told with what it cost", () => {
  const result = { psnr: 33, first_psnr: 31, typicality: 0.2, first_typicality: 0.4, steps: 120, stopped: false, seconds: 4.2, exact: true };
  assert.equal(won(result), "From 31.0 to 33.0 dB; typicality from 0.4 to 0.2. 120 steps, 4.2 s.");
  assert.match(won({ ...result, psnr: 31.01 }), /^No closer code was found: it stays at 31.0 dB/);
  assert.match(won({ ...result, stopped: true }), /Stopped after 120 steps/);
  assert.match(won({ ...result, first_psnr: null, exact: false }), /^Found at 33.0 dB.*less exact/);
});

test("only what a session has done is offered for other pictures", () => {
  const fresh = { spot: { origin: { kind: "seed", seed: 0 }, axes: [] }, journey: { start: null, end: null, t: null } };
  const offered = (session, photo = null) => Object.entries(editsOf(session, photo)).filter(([, words]) => words).map(([name]) => name);
  assert.deepEqual(offered(undefined), []);
  assert.deepEqual(offered(fresh), ["towards"]);
  assert.deepEqual(offered({ ...fresh, spot: { ...fresh.spot, axes: [[1, 2]] } }), ["hand", "towards"]);
  assert.deepEqual(offered({ ...fresh, journey: { start: {}, end: null, stops: [{}], t: null } }), ["path", "towards"]);
  const own = { ...fresh, spot: { origin: { kind: "values", values: [1, 2] }, axes: [] } };
  assert.deepEqual(offered(own, [1, 2]), ["towards"]);
  assert.deepEqual(offered(own, [1, 3]), ["photo", "towards"]);
  assert.deepEqual(offered({ ...own, spot: { ...own.spot, axes: [[0, 1]] } }, [1, 2]), ["hand", "photo", "towards"]);
});

test("zip files, pictures and others are told apart", () => {
  const files = [{ name: "a.zip", type: "", size: 1 }, { name: "b", type: "application/x-zip-compressed", size: 1 }, { name: "c.jpg", type: "image/jpeg", size: 1 }, { name: "d.txt", type: "text/plain", size: 1 }];
  const { zips, pictures, others } = sorted(files);
  assert.deepEqual([zips, pictures, others].map((some) => some.map(({ name }) => name)), [["a.zip", "b"], ["c.jpg"], ["d.txt"]]);
});
