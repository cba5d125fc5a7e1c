// @ts-check
/** Random draws: a seed, how close to the average, the next sixteen, and the training pictures nearest to what is on the stage. */
import { anySeed, redraw } from "./shared/axes.js";
import sheet from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { seedGrid } from "./shared/grid.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace } from "./shared/live.js";
import { pictured } from "./shared/frames.js";
import { nearest } from "./shared/nearest.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { GRID, elsewhere, gridFirst, seedOf, typedSeed, wrapped } from "./shared/seeds.js";
import { COUNT, similar } from "./shared/similar.js";
import css from "./sample.css";

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-sample", sheet, css);
  const stop = new AbortController();
  const pacer = pace(model, "sample");
  let seed = 0;
  let truncation = 1;
  /** @type {number | null} */ let first = null;
  let dragged = /** @type {any} */ (null);
  let wanted = ""; // what the grid should show; `filled` is what it shows
  let filled = "";
  let visible = false;
  let described = /** @type {any} */ (null);

  const session = () => model.get("state")?.session;
  const draw = (/** @type {number} */ next, /** @type {string} */ label) => {
    const patch = redraw(session(), model.get("frame")?.code, wrapped(next));
    patch.spot.origin.truncation = truncation;
    commit(model, patch, label);
  };
  const exactly = (/** @type {any} */ origin, /** @type {string} */ label) => commit(model, { spot: { origin, axes: [] }, journey: { t: null } }, label);
  const grid = seedGrid((chosen) => exactly({ kind: "seed", seed: chosen, truncation }, `seed ${chosen}`));
  const example = nearest({
    fetch: (row) => ask(model, { type: "example", view: "sample", row }, { signal: stop.signal }),
    go: (row) => exactly({ kind: "entry", row }, `picture ${row}`),
  });
  const alike = similar({
    fetch: () => ask(model, { type: "similar", view: "sample", count: COUNT }, { signal: stop.signal }),
    go: (row) => exactly({ kind: "entry", row }, `picture ${row}`),
  });
  const parts = build({
    draw: (next) => draw(next, `seed ${wrapped(next)}`),
    step: (by) => draw(seed + by, `seed ${wrapped(seed + by)}`),
    dice: () => draw(anySeed(), "random seed"),
    more: () => ((first = Math.min((first ?? seed) + GRID, 2 ** 32 - GRID)), refill()),
    typed: () => seed,
    move(value) {
      const from = seedOf(session()) && (session().journey?.t ?? null) === null ? session().spot : { origin: { kind: "seed", seed }, axes: [] };
      truncation = value;
      dragged = { spot: { ...from, origin: { ...from.origin, truncation } }, journey: { t: null } };
      pacer.draft(dragged);
    },
    release() {
      pacer.done();
      if (dragged) commit(model, dragged, `${truncation.toFixed(2)} from the average`);
      dragged = null;
      refill();
    },
  }, grid.el, example.el, alike.el);
  el.append(parts.el);
  tellKeys(el, "Sample", PANEL_KEYS.Sample);

  /** Asks for the grid if it shows something else than it should, and only while it is seen. */
  const refill = async () => {
    const info = model.get("info");
    if (!info?.parts?.includes("generator") || !session()) return;
    wanted = JSON.stringify([info.name, first, truncation]);
    grid.mark(current());
    if (!visible || wanted === filled) return;
    const asked = (filled = wanted);
    grid.wait();
    try {
      const { header, payload } = await ask(model, { type: "grid", view: "sample", first, count: GRID, truncation }, { signal: stop.signal });
      if (asked !== filled) return;
      if (header.type === "grid" && payload) grid.fill(header, payload), parts.range(header.first, header.count);
      grid.mark(current());
    } catch {
      if (asked === filled) filled = ""; // the stage says what went wrong; the next change tries again
    }
  };
  const current = () => (session()?.spot?.axes?.length || session()?.spot?.bumps?.length || (session()?.journey?.t ?? null) !== null ? null : seedOf(session())?.seed ?? null);
  const newState = () => {
    const now = session();
    if (!now) return;
    const own = seedOf(now);
    if (own) {
      seed = own.seed;
      if (!dragged) truncation = own.truncation;
    }
    first = gridFirst(first, seed);
    parts.show(seed, truncation, elsewhere(now), now.locked.length, !dragged);
    refill();
  };
  const newInfo = () => {
    const info = model.get("info");
    described = null;
    filled = "";
    parts.suit(info);
    example.suit(info);
    alike.suit(info);
    newState();
  };
  const receive = (/** @type {any} */ header) => {
    if (header.type === "error" && header.about === "describe") example.fail();
    if (header.type !== "describe") return;
    described = header;
    if (visible) tell();
  };
  const tell = () => {
    example.show(described);
    alike.show(pictured(session()));
  };
  const watch = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (!visible) return;
    refill();
    if (described) tell();
  });
  watch.observe(el);
  const deaf = hear(model, { "change:info": newInfo, "change:state": newState, "msg:custom": receive });
  newInfo();
  described = model.get("describe") ?? null; // said before this view was there
  return () => {
    stop.abort();
    watch.disconnect();
    deaf();
    example.stop();
    pacer.dispose();
    undress();
  };
}

