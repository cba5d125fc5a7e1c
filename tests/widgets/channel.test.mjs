import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { SharedModel, backoff, keep, liveAddress, openChannel } from "../../widgets/views/shared/channel.js";
import { fromBase64, pack, toBase64, unpack } from "../../widgets/views/shared/wire.js";

/** Sockets the test opens, feeds and breaks. */
let sockets;
class Socket extends EventTarget {
  sent = [];
  constructor(address) {
    super();
    this.address = address;
    sockets.push(this);
  }
  send(message) { this.sent.push(unpack(message).header); }
  close() { this.dispatchEvent(new Event("close")); }
  open() { this.dispatchEvent(new Event("open")); }
  say(header, payload) { this.dispatchEvent(Object.assign(new Event("message"), { data: pack(header, payload).buffer })); }
  welcome(session = "s1") { this.say({ type: "welcome", session, state: { session: { model: "a" } }, models: [{ name: "a" }], info: { name: "a" } }); }
}
const storage = () => {
  const values = new Map();
  return { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) };
};
const settle = async () => { for (let i = 0; i < 20; i++) await Promise.resolve(); };

let channel;
beforeEach(() => { sockets = []; mock.timers.enable({ apis: ["setTimeout"] }); });
afterEach(() => { channel?.close(); mock.timers.reset(); });
const open = (options = {}) => (channel = openChannel({ address: "ws://x/live", Socket, storage: storage(), ...options }));

test("the address keeps the path in front and drops what follows", () => {
  assert.equal(liveAddress("https://host/user/space/?model=a#b"), "wss://host/user/space/live");
  assert.equal(liveAddress("http://127.0.0.1:7860/"), "ws://127.0.0.1:7860/live");
  assert.equal(liveAddress("https://host/app", "http://host/app"), "wss://host/app/live"); // no slash at the end, root behind a proxy
  assert.equal(liveAddress("https://host/app/page", "https://host/app"), "wss://host/app/live");
  assert.equal(liveAddress("https://host/proxy/7860/", "http://127.0.0.1:7860"), "wss://host/proxy/7860/live");
});

test("waiting is doubled up to eight seconds", () => assert.deepEqual([0, 1, 2, 3, 4, 9].map(backoff), [500, 1000, 2000, 4000, 8000, 8000]));

test("only the newest draft of a view waits, and every commit", () => {
  const headers = [{ type: "decode", view: "map", n: 1 }, { type: "commit", n: 2 }, { type: "decode", view: "map", n: 3 }, { type: "decode", view: "strip", n: 4 }, { type: "commit", n: 5 }];
  assert.deepEqual(headers.reduce(keep, []).map(({ n }) => n), [2, 3, 4, 5]);
});

test("keys change together, before anybody hears of it, and one broken view does not silence the rest", () => {
  const reported = mock.fn();
  globalThis.reportError = reported;
  const model = new SharedModel(() => {});
  const seen = [];
  model.on("change:state", () => { throw new Error("broken"); });
  model.on("change:state", () => seen.push(model.get("info")));
  model.update({ state: 1, info: 2 });
  assert.deepEqual(seen, [2]);
  assert.equal(reported.mock.callCount(), 1);
});

test("it says hello, keeps the session's id, and sends what waited", () => {
  const kept = storage();
  const { model } = open({ storage: kept, first: { model: "a" } });
  model.send({ type: "commit", label: "early" });
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, [{ type: "hello", version: 1, model: "a" }]);
  assert.equal(model.get("status").connected, false);
  sockets[0].welcome();
  assert.deepEqual(sockets[0].sent[1], { type: "commit", label: "early" });
  assert.deepEqual([model.get("info").name, model.get("status").transport], ["a", "websocket"]);
  assert.equal(kept.getItem("latent-explorer.session"), "s1");
});

test("payloads reach the views as DataViews", () => {
  const { model } = open();
  const seen = [];
  model.on("msg:custom", (header, buffers) => seen.push([header.type, buffers[0]?.getUint8(1)]));
  sockets[0].open(), sockets[0].say({ type: "frame" }, new Uint8Array([7, 8, 9]));
  assert.deepEqual(seen, [["frame", 8]]);
});

test("a lost socket is opened again with the same session, and commits wait for it", () => {
  const { model } = open({ first: { model: "a" } });
  sockets[0].open(), sockets[0].welcome(), sockets[0].close();
  assert.match(model.get("status").message, /Reconnecting/);
  model.send({ type: "commit", label: "meanwhile" });
  mock.timers.tick(500);
  sockets[1].open();
  assert.deepEqual(sockets[1].sent, [{ type: "hello", version: 1, session: "s1", last: { model: "a" } }]); // no model: the visitor may have opened another
  sockets[1].welcome();
  assert.equal(sockets[1].sent[1].label, "meanwhile");
});

