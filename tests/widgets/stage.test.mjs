import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate, pictured } from "../../widgets/views/shared/frames.js";
import { closeness, digits, grouped, listed, ordinary, percent } from "../../widgets/views/shared/words.js";

const long = [3, 3, 3, 3];
const short = [0.1, 0, 0, 0];

test("a code is typical if its length is, or if data lie near", () => {
  assert.equal(ordinary(0.4, null, long).word, "typical");
  assert.equal(ordinary(1e-6, 0.3, long).word, "typical"); // an encoded picture, whatever its length
  assert.equal(ordinary(0.4, 0.999, long).word, "typical"); // a draw of the prior
});

test("a code far out and far from all data is said to be", () => {
  assert.equal(ordinary(1e-6, null, long).word, "far from anything learned");
  assert.equal(ordinary(1e-6, 0.995, long).word, "far from anything learned");
  assert.equal(ordinary(1e-6, 0.95, long).word, "unusual");
  assert.equal(ordinary(0.01, null, long).word, "unusual");
});

test("a code too near the average is unusual, not far", () => {
  const { word, why } = ordinary(1e-9, null, short);
  assert.equal(word, "unusual");
  assert.match(why, /nearer to the average/);
});

test("the explanation holds the numbers", () => assert.match(ordinary(0.4, 0.25, long).why, /Typicality 0\.4.*40 %.*Strangeness 0\.25.*25 %/));

test("distances become words, and numbers where nothing better is known", () => {
  assert.deepEqual([closeness(0, 0), closeness(0.05, 1), closeness(0.4, 2), closeness(0.95, 5), closeness(1, 9), closeness(null, 4.567)], ["the same code", "very close", "close", "far", "very far", "4.57 away"]);
});

test("numbers read well", () => {
  assert.deepEqual([percent(0.0004), percent(0.05), percent(1), percent(0)], ["fewer than 0.1 %", "5 %", "100 %", "0 %"]);
  assert.deepEqual([digits(-1.2345), digits(0), digits(1e-7), grouped(10000), grouped(999)], ["−1.23", "0", "below 0.001", "10,000", "999"]);
  assert.equal(listed({ hair_color: "red", glasses: "none" }), "hair color red, glasses none");
});

test("only what decides the picture makes another still", () => {
  const session = { model: "a", spot: {}, journey: {}, sampled: false, colour: "skin", selection: [1] };
  assert.equal(pictured(session), pictured({ ...session, colour: "", selection: [], front: "sliders", locked: [2] }));
  assert.notEqual(pictured(session), pictured({ ...session, sampled: true }));
});

test("the rate counts the last second only", () => {
  const rate = new Rate();
  let value = 0;
  for (let t = 0; t <= 2000; t += 20) value = rate.add(t);
  assert.equal(value, 50);
  assert.equal(rate.add(9000), 0);
});
