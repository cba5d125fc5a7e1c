import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { bytesOf, fromBase64, pack, toBase64, unpack } from "../../widgets/views/shared/wire.js";

test("a message comes back as it was sent", () => {
  const header = { type: "decode", seq: 1_790_000_000_123_456, view: "Karte ✓", patch: { spot: { origin: { kind: "seed", seed: 4 }, axes: [[3, -1.25]] } } };
  const payload = Uint8Array.from({ length: 37 }, (_, i) => i * 7);
  const back = unpack(pack(header, payload).buffer);
  assert.deepEqual(back.header, header);
  assert.deepEqual([...bytesOf(back.payload)], [...payload]);
});

test("the payload starts at a multiple of four, whatever the header", () => {
  for (let n = 0; n < 9; n++) assert.equal(unpack(pack({ type: "x".repeat(n) }, new Uint8Array(4))).payload.byteOffset % 4, 0);
});

test("a message without payload has none", () => assert.equal(unpack(pack({ type: "undo" })).payload, null));

test("malformed messages say what is wrong", () => {
  assert.throws(() => unpack(new Uint8Array(3)), /4 bytes of header length, got 3/);
  assert.throws(() => unpack(new Uint8Array([200, 0, 0, 0, 1])), /header of 200 bytes, but 1 follow/);
  assert.throws(() => unpack(pack([1])), /'type'/);
  assert.throws(() => unpack(new Uint8Array([1, 0, 0, 0, 0x7b])), SyntaxError);
});

test("base64 goes both ways, also for large messages", () => {
  const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31) & 255);
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
});

test("Python reads what JavaScript writes, and back", (t) => {
  const code = `
import sys
from explorer.live.protocol import pack, unpack
header, payload = unpack(sys.stdin.buffer.read())
sys.stdout.buffer.write(pack({**header, "type": "echo"}, payload[::-1]))`;
  let out;
  try {
    out = execFileSync(process.env.PYTHON ?? "python3", ["-c", code], { input: pack({ type: "hello", word: "für" }, new Uint8Array([1, 2, 3])), cwd: new URL("../..", import.meta.url), stdio: ["pipe", "pipe", "ignore"] });
  } catch {
    return t.skip("no Python that imports explorer");
  }
  const { header, payload } = unpack(new Uint8Array(out));
  assert.deepEqual(header, { type: "echo", word: "für" });
  assert.deepEqual([...bytesOf(payload)], [3, 2, 1]);
});
