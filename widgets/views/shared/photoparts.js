// @ts-check
/** The pieces of the Photo panel: where a picture is chosen, the two pictures side by side, and what is wished of a search. */
import { h } from "./dom.js";
import { paint } from "./frames.js";
import { icon } from "./icons.js";
import { TYPES, pictureAmong } from "./photofile.js";
import { judged, likeness, usualInWords, won } from "./photowords.js";
import { listed, ordinary } from "./words.js";

const KEPT = "Your photo stays in this server's memory for this session, an hour at most after its last use, and is not in recipes or links. What you put on the stage is its code, which is a step like any other.";

/** Where a picture is chosen, dropped or taken. @param {{ take: (file: Blob) => void, signal: AbortSignal }} options */
export function chooser({ take, signal }) {
  const pick = (/** @type {Record<string, any>} */ more) => {
    const input = h("input", { type: "file", accept: TYPES, class: "le-unseen", tabindex: -1, "aria-hidden": "true", ...more });
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      input.value = ""; // the same file may be chosen again
      if (file) take(file);
    });
    return input;
  };
  const files = pick({});
  const camera = pick({ capture: "user", accept: "image/*" });
  const choose = h("button", { type: "button", class: "le-button le-primary", on: { click: () => files.click() } }, icon("open"), "Choose a picture");
  const shoot = h("button", { type: "button", class: "le-button le-photo-camera", on: { click: () => camera.click() } }, "Take one");
  const hint = h("p", { class: "le-note" }, "or drop one here, or paste one.");
  const note = h("p", { class: "le-note le-photo-note", hidden: true });
  const kept = h("p", { class: "le-note le-photo-kept" }, KEPT);
  const status = h("p", { class: "le-unseen", role: "status" });
  const zone = h("div", { class: "le-photo-zone" }, h("div", { class: "le-row" }, choose, shoot), hint, files, camera);
  const el = h("section", { class: "le-panel le-photo-choose", "aria-label": "Your picture" }, zone, note, kept, status);
  let depth = 0; // of elements entered with a file in the hand
  const over = (/** @type {DragEvent} */ event) => {
    if (!event.dataTransfer?.types?.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
  };
  el.addEventListener("dragenter", (/** @type {DragEvent} */ event) => (over(event), ++depth, el.classList.add("le-photo-over")), { signal });
  el.addEventListener("dragover", over, { signal });
  el.addEventListener("dragleave", () => --depth || el.classList.remove("le-photo-over"), { signal });
  el.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    depth = 0;
    el.classList.remove("le-photo-over");
    const file = pictureAmong(event.dataTransfer?.files);
    if (!file) return;
    over(event);
    take(file);
  }, { signal });
  return {
    el,
    open: () => files.click(),
    /** @param {boolean} busy */
    busy(busy) {
      el.setAttribute("aria-busy", String(busy));
      status.textContent = busy ? "Reading your picture…" : "";
    },
    /** With a picture there it takes less room. @param {boolean} small */
    small(small) {
      el.classList.toggle("le-photo-small", small);
    },
    /** @param {any} info */
    suit(info) {
      note.hidden = !info || info.parts?.includes("encoder") || !info.parts?.includes("generator");
      note.textContent = "This model has no encoder. Its code for your picture is searched for, step by step, which takes a while and is a guess.";
    },
  };
}

