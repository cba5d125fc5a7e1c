// @ts-check
/**
 * Flows: a direction followed step by step on the stage and on the map, with what each step says, where it drifts, the landscape it goes up, and what
 * another order of two would give.
 *
 * Where one is along it is an edit of the session, the same that the direction's slider sets; step 0 is the picture without it.
 *
 * Reads `state`, `info`, `frame`; asks for `flows`, `flow`, `landscape`, `gap`, `plotting`, `find`; drafts and commits edits; writes `streams` for the map.
 */
import base from "./shared/base.css";
import jobs from "./shared/jobs.css";
import sheet from "./flows.css";
import { dress, h, hear } from "./shared/dom.js";
import { amountOf, editsOf, setEdit, setEdits, standing } from "./shared/edits.js";
import { commutator } from "./shared/flowgap.js";
import { learner } from "./shared/flowlearn.js";
import { LIMITS, SPEEDS, STEPS, about, amountAt, drifted, readouts, sampled, shown, sideOf, stepAt, stepWords, stopOf, stopWords, within } from "./shared/flowmarks.js";
import { stepper } from "./shared/flowplayer.js";
import { landscape } from "./shared/flowscape.js";
import { scrubber } from "./shared/flowscrub.js";
import { paint, rgba } from "./shared/frames.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace } from "./shared/live.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { digits, percent } from "./shared/words.js";

