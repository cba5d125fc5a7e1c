// @ts-check
/** Directions: found by any method, seen as strips, stacked on the stage by sliders, trusted or not by what was measured of them. */
import sheet from "./shared/base.css";
import { findForm } from "./shared/directionfind.js";
import { directionList } from "./shared/directionlist.js";
import { directionTools } from "./shared/directiontools.js";
import { dress, h, hear } from "./shared/dom.js";
import { MOST_EDITS, STRIP, amountOf, changed, editsOf, moved, setEdit, setEdits, standing } from "./shared/edits.js";
import { alikeMatrix, evidenceTable } from "./shared/evidencetable.js";
import { save as download } from "./shared/files.js";
import { pictured } from "./shared/frames.js";
import { icon } from "./shared/icons.js";
import { cancel, progressBar, run, underWay, watch } from "./shared/jobs.js";
import jobs from "./shared/jobs.css";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace } from "./shared/live.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { readable } from "./shared/words.js";
import css from "./directions.css";

const STILL = 350; // milliseconds without change after which strips are drawn anew
const MOST_ALIKE = 40;
const THOROUGH = 256; // pictures
const KINDS = ["find", "refine-directions", "compose"]; // of jobs that are followed

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-directions", sheet, jobs, css);
  const pacer = pace(model, "directions");
  const stop = new AbortController();
  const { signal } = stop;
  /** @type {import("./shared/edits.js").Direction[]} */ let known = [];
  /** @type {import("./shared/edits.js").Listed[]} */ let all = [];
  let gesture = /** @type {{ from: ReturnType<typeof standing>, patch: any } | null} */ (null);
  let ahead = /** @type {ReturnType<typeof standing> | null} */ (null); // what was committed and not heard back of yet: the next edit stands on it
  let visible = false;
  let strips = /** @type {any} */ (0); // a timer
  let filling = false;
  let listed = ""; // the model and the bench that were asked for
  let of = ""; // the model whose directions are shown
  let tabled = ""; // what the table shows
  let job = "";

  const session = () => model.get("state")?.session;
  const bench = () => /** @type {any[]} */ (session()?.bench ?? []);
  const here = () => ahead ?? standing(session(), model.get("frame")?.code);
  const send = (/** @type {any} */ request, /** @type {any} */ options = {}) => ask(model, { view: "directions", ...request }, { signal, ...options });
  const complain = (/** @type {any} */ error, where = "list") => !signal.aborted && error?.name !== "AbortError" && parts.fail(error.message, where);
  const rebench = (/** @type {any[] | null} */ next, /** @type {string} */ label) => next && commit(model, { bench: next }, label);

  const tools = directionTools({
    reset: () => commit(model, setEdits(here(), []), "no edits"),
    blink: (down) => (down ? pacer.draft(setEdits(here(), [])) : pacer.done()),
    protect: (names) => commit(model, { protect: names }, names.length ? `keep ${names.map(readable).join(", ")}` : "keep nothing"),
    compose: (name) => follow({ type: "compose", patch: {}, edits: editsOf(session()), name }),
    save, load,
  });
  const form = findForm({ find: (wish) => follow({ type: "find", wish }), selection: () => session()?.selection ?? [], table, fail: (words) => parts.fail(words, "find") });
  const list = directionList({ hands, sight: () => again(0), drop: (id, place) => rebench(moved(known, bench(), id, place), "reorder directions") });
  const parts = build({ tools, form, list, refine: () => follow({ type: "refine-directions", ids: all.map(({ id }) => id) }), alike, cancel: () => job && void cancel(model, { view: "directions", id: job }).catch(complain) });
  el.append(parts.el);
  tellKeys(el, "Directions", PANEL_KEYS.Directions);

  /** Puts found directions on the bench, newest first. @param {string[]} ids @param {string} label */
  const hold = (ids, label) => {
    const fresh = ids.filter((id) => !bench().some((each) => each.id === id) && !known.some((each) => each.id === id && each.bundled));
    if (fresh.length) commit(model, { bench: [...fresh.map((id) => ({ id, name: "", pinned: false })), ...bench()] }, label);
  };
  /** Starts a job, or goes on following one. @param {any} request @param {string} [id] of one that is under way */
  async function follow(request, id) {
    const kind = request.type;
    parts.say("", kind);
    parts.busy(true);
    const told = (/** @type {any} */ now) => ((job = now.id), parts.progress(now));
    try {
      finished(await (id ? watch(model, { view: "directions", id, signal, told }) : run(model, { view: "directions", ...request }, { signal, told })));
    } catch (error) {
      complain(error, kind);
    } finally {
      job = "";
      if (!signal.aborted) parts.busy(false);
    }
  }
  /** @param {any} done */
  const finished = (done) => {
    listed = "";
    const ids = done.result?.ids ?? [];
    const several = `${ids.length} direction${ids.length === 1 ? "" : "s"}`;
    const say = (/** @type {string} */ text) => parts.say(text, done.kind);
    if (done.state !== "done") say(done.kind === "find" ? "Cancelled. What takes minutes goes on from there when it is asked for again." : "Cancelled. What was measured by then is kept.");
    else if (done.kind === "refine-directions") say(ids.length ? `Measured ${several} from up to ${THOROUGH} pictures each.` : "All of them were measured as thoroughly already.");
    else hold(ids, done.kind === "compose" ? "keep edits as one" : `find ${several}`), say(`${several[0].toUpperCase()}${several.slice(1)} found.`);
    lookUp();
  };
  async function save() {
    try {
      const { header, payload } = await send({ type: "directions-file", ids: all.map(({ id }) => id) });
      if (payload) download(new Blob([payload]), header.name);
    } catch (error) {
      complain(error);
    }
  }
  /** @param {File} file */
  async function load(file) {
    parts.say("");
    try {
      const { header } = await send({ type: "directions-load" }, { payload: new Uint8Array(await file.arrayBuffer()) });
      listed = "";
      const fresh = header.ids.filter((/** @type {string} */ id) => !known.some((each) => each.id === id)).length;
      hold(header.ids, `load ${header.ids.length} directions`);
      parts.say(`“${file.name}” holds ${header.ids.length} directions, ${fresh ? `${fresh} of them new` : "none of them new"}.`);
      lookUp();
    } catch (error) {
      complain(error);
    }
  }
  /** @param {File} file @returns {Promise<import("./shared/directionfind.js").Column[]>} */
  async function table(file) {
    parts.say("", "find");
    const { header, payload } = await send({ type: "directions-labels", name: file.name }, { payload: new Uint8Array(await file.arrayBuffer()) });
    const values = new Int16Array(payload ? payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength) : 0);
    return header.columns.map((/** @type {any} */ column, /** @type {number} */ i) => ({ ...column, values: values.subarray(i * header.count, (i + 1) * header.count) }));
  }
  async function alike() {
    const some = all.slice(0, MOST_ALIKE);
    try {
      const { header } = await send({ type: "alike", ids: some.map(({ id }) => id) });
      parts.alike(some.map(({ name }) => name), header.cosines);
    } catch (error) {
      if (!signal.aborted) parts.notAlike(/** @type {Error} */ (error).message);
    }
  }

  const wanted = () => `${model.get("info")?.name} ${bench().map(({ id }) => id).sort().join()}`;
  /** Asks what directions there are. */
  async function lookUp() {
    if (!model.get("info") || !session()) return;
    const asked = (listed = wanted());
    const name = model.get("info")?.name;
    if (of && of !== name) (of = ""), (known = []), form.forget(), parts.say(""), draw(); // those of the former model mean nothing here
    try {
      const { header } = await send({ type: "directions", ids: bench().map(({ id }) => id) }, { patience: 120_000 });
      if (asked !== listed) return;
      [of, known] = [name, header.directions];
      form.show(header.methods, header.labels);
      tools.protect(header.protectable, session()?.protect ?? []);
      parts.missing(header.missing);
      draw();
      again(0);
    } catch (error) {
      if (asked === listed) complain(error);
    }
  }
  const draw = () => {
    all = list.show(known, bench());
    const now = JSON.stringify(all.map(({ id, name, evidence }) => [id, name, evidence?.starts]));
    if (now !== tabled) (tabled = now), parts.table(all), parts.comparing() && all.length && alike();
    list.follow((id) => amountOf(session(), id));
    tools.suit(editsOf(session()).map(([id]) => all.find((each) => each.id === id)?.name ?? "?"), all.length);
    tools.protect(null, session()?.protect ?? []);
    parts.suit(all.length, of === model.get("info")?.name);
  };

  /** What a card's controls do. @param {import("./shared/edits.js").Listed} direction */
  function hands({ id, name, pinned }) {
    return {
      move(/** @type {number} */ amount) {
        gesture ??= { from: here(), patch: null };
        const edits = gesture.from.spot.edits ?? [];
        if (edits.length >= MOST_EDITS && !edits.some((/** @type {any} */ [own]) => own === id)) return parts.fail(`${MOST_EDITS} edits stand on each other already: set one back to 0 first.`, "compose");
        gesture.patch = setEdit(gesture.from, id, amount);
        pacer.draft(gesture.patch);
      },
      release() {
        const { patch } = gesture ?? {};
        gesture = null;
        pacer.done();
        if (!patch) return list.follow((own) => amountOf(session(), own));
        ahead = { spot: patch.spot, leaves: false };
        commit(model, patch, name);
      },
      rename: (/** @type {string} */ to) => rebench(changed(bench(), id, { name: to }), to ? `name ${to}` : "take the name back"),
      pin: () => rebench(changed(bench(), id, { pinned: !pinned }), `${pinned ? "unpin" : "pin"} ${name}`),
      remove: () => commit(model, { bench: bench().filter((each) => each.id !== id), ...(amountOf(session(), id) ? setEdit(here(), id, 0) : {}) }, `remove ${name}`),
      shift: (/** @type {number} */ by) => rebench(moved(known, bench(), id, placeIn(id) + by), "reorder directions"),
    };
  }
  /** A direction's place in its group. @param {string} id */
  const placeIn = (id) => [...(el.querySelector(`.le-dir[data-id="${id}"]`)?.parentElement?.children ?? [])].findIndex((each) => /** @type {any} */ (each).dataset.id === id);

  /** Draws the strips in sight anew after a moment without change. @param {number} [wait] */
  const again = (wait = STILL) => {
    clearTimeout(strips);
    if (visible) strips = setTimeout(fill, wait);
  };
  async function fill() {
    if (filling) return again();
    filling = true;
    try {
      for (let card; (card = stale()); ) {
        const shows = print(card.direction.id);
        const { header, payload } = await send({ type: "along", id: card.direction.id, amounts: STRIP, count: STRIP.length });
        if (header.type !== "along" || !payload) break;
        card.drawn = shows;
        card.fill(header, payload);
      }
    } catch {
      // the stage says what went wrong; the next change tries again
    }
    filling = false;
  }
  /** The first card in sight whose strip shows something else than it should; none while a hand moves. */
  const stale = () => (visible && !signal.aborted && !model.get("hand") && of === model.get("info")?.name ? list.inSight().find((card) => card.drawn !== print(card.direction.id)) : undefined);
  /** What a strip shows: the state, whatever this direction's own amount is. @param {string} id */
  const print = (id) => pictured({ ...session(), spot: { ...session()?.spot, edits: editsOf(session()).filter(([own]) => own !== id) } });

  const newState = () => {
    ahead = null;
    if (!visible) return;
    if (wanted() !== listed) lookUp();
    else if (of) draw();
    again();
  };
  const eye = new IntersectionObserver((entries) => {
    const was = visible;
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible && !was) newState();
  });
  eye.observe(el);
  const deaf = hear(model, { "change:info": newState, "change:state": newState, "change:hand": () => !model.get("hand") && again(), "msg:custom": (/** @type {any} */ header) => header.about === "commit" && (ahead = null) });
  resume();
  /** Follows a job that was started before the page was loaded again. */
  async function resume() {
    const now = await underWay(model, { view: "directions", kind: KINDS, signal }).catch(() => null);
    if (now) follow({ type: now.kind }, now.id);
  }
  return () => {
    stop.abort();
    clearTimeout(strips);
    eye.disconnect();
    deaf();
    list.stop();
    pacer.dispose();
    undress();
  };
}

