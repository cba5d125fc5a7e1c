// @ts-check
/**
 * The page's one connection to the server, seen by all views as anywidget's `model`.
 *
 * It speaks over a WebSocket. Where none can be opened (a proxy in between) it sends the same messages through a function of the
 * Gradio page, one POST a request, and tries the WebSocket again now and then. It reconnects after sleep and restarts, and keeps what must not get lost until then.
 */
import { SESSION } from "./visits.js";
import { fromBase64, pack, toBase64, unpack } from "./wire.js";

const PATIENCE = 4000; // for the WebSocket to open
const SLOW_RETRY = 30_000; // tries of the WebSocket while the server function carries everything
const MOST_KEPT = 64;
const WORDS = {
  connecting: "Connecting…",
  live: "Live",
  slower: "Slower: no WebSocket to the server, each picture is asked for on its own.",
  lost: "Reconnecting… What you do now is kept and sent then.",
  silent: "The server does not answer. Trying again…",
};

/** Where the live channel is: beside the page, or below Gradio's root where that is a folder (its address may lack the last slash). Keeps what a proxy put in front of the path. @param {string} base @param {string} [root] @param {string} [name] */
export function liveAddress(base, root, name = "live") {
  let url = new URL(name, base);
  if (root) {
    const folder = new URL(root, base).pathname.replace(/\/*$/, "/");
    if (folder !== "/" && `${new URL(base).pathname}/`.startsWith(folder)) url = new URL(`${folder}${name}`, base);
  }
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

/** Milliseconds before the `n`-th new attempt, n = 0, 1, …: half a second, doubling up to eight. @param {number} n */
export const backoff = (n) => Math.min(8000, 500 * 2 ** n);

/** What waits while there is no connection: of drafts only the newest a view, of the rest the last 64. @param {any[]} kept @param {any} header */
export function keep(kept, header) {
  const rest = header.type === "decode" ? kept.filter((old) => old.type !== "decode" || old.view !== header.view) : kept;
  return [...rest, header].slice(-MOST_KEPT);
}

/** Keys and events, as anywidget defines them; `send` is the channel's. */
export class SharedModel {
  /** @type {Map<string, any>} */ values = new Map();
  /** @type {Map<string, Set<Function>>} */ callbacks = new Map();

  /** @param {(content: any, callbacks?: any, buffers?: any[]) => void} send */
  constructor(send) {
    this.send = send;
  }
  get = (/** @type {string} */ key) => this.values.get(key);
  set = (/** @type {string} */ key, /** @type {any} */ value) => this.update({ [key]: value });
  save_changes = () => {};
  on = (/** @type {string} */ event, /** @type {Function} */ callback) => {
    if (!this.callbacks.has(event)) this.callbacks.set(event, new Set());
    this.callbacks.get(event)?.add(callback);
  };
  off = (/** @type {string} */ event, /** @type {Function} */ callback) => {
    callback ? this.callbacks.get(event)?.delete(callback) : this.callbacks.delete(event);
  };
  /** Sets all keys before anybody hears of any. @param {Record<string, any>} values */
  update(values) {
    const changed = Object.keys(values).filter((key) => values[key] !== this.values.get(key));
    for (const key of changed) this.values.set(key, values[key]);
    for (const key of changed) this.emit(`change:${key}`);
  }
  /** One view's mistake must not silence the others. @param {string} event @param {...any} rest */
  emit(event, ...rest) {
    for (const callback of [...(this.callbacks.get(event) ?? [])]) {
      try {
        callback(...rest);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** @param {{ address: string, first?: { model?: string }, storage?: Storage | null, server?: any, Socket?: typeof WebSocket }} options */
export function openChannel({ address, first = {}, storage = null, server = null, Socket = WebSocket }) {
  /** @type {WebSocket | null} */ let socket = null;
  let greeted = false; // the socket was welcomed and carries everything
  let posting = false; // the server function carries everything
  let worked = false; // some socket was welcomed before
  let attempts = 0;
  let heard = 0; // when the last message came
  let closed = false;
  let retry = 0; // a timer
  let anew = false; // the session that was there is no longer wanted
  /** @type {any[]} */ let kept = [];
  /** @type {WeakMap<any, Uint8Array>} what goes with a header, until it is sent */ const payloads = new WeakMap();
  const model = new SharedModel(send);
  const sessionId = () => storage?.getItem(SESSION) ?? undefined;
  const hello = () => ({ type: "hello", version: 1, session: sessionId(), last: anew ? undefined : model.get("state")?.session, model: heard ? undefined : first.model });

  /** @param {"websocket" | "server" | "none"} transport @param {string} message */
  function status(transport, message) {
    const old = model.get("status");
    if (old?.transport !== transport || old.message !== message) model.set("status", { connected: transport !== "none", transport, message });
  }
  /** @param {any} header @param {any} [_callbacks] as anywidget has them @param {Uint8Array[]} [buffers] the payload, at most one */
  function send(header, _callbacks, buffers) {
    if (buffers?.[0]) payloads.set(header, buffers[0]);
    if (socket && greeted) socket.send(pack(header, payloads.get(header)));
    else if (posting) post(header);
    else kept = keep(kept, header);
  }
  /** The value that is there already if the new one says the same: views redraw all they have for a new passport. @param {string} key @param {any} value */
  function same(key, value) {
    const old = model.get(key);
    return JSON.stringify(old) === JSON.stringify(value) ? old : value;
  }
  function flush() {
    const waiting = kept;
    kept = [];
    waiting.forEach((header) => send(header));
  }
  /** @param {Uint8Array<ArrayBuffer> | ArrayBuffer} message */
  function receive(message) {
    const { header, payload } = unpack(message);
    const early = !heard;
    heard = performance.now();
    if (header.type === "welcome") {
      if (header.session) storage?.setItem(SESSION, header.session);
      anew = false;
      model.update({ visitor: header.session, local: !!header.local, models: same("models", header.models), info: same("info", header.info), state: header.state });
    } else if (header.type === "session") {
      model.update({ ...(header.info ? { info: same("info", header.info) } : {}), state: header.state });
    } else if (header.type === "models") {
      model.set("models", same("models", header.models));
    } else if (header.type === "error" && header.about === "hello") {
      status("none", header.message);
    }
    if (header.type === "describe" || header.type === "error") model.set(header.type, header); // for views that come later
    model.emit("msg:custom", header, payload ? [payload] : []);
    // A session that goes on keeps its model, but whoever follows a link to a model wants that one.
    if (early && header.type === "welcome" && first.model && header.state?.session?.model !== first.model) kept = keep(kept, { type: "open", model: first.model });
    return header;
  }

  function connect() {
    clearTimeout(retry);
    if (closed) return;
    const opening = new Socket(address);
    const old = socket;
    socket = opening;
    greeted = false;
    old?.close();
    opening.binaryType = "arraybuffer";
    const gone = () => {
      clearTimeout(tooLong);
      if (opening !== socket || closed) return;
      const wasLive = greeted;
      socket = null;
      greeted = false;
      lost(wasLive);
    };
    const tooLong = setTimeout(() => (opening.close(), gone()), PATIENCE);
    opening.addEventListener("close", gone);
    opening.addEventListener("open", () => opening.send(pack(hello())));
    opening.addEventListener("message", ({ data }) => {
      if (opening !== socket || closed) return;
      const { type } = receive(data);
      if (greeted || type !== "welcome") return;
      clearTimeout(tooLong);
      greeted = worked = true;
      posting = false;
      attempts = 0;
      status("websocket", WORDS.live);
      flush();
    });
  }
  /** @param {number} delay */
  function again(delay) {
    clearTimeout(retry);
    retry = /** @type {any} */ (setTimeout(connect, delay));
  }
  /** The socket is gone, or did not come. @param {boolean} wasLive */
  async function lost(wasLive) {
    if (!wasLive && server && !posting) await greet();
    if (closed || socket) return;
    if (!posting) status("none", worked || heard ? WORDS.lost : WORDS.silent);
    again(!posting || worked ? backoff(attempts++) : SLOW_RETRY);
  }
  /** Says hello through the server function; if that works, it carries everything until a socket opens. */
  async function greet() {
    const answer = await call(hello());
    if (closed || greeted) return;
    posting = !!answer?.ok;
    if (!answer?.ok) return answer?.error && status("none", answer.error);
    receive(fromBase64(answer.data));
    status("server", WORDS.slower);
    flush();
  }
  /** @param {any} header */
  const call = async (header) => {
    try {
      return await server.ask([sessionId() ?? "", toBase64(pack(header, payloads.get(header)))]);
    } catch {
      return undefined;
    }
  };
  /** One request through the server function. No answer at all: the request failed there, or the server is gone; a greeting tells. @param {any} header */
  async function post(header) {
    const answer = await call(header);
    if (closed) return;
    if (answer?.ok) return void receive(fromBase64(answer.data));
    const message = answer?.error ?? "The server could not answer.";
    model.emit("msg:custom", { type: "error", message, about: header.type, seq: header.seq, view: header.view }, []);
    if (answer || greeted) return;
    await greet();
    if (posting || greeted || closed) return;
    status("none", WORDS.lost);
    again(backoff(attempts++));
  }
  /** After sleep a socket may look open and be dead: a greeting without answer shows it. */
  function probe() {
    if (!socket) return connect();
    if (!greeted) return;
    const asked = performance.now();
    const probed = socket;
    probed.send(pack(hello()));
    setTimeout(() => probed === socket && heard < asked && connect(), PATIENCE);
  }

  status("none", WORDS.connecting);
  connect();
  return {
    model,
    probe,
    /** Greets the server anew, as the session that the storage names now; without one, as somebody new. */
    restart() {
      anew = true; // what was there must not be taken up again
      posting ? greet() : connect();
    },
    /** A view that came later may bring the server function. @param {any} given */
    offer: (given) => void (server ??= given),
    close() {
      closed = true;
      clearTimeout(retry);
      socket?.close();
    },
  };
}
