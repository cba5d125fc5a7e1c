// @ts-check
/** Taking a path home: which kind of file, how many frames, how large, how fast; made on the server, then saved. */
import { h, isOff, turnOff } from "./dom.js";
import { fetchFile, save, weight } from "./files.js";
import { cancel, progressBar, run } from "./jobs.js";
import { ask } from "./live.js";

/** @type {Record<string, [string, boolean]>} the words for a kind, and whether it moves */
export const KINDS = {
  mp4: ["Film (MP4)", true],
  gif: ["Moving picture (GIF)", true],
  webp: ["Moving picture (WebP)", true],
  strip: ["One row of pictures (PNG)", false],
  sheet: ["Contact sheet (PNG)", false],
};
const CAPTIONS = { none: "No captions", share: "How far along", words: "What changes on the way" };

/**
 * What a wish comes to, in words. Pure.
 *
 * @param {any} wish @param {{ width: number, height: number }} picture @param {number} most pixels a side @returns {{ words: string, fits: boolean }}
 */
export function outcome(wish, { width, height }, most) {
  const [w, h_] = [width * wish.scale, height * wish.scale];
  if (Math.max(w, h_) > most) return { words: `Each picture would be ${w} × ${h_} pixels, more than ${most}: choose a smaller size.`, fits: false };
  const each = `${w} × ${h_} pixels${wish.kind === "strip" || wish.kind === "sheet" ? " each" : ""}`;
  if (!KINDS[wish.kind][1]) return { words: `${wish.count} pictures of ${each}.`, fits: true };
  const frames = wish.back ? 2 * wish.count - 2 : wish.count;
  return { words: `${frames} frames of ${each}, ${(frames / wish.fps).toFixed(1)} seconds.`, fits: true };
}

/** @param {{ model: import("./live.js").Model, back(): boolean, close(): void }} host */
export function exporter({ model, back, close }) {
  /** @type {any} */ let offer = null;
  /** @type {any} */ let wish = null;
  /** @type {AbortController | null} */ let going = null;
  let job = "";
  /** @type {{ blob: Blob, name: string } | null} */ let last = null;

  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => {
    const { target } = event;
    wish[name] = target.type === "checkbox" ? target.checked : target.type === "number" ? clamped(target, name) : typeof wish[name] === "number" ? Number(target.value) : target.value;
    show();
  };
  const clamped = (/** @type {any} */ target, /** @type {string} */ name) => {
    const [least, most] = offer.limits[name];
    return Math.min(Math.max(Math.round(target.valueAsNumber || least), least), most);
  };
  const field = (/** @type {string} */ words, /** @type {any} */ control, title = "") => h("label", { class: "le-export-field", title }, h("span", null, words), control);
  const number = (/** @type {string} */ name) => h("input", { type: "number", class: "le-field", step: 1, on: { change: set(name) } });
  const choice = (/** @type {string} */ name, /** @type {[any, string][]} */ options) => h("select", { class: "le-select", on: { change: set(name) } }, options.map(([value, words]) => h("option", { value }, words)));
  const tick = (/** @type {string} */ name, /** @type {string} */ words, title = "") => {
    const box = h("input", { type: "checkbox", on: { change: set(name) } });
    return { box, el: h("label", { class: "le-export-tick", title }, box, words) };
  };

  const controls = {
    kind: choice("kind", Object.entries(KINDS).map(([kind, [words]]) => [kind, words])),
    count: number("count"),
    scale: choice("scale", [1, 2, 3, 4, 6, 8].map((scale) => [scale, `${scale}×`])),
    smooth: choice("smooth", [["smooth", "Smooth"], ["sharp", "Sharp squares"]]),
    fps: number("fps"),
    columns: number("columns"),
    captions: choice("captions", Object.entries(CAPTIONS)),
  };
  controls.smooth.addEventListener("change", () => ((wish.smooth = controls.smooth.value === "smooth"), show()));
  const there = tick("back", "There and back", "The film returns the same way, so that it repeats without a jump");
  const rows = {
    fps: field("Frames a second", controls.fps),
    columns: field("In a row", controls.columns),
    captions: field("Captions", controls.captions),
  };
  const words = h("p", { class: "le-note le-export-words", role: "status" });
  const make = h("button", { type: "button", class: "le-button le-primary", on: { click: () => isOff(make) || go() } }, "Make and save");
  const again = h("button", { type: "button", class: "le-button", hidden: true, on: { click: () => last && save(last.blob, last.name) } }, "Save again");
  const bar = progressBar({ cancel: () => job && cancel(model, { view: "film", id: job }).catch(() => {}) });
  const trouble = h("p", { class: "le-error", role: "alert", hidden: true });
  const form = h("div", { class: "le-export-form" },
    field("What", controls.kind), field("Frames", controls.count, "From one end of the path to the other"), field("Size", controls.scale), field("Enlarged", controls.smooth), ...Object.values(rows), there.el);
  const el = h("section", { class: "le-panel le-export", "aria-label": "Save the path as a file", hidden: true, on: { keydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && (event.stopPropagation(), close()) } },
    form, h("div", { class: "le-row" }, make, again, words), bar.el, trouble);

  function show() {
    if (!wish) return;
    for (const [name, control] of Object.entries(controls)) if (name !== "smooth") control.value = String(wish[name]);
    controls.smooth.value = wish.smooth ? "smooth" : "sharp";
    controls.smooth.parentNode.hidden = wish.scale === 1;
    there.box.checked = wish.back;
    const moves = KINDS[wish.kind][1];
    rows.fps.hidden = there.el.hidden = !moves;
    rows.columns.hidden = rows.captions.hidden = wish.kind !== "sheet";
    const told = outcome(wish, picture(), offer.side);
    words.textContent = told.words;
    turnOff(make, !told.fits || going !== null);
  }
  const picture = () => {
    const { width = 0, height = 0 } = model.get("info")?.picture ?? {};
    return { width, height };
  };
  function fail(/** @type {any} */ error) {
    if (error.name === "AbortError") return;
    trouble.hidden = false;
    trouble.textContent = error.message;
  }
  async function go() {
    going = new AbortController();
    const { signal } = going;
    trouble.hidden = again.hidden = true;
    show();
    try {
      const done = await run(model, { type: "film", view: "film", patch: {}, wish }, { signal, told: (state) => ((job = state.id), bar.show(state)) });
      if (done.state === "done") {
        last = { blob: await fetchFile(model, { view: "film", made: done.result, signal }), name: done.result.name };
        save(last.blob, last.name);
        words.textContent = `Saved ${last.name}, ${weight(last.blob.size)}.`;
        again.hidden = false;
      }
    } catch (error) {
      fail(error);
    }
    bar.hide();
    going = null;
    turnOff(make, false);
  }

  return {
    el,
    /** Shows or hides it. @param {boolean} open */
    async open(open) {
      el.hidden = !open;
      if (!open) return;
      trouble.hidden = true;
      form.hidden = !wish;
      turnOff(make, !wish || going !== null);
      try {
        offer ??= (await ask(model, { type: "films", view: "film" })).header;
        wish ??= { ...offer.first, back: back() };
        [...controls.kind.options].forEach((option) => (option.hidden = option.disabled = !offer.kinds.includes(option.value)));
        for (const name of ["count", "fps", "columns"]) [controls[name].min, controls[name].max] = offer.limits[name];
        form.hidden = false;
        show();
        controls.kind.focus({ preventScroll: true });
      } catch (error) {
        fail(error);
      }
    },
    stop: () => going?.abort(),
  };
}
