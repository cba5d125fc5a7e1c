// @ts-check
/**
 * The strip: a path between two picked points, as nine frames, a scrubber and a play button.
 *
 * Reads `state`, `info`, `frame`; asks for `path`; drafts and commits the journey.
 */
import base from "./shared/base.css";
import sheet from "./strip.css";
import { calm, dress, h, hear } from "./shared/dom.js";
import { rgba, paint } from "./shared/frames.js";
import { here, journeyOf, journeying, named, sameSpot } from "./shared/journey.js";
import { icon } from "./shared/icons.js";
import { ask, commit, pace } from "./shared/live.js";
import { mapIcon } from "./shared/mapicons.js";
import { player } from "./shared/player.js";
import { digits, ordinary } from "./shared/words.js";

const COUNT = 9;
const KEYED = 400; // milliseconds after the last key before the place reached counts as chosen
const KINDS = { arc: ["Arc", "Keeps the codes as long as typical ones: pictures stay rich on the way"], chord: ["Chord", "The straight line: half-way, codes are shorter than typical ones"] };
const SIDES = /** @type {const} */ ({ start: "A", end: "B" });

/** @param {{model: import("./shared/live.js").Model, el: HTMLElement}} host */
function render({ model, el }) {
  const undress = dress(el, "le-strip", base, sheet);
  const drag = pace(model, "strip");
  const walker = player({ calm, steps: COUNT - 1, tick: (t) => scrub(t) });
  /** Where the hand or the player is along the path, until the session says so. @type {number | null} */ let ahead = null;
  let [fetched, problem, keyed, rest] = ["", "", false, /** @type {any} */ (0)];
  let wanted = new AbortController();

  const session = () => model.get("state")?.session;
  const journey = () => journeyOf(session());
  const whole = () => !!(journey().start && journey().end);
  const time = () => ahead ?? journey().t;

  const ends = Object.fromEntries(Object.entries(SIDES).map(([side, letter]) => [side, end(letter, () => put(side))]));
  const swap = button("Swap A and B", mapIcon("swap"), () => change({ start: journey().end, end: journey().start, t: journey().t === null ? null : 1 - /** @type {number} */ (journey().t) }, "swap the ends of the path"));
  const clear = button("Clear the path", icon("close"), () => change({ start: null, end: null, t: null }, "clear the path"));
  const kinds = h("div", { class: "le-segments", role: "radiogroup", "aria-label": "Kind of path", on: { keydown: (event) => roving(event) } },
    Object.entries(KINDS).map(([kind, [title, help]]) => h("button", { type: "button", class: "le-button", role: "radio", title: help, "data-kind": kind, on: { click: () => kind !== journey().kind && change({ kind }, `path: ${kind}`) } }, title)));
  const film = h("div", { class: "le-strip-film", role: "group", "aria-label": "Frames of the path" }, Array.from({ length: COUNT }, (_, i) => cell(i, () => commitTime(i / (COUNT - 1)))));
  const play = button("Play", icon("play"), () => toggle());
  const slider = h("input", {
    type: "range", class: "le-range", min: 0, max: 1, step: 0.005, value: 0, "aria-label": "Position along the path",
    on: { input: () => (walker.stop(), scrub(slider.valueAsNumber)), change: () => settle(), keydown: (event) => (keyed = /^(Arrow|Page|Home|End)/.test(event.key)), pointerdown: () => (keyed = false), blur: () => rest && commitTime(slider.valueAsNumber) },
  });
  const position = h("output", { class: "le-strip-position" });
  const leave = h("button", { type: "button", class: "le-button", title: "Go back to where you were before the path", on: { click: () => change({ t: null }, "leave the path") } }, "Leave path");
  const scrubber = h("div", { class: "le-strip-scrub" }, play, slider, position, leave);
  const empty = h("p", { class: "le-note le-strip-empty" });
  const trouble = h("div", { class: "le-error", role: "alert" });
  el.append(h("div", { class: "le-strip-bar" }, ends.start.root, swap, ends.end.root, h("span", { class: "le-grow" }), kinds, clear), film, scrubber, empty, trouble);

  function refresh() {
    const { start, end: last, kind } = journey();
    const spot = here(session(), model.get("frame"));
    for (const [side, part] of Object.entries(ends)) part.show(journey()[side], !spot || (journey().t === null && sameSpot(spot, journey()[side])));
    for (const node of kinds.children) {
      node.setAttribute("aria-checked", String(node.dataset.kind === kind));
      node.tabIndex = node.dataset.kind === kind ? 0 : -1;
    }
    swap.disabled = !start || !last;
    clear.hidden = !start && !last;
    kinds.hidden = film.hidden = scrubber.hidden = !whole();
    empty.hidden = whole() || !session();
    empty.textContent = start || last ? `Now go to another picture and press “${start ? "B" : "A"} = here”.` : "Go to a picture you like and press “A = here”, then to another and press “B = here”: the way between them appears here.";
    if (!whole() && walker.playing()) halt();
    trouble.hidden = !problem;
    trouble.replaceChildren(problem, " ", h("button", { type: "button", class: "le-button", on: { click: () => ((fetched = ""), fetchFrames()) } }, "Try again"));
    where();
    fetchFrames();
  }

  /** Shows where on the path one is. */
  function where() {
    const t = time();
    const near = t === null ? -1 : Math.round(t * (COUNT - 1));
    film.querySelectorAll("button").forEach((node, i) => (i === near ? node.setAttribute("aria-current", "true") : node.removeAttribute("aria-current")));
    if (ahead === null || walker.playing()) slider.value = String(t ?? 0);
    el.classList.toggle("le-strip-off", t === null);
    position.textContent = t === null ? "" : `${Math.round(100 * t)} %`;
    slider.setAttribute("aria-valuetext", t === null ? "not on the path" : `${Math.round(100 * t)} % of the way from A to B`);
    leave.disabled = t === null;
    const label = walker.playing() ? "Pause" : "Play";
    if (play.title !== label) {
      play.title = label;
      play.setAttribute("aria-label", label);
      play.replaceChildren(icon(walker.playing() ? "pause" : "play"));
    }
  }

  /** Gets the frames of the path, or the picture of the one end there is, when they are not those on show. */
  async function fetchFrames() {
    const { start, end: last, kind } = journey();
    const print = JSON.stringify([model.get("info")?.name, session()?.sampled, session()?.layout, start, last, whole() && kind]); // the answer says where on the map, too
    if (print === fetched || !session()) return;
    fetched = print;
    wanted.abort();
    wanted = new AbortController();
    problem = "";
    const only = start ?? last;
    if (!only) return;
    el.classList.add("le-strip-waits");
    // The picture of a single end is the path from it to itself: a `decode` would show on the stage.
    const request = whole() ? { patch: {}, count: COUNT } : { patch: { journey: { start: only, end: only, kind: "chord", t: null } }, count: 2 };
    try {
      const { header, payload } = await ask(model, { type: "path", view: "strip", ...request }, { signal: wanted.signal });
      const frame = (i) => rgba(/** @type {DataView} */ (payload), header.width, header.height, i);
      if (start) ends.start.picture(frame(0));
      if (last) ends.end.picture(frame(header.count - 1));
      if (whole()) film.querySelectorAll("button").forEach((node, i) => fill(node, frame(i), header.typicality[i], header.t[i]));
    } catch (error) {
      if (error.name === "AbortError") return;
      problem = error.message;
      refresh();
    }
    el.classList.remove("le-strip-waits");
  }

  const change = (changes, label) => {
    if (walker.playing()) halt();
    commit(model, journeying(session(), changes), label);
  };
  function put(side) {
    const spot = here(session(), model.get("frame"));
    if (spot) change({ [side]: spot, t: null }, `${SIDES[side]} of the path`);
  }

  function scrub(t) {
    ahead = t;
    drag.draft(journeying(session(), { t }));
    where();
  }
  /** A hand let go; keys count as one move until they rest. */
  function settle() {
    clearTimeout(rest);
    if (!keyed) return commitTime(slider.valueAsNumber);
    rest = setTimeout(() => commitTime(slider.valueAsNumber), KEYED);
  }
  function commitTime(t) {
    clearTimeout(rest);
    rest = 0;
    walker.stop();
    ahead = t;
    drag.done();
    commit(model, journeying(session(), { t }), "along the path");
    where();
  }
  /** Stops playing where it is. */
  function toggle() {
    if (walker.playing()) return commitTime(Math.max(walker.stop(), 0));
    walker.play(time() ?? 0);
    where();
  }
  /** Stops without choosing: another hand has taken over. */
  function halt() {
    walker.stop();
    drag.done();
    ahead = null;
    where();
  }

  const spaced = (event) => {
    if (event.key !== " " || !whole() || event.target.closest("button, select")) return;
    event.preventDefault();
    toggle();
  };
  el.addEventListener("keydown", spaced);
  const unhear = hear(model, {
    "change:info": () => refresh(),
    "change:state": () => {
      if (walker.playing() && journey().t === null && fetched && model.get("hand") !== "strip") halt();
      if (!walker.playing() && !rest) ahead = null;
      refresh();
    },
    "change:frame": () => refresh(),
    "change:hand": () => walker.playing() && model.get("hand") && model.get("hand") !== "strip" && halt(),
  });
  refresh();

  return () => {
    el.removeEventListener("keydown", spaced);
    clearTimeout(rest);
    walker.stop();
    wanted.abort();
    for (const close of [unhear, drag.dispose, undress]) close();
  };
}