const FILM = 7;
const KEYED = 400; // milliseconds after the last key before the step reached counts as chosen
const SETTLE = 120; // milliseconds without a change before the walk is asked for anew
const CHIPS = [["flow", "Flows"], ["path", "Bent paths"]];
const OTHERS = [["walk", "Walks up a slope"], ["vector", "Straight"]];
const KINDS = [...CHIPS, ...OTHERS].map(([kind]) => kind);

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} host */
function render({ model, el }) {
  const undress = dress(el, "le-flows", base, jobs, sheet);
  const pacer = pace(model, "flows");
  const stop = new AbortController();
  const { signal } = stop;
  const how = { step: 0.25, speed: 4, limit: 0.99, back: false, arrows: true };
  /** @type {import("./shared/flowmarks.js").Followed[]} */ let known = [];
  /** @type {import("./shared/flowmarks.js").Walk | null} */ let walk = null;
  let [chosen, listed, shownList, fetched, visible] = ["", "", "", "", false];
  /** The step where the hand or the player is, until the session says so. @type {number | null} */ let ahead = null;
  let gesture = /** @type {{ from: ReturnType<typeof standing>, patch: any } | null} */ (null);
  let [timer, rest, keyed] = [/** @type {any} */ (0), /** @type {any} */ (0), false];
  let wanted = new AbortController();

  const session = () => model.get("state")?.session;
  const ground = () => standing(session(), model.get("frame")?.code);
  const flow = () => known.find(({ id }) => id === chosen) ?? null;
  const ids = () => [...new Set([...(session()?.bench ?? []).map((/** @type {any} */ { id }) => id), ...editsOf(session()).map(([id]) => id)])];
  const nameOf = (/** @type {string} */ id) => (session()?.bench ?? []).find((/** @type {any} */ each) => each.id === id)?.name || known.find((each) => each.id === id)?.name || "a direction that is not known here";
  const step = () => ahead ?? stepAt(amountOf(session(), chosen), how.step);
  /** The patch that stands on the picture, with its edits, off any path. */
  const standingPatch = () => {
    const from = ground();
    return from.leaves ? { spot: from.spot, journey: { t: null } } : {};
  };
  const send = (/** @type {any} */ request, /** @type {any} */ options = {}) => ask(model, { view: "flows", ...request }, { signal, ...options });

  // what is followed
  const chips = h("div", { class: "le-flow-chips", role: "radiogroup", "aria-label": "What is followed", on: { keydown: roving } });
  const vectors = h("select", { class: "le-select", "aria-label": "Another direction", on: { change: () => vectors.value && choose(vectors.value) } });
  const line = h("p", { class: "le-note le-flow-about" });
  const arrows = toggle("Arrows on the map", "Shows on the map which way codes go", () => ((how.arrows = !how.arrows), refresh()));
  // playing
  const player = stepper({
    how: () => ({ from: walk ? stopOf(walk, how.limit, -1).at : 0, to: walk ? stopOf(walk, how.limit, 1).at : 0, back: how.back, speed: how.speed }),
    tick: (n) => scrub(n),
    ended: () => (settleAt(step()), walk && say(stopWords(walk, how.limit, 1) || `The walk is at its last step, ${shown(step())}.`)),
  });
  const scrubs = scrubber({ scrub: (n) => (halt(), scrub(n)), settle, keyed: (now) => (keyed = now), toggle: () => toggled(), go: (n) => (halt(), scrub(within(/** @type {any} */ (walk), n)), settleAt(step())), leave: () => rest && settleAt(step()) });
  const choice = (/** @type {string} */ label, /** @type {[number, string][]} */ options, /** @type {number} */ value, /** @type {(value: number) => void} */ set) =>
    h("label", { class: "le-flow-field" }, h("span", null, label), h("select", { class: "le-select", "aria-label": label, on: { change: (/** @type {any} */ event) => set(Number(event.target.value)) } }, options.map(([each, words]) => h("option", { value: each, selected: each === value }, words))));
  const stepChoice = choice("A step changes", STEPS.map((value) => [value, `${value} unit${value === 1 ? "" : "s"}`]), how.step, (value) => (settleAt(step()), (how.step = value), another(), refresh()));
  stepChoice.title = "1 unit is a quarter of the difference between two random pictures, on average over codes";
  const speedChoice = choice("Speed", SPEEDS.map((value) => [value, `${value} steps a second`]), how.speed, (value) => (how.speed = value));
  const limitChoice = choice("Stop on drift", [...LIMITS.map((value) => /** @type {[number, string]} */ ([value, `longer than ${percent(value)} of draws`])), [1, "never"]], how.limit, (value) => ((how.limit = value), refresh()));
  const both = toggle("There and back", "Playing comes back the same way", () => ((how.back = !how.back), refresh()));
  const film = h("div", { class: "le-flow-film", role: "group", "aria-label": "Pictures of the walk" });
  const facts = h("dl", { class: "le-flow-facts" });
  const words = h("p", { class: "le-note", role: "status" });
  const trouble = h("p", { class: "le-error", role: "alert", hidden: true });
  const missed = h("p", { class: "le-note le-flow-missed" });
  // composition
  const legs = h("ol", { class: "le-flow-legs", "aria-label": "Walks one after another" });
  const onward = h("button", { type: "button", class: "le-button", title: "This picture becomes the start; its code is kept as it is", on: { click: () => settleHere() } }, icon("star"), "Start anew from here");
  const gap = commutator({ ask: (other) => send({ type: "gap", id: chosen, amount: amountOf(session(), chosen) || 4 * how.step, other, other_amount: amountOf(session(), other) || (amountOf(session(), chosen) || 4 * how.step), patch: standingPatch(), count: 3 }) });
  const scape = landscape({ model, el, signal, ask: (wish) => send({ id: chosen, step: how.step, side: sideOf(how.step), patch: standingPatch(), ...wish }) });
  const learn = learner({ model, signal, found: (found) => hold(found) });
  const learning = h("details", { class: "le-flow-more" }, h("summary", null, "Learn more flows"), learn.el);
  const empty = h("section", { class: "le-panel le-flow-empty", hidden: true }, h("h3", { class: "le-title" }, "No flows yet"), h("p", { class: "le-note" }, "This model came without flows, and none were found. They can be learned from the model alone."));

  const walkPanel = h("section", { class: "le-panel le-flow-walk", "aria-label": "Walk" }, film, scrubs.el, words, trouble,
    h("div", { class: "le-row le-flow-options" }, stepChoice, speedChoice, limitChoice, both, arrows), facts, missed);
  const choosePanel = h("section", { class: "le-panel", "aria-label": "What is followed" }, h("div", { class: "le-flow-pick" }, chips, vectors), line);
  const composePanel = h("section", { class: "le-panel", "aria-label": "One after another" }, h("div", { class: "le-row" }, h("h3", { class: "le-title le-grow" }, "One after another"), onward), legs, gap.el);
  const morePanel = h("section", { class: "le-panel", "aria-label": "More" }, scape.el, learning);
  el.append(h("div", { class: "le-flow-body" }, empty, choosePanel, walkPanel, composePanel, morePanel));
  tellKeys(el, "Flows", PANEL_KEYS.Flows);

  /** Asks what there is to follow. */
  async function list() {
    const info = model.get("info");
    if (!info || !session()) return;
    const asked = (listed = JSON.stringify([info.name, ids()]));
    try {
      const { header } = await send({ type: "flows", ids: ids() });
      if (asked !== listed) return;
      known = header.flows.sort((/** @type {any} */ a, /** @type {any} */ b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
      learn.suit(header.why);
      if (!flow()) chosen = (known.find(({ id, kind }) => kind === "flow" && amountOf(session(), id)) ?? known.find(({ kind, inert }) => kind === "flow" && !inert) ?? known.find(({ kind }) => kind !== "vector") ?? known[0])?.id ?? "";
      refresh();
    } catch (error) {
      if (!signal.aborted && asked === listed) fail(/** @type {Error} */ (error).message);
    }
  }

  function refresh() {
    const now = flow();
    const flows = known.some(({ kind }) => kind === "flow");
    empty.hidden = !listed || !known || flows;
    if (!empty.hidden && !empty.contains(learn.el)) empty.append(learn.el);
    if (empty.hidden && !learning.contains(learn.el)) learning.append(learn.el);
    learning.hidden = !empty.hidden;
    choosePanel.hidden = walkPanel.hidden = composePanel.hidden = !now;
    morePanel.hidden = !now || (scape.el.hidden && learning.hidden);
    arrows.setAttribute("aria-pressed", String(how.arrows));
    arrows.hidden = !model.get("info")?.atlas?.layouts?.length;
    both.setAttribute("aria-pressed", String(how.back));
    if (!now) return void (tellMap(), (walk = null));
    drawList();
    line.textContent = about(now);
    drawLegs();
    gap.show(now && { id: now.id, name: nameOf(now.id) }, known.map(({ id }) => ({ id, name: nameOf(id) })).slice(0, 64));
    if (walk && walk.id === chosen) scrubs.show(walk, how.limit);
    where();
    later();
  }
  function drawList() {
    const print = JSON.stringify([known.map(({ id, inert, kind }) => [id, nameOf(id), inert, kind])]);
    if (print !== shownList) {
      shownList = print;
      chips.replaceChildren(...CHIPS.flatMap(([kind, title]) => {
        const some = known.filter((each) => each.kind === kind);
        if (!some.length) return [];
        return [h("span", { class: "le-flow-group", "aria-hidden": "true" }, title), ...some.map((each) => h("button", { type: "button", class: "le-button le-flow-chip", role: "radio", "data-id": each.id, title: about(each), on: { click: () => choose(each.id) } },
          nameOf(each.id), h("span", { class: "le-flow-badge", "data-inert": each.inert }, each.inert ? "inert" : "active")))];
      }));
      const others = OTHERS.map(([kind, title]) => /** @type {const} */ ([title, known.filter((each) => each.kind === kind)])).filter(([, some]) => some.length);
      vectors.replaceChildren(h("option", { value: "" }, chips.children.length ? "or another direction…" : "a direction…"),
        ...others.map(([title, some]) => h("optgroup", { label: title }, some.map(({ id }) => h("option", { value: id }, nameOf(id))))));
      vectors.hidden = !others.length;
    }
    chips.hidden = !chips.children.length;
    const radios = /** @type {any[]} */ ([...chips.querySelectorAll("[role=radio]")]);
    const among = radios.some((node) => node.dataset.id === chosen);
    radios.forEach((node, i) => {
      node.setAttribute("aria-checked", String(node.dataset.id === chosen));
      node.tabIndex = node.dataset.id === chosen || (!among && i === 0) ? 0 : -1;
    });
    vectors.value = among ? "" : chosen;
  }
  /** The session's edits in their order, each a leg of the way. */
  function drawLegs() {
    const edits = editsOf(session());
    legs.replaceChildren(...edits.map(([id, amount]) => {
      const name = nameOf(id);
      const steps = Number((amount / how.step).toFixed(1));
      const label = `${name}, ${shown(steps)} step${Math.abs(steps) === 1 ? "" : "s"}`;
      return h("li", null,
        h("button", { type: "button", class: "le-button le-flow-leg", "aria-current": id === chosen ? "true" : false, title: `Follow ${name}`, on: { click: () => choose(id) } }, label),
        h("button", { type: "button", class: "le-button le-bare", title: `Take ${name} away`, "aria-label": `Take ${name} away`, on: { click: () => change(setEdit(ground(), id, 0), `without ${name}`) } }, icon("close")));
    }));
    legs.hidden = !edits.length;
    onward.disabled = !edits.length;
  }

  /** What the walk is made of, but for where on it one is. */
  const print = () => {
    const from = ground();
    const edits = (from.spot.edits ?? []).map(([id, amount]) => [id, id === chosen ? 0 : amount]);
    return JSON.stringify([model.get("info")?.name, chosen, how.step, { ...from.spot, edits: edits.some(([id]) => id === chosen) ? edits : [...edits, [chosen, 0]] }, session()?.protect, session()?.sampled, session()?.layout]);
  };
  function later(wait = SETTLE) {
    clearTimeout(timer);
    if (visible && flow() && !player.playing() && !(model.get("hand") && model.get("hand") !== "flows") && print() !== fetched) timer = setTimeout(fetchWalk, wait);
  }
  async function fetchWalk() {
    if (!session() || !flow() || player.playing()) return;
    const asked = (fetched = print());
    wanted.abort();
    wanted = new AbortController();
    walkPanel.setAttribute("aria-busy", "true");
    const side = sideOf(how.step);
    try {
      const { header, payload } = await send({ type: "flow", id: chosen, step: how.step, side, patch: standingPatch(), count: Math.min(64, 2 * side + 1) }, { signal: wanted.signal });
      if (asked !== fetched) return;
      if (header.type !== "flow" || !payload) return void (fetched = "");
      walk = header;
      fail("");
      drawFilm(payload);
      scrubs.show(header, how.limit);
      missed.textContent = header.missed > 1e6 - 1 ? "" : `Going back replays stored states and ends exactly at the start. Subtracting the slope step by step would miss it by ${header.missed < 1e-4 ? "nothing" : `${digits(header.missed)} latent lengths`}.`;
      say(header.cut[1] ? stopWords(header, 1, 1) : header.cut[0] ? stopWords(header, 1, -1) : "");
      gap.clear();
      where();
    } catch (error) {
      if (/** @type {any} */ (error).name === "AbortError") return;
      walk = null;
      fail(/** @type {Error} */ (error).message);
      tellMap();
    } finally {
      if (asked === fetched || !fetched) walkPanel.setAttribute("aria-busy", "false");
    }
  }
  /** @param {DataView} payload */
  function drawFilm(payload) {
    const now = /** @type {import("./shared/flowmarks.js").Walk} */ (walk);
    const { width, height } = /** @type {any} */ (now);
    film.replaceChildren(...sampled(now, FILM).map((n) => {
      const canvas = h("canvas", { width: 1, height: 1, "aria-hidden": "true" });
      paint(canvas, rgba(payload, width, height, n - now.first));
      const label = stepWords(now, n, how.limit);
      return h("button", { type: "button", class: "le-flow-frame", "data-step": n, title: label, "aria-label": label, on: { click: () => (halt(), scrub(n), settleAt(n)) } }, canvas, h("span", { "aria-hidden": "true" }, n ? shown(n) : "start"));
    }));
  }

  /** Shows where on the walk one is. */
  function where() {
    const n = step();
    scrubs.where(walk ? within(walk, n) : n, player.playing());
    const frames = /** @type {any[]} */ ([...film.children]);
    const nearest = frames.reduce((best, node) => (Math.abs(Number(node.dataset.step) - n) < Math.abs(Number(best.dataset.step) - n) ? node : best), frames[0]);
    frames.forEach((node) => (node === nearest ? node.setAttribute("aria-current", "true") : node.removeAttribute("aria-current")));
    facts.hidden = !walk;
    if (walk) facts.replaceChildren(...readouts(walk, n).map(([name, value, title], i) => h("div", { title, class: i === 3 && walk && drifted(walk, within(walk, n), how.limit) ? "le-flow-far" : "" }, h("dt", null, name), h("dd", null, value))));
    const now = flow();
    if (now) scape.show(walk && { walk, n: within(walk, player.playing() ? 0 : n), flow: { ...now, name: nameOf(now.id) }, print: fetched }, model.get("info"), known.map(({ id }) => ({ id, name: nameOf(id) })));
    tellMap();
  }
  /** Tells the map what to draw. */
  function tellMap() {
    const on = how.arrows && visibleTab() && flow() && walk && walk.id === chosen;
    const n = step();
    const value = on && walk ? { id: chosen, protect: session()?.protect ?? [], time: Math.max(1, Math.round(walk.times[within(walk, n) - walk.first])), places: walk.places, at: within(walk, n) - walk.first, start: -walk.first, trained: walk.trained?.map((each) => each - /** @type {any} */ (walk).first) ?? null, layout: session()?.layout ?? "" } : null;
    if (JSON.stringify(value) !== JSON.stringify(model.get("streams") ?? null)) model.set("streams", value);
  }
  const visibleTab = () => el.getClientRects().length > 0;

  function choose(/** @type {string} */ id) {
    if (id === chosen) return;
    halt();
    chosen = id;
    another();
    refresh();
  }
  /** Another walk is wanted than the one on show. */
  function another() {
    [walk, fetched] = [null, ""];
    wanted.abort();
    film.replaceChildren();
    say("");
  }
  function scrub(/** @type {number} */ n) {
    if (!walk) return;
    gesture ??= { from: ground(), patch: null };
    ahead = n;
    gesture.patch = setEdit(gesture.from, chosen, amountAt(n, how.step));
    pacer.draft(gesture.patch);
    where();
  }
  /** A hand let go; keys count as one move until they rest. */
  function settle() {
    clearTimeout(rest);
    if (!keyed) return settleAt(scrubs.range.valueAsNumber);
    rest = setTimeout(() => settleAt(scrubs.range.valueAsNumber), KEYED);
  }
  function settleAt(/** @type {number} */ n) {
    clearTimeout(rest);
    rest = 0;
    player.stop();
    const { patch } = gesture ?? {};
    gesture = null;
    pacer.done();
    if (patch) commit(model, patch, n ? `${nameOf(chosen)}, step ${n}` : `back to the start of ${nameOf(chosen)}`);
    where();
  }
  /** Stops playing without choosing: another hand has taken over. */
  function halt() {
    if (player.playing()) settleAt(step());
  }
  function toggled() {
    if (player.playing()) return settleAt(step());
    if (!walk) return;
    say("");
    const n = within(walk, step());
    const end = stopOf(walk, how.limit, 1).at;
    const from = n >= end && !how.back ? 0 : n;
    scrub(from); // from now on the hand is here
    player.play(from);
    where();
  }
  const change = (/** @type {any} */ patch, /** @type {string} */ label) => (halt(), commit(model, patch, label));
  function settleHere() {
    const code = model.get("frame")?.code;
    if (!code) return;
    change(setEdits({ spot: { origin: { kind: "values", values: [...code] }, axes: [] }, leaves: true }, []), "start anew from here");
  }
  /** Puts learned flows on the bench. @param {string[]} found */
  function hold(found) {
    const bench = session()?.bench ?? [];
    const fresh = found.filter((id) => !bench.some((/** @type {any} */ each) => each.id === id));
    chosen = found[0] ?? chosen;
    if (fresh.length) commit(model, { bench: [...fresh.map((id) => ({ id, name: "", pinned: false })), ...bench] }, `learn ${fresh.length} flow${fresh.length === 1 ? "" : "s"}`);
    else listed = "", list();
  }
  const say = (/** @type {string} */ sentence) => void (words.textContent = sentence);
  function fail(/** @type {string} */ sentence) {
    trouble.hidden = !sentence;
    trouble.textContent = sentence;
  }

  function roving(/** @type {KeyboardEvent} */ event) {
    const radios = /** @type {any[]} */ ([...chips.querySelectorAll("[role=radio]")]);
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = radios.indexOf(event.target);
    if (!way || at < 0) return;
    event.preventDefault();
    const next = radios[(at + way + radios.length) % radios.length];
    next.focus();
    next.click();
  }
  const spaced = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " " || !walk || /** @type {any} */ (event.target).closest("button, select, summary, input:not([type=range])")) return;
    event.preventDefault();
    toggled();
  };
  el.addEventListener("keydown", spaced);

  const newState = () => {
    if (player.playing() && model.get("hand") !== "flows") player.stop(), (gesture = null);
    if (!player.playing() && !rest && !gesture) ahead = null;
    if (visible && JSON.stringify([model.get("info")?.name, ids()]) !== listed) list();
    refresh();
  };
  const sight = new IntersectionObserver((entries) => {
    const was = visible;
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible && !was) newState();
  });
  sight.observe(el);
  const shape = new ResizeObserver(() => tellMap()); // a tab that is left has no size any more
  shape.observe(el);
  const deaf = hear(model, {
    "change:info": () => ((known = []), (walk = null), ([chosen, listed, fetched, shownList] = ["", "", "", ""]), film.replaceChildren(), newState()),
    "change:state": newState,
    "change:hand": () => (player.playing() && model.get("hand") && model.get("hand") !== "flows" ? (player.stop(), (gesture = null), (ahead = null), refresh()) : later()),
  });
  newState();
  learn.resume();

  return () => {
    stop.abort();
    wanted.abort();
    clearTimeout(timer);
    clearTimeout(rest);
    player.stop();
    sight.disconnect();
    shape.disconnect();
    el.removeEventListener("keydown", spaced);
    if (model.get("streams")) model.set("streams", null);
    scape.stop();
    deaf();
    pacer.dispose();
    undress();
  };
}

/** A button that stays down. @param {string} words @param {string} title @param {() => void} click */
function toggle(words, title, click) {
  return h("button", { type: "button", class: "le-button", "aria-pressed": "false", title, on: { click } }, words);
}

export default { render };