/** The photo and what the model makes of it. @param {{ stage: () => void, edit: () => void, another: () => void, forget: () => void, which: (name: "encoder" | "refined") => void }} on */
export function comparison(on) {
  const own = h("canvas", { class: "le-photo-canvas", role: "img", "aria-label": "Your picture, cut to fit the model", width: 1, height: 1 });
  const drawn = h("canvas", { class: "le-photo-canvas", role: "img", "aria-label": "What the model makes of it", width: 1, height: 1 });
  const segment = (/** @type {"encoder" | "refined"} */ name, /** @type {string} */ word) => h("button", { type: "button", class: "le-button", role: "radio", "aria-checked": "false", tabindex: -1, on: { click: () => on.which(name) } }, word);
  const choices = { encoder: segment("encoder", "Encoder's code"), refined: segment("refined", "Refined code") };
  const which = h("div", { class: "le-segments le-photo-which", role: "radiogroup", "aria-label": "Which code", hidden: true }, choices.encoder, choices.refined);
  which.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const other = choices.encoder.getAttribute("aria-checked") === "true" ? "refined" : "encoder";
    on.which(other);
    choices[/** @type {"refined"} */ (other)].focus();
  });
  const close = h("p", { class: "le-photo-close", role: "status" });
  const known = h("p", { class: "le-note" });
  const typical = h("p", { class: "le-note" });
  const seen = h("p", { class: "le-note" });
  const why = h("p", { class: "le-note" });
  const near = h("p", { class: "le-note" });
  const more = h("details", { class: "le-photo-more" }, h("summary", null, "More of its code"), why, near);
  const large = h("p", { class: "le-note", hidden: true }, "This model's codes have too many numbers to be steps of a session, so that this one cannot be put on the stage.");
  const stage = h("button", { type: "button", class: "le-button le-primary", title: "Makes this code the session's; the stage then compares with your photo", on: { click: on.stage } }, "Put it on the stage");
  const next = h("div", { class: "le-row le-photo-next", hidden: true }, h("p", { class: "le-note le-grow" }, "Now change it: what you do is done to its code, and the stage compares with your photo (B), or shows where they differ (D)."),
    h("button", { type: "button", class: "le-button", on: { click: on.edit } }, "Change it along directions"));
  const words = h("h3", { class: "le-title" }, "What the model makes of it");
  const el = h("section", { class: "le-panel le-photo-pair", "aria-label": "Comparison", hidden: true },
    words, h("div", { class: "le-photo-two" }, h("figure", null, own, h("figcaption", null, "your picture")), h("figure", null, drawn, h("figcaption", null, "the model's"))),
    which, close, known, typical, seen, more, large,
    h("div", { class: "le-row" }, stage, h("span", { class: "le-grow" }), h("button", { type: "button", class: "le-button", on: { click: on.another } }, "Another picture"), h("button", { type: "button", class: "le-button", title: "The server forgets the picture now", on: { click: on.forget } }, icon("trash"), "Forget it")), next);
  /** @param {any} header */
  const measure = (header, /** @type {any} */ info) => {
    close.textContent = likeness(header.error, header.psnr);
    const verdict = ordinary(header.typicality, header.strangeness, info?.space?.prior === "normal" ? header.values : null);
    typical.textContent = `The model's code for it is ${verdict.word}.`;
    why.textContent = verdict.why;
    const { kept, changed, count } = judged(header.seen);
    seen.hidden = !count;
    seen.textContent = changed.length ? `Of ${count} things that the judge sees, ${kept.length} are kept. Changed: ${changed.join(", ")}.` : `All ${count} things that the judge sees are kept: ${kept.join(", ")}.`;
    near.hidden = !header.nearest;
    near.textContent = header.nearest ? `The nearest code of the map is picture ${header.nearest.row}${Object.keys(header.nearest.labels ?? {}).length ? `: ${listed(header.nearest.labels)}` : ""}.` : "";
  };
  return {
    el,
    /** The photo, as the model is shown it; null without one. @returns {HTMLCanvasElement | null} */
    own: () => (el.hidden ? null : own),
    /** @param {any} header of `photo` @param {HTMLCanvasElement} photo @param {HTMLCanvasElement | undefined} made @param {any} info */
    begin(header, photo, made, info) {
      el.hidden = false;
      which.hidden = true;
      words.textContent = header.name;
      paint(own, photo);
      el.style.setProperty("--le-ratio", `${photo.width} / ${photo.height}`);
      usualHidden();
      large.hidden = !header.large;
      for (const node of [typical, seen]) node.textContent = "";
      more.hidden = !made;
      if (made) this.show(header, made, info);
      else close.textContent = "Its code is being searched…", paint(drawn, h("canvas", { width: 1, height: 1 }));
      stage.disabled = !header.code || !!header.large;
    },
    /** @param {any} header @param {HTMLCanvasElement} made @param {any} info */
    show(header, made, info) {
      more.hidden = false;
      paint(drawn, made);
      measure(header, info);
    },
    /** @param {any} usual */
    usual(usual) {
      const { text, unlike } = usualInWords(usual);
      known.textContent = text;
      known.hidden = !text;
      known.classList.toggle("le-photo-unlike", unlike);
    },
    /** There is a refined code. @param {boolean} both whether there is the encoder's, too */
    refined(both) {
      which.hidden = !both;
      stage.disabled = !large.hidden;
      this.mark("refined");
    },
    /** @param {"encoder" | "refined"} name */
    mark(name) {
      for (const [key, button] of Object.entries(choices)) button.setAttribute("aria-checked", String(key === name)), (button.tabIndex = key === name ? 0 : -1);
    },
    /** @param {boolean} there */
    onStage(there) {
      stage.textContent = there ? "It is on the stage" : "Put it on the stage";
      stage.setAttribute("aria-disabled", String(there));
      next.hidden = !there;
    },
    end() {
      el.hidden = true;
    },
  };

  function usualHidden() {
    known.hidden = true;
    known.textContent = "";
  }
}

