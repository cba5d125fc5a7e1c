// @ts-check
/** Directions: found by any method, seen as strips, stacked on the stage by sliders, trusted or not by what was measured of them. */
import sheet from "./shared/base.css";
import { directionCard } from "./shared/directioncard.js";
import { findForm } from "./shared/directionfind.js";
import { dress, h, hear } from "./shared/dom.js";
import { MOST_EDITS, amountOf, arranged, noEdits, setEdit, standing } from "./shared/edits.js";
import { alikeMatrix, evidenceTable } from "./shared/evidencetable.js";
import { icon } from "./shared/icons.js";
import { cancel, progressBar, run, underWay } from "./shared/jobs.js";
import jobs from "./shared/jobs.css";
import { tellKeys } from "./shared/keys.js";
import { ask, commit, pace } from "./shared/live.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { readable } from "./shared/words.js";
import css from "./directions.css";

const AMOUNTS = [-2, -1, 0, 1, 2]; // of a card's strip
const STILL = 350; // milliseconds without change after which strips are drawn anew

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-directions", sheet, jobs, css);
  const pacer = pace(model, "directions");
  const stop = new AbortController();
  const { signal } = stop;
  /** @type {import("./shared/edits.js").Direction[]} */ let known = [];
  /** @type {ReturnType<typeof directionCard>[]} */ let cards = [];
  let gesture = /** @type {{ from: ReturnType<typeof standing>, patch: any } | null} */ (null);
  let visible = false;
  let strips = 0; // a timer
  let listed = ""; // the model whose directions are shown
  let shown = ""; // what the cards show: identities and names
  let job = "";

  const session = () => model.get("state")?.session;
  const bench = () => /** @type {any[]} */ (session()?.bench ?? []);
  const send = (/** @type {any} */ request, /** @type {any} */ options = {}) => ask(model, { view: "directions", ...request }, { signal, ...options });
  const parts = build({
    reset: () => commit(model, noEdits(standing(session(), model.get("frame")?.code)), "no edits"),
    blink: (down) => (down ? pacer.draft(noEdits(standing(session(), model.get("frame")?.code))) : pacer.done()),
    protect: (names) => commit(model, { protect: names }, names.length ? `protect ${names.map(readable).join(", ")}` : "protect nothing"),
    find: (wish) => follow({ type: "find", wish }),
    refine: () => follow({ type: "refine-directions", ids: known.map(({ id }) => id) }),
    selection: () => session()?.selection ?? [],
    save, load, alike,
    cancel: () => void cancel(model, { view: "directions", id: job }).catch(() => {}),
  });
  el.append(parts.el);
  tellKeys(el, "Directions", PANEL_KEYS.Directions);

  /** Puts found directions on the bench. @param {string[]} ids @param {string} label */
  const hold = (ids, label) => {
    const fresh = ids.filter((id) => !bench().some((each) => each.id === id));
    if (fresh.length) commit(model, { bench: [...fresh.map((id) => ({ id, name: "", pinned: false })), ...bench()] }, label);
  };
  /** @param {any} request @param {any} [options] */
  async function follow(request, options = {}) {
    parts.say("");
    parts.busy(true);
    try {
      const done = await run(model, { view: "directions", ...request }, { signal, ...options, told: (now) => ((job = now.id), parts.progress(now)) });
      finished(done);
    } catch (error) {
      if (!signal.aborted) parts.say(/** @type {Error} */ (error).message);
    } finally {
      if (!signal.aborted) parts.busy(false);
    }
  }
  /** @param {any} done */
  const finished = (done) => {
    if (done.state !== "done") return parts.say("Cancelled. What was trained until then is kept where it can be resumed.");
    listed = "";
    const ids = done.result?.ids ?? [];
    if (done.kind === "find") hold(ids, `find ${ids.length} direction${ids.length === 1 ? "" : "s"}`);
    list();
  };
  async function save() {
    try {
      const { header, payload } = await send({ type: "directions-file", ids: arranged(known, bench()).map(({ id }) => id) });
      if (!payload) return;
      const link = h("a", { href: URL.createObjectURL(new Blob([payload])), download: header.name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      parts.say(/** @type {Error} */ (error).message);
    }
  }
  /** @param {File} file */
  async function load(file) {
    try {
      const { header } = await send({ type: "directions-load" }, { payload: new Uint8Array(await file.arrayBuffer()) });
      listed = "";
      hold(header.ids, `load ${header.ids.length} directions`);
      list();
    } catch (error) {
      parts.say(/** @type {Error} */ (error).message);
    }
  }
  async function alike() {
    const all = arranged(known, bench()).slice(0, 40);
    try {
      const { header } = await send({ type: "alike", ids: all.map(({ id }) => id) });
      parts.alike(all.map(({ name }) => name), header.cosines);
    } catch (error) {
      if (!signal.aborted) parts.notAlike(/** @type {Error} */ (error).message);
    }
  }

  /** Asks what directions there are. */
  async function list() {
    const info = model.get("info");
    if (!info || !session()) return;
    const asked = (listed = `${info.name} ${bench().map(({ id }) => id).join()}`);
    try {
      const { header } = await send({ type: "directions", ids: bench().map(({ id }) => id) });
      if (asked !== listed) return;
      known = header.directions;
      parts.methods(header.methods, header.labels);
      parts.protectable(header.protectable, session()?.protect ?? []);
      draw();
    } catch (error) {
      if (!signal.aborted && asked === listed) parts.say(/** @type {Error} */ (error).message);
    }
  }
  const draw = () => {
    const all = arranged(known, bench());
    const now = JSON.stringify(all.map(({ id, name, pinned, evidence }) => [id, name, pinned, evidence?.starts]));
    if (now !== shown) {
      shown = now;
      cards.forEach((card) => card.stop());
      cards = all.map((direction) => directionCard(direction, hands(direction)));
      parts.list(cards.map((card) => card.el));
      parts.table(all);
      again(0);
    }
    const edits = session()?.spot?.edits?.length ?? 0;
    cards.forEach((card) => card.follow(amountOf(session(), card.direction.id)));
    parts.edits(edits, all.length);
  };
  const rebench = (/** @type {any[]} */ next, /** @type {string} */ label) => commit(model, { bench: next }, label);
  /** What a card's controls do. @param {any} direction */
  const hands = (direction) => {
    const { id } = direction;
    const held = () => (bench().some((each) => each.id === id) ? bench() : [{ id, name: "", pinned: false }, ...bench()]);
    const moved = (/** @type {string} */ which, /** @type {number} */ to) => {
      const order = arranged(known, bench()).map((each) => ({ id: each.id, name: bench().find((b) => b.id === each.id)?.name ?? "", pinned: each.pinned }));
      const from = order.findIndex((each) => each.id === which);
      const [taken] = order.splice(from, 1);
      order.splice(Math.max(0, Math.min(order.length, to)), 0, taken);
      rebench(order, "reorder directions");
    };
    const place = (/** @type {string} */ which) => arranged(known, bench()).findIndex((each) => each.id === which);
    return {
      move(/** @type {number} */ amount) {
        gesture ??= { from: standing(session(), model.get("frame")?.code), patch: null };
        if ((gesture.from.spot.edits ?? []).length >= MOST_EDITS && !amountOf(session(), id)) return parts.say(`${MOST_EDITS} edits stand on each other already: set one back to 0 first.`);
        gesture.patch = setEdit(gesture.from, id, amount);
        pacer.draft(gesture.patch);
      },
      release() {
        const { patch } = gesture ?? {};
        gesture = null;
        pacer.done();
        if (patch) commit(model, patch, direction.name);
      },
      rename: (/** @type {string} */ name) => rebench(held().map((each) => (each.id === id ? { ...each, name } : each)), name ? `name ${name}` : "take the name back"),
      pin: () => rebench(held().map((each) => (each.id === id ? { ...each, pinned: !direction.pinned } : each)), `${direction.pinned ? "unpin" : "pin"} ${direction.name}`),
      remove: () => rebench(bench().filter((each) => each.id !== id), `remove ${direction.name}`),
      shift: (/** @type {number} */ by) => moved(id, place(id) + by),
      drop: (/** @type {string} */ other) => moved(other, place(id)),
    };
  };

  /** Draws the strips anew after a moment without change. @param {number} [wait] */
  const again = (wait = STILL) => {
    clearTimeout(strips);
    if (visible) strips = /** @type {any} */ (setTimeout(fill, wait));
  };
  async function fill() {
    const turn = shown;
    for (const card of cards) {
      if (turn !== shown || !visible || signal.aborted || model.get("hand")) return;
      try {
        const { header, payload } = await send({ type: "along", id: card.direction.id, amounts: AMOUNTS, count: AMOUNTS.length });
        if (header.type === "along" && payload) card.fill(header, payload);
      } catch {
        return; // the stage says what went wrong; the next change tries again
      }
    }
  }
  const newState = () => {
    const wanted = `${model.get("info")?.name} ${bench().map(({ id }) => id).join()}`;
    if (visible && wanted !== listed) list();
    else draw();
    parts.protectable(null, session()?.protect ?? []);
    again();
  };
  const watch = new IntersectionObserver((entries) => {
    const was = visible;
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible && !was) newState();
  });
  watch.observe(el);
  const deaf = hear(model, { "change:info": () => ((shown = ""), newState()), "change:state": newState });
  newState();
  underWay(model, { view: "directions", kind: "find", signal }).then((now) => now && parts.say(`Still finding: ${now.title}.`)).catch(() => {});
  return () => {
    stop.abort();
    clearTimeout(strips);
    watch.disconnect();
    deaf();
    cards.forEach((card) => card.stop());
    pacer.dispose();
    undress();
  };
}

