// @ts-check
/**
 * The map: every code of the atlas as a point. Press or drag anywhere and the model draws what lies there; click a point to go to it, draw
 * around points to select them, walk from neighbour to neighbour with the arrow keys.
 *
 * Reads `info`, `state`; hears `frame`, `path`; asks for `atlas`, `axis`, `thumbs`; drafts and commits the spot, journey ends, layout, colour, selection.
 */
import base from "./shared/base.css";
import sheet from "./map.css";
import { dress, h, hear, isTyping, onTheme } from "./shared/dom.js";
import { tellKeys } from "./shared/keys.js";
import { commit, pace, stamp } from "./shared/live.js";
import { goingTo, here, journeying } from "./shared/journey.js";
import { mapArrows } from "./shared/maparrows.js";
import { corners, drawnPath, prolonged } from "./shared/mapline.js";
import { mapData } from "./shared/mapdata.js";
import { mapField } from "./shared/mapfield.js";
import { mapExamples } from "./shared/mapexamples.js";
import { gestures } from "./shared/mapgestures.js";
import { mapPlaces } from "./shared/mapplaces.js";
import { axisOf, colouringOf, inked, measureOf } from "./shared/mapinks.js";
import { combined, lassoed } from "./shared/maplasso.js";
import { DIRECTIONS, nearest, nearestAnywhere, neighbour, thinned } from "./shared/mapmath.js";
import { MEASURES, MOST_KEPT, legend, selectionCard, tooltip } from "./shared/mappanels.js";
import { layoutTitle, toolbar, TOOLS, zoomButtons } from "./shared/maptoolbar.js";
import { css, trustScale } from "./shared/palette.js";
import { DIM, dimmed } from "./shared/raster.js";
import { counted, seedless, told, trust, trustOf } from "./shared/trust.js";
import { grouped, readable } from "./shared/words.js";

const PICK = 6; // pixels within which a click means the point
const HOVER = 10;
const STILL = 4; // pixels a press may wander and still be a click
const TELLS = 9; // labels in a tooltip
const HELP = "Arrow keys walk to the next point, Enter goes there. Plus and minus zoom, 0 shows all. E explores, L draws a lasso, D draws a path, P pans. A and B set the ends of the path, S adds a stop.";

const at = ".le-map-top";
/** @type {import("./shared/keys.js").Key[]} */
const KEYS = [
  { press: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: "To the next point in that direction", at }, { press: ["Enter"], does: "Go to the point walked to", at },
  { press: ["a", "b"], does: "This is the path's start, or its end", at }, { press: ["s"], does: "The path goes on to here", at }, { press: ["e", "l", "d", "p"], does: "Explore, lasso, draw a path, pan", at }, { press: ["+", "-", "0"], does: "Nearer, farther, all of it", at },
  { press: ["Escape"], does: "Leave the walk, or clear the selection", at },
];