/** What is wished of a search. @param {{ begin: () => void, bar: HTMLElement }} options */
export function refinement({ begin, bar }) {
  const slider = h("input", { type: "range", class: "le-range", min: 0, max: 1, step: 0.05, ".value": "0.3", "aria-label": "Stay ordinary, or match closely" });
  const say = () => slider.setAttribute("aria-valuetext", `${Math.round(100 * Number(slider.value))} % of the way from staying ordinary to matching closely`);
  slider.addEventListener("input", say);
  const steps = h("select", { class: "le-select", "aria-label": "Steps at most" }, [50, 200, 500, 1000].map((n) => h("option", { value: n, selected: n === 200 }, `${n} steps`)));
  const seen = h("input", { type: "checkbox" });
  const seenRow = h("label", { class: "le-photo-check" }, seen, h("span", null, "Also keep what the judge sees (slower)"));
  const go = h("button", { type: "button", class: "le-button le-primary", on: { click: () => go.getAttribute("aria-disabled") !== "true" && begin() } }, "Refine the code");
  const result = h("p", { class: "le-note", role: "status", hidden: true });
  const about = h("p", { class: "le-note" });
  const el = h("section", { class: "le-panel le-photo-refine", "aria-label": "Refine the code", hidden: true },
    h("h3", { class: "le-title" }, "A closer code"), about,
    h("div", { class: "le-photo-wish" }, slider, h("span", { class: "le-note" }, "stay ordinary"), h("span", { class: "le-note" }, "match closely")),
    seenRow, h("div", { class: "le-row" }, go, steps), bar, result);
  say();
  return {
    el,
    values: () => ({ closeness: Number(slider.value), steps: Number(steps.value), seen: seen.checked && !seenRow.hidden }),
    /** @param {{ encoder: boolean, seen: boolean, prior: string | undefined }} what */
    suit(what) {
      el.hidden = false;
      result.hidden = true;
      seenRow.hidden = !what.seen;
      about.textContent = `${what.encoder ? "The encoder's code is a first guess." : "The code is searched from the best of many draws."} Step by step, the search changes it so that the model's picture comes closer to yours. Nothing is changed on the stage before you put it there.`;
      go.textContent = what.encoder ? "Refine the code" : "Search again";
      slider.disabled = what.prior === "sphere" || what.prior === "uniform";
      slider.title = slider.disabled ? "All codes of this model are equally ordinary." : "How long the code may become: at the left no longer than the model's own draws are.";
    },
    /** @param {boolean} busy */
    busy(busy) {
      go.setAttribute("aria-disabled", String(busy));
      if (busy) result.hidden = true;
    },
    /** @param {any} found */
    done(found) {
      result.hidden = false;
      result.textContent = won(found);
    },
    end() {
      el.hidden = true;
    },
  };
}
