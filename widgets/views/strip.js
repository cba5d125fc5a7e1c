// @ts-check
/**
 * The strip: a path through picked points or along a drawn line, as nine frames, with how far from the data they are, a scrubber and a play button.
 *
 * Reads `state`, `info`, `frame`; asks for `path`, `points`, `distance`, `geodesic`, `lengths`, `film`; drafts and commits the journey.
 */
import base from "./shared/base.css";
import jobs from "./shared/jobs.css";
import sheet from "./strip.css";
import { distanceBar, LOOKS } from "./shared/distance.js";
import { calm, dress, h, hear } from "./shared/dom.js";
import { exporter } from "./shared/exporting.js";
import { rgba, paint } from "./shared/frames.js";
import { here, isLine, isWhole, journeyOf, journeying, laidOut, MOST_STOPS, moved, named, ordered, pointsOf, sameSpot } from "./shared/journey.js";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace } from "./shared/live.js";
import { mapIcon } from "./shared/mapicons.js";
import { kindChoice, lessWords, turned } from "./shared/pathkinds.js";
import { player } from "./shared/player.js";
import { searching } from "./shared/searching.js";
import { stopChips } from "./shared/stops.js";
import { digits, ordinary } from "./shared/words.js";

const COUNT = 9;
const KEYED = 400; // milliseconds after the last key before the place reached counts as chosen
const SIDES = /** @type {const} */ ({ start: "A", end: "B" });
const SPEEDS = [0.25, 0.5, 1, 2, 4];

