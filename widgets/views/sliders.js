// @ts-check
/** All axes of the latent space as sliders in one view, most active first; handles on the picture where codes have rows and columns. */
import { anySeed, axesOf, base, redraw, searched, setAxes, setBumps, sorted } from "./shared/axes.js";
import sheet from "./shared/base.css";
import { dress, h, hear, onTheme } from "./shared/dom.js";
import { isSpatial } from "./shared/bumps.js";
import { handlePad } from "./shared/handles.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace, stamp } from "./shared/live.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { track } from "./shared/track.js";
import css from "./sliders.css";

const PAGE = 64; // sliders in sight at once
const HANDLE_KEYS = [
  { press: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: "Move the handle by a cell; with Shift by a quarter", at: ".le-pad-mark" },
  { press: ["Delete"], does: "Take the handle away", at: ".le-pad-mark" },
];

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-sliders", sheet, css);
  const pacer = pace(model, "sliders");
  const stop = new AbortController();
  /** @type {import("./shared/axes.js").Axis[]} */ let axes = [];
  /** @type {ReturnType<typeof track>[]} */ let rows = []; // of those in sight
  let [page, wanted] = [0, ""];
  let visible = false;
  let order = /** @type {"activity" | "number"} */ ("activity");
  let hidePassive = false;
  let gesture = /** @type {{ session: any, from: ReturnType<typeof base>, patch: any } | null} */ (null);

  const session = () => model.get("state")?.session;
  const code = () => model.get("frame")?.code;
  const parts = build({
    resetAll: () => commit(model, setAxes(session(), base(session(), code()), new Map(axes.map(({ axis }) => [axis, null]))), "reset all axes"),
    randomise: () => commit(model, redraw(session(), code(), anySeed()), session()?.locked.length ? "randomise the rest" : "randomise"),
    sample: (/** @type {boolean} */ sampled) => session()?.sampled === sampled || commit(model, { sampled }, sampled ? "sampled codes" : "mean codes"),
    sort: (/** @type {"activity" | "number"} */ by) => ((order = by), (page = 0), arrange()),
    hide: (/** @type {boolean} */ hide) => ((hidePassive = hide), (page = 0), arrange()),
    search: (/** @type {string} */ text) => ((wanted = text), (page = 0), arrange()),
    turn: (/** @type {number} */ by) => ((page += by), arrange()),
  });
  const pad = handlePad({
    move(bumps) {
      gesture ??= { session: session(), from: base(session(), code()), patch: null };
      gesture.patch = setBumps(gesture.from, bumps);
      pacer.draft(gesture.patch);
    },
    release: (label) => release(label),
    randomise: () => commit(model, redraw(session(), code(), anySeed()), "randomise"),
    planes: () => ask(model, { type: "planes", view: "sliders", patch: {} }, { signal: stop.signal }),
  });
  const spatial = h("div", { class: "le-panel", hidden: true }, pad.el);
  el.append(parts.el, spatial);
  tellKeys(el, "Sliders", PANEL_KEYS.Sliders);

  const release = (/** @type {string} */ label) => {
    const { patch } = gesture ?? {};
    gesture = null;
    pacer.done();
    if (patch) commit(model, patch, label);
  };
  /** @param {import("./shared/axes.js").Axis} axis @param {number} mostKl */
  const row = (axis, mostKl) => track(axis, {
    mostKl,
    move(value) {
      gesture ??= { session: session(), from: base(session(), code()), patch: null };
      gesture.patch = setAxes(gesture.session, gesture.from, new Map([[axis.axis, value]]));
      pacer.draft(gesture.patch);
    },
    release: () => release(axis.name),
    reset() {
      gesture = null;
      pacer.done();
      const from = base(session(), code());
      if (from.axes.some(([set]) => set === axis.axis)) commit(model, setAxes(session(), from, new Map([[axis.axis, null]])), `reset ${axis.name}`);
    },
    lock() {
      const locked = new Set(session()?.locked);
      const was = locked.delete(axis.axis);
      if (!was) locked.add(axis.axis);
      commit(model, { locked: [...locked].sort((a, b) => a - b) }, `${was ? "unlock" : "lock"} ${axis.name}`);
    },
  });
  const arrange = () => {
    const shown = sorted(searched(axes, wanted), order).filter((axis) => !hidePassive || axis.label !== "passive");
    page = Math.max(0, Math.min(page, Math.ceil(shown.length / PAGE) - 1));
    const known = new Map(rows.map((each) => [each.axis, each]));
    const mostKl = Math.max(0, ...axes.map(({ kl }) => kl ?? 0));
    const seen = shown.slice(page * PAGE, (page + 1) * PAGE);
    for (const each of rows) if (!seen.includes(each.axis)) each.stop();
    rows = seen.map((axis) => known.get(axis) ?? row(axis, mostKl));
    parts.list.replaceChildren(...rows.map((each) => each.el));
    parts.arranged(order, hidePassive, { first: page * PAGE, count: seen.length, found: shown.length, all: axes.length });
    newState();
    newFrame();
  };
  const newInfo = () => {
    const info = model.get("info");
    rows.forEach((each) => each.stop());
    rows = [];
    [gesture, page, wanted] = [null, 0, ""];
    const handles = isSpatial(info) && !!info.picture;
    axes = info?.parts?.includes("generator") && !handles ? axesOf(info) : [];
    parts.el.hidden = handles;
    spatial.hidden = !handles;
    parts.suit(info, axesOf(info), axes.length);
    if (handles) pad.suit(info), tellKeys(el, "Handles", HANDLE_KEYS);
    arrange();
  };
  const newState = () => {
    const now = session();
    if (!now) return;
    const set = new Set((now.journey?.t ?? null) === null ? now.spot.axes.map(([axis]) => axis) : []);
    const locked = new Set(now.locked);
    for (const each of rows) {
      each.bounds(now.sampled);
      each.locked(locked.has(each.axis.axis));
      each.touched(set.has(each.axis.axis));
    }
    parts.session(now, set.size);
    if (!spatial.hidden) pad.follow(now);
  };
  const newFrame = () => {
    const frame = model.get("frame");
    if (!spatial.hidden && frame?.still && visible) pad.look();
    const values = frame?.code;
    if (values?.length === axes.length) rows.forEach((each) => each.follow(values[each.axis.axis]));
  };
  const receive = (/** @type {any} */ header, /** @type {DataView[]} */ buffers) => header.type === "frame" && buffers[0] && !spatial.hidden && visible && pad.see(header, buffers[0]);
  const watch = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (!visible || spatial.hidden) return;
    pad.look();
    model.send({ type: "decode", seq: stamp(), view: "sliders", patch: {}, still: true }); // the pad has missed what was drawn before it was seen
  });
  watch.observe(el);
  const untheme = onTheme(() => spatial.hidden || pad.recolour());

  const deaf = hear(model, { "change:info": newInfo, "change:state": newState, "change:frame": newFrame, "msg:custom": receive });
  newInfo();
  return () => {
    stop.abort();
    watch.disconnect();
    untheme();
    pad.stop();
    deaf();
    rows.forEach((each) => each.stop());
    pacer.dispose();
    undress();
  };
}

