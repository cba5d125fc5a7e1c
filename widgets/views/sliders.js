// @ts-check
/** All axes of the latent space as sliders in one view, most active first. */
import { anySeed, axesOf, base, redraw, setAxes, sorted } from "./shared/axes.js";
import sheet from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { commit, pace } from "./shared/live.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { track } from "./shared/track.js";
import css from "./sliders.css";

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-sliders", sheet, css);
  const pacer = pace(model, "sliders");
  /** @type {ReturnType<typeof track>[]} */ let rows = [];
  let order = /** @type {"activity" | "number"} */ ("activity");
  let hidePassive = false;
  let gesture = /** @type {{ session: any, from: ReturnType<typeof base>, patch: any } | null} */ (null);

  const session = () => model.get("state")?.session;
  const code = () => model.get("frame")?.code;
  const parts = build({
    resetAll: () => commit(model, setAxes(session(), base(session(), code()), new Map(rows.map(({ axis }) => [axis.axis, null]))), "reset all axes"),
    randomise: () => commit(model, redraw(session(), code(), anySeed()), session()?.locked.length ? "randomise the rest" : "randomise"),
    sample: (/** @type {boolean} */ sampled) => session()?.sampled === sampled || commit(model, { sampled }, sampled ? "sampled codes" : "mean codes"),
    sort: (/** @type {"activity" | "number"} */ by) => ((order = by), arrange()),
    hide: (/** @type {boolean} */ hide) => ((hidePassive = hide), arrange()),
  });
  el.append(parts.el);
  tellKeys(el, "Sliders", PANEL_KEYS.Sliders);

  /** @param {import("./shared/axes.js").Axis} axis @param {number} mostKl */
  const row = (axis, mostKl) => track(axis, {
    mostKl,
    move(value) {
      gesture ??= { session: session(), from: base(session(), code()), patch: null };
      gesture.patch = setAxes(gesture.session, gesture.from, new Map([[axis.axis, value]]));
      pacer.draft(gesture.patch);
    },
    release() {
      const { patch } = gesture ?? {};
      gesture = null;
      pacer.done();
      if (patch) commit(model, patch, axis.name);
    },
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
    const known = new Map(rows.map((each) => [each.axis, each]));
    const shown = sorted([...known.keys()], order).filter((axis) => !hidePassive || axis.label !== "passive");
    parts.list.replaceChildren(...shown.map((axis) => /** @type {any} */ (known.get(axis)).el));
    parts.arranged(order, hidePassive);
  };
  const newInfo = () => {
    const info = model.get("info");
    rows.forEach((each) => each.stop());
    gesture = null;
    const axes = axesOf(info);
    const mostKl = Math.max(0, ...axes.map(({ kl }) => kl ?? 0));
    rows = info?.parts?.includes("generator") ? axes.map((axis) => row(axis, mostKl)) : [];
    parts.suit(info, axes, rows.length);
    arrange();
    newState();
    newFrame();
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
  };
  const newFrame = () => {
    const values = code();
    if (values?.length === rows.length) rows.forEach((each) => each.follow(values[each.axis.axis]));
  };

  const deaf = hear(model, { "change:info": newInfo, "change:state": newState, "change:frame": newFrame });
  newInfo();
  return () => {
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
  const list = h("div", { class: "le-sliders-list", role: "group", "aria-label": "Axes" });
  const tools = h("div", { class: "le-row le-sliders-tools" }, randomise, reset, codes, h("span", { class: "le-grow" }), sort, hide);
  const el = h("div", { class: "le-panel" }, tools, note, list, legend);
  return {
    el, list,
    /** @param {any} info @param {import("./shared/axes.js").Axis[]} axes @param {number} shown */
    suit(info, axes, shown) {
      const measured = axes.some((axis) => axis.measured);
      const idle = axes.filter((axis) => axis.label === "passive").length;
      for (const node of [tools, legend]) node.hidden = !shown;
      for (const node of [sort, codes]) node.hidden = !measured;
      codes.hidden ||= !info?.atlas?.variance;
      hide.hidden = !idle;
      count.textContent = `Hide passive (${idle})`;
      note.hidden = measured && !!shown;
      note.textContent = !info ? "Waiting for the model…" : !shown ? `"${info.title ?? info.name}" draws no pictures, so it has nothing to slide.` : "This model has no atlas: bands show random draws, and nothing is known of what each axis does.";
    },
    /** @param {string} order @param {boolean} hidden */
    arranged(order, hidden) {
      sort.dataset.order = order;
      sort.lastChild.textContent = order === "activity" ? "By activity" : "By number";
      passive.checked = hidden;
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