/** @param {{model: import("./shared/live.js").Model, el: HTMLElement}} host */
function render({ model, el }) {
  const undress = dress(el, "le-map", base, sheet);
  const drag = pace(model, "map");
  const data = mapData(model, (what) => (what === "sprite" ? field.repaint() : (refresh(), locate()), retell()));
  const examples = mapExamples(model, (row) => row === hovered && retell());
  /** Tells anew of the point under the pointer: more is known of it. */
  const retell = () => pointed && (tip.renew(), hover(hovered, ...pointed));
  const places = mapPlaces();

  /** Choices made here and not yet confirmed by the session. @type {any} */ let ahead = {};
  let [tool, only, walked, hovered, space, within] = ["explore", /** @type {number | null} */ (null), -1, -1, false, false];
  /** Where the pointer rests. @type {[number, number] | null} */ let pointed = null;
  /** What the hand is doing. @type {any} */ let hand = null;
  /** @type {any} */ let scene = null; // the map on show: { atlas, colouring, print }

  const session = () => model.get("state")?.session;
  const info = () => model.get("info");
  const settled = (wanted = session()?.layout) => {
    const names = info()?.atlas?.layouts?.map((entry) => entry.name) ?? [];
    return names.includes(wanted) ? wanted : (names[0] ?? "");
  };
  const layout = () => settled(ahead.layout ?? session()?.layout);
  const tint = () => ahead.colour ?? session()?.colour ?? "";
  const selection = () => ahead.selection ?? session()?.selection ?? [];
  const choose = (patch, label) => {
    ahead = { ...ahead, ...patch };
    commit(model, patch, label);
    refresh();
  };

  const bar = toolbar({
    layout: (name) => choose({ layout: name }, `map: ${layoutTitle(name)}`),
    colour: (name) => ((only = null), choose({ colour: name }, name ? `colour by ${MEASURES[measureOf(name)]?.option ?? readable(name.replace(":", " "))}` : "one colour")),
    tool: (name) => ((tool = name), refresh()),
  });
  const field = mapField(el, { marks: () => marks(), sprite: () => data.sprite(), moved: () => (hover(-1), flowing?.changed()) });
  const flowing = mapArrows(model, { layout: () => scene?.atlas.layout ?? "", field: () => field, ready: () => !!scene?.atlas.n, draw: () => field.draw() });
  const zoom = zoomButtons(field);
  const key = legend((index) => ((only = index), refresh()), {
    start: () => data.local.start(layout(), measureOf(tint())),
    cancel: () => data.local.cancel(layout(), measureOf(tint())),
  });
  const card = selectionCard(() => (choose({ selection: [] }, "clear the selection"), field.top.focus({ preventScroll: true })));
  const tip = tooltip();
  const veil = h("div", { class: "le-map-veil" });
  const sentence = h("span");
  const doubt = h("button", { type: "button", class: "le-map-doubt", on: { click: () => choose({ colour: "map:kept" }, `colour by ${MEASURES.kept.option}`) } }, "Show which to doubt");
  const judged = h("p", { class: "le-note le-map-trust" }, sentence, " ", doubt);
  const said = h("div", { class: "le-unseen", role: "status", "aria-live": "polite" });
  field.root.append(zoom, veil, card.root, tip.root);
  el.append(bar.root, field.root, key.root, judged, said);

  function refresh() {
    if (session()) data.want(info(), layout(), tint());
    const atlas = data.atlas(layout());
    bar.show(info(), layout(), tint(), tool);
    cover(atlas);
    field.root.dataset.tool = tool;
    field.root.classList.toggle("le-map-waits", !atlas && !!scene);
    if (atlas) paint(atlas);
    else if (!info()?.atlas) [scene] = [null, field.show(null, false)];
    judge(atlas);
  }

  /** Says in a sentence how far to trust the map, and what its colours say of that. @param {import("./shared/mapdata.js").MapAtlas | null} atlas */
  function judge(atlas) {
    const measure = measureOf(tint());
    const local = atlas && measure ? localOf(atlas, measure) : null;
    if (atlas && local?.state === "unknown" && measure === "kept") data.local.start(atlas.layout, measure); // it takes seconds; other seeds are asked for by hand
    const words = atlas ? [trust(atlas.honesty), local?.values ? told(measure, local.values, local.k, local.about) : ""].filter(Boolean).join(" ") : "";
    if (sentence.textContent !== words) sentence.textContent = words;
    judged.hidden = !words;
    doubt.hidden = measure === "kept";
  }
  const unseeded = (atlas) => (atlas.honesty?.method === "umap" ? "" : seedless(atlas.honesty));
  const localOf = (atlas, measure) => (measure === "stays" && unseeded(atlas) ? null : data.local.get(atlas.layout, measure));

  /** Asks where one is when no frame has said so since the map changed: its answer is the still once more, with a place on this map. */
  function locate() {
    if (!scene || hand || walked >= 0 || model.get("hand") || scene.atlas.layout !== settled() || places.marks(session(), scene.atlas).here || scene.located) return;
    scene.located = true;
    model.send({ type: "decode", seq: stamp(), view: "map", patch: {}, still: true });
  }

  /** Hands the field its points in their colours, if anything about them changed. @param {import("./shared/mapdata.js").MapAtlas} atlas */
  function paint(atlas) {
    const ground = field.theme();
    const measure = measureOf(tint());
    const local = measure ? localOf(atlas, measure) : null;
    const colouring = measure && !local ? /** @type {any} */ ({ kind: "place", measure, values: null, seedless: unseeded(atlas) }) : colouringOf(atlas, info(), tint(), { amounts: data.axis(axisOf(tint())), local }, ground);
    const rows = selection();
    const print = JSON.stringify([info().name, atlas.layout, colouring.kind, !!colouring.values, local?.state, local?.job, tint(), ground.dark, only, rows.length, rows[0], rows[rows.length - 1], rows[rows.length >> 1]]);
    if (scene?.print === print && scene.atlas === atlas) return;
    const { tints, palette } = inked(atlas, colouring, ground);
    const shown = rows.length || only !== null ? dimmed(atlas.grid, tints, rows, only) : tints;
    const elsewhere = scene?.atlas.layout !== atlas.layout || scene.of !== info().name;
    scene = { atlas, of: info().name, colouring, print, located: !elsewhere && scene.located };
    field.show({ grid: atlas.grid, bounds: atlas.bounds, tints: shown, dim: shown !== tints && shown.some((value) => value >= DIM), palette, alpha: colouring.kind === "none" ? 0.5 : 0.88 }, elsewhere);
    key.show(colouring, only, ground.dark);
    card.show(rows, atlas.n, colouring, rows.length ? middleOf(atlas, rows) > (atlas.bounds[0][0] + atlas.bounds[1][0]) / 2 : false);
    field.top.setAttribute("aria-label", `${layoutTitle(atlas.layout)} map of ${grouped(atlas.total)} codes${atlas.n < atlas.total ? `, ${grouped(atlas.n)} of them so far` : ""}. ${HELP}`);
    if (elsewhere) [walked, hovered] = [-1, -1];
    flowing.changed();
  }

  /** What stands in the field while there are no points: why, or that they are coming. */
  function cover(atlas) {
    const problem = data.error(layout());
    const words =
      atlas?.n ? null
      : atlas ? "The atlas of this model holds no codes, so there is nothing to map."
      : !info() ? "Loading the map…"
      : !info().atlas ? `There is no map without an atlas, a set of known codes. ${info().without_atlas ?? `Make one with: explorer atlas ${info().name}`}`
      : !layout() ? "The atlas of this model has no map yet."
      : problem || (scene ? null : "Loading the map…");
    veil.hidden = !words;
    veil.className = `le-map-veil${words === "Loading the map…" ? " le-map-loading" : ""}`;
    if (veil.dataset.words === words) return;
    veil.dataset.words = words ?? "";
    const again = () => (data.retry(), refresh());
    veil.replaceChildren(h("p", { role: problem ? "alert" : "status" }, words ?? ""), ...(problem ? [h("button", { type: "button", class: "le-button", on: { click: again } }, "Try again")] : []));
  }

  function marks() {
    const atlas = scene?.atlas ?? null;
    const at = (row) => (atlas && row >= 0 && row < atlas.n ? /** @type {[number, number]} */ ([atlas.xy[2 * row], atlas.xy[2 * row + 1]]) : null);
    return { ...places.marks(session(), atlas), flowing: atlas ? flowing.marks() : null, hovered: at(hovered), framed: field.thumbOf(hovered), walked: at(walked), lasso: hand?.tool === "lasso" ? hand.line : [], drawing: hand?.tool === "path" ? hand.line : [], dot: 2, ...(hand?.place ? { here: hand.place, interpolated: hand.row < 0 } : {}) };
  }

  /** The row meant by a pixel: that of the thumbnail there, or else the nearest. */
  const rowAt = (x, y, reach) => {
    const shown = scene ? field.thumbAt(x, y) : -1;
    return shown >= 0 || !scene ? shown : nearest(scene.atlas.grid, ...field.data(x, y), reach / field.scale());
  };
  const labelsOf = (row) =>
    [...scene.atlas.labels].flatMap(([name, values]) => {
      const title = info().atlas.labels.find((entry) => entry.name === name)?.classes[values[row]];
      return title === undefined ? [] : [/** @type {[string, string, number]} */ ([name, title, values[row]])];
    });

  /** @param {number} row -1: none */
  function hover(row, x = 0, y = 0) {
    if (row !== hovered) field.draw();
    hovered = row;
    pointed = row < 0 ? null : [x, y];
    field.root.classList.toggle("le-map-picks", row >= 0 && tool === "explore" && rowAt(x, y, PICK) === row);
    if (row < 0) return tip.hide();
    const { colouring } = scene;
    const known = labelsOf(row).map(([name, title, value]) => /** @type {[string, string, string]} */ ([name, title, colouring.name === name ? css(colouring.colours[value] ?? colouring.unseen) : ""]));
    known.sort((a, b) => Number(!!b[2]) - Number(!!a[2]));
    const picture = data.spriteless() ? examples.get(row) : null;
    const drawn = picture?.drawn ? [/** @type {[string, string, string]} */ (["picture", "drawn by the model", ""])] : [];
    tip.show(row, data.sprite(), picture?.bitmap ?? null, [...known.slice(0, TELLS), ...measuredOf(row), ...drawn], x, y, ...field.size());
  }

  /** What was measured of a point's place, as far as it is known. @param {number} row @returns {[string, string, string][]} */
  function measuredOf(row) {
    const { atlas } = scene;
    return Object.keys(MEASURES).flatMap((measure) => {
      const local = localOf(atlas, measure);
      const swatch = measureOf(tint()) === measure ? local?.values && css(trustScale(trustOf(local.values[row], local.k, atlas.total), field.theme().dark)) : "";
      return local?.values ? [/** @type {[string, string, string]} */ ([MEASURES[measure].tip, counted(local.values[row], local.k), swatch || ""])] : [];
    });
  }

  const hands = gestures(field.top, {
    mode: (event) => (space ? "pan" : tool === "lasso" || (tool === "explore" && event.shiftKey) ? "lasso" : /** @type {any} */ (tool)),
    hover: (x, y) => ((within = true), hover(rowAt(x, y, HOVER), x, y)),
    leave: () => ((within = false), hover(-1)),
    pan: field.pan,
    zoom: field.zoom,
    press(x, y, mode) {
      if (!scene?.atlas.n) return;
      walked = -1;
      hand = { tool: mode, from: [x, y], row: rowAt(x, y, PICK), place: null, line: [field.data(x, y)], far: false };
      if (mode !== "lasso") explore(x, y);
      field.draw();
    },
    drag(x, y) {
      if (!hand) return;
      hand.far ||= Math.hypot(x - hand.from[0], y - hand.from[1]) > STILL;
      if (hand.tool !== "explore") hand.line.push(field.data(x, y));
      if (hand.tool !== "lasso" && (hand.row < 0 || hand.far)) (hand.row = -1), explore(x, y);
      field.draw();
    },
    release(event) {
      const held = hand;
      hand = null;
      if (held?.tool === "lasso") return held.far || tool === "lasso" ? encircled(held.line, event) : prolong(held.row < 0 ? null : entry(held.row));
      if (!held?.origin) return;
      if (held.tool === "path") return drag.done(), held.far ? drawn(held.line) : prolong({ origin: held.origin, axes: [] });
      drag.done();
      places.went(scene.atlas.layout, held.place, held.row < 0);
      commit(model, goingTo(session(), held.origin), held.row < 0 ? "map" : "atlas point");
    },
    cancel() {
      hand = null;
      drag.done();
      field.draw();
    },
  });

  /** Drafts what lies under the hand. */
  function explore(x, y) {
    const { atlas } = scene;
    hand.place = hand.row >= 0 ? [atlas.xy[2 * hand.row], atlas.xy[2 * hand.row + 1]] : field.data(x, y);
    hand.origin = hand.row >= 0 ? { kind: "entry", row: hand.row } : { kind: "place", layout: atlas.layout, x: hand.place[0], y: hand.place[1] };
    drag.draft(goingTo(session(), hand.origin));
  }

  /** Makes a line drawn by hand the path. */
  function drawn(line) {
    const few = corners(line, 1.5 / field.scale());
    field.draw();
    commit(model, drawnPath(scene.atlas.layout, few), "draw a path");
    said.textContent = `A path of ${few.length} corners.`;
  }

  /** Makes the path go on to a point. @param {import("./shared/journey.js").Spot | null | undefined} spot */
  function prolong(spot) {
    const patch = spot && prolonged(session(), spot);
    field.draw();
    if (spot && !patch) return (said.textContent = "The path has as many stops as it may.");
    if (!patch) return;
    commit(model, patch, "add to the path");
    said.textContent = "Added to the path.";
  }

  function encircled(line, event) {
    const rows = lassoed(scene.atlas.grid, thinned(line, 2 / field.scale()));
    const how = event.altKey ? "remove" : event.shiftKey && tool === "lasso" ? "add" : "replace";
    field.draw();
    if (how === "replace" && !rows.length && !selection().length) return;
    const caught = combined(selection(), rows, how);
    const chosen = caught.length > MOST_KEPT ? caught : Array.from(caught);
    if (chosen.length > MOST_KEPT) (ahead = { ...ahead, selection: chosen }), refresh();
    else choose({ selection: chosen }, chosen.length ? `select ${grouped(chosen.length)} codes` : "clear the selection");
    said.textContent = `${grouped(chosen.length)} codes selected.`;
  }

  /** Walks to the neighbour in a direction, from where the walk stands, or from where one is. */
  function walk(direction) {
    const { atlas } = scene ?? {};
    if (!atlas?.n) return;
    const [cx, cy] = field.data(field.size()[0] / 2, field.size()[1] / 2);
    const from = walked >= 0 ? [atlas.xy[2 * walked], atlas.xy[2 * walked + 1]] : (places.marks(session(), atlas).here ?? [cx, cy]);
    const row = neighbour(atlas.grid, from[0], from[1], direction);
    if (row < 0 && walked >= 0) return (said.textContent = "No point further this way.");
    walked = row >= 0 ? row : nearestAnywhere(atlas.grid, from[0], from[1]);
    drag.draft(goingTo(session(), { kind: "entry", row: walked }));
    field.reveal(atlas.xy[2 * walked], atlas.xy[2 * walked + 1]);
    field.draw();
    said.textContent = `Point ${walked}: ${labelsOf(walked).map(([name, title]) => `${readable(name)} ${readable(title)}`).join(", ") || "no labels"}.`;
  }

  /** Ends the walk: at its point, or back where one was. */
  function arrive(stay) {
    if (walked < 0) return false;
    const row = walked;
    walked = -1;
    drag.done();
    field.draw();
    if (!stay) return true;
    places.went(scene.atlas.layout, [scene.atlas.xy[2 * row], scene.atlas.xy[2 * row + 1]], false);
    commit(model, goingTo(session(), { kind: "entry", row }), "atlas point");
    return true;
  }

  function mark(end) {
    const spot = walked >= 0 ? entry(walked) : here(session(), model.get("frame"));
    if (!spot) return;
    commit(model, journeying(session(), { [end]: spot, t: null }), `${end} of the path`);
    said.textContent = `${end === "start" ? "A" : "B"} is here.`;
  }

  const keys = {
    ArrowRight: () => walk(DIRECTIONS.right), ArrowLeft: () => walk(DIRECTIONS.left), ArrowUp: () => walk(DIRECTIONS.up), ArrowDown: () => walk(DIRECTIONS.down),
    Enter: () => arrive(true),
    Escape: () => hands.abandon() || arrive(false) || (selection().length && choose({ selection: [] }, "clear the selection")),
    "+": () => field.zoomStep(1.6), "=": () => field.zoomStep(1.6), "-": () => field.zoomStep(1 / 1.6), 0: () => field.fit(),
    ...Object.fromEntries(Object.entries(TOOLS).map(([name, { key }]) => [key.toLowerCase(), () => ((tool = name), refresh(), (said.textContent = `Tool: ${name}.`))])),
    a: () => mark("start"), b: () => mark("end"),
    s: () => prolong(walked >= 0 ? entry(walked) : hovered >= 0 ? entry(hovered) : here(session(), model.get("frame"))),
  };
  const pressed = (event) => {
    if (event.target !== field.top && event.key !== "Escape") return;
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const spaced = (event) => {
    if (event.key !== " ") return;
    const mine = event.target === field.top || (within && event.target === document.body && !isTyping(event.target));
    space = event.type === "keydown" && mine;
    if (mine) event.preventDefault();
    field.root.classList.toggle("le-map-space", space);
  };
  el.addEventListener("keydown", pressed);
  tellKeys(el, "Map", KEYS);
  field.top.addEventListener("blur", () => arrive(false));
  for (const type of ["keydown", "keyup"]) document.addEventListener(type, spaced);

  const unhear = hear(model, {
    "change:info": () => ((only = null), (ahead = {}), places.forget(), examples.forget(), refresh()),
    "change:state": () => ((ahead = {}), refresh(), locate(), field.draw()),
    "change:hand": locate,
    "msg:custom": (header) => {
      if (header?.type === "error" && header.about === "commit") (ahead = {}), refresh();
      if (places.hear(header, session(), settled(), scene?.atlas ?? null, model.get("hand"))) field.draw();
    },
  });
  const untheme = onTheme(() => (field.retheme(), refresh()));
  refresh();

  return () => {
    el.removeEventListener("keydown", pressed);
    for (const type of ["keydown", "keyup"]) document.removeEventListener(type, spaced);
    for (const end of [unhear, untheme, flowing.dispose, hands.dispose, drag.dispose, data.dispose, examples.forget, field.dispose, undress]) end();
  };
}

/** The spot of an atlas code. @param {number} row */
const entry = (row) => ({ origin: { kind: "entry", row }, axes: [] });

/** The middle of some points, across. @param {import("./shared/mapdata.js").MapAtlas} atlas @param {ArrayLike<number>} rows */
function middleOf(atlas, rows) {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += atlas.xy[2 * rows[i]] || 0;
  return sum / rows.length;
}

export default { render };
