import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, ink } from "../../widgets/views/shared/difference.js";

test("colours grow lighter with the share, and end where they should", () => {
  const light = [0, 0.1, 0.25, 0.4, 0.6, 0.8, 1].map((share) => ink(share).reduce((sum, value, k) => sum + value * [0.2126, 0.7152, 0.0722][k], 0));
  assert.ok(light.every((value, i) => !i || value > light[i - 1]));
  assert.deepEqual([ink(-1), ink(2)], [ink(0), ink(1)]);
});

test("the same is dark, and the mean counts every channel but not how opaque it is", () => {
  const one = Uint8ClampedArray.from([10, 20, 30, 255, 0, 0, 0, 255]);
  const other = Uint8ClampedArray.from([10, 20, 30, 0, 255, 0, 0, 255]);
  const { pixels, mean } = difference(one, other);
  assert.deepEqual([...pixels.slice(0, 4)], [...ink(0), 255]);
  assert.deepEqual([...pixels.slice(4)], [...ink(1), 255]);
  assert.ok(Math.abs(mean - 255 / 6 / 255) < 1e-9);
  assert.equal(difference(one, one).mean, 0);
});