/** @param {{model: import("./shared/live.js").Model, el: HTMLElement}} host */
function render({ model, el }) {
  const undress = dress(el, "le-strip", base, jobs, sheet);
  const drag = pace(model, "strip");
  const how = { back: true, speed: 1 };
  const walker = player({ calm, steps: COUNT - 1, how: () => how, tick: (t) => scrub(t) });
  /** Where the hand or the player is along the path, until the session says so. @type {number | null} */ let ahead = null;
  let [fetched, problem, keyed, rest] = ["", "", false, /** @type {any} */ (0)];
  let wanted = new AbortController();

  const session = () => model.get("state")?.session;
  const journey = () => journeyOf(session());
  const whole = () => isWhole(journey());
  const time = () => ahead ?? journey().t;

  const ends = Object.fromEntries(Object.entries(SIDES).map(([side, letter]) => [side, end(letter, () => put(side))]));
  const stops = stopChips({
    move: (from, to) => through(moved(pointsOf(journey()), from, to), "another order of the stops"),
    remove: (index) => through(pointsOf(journey()).filter((_, i) => i !== index), "remove a stop"),
    go: (index) => change({ t: null }, `stop ${index} of the path`, { spot: pointsOf(journey())[index] }),
  });
  const add = h("button", { type: "button", class: "le-button le-strip-add", title: "The path goes through here too, before it reaches B", on: { click: () => addStop() } }, mapIcon("plus"), "Stop here");
  const line = h("p", { class: "le-note le-strip-line" });
  const swap = button("Swap A and B", mapIcon("swap"), () => reverse());
  const clear = button("Clear the path", icon("close"), () => change({ start: null, stops: [], end: null, kind: "arc", t: null }, "clear the path"));
  const kinds = kindChoice((kind) => kind !== journey().kind && (kind === "geodesic" ? search() : change(turned(journey(), kind), `path: ${kind}`)));
  const searched = searching({ model, found: ({ kind, start, stops: knots, end: last }) => change({ kind, start, stops: knots, end: last, t: null }, "path: geodesic"), fail: (error) => ((problem = error.message), refresh()) });
  const less = h("p", { class: "le-note le-strip-less" });
  const even = h("button", {
    type: "button", class: "le-button", "aria-pressed": "false", title: "On: the picture changes as much from each frame to the next. Off: the code does",
    on: { click: () => change({ pace: journey().pace === "code" ? "picture" : "code" }, journey().pace === "code" ? "even picture change" : "even steps of the code") },
  }, "Even picture change");
  const manner = h("div", { class: "le-row le-strip-manner" }, kinds.el, even);
  const film = h("div", { class: "le-strip-film", role: "group", "aria-label": "Frames of the path" }, Array.from({ length: COUNT }, (_, i) => cell(i, () => commitTime(i / (COUNT - 1)))));
  const apart = distanceBar();
  const play = button("Play", icon("play"), () => toggle());
  const slider = h("input", {
    type: "range", class: "le-range", min: 0, max: 1, step: 0.005, value: 0, "aria-label": "Position along the path",
    on: { input: () => (walker.stop(), scrub(slider.valueAsNumber)), change: () => settle(), keydown: (event) => (keyed = /^(Arrow|Page|Home|End)/.test(event.key)), pointerdown: () => (keyed = false), blur: () => rest && commitTime(slider.valueAsNumber) },
  });
  const position = h("output", { class: "le-strip-position" });
  const speed = h("select", { class: "le-select le-strip-speed", "aria-label": "Speed of playing", on: { change: () => pacing({ speed: Number(speed.value) }) } }, SPEEDS.map((value) => h("option", { value, selected: value === how.speed }, `${value}×`)));
  const back = h("button", { type: "button", class: "le-button", title: "Playing comes back the same way; else it begins anew at A", on: { click: () => pacing({ back: !how.back }) } }, "There and back");
  const leave = h("button", { type: "button", class: "le-button", title: "Go back to where you were before the path", on: { click: () => change({ t: null }, "leave the path") } }, "Leave path");
  const save = h("button", { type: "button", class: "le-button", "aria-expanded": "false", title: "Save the path as a film, a moving picture or a contact sheet", on: { click: () => showExport(saving.el.hidden) } }, icon("save"), "Save path");
  const saving = exporter({ model, back: () => how.back, close: () => (showExport(false), save.focus()) });
  const scrubber = h("div", { class: "le-strip-scrub" }, play, slider, position, h("span", { class: "le-strip-how" }, speed, back, leave, save));
  const empty = h("p", { class: "le-note le-strip-empty" });
  const trouble = h("div", { class: "le-error", role: "alert" });
  el.append(h("div", { class: "le-strip-bar" }, ends.start.root, stops.el, line, add, ends.end.root, h("span", { class: "le-grow" }), swap, clear), stops.acts, manner, searched.el, less, film, apart.el, scrubber, saving.el, empty, trouble);

  function refresh() {
    const now = laidOut(journey());
    const { start, end: last } = now;
    const drawn = now.kind === "drawn";
    const spot = here(session(), model.get("frame"));
    for (const [side, part] of Object.entries(ends)) part.show(drawn ? null : now[side], !spot || (journey().t === null && !drawn && sameSpot(spot, now[side])), drawn);
    stops.show(isLine(now) ? [] : now.stops);
    line.hidden = !drawn;
    line.textContent = drawn ? `A line drawn on the map, ${pointsOf(now).length} corners` : "";
    add.hidden = !whole() || isLine(now) || now.stops.length >= MOST_STOPS;
    add.disabled = !spot || (journey().t === null && pointsOf(now).some((point) => sameSpot(point, spot)));
    kinds.show(now, !!model.get("info")?.gradients);
    less.hidden = now.kind !== "geodesic";
    even.setAttribute("aria-pressed", String(now.pace === "picture"));
    back.setAttribute("aria-pressed", String(how.back));
    swap.disabled = !whole();
    clear.hidden = !pointsOf(now).length;
    manner.hidden = film.hidden = scrubber.hidden = !whole();
    if (!whole()) apart.show(null), showExport(false);
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
    apart.where(t);
    const label = walker.playing() ? "Pause" : "Play";
    if (play.title !== label) {
      play.title = label;
      play.setAttribute("aria-label", label);
      play.replaceChildren(icon(walker.playing() ? "pause" : "play"));
    }
  }

  /** Gets the frames of the path, its points and its distance from the data, when they are not those on show. */
  async function fetchFrames() {
    const now = laidOut(journey());
    const print = JSON.stringify([model.get("info")?.name, session()?.sampled, session()?.layout, { ...journey(), t: null }]); // the answer says where on the map, too
    if (print === fetched || !session()) return;
    fetched = print;
    wanted.abort();
    wanted = new AbortController();
    problem = less.textContent = "";
    if (!pointsOf(now).length) return;
    el.classList.add("le-strip-waits");
    const get = (request) => ask(model, { view: "strip", patch: {}, ...request }, { signal: wanted.signal });
    const pictures = ({ header, payload }) => (i) => rgba(/** @type {DataView} */ (payload), header.width, header.height, i);
    try {
      if (whole()) {
        const { header, payload } = await get({ type: "path", count: COUNT });
        const frame = pictures({ header, payload });
        film.querySelectorAll("button").forEach((node, i) => fill(node, frame(i), header.typicality[i], header.t[i]));
        if (!now.stops.length || isLine(now)) ends.start.picture(frame(0)), ends.end.picture(frame(COUNT - 1));
        el.classList.remove("le-strip-waits");
      }
      if (!whole() || (now.stops.length && !isLine(now))) {
        const frame = pictures(await get({ type: "points" }));
        if (now.start) ends.start.picture(frame(0));
        if (now.end) ends.end.picture(frame(pointsOf(now).length - 1));
        now.stops.forEach((_, i) => stops.picture(i, frame(i + 1)));
      }
      if (whole()) apart.show((await get({ type: "distance", count: LOOKS })).header);
      if (now.kind === "geodesic") less.textContent = lessWords((await get({ type: "lengths" })).header.lengths);
    } catch (error) {
      if (error.name === "AbortError") return;
      problem = error.message;
      refresh();
    }
    el.classList.remove("le-strip-waits");
  }

  const change = (changes, label, more = {}) => {
    if (walker.playing()) halt();
    commit(model, { ...more, ...journeying(session(), changes) }, label);
  };
  /** The path leads through other points, or through the same in another order. */
  function through(points, label) {
    const { kind } = journey();
    change({ ...ordered(points), t: null, kind: kind === "spline" && points.length < 3 ? "arc" : kind }, label);
  }
  /** The smoothest way between the ends is found on the server; that of a drawn line lies between its own ends. */
  function search() {
    if (walker.playing()) halt();
    searched.go(() => JSON.stringify(pointsOf(journey())));
  }
  function put(side) {
    const spot = here(session(), model.get("frame"));
    if (!spot) return;
    const now = laidOut(journey());
    const others = journey().stops.length && !isLine(now) ? { start: now.start, stops: now.stops, end: now.end } : {};
    change({ ...others, [side]: spot, t: null }, `${SIDES[side]} of the path`);
  }
  function addStop() {
    const spot = here(session(), model.get("frame"));
    const points = pointsOf(journey());
    if (!spot) return;
    change({ ...ordered([...points.slice(0, -1), spot, ...points.slice(-1)]), kind: points.length === 2 && journey().kind === "arc" ? "spline" : journey().kind, t: null }, "a stop of the path");
  }
  function reverse() {
    const { kind, start, stops, end: last, t } = laidOut(journey());
    const turnedRound = kind === "drawn" ? { stops: pointsOf(journey()).reverse() } : { start: last, stops: [...stops].reverse(), end: start };
    change({ ...turnedRound, t: t === null ? null : 1 - t }, "turn the path round");
  }
  function showExport(open) {
    if (open === !saving.el.hidden) return;
    save.setAttribute("aria-expanded", String(open));
    saving.open(open);
  }
  /** Another way of playing; what plays goes on from where it is. */
  function pacing(changes) {
    Object.assign(how, changes);
    if (walker.playing()) walker.play(Math.max(walker.stop(), 0));
    refresh();
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
  tellKeys(el, "Strip", [{ press: [" "], does: "Play, pause", at: ".le-strip-scrub .le-range" }, { press: ["ArrowLeft", "ArrowRight"], does: "A step along the path", at: ".le-strip-scrub .le-range" }]);
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
    for (const close of [unhear, drag.dispose, saving.stop, searched.stop, undress]) close();
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
    /** @param {any} spot @param {boolean} idle whether one is there already, or nowhere @param {boolean} drawn whether it is the end of a line on the map */
    show(spot, idle, drawn) {
      set.disabled = idle;
      canvas.hidden = !spot && !drawn;
      what.textContent = drawn ? "on the map" : named(spot);
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

export default { render };