/** The tools, the form, the list and what is measured. @param {any} on */
function build(on) {
  const form = findForm({ find: on.find, selection: on.selection });
  const bar = progressBar({ cancel: on.cancel });
  const words = h("p", { class: "le-error", hidden: true, role: "status" });
  const reset = h("button", { type: "button", class: "le-button", title: "Take all edits away", on: { click: on.reset } }, icon("reset"), "No edits");
  const blink = h("button", { type: "button", class: "le-button", title: "Hold to see the picture without the edits (also by Space)" }, icon("compare"), "Hold: before");
  for (const [event, down] of /** @type {[string, boolean][]} */ ([["pointerdown", true], ["pointerup", false], ["pointerleave", false], ["pointercancel", false]])) blink.addEventListener(event, () => on.blink(down));
  blink.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === " " && !event.repeat && (event.preventDefault(), on.blink(true)));
  blink.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => event.key === " " && on.blink(false));
  const file = h("input", { type: "file", accept: ".safetensors", hidden: true });
  file.addEventListener("change", () => file.files?.[0] && (on.load(file.files[0]), (file.value = "")));
  const guards = h("fieldset", { class: "le-dir-guards", hidden: true }, h("legend", null, "Keep as it is"));
  const list = h("ol", { class: "le-dir-list", "aria-label": "Directions" });
  const empty = h("p", { class: "le-empty" }, "No directions yet. Find some below.");
  const table = evidenceTable();
  const matrix = alikeMatrix();
  const alike = h("details", { class: "le-dir-more" }, h("summary", null, "How alike they are"), matrix.el);
  alike.addEventListener("toggle", () => alike.open && on.alike());
  const refine = h("button", { type: "button", class: "le-button", title: "Measure every direction from 256 pictures", on: { click: on.refine } }, icon("refresh"), "Measure more");
  const el = h("div", { class: "le-dir-body" },
    h("section", { class: "le-panel" }, h("div", { class: "le-row" }, blink, reset, h("span", { class: "le-grow" }),
      h("button", { type: "button", class: "le-button", title: "Save these directions as a file", on: { click: on.save } }, icon("save"), "Save"),
      h("button", { type: "button", class: "le-button", title: "Load a file of directions", on: { click: () => file.click() } }, icon("open"), "Load"), file), words, bar.el, guards),
    h("section", { class: "le-panel", "aria-label": "Directions of this model" }, empty, list),
    h("section", { class: "le-panel", "aria-label": "Find directions" }, h("h3", { class: "le-title" }, "Find directions"), form.el),
    h("section", { class: "le-panel", "aria-label": "Evidence" }, h("div", { class: "le-row" }, h("h3", { class: "le-title le-grow" }, "Evidence"), refine), h("p", { class: "le-note" }, "One unit of any direction changes the picture as much as one unit of any other: a quarter of the difference between two random pictures."), table.el, alike));
  /** @type {string[]} */ let names = [];
  return {
    el,
    list: (/** @type {HTMLElement[]} */ cards) => void list.replaceChildren(...cards),
    table: table.show,
    alike: matrix.show,
    notAlike: matrix.fail,
    methods: form.show,
    /** @param {string} text */
    say(text) {
      words.hidden = !text;
      words.textContent = text;
    },
    busy(/** @type {boolean} */ busy) {
      form.busy(busy);
      refine.disabled = busy;
      if (!busy) bar.hide();
    },
    progress: bar.show,
    edits(/** @type {number} */ set, /** @type {number} */ count) {
      reset.disabled = blink.disabled = !set;
      empty.hidden = !!count;
      list.hidden = !count;
    },
    /** @param {string[] | null} known attributes that can be protected; null: as before @param {string[]} on which are */
    protectable(known, on_) {
      if (known && known.join() !== names.join()) {
        names = known;
        guards.replaceChildren(guards.firstChild, ...names.map((name) => h("label", { class: "le-dir-guard" }, h("input", { type: "checkbox", value: name, on: { change: () => on.protect([...guards.querySelectorAll("input:checked")].map((box) => /** @type {any} */ (box).value)) } }), readable(name))));
      }
      guards.hidden = !names.length;
      for (const box of /** @type {any} */ (guards.querySelectorAll("input"))) box.checked = on_.includes(box.value);
    },
  };
}

export default { render };
