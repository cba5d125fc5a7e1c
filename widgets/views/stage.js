// @ts-check
/**
 * The stage: the picture of the session, or of the draft a hand is at, with how ordinary it is and what it shows.
 *
 * The canvas has the model's own pixels and the style sheet enlarges it with the browser's plain smoothing. Tried on 64 px faces at 400 px: bicubic
 * enlargement looked the same, hard pixels hid the faces behind stairs; and this way what is saved, tested and shown is the same.
 */
import base from "./shared/base.css";
import { dress, h, hear, isTyping } from "./shared/dom.js";
import { Rate, paint, pictured, pixelsOf } from "./shared/frames.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { stamp } from "./shared/live.js";
import { saidInPlace } from "./shared/said.js";
import { savePicture } from "./shared/saving.js";
import { split } from "./shared/split.js";
import { listed, ordinary } from "./shared/words.js";
import css from "./stage.css";

const MOVING = 700; // milliseconds after the last frame in which the speed stays visible

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-stage", base, css);
  const stop = new AbortController();
  const parts = build(el);
  const { now, before, frame } = parts;
  const comparison = split({ frame, now, before, button: parts.compare, signal: stop.signal });
  const rate = new Rate();
  const shown = { seq: 0, still: false, key: "", code: /** @type {number[] | null} */ (null), header: /** @type {any} */ (null), strangeness: /** @type {number | null} */ (null) };
  const asked = { still: 0, key: "", words: 0 };
  let pending = /** @type {{ header: any, pixels: any } | null} */ (null);
  let settling = false;
  let tick = 0;
  let quiet = 0;

  const settle = () => {
    if (!settling) queueMicrotask(ask);
    settling = true;
  };
  /** Asks for the still of the session, unless it is there already or a hand moves. */
  const ask = () => {
    settling = false;
    const { session } = model.get("state") ?? {};
    const info = model.get("info");
    if (!session || !info?.picture || model.get("hand") || stop.signal.aborted) return;
    const key = pictured(session);
    if (key === shown.key && shown.still) return;
    asked.key = key;
    parts.say("");
    model.send({ type: "decode", seq: (asked.still = stamp()), view: "stage", patch: {}, still: true });
    model.send({ type: "describe", seq: (asked.words = stamp()), view: "stage", patch: {} });
  };
  const newState = () => {
    if (model.get("hand") === "commit") model.set("hand", null);
    settle();
  };
  /** Another view may give what to compare with, as in a photo that the code was found for: `before`, a canvas and a word, or null. */
  const newBefore = () => {
    const given = model.get("before");
    given ? comparison.remember(given.pixels, given.word) : comparison.forget();
  };
  const newInfo = () => {
    const info = model.get("info");
    newBefore();
    Object.assign(shown, { still: false, key: "" });
    parts.suit(info, !!shown.seq);
    settle();
  };
  /** @param {any} header @param {DataView[]} buffers */
  const receive = async (header, buffers) => {
    if (header.type === "describe" && header.view === "stage" && header.seq === asked.words) return describe(header);
    if (header.type === "error") return saidInPlace(header) ? undefined : refused(header);
    if (header.type !== "frame" || !buffers[0] || header.seq <= Math.max(shown.seq, pending?.header.seq ?? 0)) return;
    if (header.view === "stage" && header.seq !== asked.still) return;
    const pixels = await pixelsOf(header, buffers[0]);
    if (header.seq <= Math.max(shown.seq, pending?.header.seq ?? 0)) return;
    pending = { header, pixels };
    if (document.hidden) return show();
    tick ||= requestAnimationFrame(show);
  };
  /** @param {any} header */
  const refused = (header) => {
    parts.complain(header);
    if (header.about === "commit" && model.get("hand") === "commit") model.set("hand", null);
  };
  const show = () => {
    cancelAnimationFrame(tick);
    tick = 0;
    if (!pending) return;
    const { header, pixels } = pending;
    pending = null;
    // A gesture, or a step of the history, begins: what stood still until now is what to compare with.
    if (shown.still && String(header.code) !== String(shown.code) && !model.get("before")) comparison.remember(now);
    paint(now, pixels);
    comparison.repaint();
    Object.assign(shown, { seq: header.seq, still: !!header.still, code: header.code ?? null, header, strangeness: header.strangeness ?? null, key: header.still ? asked.key : "" });
    el.dataset.seq = String(header.seq);
    el.dataset.still = String(!!header.still);
    parts.suit(model.get("info"), true);
    gauge();
    parts.interpolated.hidden = !header.interpolated;
    speed(header);
    model.set("frame", header);
    announce(header.seq);
  };
  /** Tells of the paint once it is on the screen: in the task after the animation frame that painted. @param {number} seq */
  const announce = (seq) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      if (!stop.signal.aborted) el.dispatchEvent(new CustomEvent("le:painted", { bubbles: true, detail: { seq, t: performance.now() } }));
    };
    port2.postMessage(0);
  };
  const gauge = () => parts.judge(ordinary(shown.header?.typicality, shown.strangeness, model.get("info")?.space?.prior === "normal" ? shown.code : null));
  /** @param {any} answer */
  const describe = (answer) => {
    parts.say(answer.text || listed(answer.attributes));
    shown.strangeness = answer.strangeness ?? null;
    if (shown.header) gauge();
  };
  /** @param {any} header */
  const speed = (header) => {
    const perSecond = rate.add(performance.now());
    clearTimeout(quiet);
    parts.speed.hidden = header.still && !perSecond;
    const wait = Math.max(0, Math.round(performance.timeOrigin + performance.now() - header.seq / 1000));
    parts.speed.textContent = `${header.preview ? "preview · " : ""}${wait} ms${perSecond ? ` · ${perSecond} pictures/s` : ""}`;
    if (!header.preview) quiet = /** @type {any} */ (setTimeout(() => (parts.speed.hidden = true), MOVING)); // a preview is called one until the still is there
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
    if (event.key.toLowerCase() === "b") comparison.toggle();
    if (event.key.toLowerCase() === "d") comparison.differ();
  };
  const save = () => savePicture(model, "stage").catch((error) => refused({ message: error.message, about: "picture" }));

  document.addEventListener("keydown", keys, { signal: stop.signal });
  tellKeys(el, "Stage", [
    { press: ["b"], does: "Compare: before and now" },
    { press: ["ArrowLeft", "ArrowRight"], does: "Move the divider between them", at: ".le-stage-divider" },
    { press: ["d"], does: "Compare: where they differ" },
  ]);
  parts.save.addEventListener("click", save, { signal: stop.signal });
  const deaf = hear(model, { "change:state": newState, "change:info": newInfo, "change:hand": settle, "change:before": newBefore, "change:status": () => parts.wait(model.get("status")), "msg:custom": receive });
  parts.wait(model.get("status"));
  newInfo();
  if (model.get("error") && !saidInPlace(model.get("error"))) refused(model.get("error")); // said before this view was there
  return () => {
    stop.abort();
    deaf();
    cancelAnimationFrame(tick);
    clearTimeout(quiet);
    undress();
  };
}