/**
 * @param {{ draw(seed: number): void, step(by: number): void, dice(): void, more(): void, typed(): number, move(value: number): void, release(): void }} on
 * @param {HTMLElement} grid @param {HTMLElement} example @param {HTMLElement} alike
 */
function build(on, grid, example, alike) {
  const small = (/** @type {any} */ name, /** @type {string} */ label, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button", "aria-label": label, title: label, on: { click } }, icon(name));
  const field = h("input", { class: "le-field le-sample-seed", type: "text", inputmode: "numeric", autocomplete: "off", spellcheck: "false", "aria-label": "Seed", title: "A whole number from 0 to 4,294,967,295. The same seed gives the same picture." });
  const take = () => {
    const value = typedSeed(field.value);
    if (value === null) field.value = String(on.typed());
    else if (value !== on.typed()) on.draw(value);
  };
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") take();
    if (event.key === "Escape") field.value = String(on.typed());
    if (event.key === "ArrowUp" || event.key === "ArrowDown") event.preventDefault(), on.step(event.key === "ArrowUp" ? 1 : -1);
  });
  field.addEventListener("blur", take);
  const random = h("button", { type: "button", class: "le-button le-primary", title: "A new random seed", on: { click: on.dice } }, icon("dice"), "Random");
  const psi = h("input", { type: "range", class: "le-range", min: 0, max: 1, step: 0.01, "aria-label": "How close to the average", title: "Truncation ψ: the code is multiplied by it. At 1 pictures are as varied as the model's own draws, at 0 all are the average." });
  psi.addEventListener("input", () => (say(Number(psi.value)), on.move(Number(psi.value))));
  psi.addEventListener("change", on.release);
  const amount = h("output", { class: "le-sample-amount" });
  const say = (/** @type {number} */ value) => {
    amount.textContent = value.toFixed(2).replace(/\.?0+$/, "") || "0";
    psi.setAttribute("aria-valuetext", value === 0 ? "0, the average" : value === 1 ? "1, full variety" : `${value.toFixed(2)} of the way from the average to full variety`);
  };
  const apart = h("p", { class: "le-note", hidden: true });
  const locks = h("p", { class: "le-note", hidden: true });
  const reason = h("p", { class: "le-panel le-empty" });
  const range = h("span", { class: "le-note" });
  const controls = h("section", { class: "le-panel", "aria-label": "Seed" },
    h("div", { class: "le-row" }, h("span", { class: "le-sample-label le-sample-word" }, "Seed"), small("left", "Previous seed", () => on.step(-1)), field, small("right", "Next seed", () => on.step(1)), random),
    apart, locks,
    h("div", { class: "le-sample-psi" }, h("span", { class: "le-sample-label" }, "How close to the average"), amount, psi, h("span", { class: "le-note" }, "the average"), h("span", { class: "le-note" }, "full variety")));
  const next = h("section", { class: "le-panel", "aria-label": "Next seeds" },
    h("div", { class: "le-row le-sample-head" }, h("h3", { class: "le-title" }, "Pick one"), range, h("span", { class: "le-grow" }), h("button", { type: "button", class: "le-button", title: "The next sixteen seeds", on: { click: on.more } }, icon("refresh"), "Sixteen more")), grid);
  return {
    el: h("div", { class: "le-sample-body" }, reason, controls, next, example, alike),
    /** @param {any} info */
    suit(info) {
      const can = info?.parts?.includes("generator");
      for (const node of [controls, next]) node.hidden = !can;
      if (!can) example.hidden = alike.hidden = true;
      reason.hidden = !!can;
      reason.textContent = info ? `"${info.title ?? info.name}" draws no pictures, so there is nothing to sample.` : "Waiting for the model…";
      const sphere = info?.space?.prior === "sphere";
      psi.disabled = sphere;
      if (sphere) amount.textContent = "all codes of this model lie equally far from it";
    },
    /** @param {number} seed @param {number} truncation @param {string} words @param {number} locked @param {boolean} free whether no hand is at the slider */
    show(seed, truncation, words, locked, free) {
      if (document.activeElement !== field || typedSeed(field.value) !== seed) field.value = String(seed);
      if (free && !psi.disabled) psi.value = String(truncation), say(truncation);
      apart.hidden = !words;
      apart.textContent = words;
      locks.hidden = !locked;
      locks.textContent = `${locked} locked ${locked === 1 ? "axis stays as it is" : "axes stay as they are"}, except for pictures picked below.`;
    },
    /** @param {number} first @param {number} count */
    range: (first, count) => void (range.textContent = `seeds ${first} to ${first + count - 1}`),
  };
}

export default { render };