test("without a WebSocket the server function carries everything, until one opens", async () => {
  const asked = [];
  const server = {
    ask: async ([session, message]) => {
      const { header } = unpack(fromBase64(message));
      asked.push([session, header.type]);
      if (header.type === "hello") return { ok: true, data: toBase64(pack({ type: "welcome", session: "s2", state: {}, models: [], info: null })) };
      if (header.type === "undo") return { ok: false, error: "Nothing to undo." };
      if (header.type === "axis") return undefined;
      return { ok: true, data: toBase64(pack({ type: "frame", seq: header.seq, view: header.view }, new Uint8Array(4))) };
    },
  };
  const { model } = open({ server });
  const seen = [];
  model.on("msg:custom", (header) => seen.push(header));
  model.send({ type: "decode", seq: 1, view: "map" });
  mock.timers.tick(4000);
  await settle();
  assert.equal(model.get("status").transport, "server");
  assert.deepEqual(asked, [["", "hello"], ["s2", "decode"]]);
  model.send({ type: "undo", seq: 2, view: "header" });
  model.send({ type: "axis", seq: 3, view: "map" });
  await settle();
  const errors = seen.filter(({ type }) => type === "error").map(({ message, seq }) => [seq, message]);
  assert.deepEqual(errors, [[2, "Nothing to undo."], [3, "The server could not answer."]]);
  assert.equal(model.get("status").transport, "server"); // a greeting showed that it is still there
  mock.timers.tick(30_000);
  sockets.at(-1).open(), sockets.at(-1).welcome("s2");
  assert.equal(model.get("status").transport, "websocket");
});

test("a silent server is tried again, with both ways", async () => {
  let alive = false;
  const server = { ask: async () => (alive ? { ok: true, data: toBase64(pack({ type: "welcome", session: "s", state: {}, models: [] })) } : undefined) };
  const { model } = open({ server });
  sockets[0].close();
  await settle();
  assert.equal(model.get("status").connected, false);
  alive = true;
  mock.timers.tick(500);
  sockets[1].close();
  await settle();
  assert.equal(model.get("status").transport, "server");
});

test("a socket that died in sleep is noticed", () => {
  const { probe } = open();
  sockets[0].open(), sockets[0].welcome();
  probe();
  assert.equal(sockets[0].sent.at(-1).type, "hello");
  mock.timers.tick(4000);
  assert.equal(sockets.length, 2);
});

test("a link to a model opens it, also in a session that goes on", () => {
  open({ first: { model: "b" } });
  sockets[0].open(), sockets[0].welcome();
  assert.deepEqual(sockets[0].sent.slice(1), [{ type: "open", model: "b" }]);
});

test("a passport that says the same stays the same object", () => {
  const { model } = open();
  sockets[0].open(), sockets[0].welcome();
  const before = model.get("info");
  sockets[0].say({ type: "session", state: { session: { model: "a" }, can_undo: true }, info: { name: "a" } });
  assert.equal(model.get("info"), before);
  assert.equal(model.get("state").can_undo, true);
});

test("a payload goes with its header, also when it had to wait for the connection", async () => {
  const sent = [];
  open();
  sockets[0].send = (message) => sent.push(unpack(message));
  channel.model.send({ type: "photo", view: "photo", seq: 1 }, undefined, [Uint8Array.of(7, 8, 9)]);
  sockets[0].open();
  sockets[0].welcome();
  channel.model.send({ type: "photo", view: "photo", seq: 2 }, undefined, [Uint8Array.of(1)]);
  const photos = sent.filter(({ header }) => header.type === "photo");
  assert.deepEqual(photos.map(({ header, payload }) => [header.seq, payload.byteLength, payload.getUint8(0)]), [[1, 3, 7], [2, 1, 1]]);
});

test("starting anew does not hand back what was there", () => {
  const { model, restart } = open();
  sockets[0].open(), sockets[0].welcome();
  restart();
  sockets[1].open();
  assert.deepEqual(sockets[1].sent, [{ type: "hello", version: 1, session: "s1" }]);
  sockets[1].welcome("s2");
  assert.equal(model.get("visitor"), "s2");
  sockets[1].close();
  mock.timers.tick(500);
  sockets[2].open();
  assert.deepEqual(sockets[2].sent[0].last, { model: "a" });
});