/** The elements, and the words that go into them. @param {HTMLElement} el */
function build(el) {
  const now = h("canvas", { class: "le-stage-now", role: "img", "aria-label": "Generated picture", width: 1, height: 1 });
  const before = h("canvas", { class: "le-stage-before", "aria-hidden": "true", width: 1, height: 1, hidden: true });
  const interpolated = h("span", { class: "le-stage-tag le-stage-interpolated", title: "This place of the map lies between known codes. The code was interpolated from its neighbours, so the picture is a guess.", hidden: true }, "interpolated");
  const speed = h("span", { class: "le-stage-tag le-stage-speed", title: "Time from asking to showing, and new pictures in the last second. A slow model shows coarse previews while the hand moves", hidden: true });
  const skeleton = h("div", { class: "le-stage-skeleton", role: "status" });
  const toast = h("div", { class: "le-stage-toast", role: "alert", hidden: true });
  const frame = h("div", { class: "le-stage-frame" }, now, before, interpolated, speed, skeleton, toast);
  const compare = h("button", { type: "button", class: "le-button", "aria-pressed": "false", title: "Before and after, side by side (B). Hold to look, click to keep.", disabled: true }, icon("compare"), h("span", null, "Compare"));
  const save = h("button", { type: "button", class: "le-button", title: "Save this picture as PNG, at the size the model draws. Dropped on this page it opens as it was.", disabled: true }, icon("save"), h("span", null, "Save"));
  const word = h("span", { class: "le-stage-word" });
  const bar = h("span", { class: "le-stage-bar", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const why = h("p", { class: "le-note le-stage-why", hidden: true });
  const gauge = h("button", { type: "button", class: "le-button le-bare le-stage-gauge", "aria-expanded": "false", hidden: true, on: { click: () => gauge.setAttribute("aria-expanded", String((why.hidden = !why.hidden) === false)) } }, bar, word);
  const caption = h("p", { class: "le-stage-caption" });
  const tools = h("div", { class: "le-row le-stage-tools" }, gauge, h("span", { class: "le-grow" }), compare, save);
  el.append(frame, tools, why, caption);
  let waiting = "Connecting…";

  return {
    now, before, frame, compare, save, interpolated, speed,
    /** @param {{ level: number, word: string, why: string }} verdict */
    judge(verdict) {
      gauge.hidden = false;
      gauge.dataset.level = String(verdict.level);
      gauge.title = verdict.why;
      word.textContent = verdict.word;
      why.textContent = verdict.why;
    },
    /** Empty, loading, or there. @param {any} info @param {boolean} painted */
    suit(info, painted) {
      const can = !!info?.picture;
      frame.style.setProperty("--le-ratio", can ? `${info.picture.width} / ${info.picture.height}` : "1");
      skeleton.hidden = can && painted;
      skeleton.classList.toggle("le-stage-loading", !info || can);
      skeleton.textContent = !info ? waiting : can ? "Drawing the first picture…" : `"${info.title ?? info.name}" draws no pictures. Choose another model above.`;
      save.disabled = !(can && painted);
      for (const node of [tools, caption]) node.hidden = !!info && !can;
    },
    /** @param {any} status */
    wait(status) {
      waiting = status?.message && !status.connected ? status.message : "Connecting…";
      if (skeleton.classList.contains("le-stage-loading") && !skeleton.hidden) skeleton.textContent = waiting;
    },
    /** @param {string} text */
    say(text) {
      if (text) now.setAttribute("aria-label", text);
      caption.textContent = text || caption.textContent;
      caption.classList.toggle("le-stage-stale", !text);
    },
    /** @param {any} header an error's */
    complain(header) {
      toast.replaceChildren(h("span", null, header.message), h("button", { type: "button", class: "le-button le-bare", "aria-label": "Dismiss", on: { click: () => (toast.hidden = true) } }, icon("close")));
      toast.hidden = false;
    },
  };
}

export default { render };
