import assert from "node:assert/strict";
import { test } from "node:test";
import { fromFragment, holdsState, linkTo, toFragment } from "../../widgets/views/shared/address.js";

const session = { model: "faces", spot: { origin: { kind: "values", values: [0.123456789, -2, 1e-7] }, axes: [[3, 1.5]] }, journey: { t: null }, selection: [1, 2, 3], colour: "Haar: grün" };
const noise = (n, seed = 7) => Array.from({ length: n }, () => ((seed = (seed * 48271) % 2147483647) / 2147483647) * 6 - 3);

test("a session survives the way through an address to the last bit", async () => {
  const { fragment, exact } = await toFragment(session);
  assert.ok(exact && holdsState(`#${fragment}`) && /^s=[\w-]+$/.test(fragment));
  assert.deepEqual(await fromFragment(`#${fragment}`), session);
});

test("a selection is left out first, then numbers are rounded, and what is too long even so has no address", async () => {
  const selected = await toFragment({ ...session, selection: noise(3000).map((v) => Math.round(1e6 * (v + 3))) });
  assert.equal(selected.exact, false);
  assert.deepEqual(await fromFragment(selected.fragment), { ...session, selection: [] });
  const long = { ...session, spot: { origin: { kind: "values", values: noise(500) }, axes: [] } };
  const rounded = await toFragment(long);
  assert.equal(rounded.exact, false);
  const values = (await fromFragment(rounded.fragment)).spot.origin.values;
  assert.ok(values.every((v, i) => Math.abs(v - long.spot.origin.values[i]) < 1e-3));
  assert.equal(await toFragment({ ...session, spot: { origin: { kind: "values", values: noise(4096) }, axes: [] } }), null);
});

test("a damaged address is said to be one", async () => {
  const { fragment } = await toFragment(session);
  for (const bad of ["s=", "s=%%%", fragment.slice(0, -9), fragment.replace(/.{12}$/, "AAAAAAAAAAAA"), "s=eJwzBAAAMgAy"]) await assert.rejects(fromFragment(bad), /damaged/);
});

test("an address that unpacks to very much is refused", async () => {
  const stream = new Blob([`"${"x".repeat(3e7)}"`]).stream().pipeThrough(new CompressionStream("deflate"));
  const packed = Buffer.from(await new Response(stream).arrayBuffer()).toString("base64url");
  await assert.rejects(fromFragment(`s=${packed}`), /damaged/);
});

test("a link names the model that the state is of", async () => {
  const { href } = await linkTo(session, "https://host/page/?model=digits&x=1#old");
  const url = new URL(href);
  assert.equal(url.searchParams.get("model"), "faces");
  assert.equal(url.searchParams.get("x"), "1");
  assert.deepEqual(await fromFragment(url.hash), session);
});