/** The row of tools, the list and the words around it. @param {any} on what the tools do */
function build(on) {
  const tool = (/** @type {any} */ name, /** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button", title, on: { click } }, icon(name), text);
  const reset = tool("reset", "Reset all", "Back to where the sliders started", on.resetAll);
  const randomise = tool("dice", "Randomise", "", on.randomise);
  const radio = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button", role: "radio", "aria-checked": "false", title, on: { click } }, text);
  const means = radio("Mean", "Pictures of the map stand at the encoder's best guess of their code", () => on.sample(false));
  const draws = radio("Sampled", "Pictures of the map stand at a random draw within the encoder's doubt", () => on.sample(true));
  const codes = h("div", { class: "le-segments", role: "radiogroup", "aria-label": "Codes of known pictures", on: { keydown: swap } }, means, draws);
  const sort = tool("sort", "", "Change the order of the axes", () => on.sort(sort.dataset.order === "activity" ? "number" : "activity"));
  const passive = h("input", { type: "checkbox", on: { change: () => on.hide(passive.checked) } });
  const count = h("span");
  const hide = h("label", { class: "le-sliders-hide" }, passive, count);
  const note = h("p", { class: "le-note" });
  const legend = h("details", { class: "le-sliders-legend" }, h("summary", null, "How to read a slider"), h("ul", null,
    h("li", null, h("span", { class: "le-sliders-key le-track-most" }), "9 of 10 known pictures lie in the strong part of the band,"),
    h("li", null, h("span", { class: "le-sliders-key le-track-data" }), "99 of 100 in the whole band; the tick is the middle one."),
    h("li", null, h("span", { class: "le-sliders-key le-track-out" }), "Hatched: no data. Pictures there are the model's invention."),
    h("li", null, "A active, M mixed, P passive: whether the encoder uses the axis always, sometimes or never; “?” marks an unsure label. The small bar (KL) says how much the axis tells of a picture."),
    h("li", null, "Double-click or Delete resets one slider. Arrow keys move it, with Shift faster.")));
  const search = h("input", { class: "le-field", type: "search", placeholder: "Find axes: a name, or 3, 8-12", "aria-label": "Find axes", autocomplete: "off", spellcheck: "false", on: { input: () => on.search(search.value) } });
  const range = h("span", { class: "le-note", role: "status" });
  const earlier = tool("left", "", "Earlier axes", () => on.turn(-1));
  const later = tool("right", "", "Later axes", () => on.turn(1));
  earlier.setAttribute("aria-label", "Earlier axes"), later.setAttribute("aria-label", "Later axes");
  const find = h("div", { class: "le-sliders-find", hidden: true }, search, earlier, range, later);
  const list = h("div", { class: "le-sliders-list", role: "group", "aria-label": "Axes" });
  const tools = h("div", { class: "le-row le-sliders-tools" }, randomise, reset, codes, h("span", { class: "le-grow" }), sort, hide);
  const el = h("div", { class: "le-panel" }, tools, note, find, list, legend);
  return {
    el, list,
    /** @param {any} info @param {import("./shared/axes.js").Axis[]} axes @param {number} shown */
    suit(info, axes, shown) {
      const measured = axes.some((axis) => axis.measured);
      const idle = axes.filter((axis) => axis.label === "passive").length;
      search.value = "";
      for (const node of [tools, legend]) node.hidden = !shown;
      for (const node of [sort, codes]) node.hidden = !measured;
      codes.hidden ||= !info?.atlas?.variance;
      hide.hidden = !idle;
      count.textContent = `Hide passive (${idle})`;
      note.hidden = measured && !!shown;
      note.textContent = !info ? "Waiting for the model…" : !shown ? `"${info.title ?? info.name}" draws no pictures, so it has nothing to slide.` : "Nothing was measured of these axes, as for every model without an encoder or an atlas: bands show draws of the prior.";
    },
    /** @param {string} order @param {boolean} hidden @param {{ first: number, count: number, found: number, all: number }} shown */
    arranged(order, hidden, { first, count, found, all }) {
      sort.dataset.order = order;
      sort.lastChild.textContent = order === "activity" ? "By activity" : "By number";
      passive.checked = hidden;
      find.hidden = all <= PAGE;
      range.textContent = count ? `${first + 1} to ${first + count} of ${found}` : "none found";
      earlier.disabled = first === 0;
      later.disabled = first + count >= found;
    },
    /** @param {any} session @param {number} set how many axes are set by hand */
    session(session, set) {
      for (const [button, on] of [[means, !session.sampled], [draws, session.sampled]]) {
        button.setAttribute("aria-checked", String(on));
        button.tabIndex = on ? 0 : -1;
      }
      reset.disabled = !set;
      const locked = session.locked.length;
      randomise.lastChild.textContent = locked ? "Randomise the rest" : "Randomise";
      randomise.title = locked ? `A new random picture; ${locked} locked ${locked === 1 ? "axis stays" : "axes stay"}` : "A new random picture. Lock axes to keep them";
    },
  };
}

/** Arrow keys in a group of two radio buttons. @param {KeyboardEvent} event */
function swap(event) {
  if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const other = /** @type {HTMLElement} */ ([.../** @type {any} */ (event.currentTarget).children].find((node) => node !== event.target));
  other.focus();
  other.click();
}

export default { render };
