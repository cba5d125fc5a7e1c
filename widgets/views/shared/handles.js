// @ts-check
/** Handles on a picture whose code has channels, rows and columns: pick a channel, press where it should change, set how strong and how wide. */
import { cellAt, changed, firstRadius, handlesOf, lifted, liftOf, MOST_BUMPS, nudge, placeOf, STRONGEST, without } from "./bumps.js";
import { h } from "./dom.js";
import { paint, pixelsOf } from "./frames.js";
import { icon } from "./icons.js";
import { heat } from "./planes.js";
import { shownValue } from "./axes.js";

const PAGE = 16; // channels in sight at once
const KEY_PAUSE = 400; // milliseconds after the last key until it is a step of the history
/** @typedef {import("./bumps.js").Bump} Bump */

/**
 * @param {{ move(bumps: Bump[]): void, release(label: string): void, randomise(): void, planes(): Promise<{ header: any, payload: DataView | null }> }} to
 *   `move` drafts the session with these bumps, `release` makes the last draft a step
 */
export function handlePad(to) {
  let grid = { channels: 1, height: 1, width: 1 };
  let [channel, chosen, page, pause, asked] = [0, -1, 0, 0, 0];
  /** @type {Bump[]} */ let bumps = [];
  let held = /** @type {number | null} */ (null); // the pointer that drags
  let levels = /** @type {Uint8Array | null} */ (null);

  const button = (/** @type {any} */ name, /** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button", title, on: { click } }, icon(name), text);
  const channels = h("div", { class: "le-pad-channels", role: "radiogroup", "aria-label": "Channel", on: { keydown: roam } });
  const earlier = button("left", "", "Earlier channels", () => turn(-1));
  const later = button("right", "", "Later channels", () => turn(1));
  earlier.setAttribute("aria-label", "Earlier channels"), later.setAttribute("aria-label", "Later channels");
  const range = h("span", { class: "le-note" });
  const pager = h("div", { class: "le-row", hidden: true }, earlier, range, later);
  const picture = h("canvas", { "aria-hidden": "true", width: 1, height: 1 });
  const overlay = h("canvas", { class: "le-pad-heat", "aria-hidden": "true", width: 1, height: 1 });
  const marks = h("div", { class: "le-pad-marks" });
  const pad = h("div", { class: "le-pad", role: "group", "aria-label": "Picture with handles. Press to place one" }, picture, overlay, marks);
  const seeHeat = h("input", { type: "checkbox", on: { change: () => (overlay.hidden = !seeHeat.checked) } });
  overlay.hidden = true;
  const add = button("plus", "Add a handle", "In the middle of the picture; or press where you want it", () => place(0.5, 0.5));
  const reset = button("reset", "Reset all", "Takes all handles and lifts away", () => commitNow([], "reset all handles"));
  const gone = button("close", "Remove", "Takes this handle away (Delete)", () => remove());
  const amount = dial("How strong", -STRONGEST, STRONGEST, 0.05, "What is added to the channel there; 1 is one standard deviation of random draws", (value) => change({ amount: value }), "strength");
  const radius = dial("How wide", 0.25, 8, 0.25, "In cells of the code", (value) => change({ radius: value }), "width");
  const lift = dial("Whole channel", -STRONGEST, STRONGEST, 0.05, "What is added to the channel everywhere", (value) => draft(lifted(bumps, channel, value)), "whole channel");
  const settings = h("div", { class: "le-pad-settings" }, amount.el, radius.el, h("div", { class: "le-row" }, h("span", { class: "le-grow" }), gone));
  const words = h("p", { class: "le-note" });
  const el = h("div", { class: "le-pad-body" },
    h("div", { class: "le-row le-sliders-tools" }, button("dice", "Randomise", "A new random picture", to.randomise), reset, h("span", { class: "le-grow" }), h("label", { class: "le-sliders-hide" }, seeHeat, "Show the channel")),
    words, channels, pager, lift.el, pad, h("div", { class: "le-row" }, add), settings);

  /** A labelled slider. @param {string} label @param {number} min @param {number} max @param {number} step @param {string} title @param {(value: number) => void} move @param {string} done */
  function dial(label, min, max, step, title, move, done) {
    const input = h("input", { type: "range", class: "le-range", min, max, step, "aria-label": label, title });
    const shown = h("output", { class: "le-pad-value" });
    input.addEventListener("input", () => ((shown.textContent = shownValue(input.valueAsNumber)), move(input.valueAsNumber)));
    input.addEventListener("change", () => settle(done));
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      if (Number(min) < 0) (input.value = "0"), input.dispatchEvent(new Event("input")), input.dispatchEvent(new Event("change"));
    });
    return { el: h("label", { class: "le-pad-dial" }, h("span", null, label), input, shown), input, set(/** @type {number} */ value) { input.value = String(value), (shown.textContent = shownValue(value)); } };
  }

  const draft = (/** @type {Bump[]} */ next) => ((bumps = next), to.move(next), show());
  const settle = (/** @type {string} */ what) => (clearTimeout(pause), (pause = 0), to.release(`${what}, channel ${channel + 1}`));
  const soon = (/** @type {string} */ what) => (clearTimeout(pause), (pause = /** @type {any} */ (setTimeout(() => settle(what), KEY_PAUSE))));
  const change = (/** @type {any} */ changes) => chosen >= 0 && draft(changed(bumps, chosen, changes, grid));
  const commitNow = (/** @type {Bump[]} */ next, /** @type {string} */ label) => ((chosen = -1), (bumps = next), to.move(next), to.release(label), show());
  const remove = () => chosen >= 0 && commitNow(without(bumps, chosen), "remove a handle");

  function place(/** @type {number} */ x, /** @type {number} */ y, { keep = false } = {}) {
    if (bumps.length >= MOST_BUMPS) return void (words.textContent = `There are ${MOST_BUMPS} handles and lifts; take one away first.`);
    const { row, column } = cellAt(x, y, grid);
    const former = bumps[chosen];
    chosen = bumps.length;
    draft([...bumps, [channel, row, column, former?.[3] || firstRadius(grid), former?.[4] || 2]]);
    if (!keep) settle("place a handle"), /** @type {HTMLElement | undefined} */ (marks.querySelector("[aria-pressed=true]"))?.focus({ preventScroll: true });
  }
  const at = (/** @type {PointerEvent} */ event) => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  pad.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || held !== null) return;
    const mark = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".le-pad-mark"));
    held = event.pointerId;
    pad.setPointerCapture(held);
    if (mark) (chosen = Number(mark.dataset.index)), show();
    else place(.../** @type {[number, number]} */ (at(event)), { keep: true });
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== held || chosen < 0) return;
    const [x, y] = at(event);
    change(cellAt(x, y, grid));
  });
  const letGo = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== held) return;
    held = null;
    settle("move a handle");
    /** @type {HTMLElement | undefined} */ (marks.querySelector("[aria-pressed=true]"))?.focus({ preventScroll: true });
  };
  pad.addEventListener("pointerup", letGo);
  pad.addEventListener("pointercancel", letGo);
  marks.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Delete" || event.key === "Backspace") return event.preventDefault(), remove(), /** @type {HTMLElement} */ (marks.querySelector("button") ?? add).focus();
    const by = nudge(event.key, event.shiftKey);
    const handle = handlesOf(bumps, channel).find(({ index }) => index === chosen);
    if (!by || !handle) return;
    event.preventDefault();
    change({ row: handle.row + (by.row ?? 0), column: handle.column + (by.column ?? 0) });
    soon("move a handle");
  });

  function show() {
    const handles = handlesOf(bumps, channel);
    if (!handles.some(({ index }) => index === chosen)) chosen = handles.at(-1)?.index ?? -1;
    const focused = marks.contains(document.activeElement);
    marks.replaceChildren(...handles.map((handle, i) => {
      const [x, y] = placeOf(handle, grid);
      const mark = h("button", { type: "button", class: "le-pad-mark", "aria-pressed": String(handle.index === chosen), "data-index": handle.index, style: `left:${x * 100}%;top:${y * 100}%`,
        "aria-label": `Handle ${i + 1}, row ${Math.round(handle.row) + 1}, column ${Math.round(handle.column) + 1}. Arrow keys move it, Delete takes it away`,
        on: { focus: () => chosen !== handle.index && ((chosen = handle.index), show()) } });
      const ring = handle.index === chosen ? h("i", { class: "le-pad-ring", "aria-hidden": "true", style: `left:${x * 100}%;top:${y * 100}%;width:${(200 * handle.radius) / grid.width}%;height:${(200 * handle.radius) / grid.height}%` }) : null;
      return ring ? [ring, mark] : [mark];
    }).flat());
    if (focused) /** @type {HTMLElement | null} */ (marks.querySelector("[aria-pressed=true]"))?.focus({ preventScroll: true });
    const now = handles.find(({ index }) => index === chosen);
    settings.hidden = !now;
    if (now) amount.set(now.amount), radius.set(now.radius);
    lift.set(liftOf(bumps, channel));
    reset.disabled = !bumps.length;
    words.textContent = "Pick a channel, then press into the picture: the code is changed there, in that channel."; // it stays, or the picture would jump under the hand
    for (const node of channels.children) {
      const own = bumps.some(([where]) => where === Number(/** @type {HTMLElement} */ (node).dataset.channel));
      node.setAttribute("aria-checked", String(Number(/** @type {HTMLElement} */ (node).dataset.channel) === channel));
      /** @type {HTMLElement} */ (node).tabIndex = Number(/** @type {HTMLElement} */ (node).dataset.channel) === channel ? 0 : -1;
      node.classList.toggle("le-pad-touched", own);
    }
  }
  function lay() {
    const first = page * PAGE;
    const count = Math.min(PAGE, grid.channels - first);
    channels.replaceChildren(...Array.from({ length: count }, (_, i) => h("button", { type: "button", class: "le-pad-channel", role: "radio", "data-channel": first + i, "aria-label": `Channel ${first + i + 1}`, title: `Channel ${first + i + 1}`, on: { click: () => pick(first + i) } },
      h("canvas", { width: grid.width, height: grid.height, "aria-hidden": "true" }), h("span", { "aria-hidden": "true" }, String(first + i + 1)))));
    pager.hidden = grid.channels <= PAGE;
    range.textContent = `channels ${first + 1} to ${first + count} of ${grid.channels}`;
    earlier.disabled = page === 0;
    later.disabled = first + count >= grid.channels;
    colour();
  }
  const turn = (/** @type {number} */ by) => ((page += by), (channel = page * PAGE), (chosen = -1), lay(), show());
  const pick = (/** @type {number} */ which) => ((channel = which), (chosen = -1), show(), colour());
  function roam(/** @type {KeyboardEvent} */ event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const count = channels.children.length;
    const next = /** @type {HTMLElement} */ (channels.children[(channel - page * PAGE + step + count) % count]);
    next.focus();
    pick(Number(next.dataset.channel));
  }
  function colour() {
    if (!levels) return;
    const dark = document.body.classList.contains("dark");
    const cells = grid.height * grid.width;
    const draw = (/** @type {HTMLCanvasElement} */ canvas, /** @type {number} */ which) => paint(canvas, new ImageData(heat(/** @type {Uint8Array} */ (levels).subarray(which * cells, (which + 1) * cells), dark), grid.width, grid.height));
    for (const node of channels.children) draw(/** @type {any} */ (node.firstChild), Number(/** @type {HTMLElement} */ (node).dataset.channel));
    draw(overlay, channel);
  }

  return {
    el,
    /** Another model. @param {any} info */
    suit(info) {
      const [c, height, width] = info.space.shape;
      grid = { channels: c, height, width };
      [channel, chosen, page, levels] = [0, -1, 0, null];
      radius.input.max = String(Math.max(2, Math.max(height, width) / 2));
      pad.style.aspectRatio = `${info.picture.width} / ${info.picture.height}`;
      pad.style.setProperty("--le-columns", String(width <= 32 ? width : 0));
      pad.style.setProperty("--le-rows", String(height <= 32 ? height : 0));
      lay();
      show();
    },
    /** What the session says, unless a hand is at it. @param {any} session */
    follow(session) {
      if (held !== null || pause) return;
      bumps = (session.journey?.t ?? null) === null ? session.spot.bumps ?? [] : [];
      show();
    },
    /** The channels as they are now. */
    async look() {
      const turn = ++asked;
      const answer = await to.planes().catch(() => null);
      if (!answer?.payload || turn !== asked || answer.header.channels !== grid.channels) return;
      levels = new Uint8Array(answer.payload.buffer, answer.payload.byteOffset, answer.payload.byteLength);
      colour();
    },
    /** A picture of the stage. @param {any} header @param {DataView} payload */
    async see(header, payload) {
      paint(picture, await pixelsOf(header, payload));
    },
    recolour: colour,
    stop: () => clearTimeout(pause),
  };
}