/** The parts one below the other, and the words between them. @param {any} on */
function build({ tools, form, list, refine, alike, cancel: end }) {
  const bar = progressBar({ cancel: end });
  const trouble = h("p", { class: "le-error", hidden: true, role: "alert" });
  const words = h("p", { class: "le-note", hidden: true, role: "status" });
  const missing = h("p", { class: "le-note", hidden: true });
  const empty = h("p", { class: "le-empty" }, "The directions are being looked up…");
  const table = evidenceTable();
  const matrix = alikeMatrix();
  const fold = (/** @type {string} */ title, /** @type {any[]} */ content, /** @type {any} */ more = {}) => h("details", { class: "le-panel le-dir-fold", ...more }, h("summary", { class: "le-title" }, title), ...content);
  const compared = h("details", { class: "le-dir-more" }, h("summary", null, "How alike they are"), matrix.el);
  compared.addEventListener("toggle", () => compared.open && alike());
  const thorough = h("button", { type: "button", class: "le-button", title: `From ${THOROUGH} pictures each, in the background`, on: { click: refine } }, icon("refresh"), "Measure thoroughly");
  const measuring = h("div", null, h("div", { class: "le-row" }, thorough));
  const finding = fold("Find directions", [form.el]);
  const evidence = fold("Evidence", [h("p", { class: "le-note" }, "One unit of any direction changes the picture as much as one unit of any other: a quarter of the difference between two random pictures. Press a heading to sort."), measuring, table.el, compared]);
  const key = h("p", { class: "le-note le-dir-key", hidden: true }, h("i", { class: "le-dir-out", "aria-hidden": "true" }), "beyond the data", h("i", { class: "le-dir-leak", "aria-hidden": "true" }), "how much else changes");
  const status = h("div", { class: "le-dir-status" }, words, trouble, bar.el);
  const files = h("div", null, h("div", { class: "le-row le-dir-above-list" }, key, h("span", { class: "le-grow" }), tools.files), status);
  const el = h("div", { class: "le-dir-body" }, h("section", { class: "le-panel", "aria-label": "Edits" }, tools.el), h("section", { class: "le-panel", "aria-label": "Directions of this model" }, empty, missing, files, list.el), finding, evidence);
  const put = (/** @type {HTMLElement} */ node, /** @type {string} */ text) => {
    node.hidden = !text;
    node.textContent = text;
  };
  /** What is said stands where it was asked for. @param {string} kind of the job, or "list" @param {string} said @param {string} failed */
  const tell = (kind, said, failed) => {
    const place = /** @type {Record<string, HTMLElement>} */ ({ find: finding, "refine-directions": measuring, compose: tools.el })[kind] ?? files;
    if (status.parentElement !== place) place.append(status);
    const folded = place.closest("details");
    if (folded) folded.open = true;
    put(words, said);
    put(trouble, failed);
  };
  return {
    el,
    table: table.show,
    alike: matrix.show,
    comparing: () => compared.open,
    notAlike: matrix.fail,
    say: (/** @type {string} */ text, kind = "list") => tell(kind, text, ""),
    fail: (/** @type {string} */ text, kind = "list") => tell(kind, "", text),
    progress: bar.show,
    /** @param {boolean} busy */
    busy(busy) {
      form.busy(busy);
      thorough.disabled = busy;
      if (!busy) bar.hide();
    },
    missing: (/** @type {number} */ count) => put(missing, count ? `${count} direction${count === 1 ? "" : "s"} of this state ${count === 1 ? "is" : "are"} not known here: found on another computer, or for another model.` : ""),
    /** @param {number} count @param {boolean} looked whether they are this model's */
    suit(count, looked) {
      empty.textContent = looked ? "No directions of this model yet. Find some below." : "The directions are being looked up…";
      if (looked && !count && !finding.open) finding.open = true;
      empty.hidden = !!count;
      list.el.hidden = !count;
      key.hidden = evidence.hidden = !count;
    },
  };
}

export default { render };
