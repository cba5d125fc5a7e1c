import assert from "node:assert/strict";
import { test } from "node:test";
import { curve, fault, picturesAmong, smaller } from "../../widgets/views/shared/ownwish.js";

const wish = (changes = {}) => ({ name: "dots", size: 64, latent: 32, steps: null, ...changes });

test("a wish is checked before anything is sent", () => {
  assert.equal(fault(wish(), 100), "");
  assert.equal(fault(wish({ path: "/home/me/pictures" }), 0), "");
  assert.match(fault(wish(), 0), /Choose a folder/);
  assert.match(fault(wish(), 12), /64 different pictures.*12 were chosen/);
  assert.match(fault(wish({ name: "../x" }), 100), /The name is/);
  assert.match(fault(wish({ latent: 2.5 }), 100), /2 to 256/);
  assert.match(fault(wish({ latent: 300 }), 100), /2 to 256/);
});

test("a picture is made smaller on its way, never larger, and keeps its proportions", () => {
  assert.deepEqual(smaller(1920, 960), [384, 192]);
  assert.deepEqual(smaller(100, 80), [100, 80]);
  assert.deepEqual(smaller(1, 4000), [1, 4000]);
});

test("pictures are told from other files by their kind, or by their name where none is given", () => {
  const files = [{ name: "a.jpg", type: "image/jpeg" }, { name: "b.svg", type: "image/svg+xml" }, { name: "c.WEBP", type: "" }, { name: "d.txt", type: "text/plain" }, { name: "labels.csv", type: "" }];
  assert.deepEqual(picturesAmong(files).map(({ name }) => name), ["a.jpg", "c.WEBP"]);
});

test("a curve fills its box, and needs two points", () => {
  assert.equal(curve([[1, 2]], 100, 50), "");
  assert.equal(curve([[0, 5], [50, 10], [100, 15]], 100, 50), "M0.0 50.0L50.0 25.0L100.0 0.0");
});