function button(title, picture, click) {
  return h("button", { type: "button", class: "le-button le-bare", title, "aria-label": title, on: { click } }, picture);
}

/** One end of the path: its picture, what it is, and the button that sets it. @param {string} letter @param {() => void} put */
function end(letter, put) {
  const canvas = h("canvas", { class: "le-strip-thumb", width: 1, height: 1, "aria-hidden": "true" });
  const what = h("small");
  const set = h("button", { type: "button", class: "le-button", on: { click: put } }, `${letter} = here`);
  return {
    root: h("div", { class: "le-strip-end", role: "group", "aria-label": `End ${letter}` }, h("span", { class: "le-strip-frame", "data-letter": letter }, canvas), h("span", { class: "le-strip-what" }, set, what)),
    picture: (pixels) => paint(canvas, pixels),
    /** @param {any} spot @param {boolean} idle whether one is there already, or nowhere */
    show(spot, idle) {
      set.disabled = idle;
      canvas.hidden = !spot;
      what.textContent = named(spot);
    },
  };
}

/** One frame of the film, with how ordinary it is drawn beneath. @param {number} index @param {() => void} go */
function cell(index, go) {
  return h("button", { type: "button", class: "le-strip-cell", tabindex: -1, "aria-label": `Frame ${index + 1} of ${COUNT}`, on: { click: go } }, h("canvas", { width: 1, height: 1, "aria-hidden": "true" }), h("span", { class: "le-strip-typical" }, h("i")));
}

/** @param {HTMLElement} node @param {ImageData} pixels @param {number} typicality @param {number} t */
function fill(node, pixels, typicality, t) {
  paint(/** @type {any} */ (node.querySelector("canvas")), pixels);
  const { level, word } = ordinary(typicality, null);
  const mark = /** @type {HTMLElement} */ (node.querySelector("i"));
  mark.style.inlineSize = `${Math.max(100 * typicality, 3)}%`;
  mark.dataset.level = String(level);
  node.title = `${Math.round(100 * t)} % of the way. Typicality ${digits(typicality)}: ${word}`;
  node.setAttribute("aria-label", node.title);
}

/** Arrow keys move within the radio group. @param {any} event */
function roving(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const radios = [...event.currentTarget.children];
  const next = radios[(radios.indexOf(event.target) + step + radios.length) % radios.length];
  next.focus();
  next.click();
}

export default { render };
