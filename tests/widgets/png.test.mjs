import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { recipeIn } from "../../widgets/views/shared/png.js";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const chunk = (type, data) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type, "latin1"), data, Buffer.alloc(4)]);
};
const note = (keyword, text, packed = false) => chunk("iTXt", Buffer.concat([Buffer.from(`${keyword}\0`), Buffer.from([packed ? 1 : 0, 0]), Buffer.from("en\0\0"), packed ? deflateSync(text) : Buffer.from(text)]));
const file = (...chunks) => new Blob([Buffer.concat([SIGNATURE, chunk("IHDR", Buffer.alloc(13)), ...chunks, chunk("IEND", Buffer.alloc(0))])]);

test("a recipe is found, plain or packed, before or behind the picture", async () => {
  const text = '{"format":"latent-explorer-recipe","ü":1}';
  for (const packed of [false, true]) {
    assert.equal(await recipeIn(file(note("latent-explorer", text, packed), chunk("IDAT", Buffer.alloc(99)))), text);
    assert.equal(await recipeIn(file(note("Title", "x"), chunk("IDAT", Buffer.alloc(99)), note("latent-explorer", text, packed))), text);
  }
});

test("where there is none, none is found, whatever the file", async () => {
  const bomb = note("latent-explorer", "x".repeat(5e7), true);
  for (const other of [file(), file(note("Title", "x")), file(bomb), new Blob([]), new Blob(["hello, this is no picture at all"]), new Blob([SIGNATURE, Buffer.alloc(60, 255)]), file(chunk("iTXt", Buffer.from("latent-explorer"))), file(chunk("iTXt", Buffer.from("latent-explorer\x00\x01\x00\x00\x00rubbish")))])
    assert.equal(await recipeIn(other), null);
});
