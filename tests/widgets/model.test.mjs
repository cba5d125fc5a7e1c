import assert from "node:assert/strict";
import { test } from "node:test";
import { lacking } from "../../widgets/views/shared/needs.js";
import { abilities, amount, bytes, facts, figure, found, record, tooLarge } from "../../widgets/views/shared/passport.js";
import { saidInPlace } from "../../widgets/views/shared/said.js";

const about = {
  spaces: [{ name: "z", shape: [4, 16, 16], size: 1024, words: "standard normal" }], picture: { width: 80, height: 48, channels: 1 }, milliseconds: 72.4, work: 54_329_344, parameters: 1_972_685,
  bytes: 3_950_000, memory: 7_890_000, free: 4e9, data: { name: "avatars", training_pictures: 60000 }, licence: "", credits: "", file: "x.safetensors", why: null, open: false,
};

test("a passport is told in words, and what is not known is left out", () => {
  const told = Object.fromEntries(facts(about));
  assert.equal(told["Space z"], "4 × 16 × 16 numbers (1,024 in all), standard normal");
  assert.equal(told.Pictures, "80 × 48 pixels, grey");
  assert.match(told["Time a picture"], /^72.4 ms here .*previews/);
  assert.equal(told["Work a picture"], "54.3 million multiply-adds");
  assert.equal(told.Size, "3.95 MB on disk, 7.89 MB in memory");
  assert.equal(told.Licence, "not stated");
  assert.ok(!("Credits" in told));
  assert.match(Object.fromEntries(facts({ ...about, milliseconds: 3 }))["Time a picture"], /^3 ms here \(median of the last ones\)$/);
});

test("numbers are written as people say them", () => {
  assert.deepEqual([bytes(0), bytes(999), bytes(12_345), bytes(2e9)], ["0 bytes", "999 bytes", "12.3 kB", "2 GB"]);
  assert.deepEqual([amount(812), amount(54_329_344), amount(2.5e9)], ["812", "54.3 million", "2.5 billion"]);
  assert.deepEqual([figure(0.98106, "%"), figure(31.7326, "dB"), figure(19, ""), figure("much", "")], ["98.1 %", "31.7 dB", "19", "much"]);
});

test("what a model can and cannot do has a line each", () => {
  assert.deepEqual(abilities(["generator"]).map(({ can }) => can), [true, false]);
  assert.deepEqual(abilities(["classifier", "features"]).filter(({ can }) => !can).length, 2);
  assert.deepEqual(abilities(null), []);
});

test("a model larger than the free memory is warned of before it is opened, and only then", () => {
  assert.equal(tooLarge(about), "");
  assert.match(tooLarge({ ...about, memory: 4e9 }), /about 5 GB of memory and 4 GB are free/);
  assert.equal(tooLarge({ ...about, memory: 4e9, open: true }), "");
});

test("models are found by words, family and data", () => {
  const models = [{ name: "a-vae", title: "Faces", family: "vae", data: "avatars", summary: "z of 32" }, { name: "j", title: "Judge of faces", family: "judge", data: "avatars", summary: "" }, { name: "d-vae", title: "Digits", family: "vae", data: "digits", summary: "" }];
  const names = (...search) => found(models, ...search).map(({ name }) => name);
  assert.deepEqual(names("", "", ""), ["a-vae", "j", "d-vae"]);
  assert.deepEqual(names("faces JUDGE", "", ""), ["j"]);
  assert.deepEqual(names("", "vae", ""), ["a-vae", "d-vae"]);
  assert.deepEqual(names("", "vae", "digits"), ["d-vae"]);
  assert.deepEqual(names("nothing", "", ""), []);
});

test("a training record reads line by line", () => {
  assert.deepEqual(record({ steps: 3000, rate: 0.002, focus: [20, 18], seed: 12345 }), [["Steps", "3,000"], ["Rate", "0.002"], ["Focus", "20, 18"], ["Seed", "12345"]]);
});

test("an activity lacks the parts that the model has not", () => {
  assert.deepEqual(lacking(["classifier"], ["generator"]), ["generator"]);
  assert.deepEqual(lacking(["generator", "encoder"], ["generator", "encoder"]), []);
  assert.deepEqual(lacking(undefined, ["generator"]), ["generator"]);
});

test("what a panel says itself the stage does not say again", () => {
  assert.ok(saidInPlace({ about: "add" }) && saidInPlace({ about: "job", view: "model" }));
  assert.ok(!saidInPlace({ about: "decode" }) && !saidInPlace({ about: "commit", view: "model" }));
});
