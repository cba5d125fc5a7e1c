// @ts-check
/** Own pictures become an own model: chosen here, trained by the server on this very computer in a process of its own. */
import sheet from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { icon } from "./shared/icons.js";
import jobs from "./shared/jobs.css";
import { cancel, progressBar, run, underWay, watch } from "./shared/jobs.js";
import { ask } from "./shared/live.js";
import { MOST_PICTURES, curve, fault, picturesAmong, smaller } from "./shared/ownwish.js";
import { bytesOf } from "./shared/wire.js";
import css from "./train.css";

const KEPT = "latent-explorer.own"; // what was being trained, in localStorage
const LOOK_EVERY = 5000; // milliseconds between two looks at what is drawn by now
/** @typedef {import("./shared/ownwish.js").Wish} Wish */

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-train", sheet, jobs, css);
  const stop = new AbortController();
  const { signal } = stop;
  /** @type {File[]} */ let chosen = [];
  let job = ""; // the id of the one that is followed
  let looked = 0;
  /** @type {[number, number][]} */ let curvePoints = [];
  const send = (/** @type {any} */ header, /** @type {Uint8Array | null} */ payload = null) => ask(model, { view: "train", ...header }, { signal, payload });

  const parts = build({ choose, begin: () => begin(parts.wish()), resume: () => begin(kept()), open: (name) => model.send({ type: "open", model: name }), stop: () => cancel(model, { view: "train", id: job }).catch(() => {}) });
  el.append(parts.el);

  /** @param {FileList | null} files */
  function choose(files) {
    chosen = picturesAmong(/** @type {any} */ (files ?? []));
    parts.chose(chosen.length, (files?.length ?? 0) - chosen.length);
  }
  /** @param {Wish | null} wish */
  async function begin(wish) {
    if (!wish) return;
    const wrong = fault(wish, wish.pile ? Infinity : chosen.length);
    if (wrong) return parts.complain(wrong);
    parts.busy(true);
    try {
      const whole = wish.path?.trim() || wish.pile ? wish : { ...wish, pile: await bring(chosen) };
      keep(whole);
      curvePoints = [];
      parts.fresh();
      await follow(() => run(model, { type: "train", view: "train", ...whole }, { told, signal }));
    } catch (error) {
      if (!signal.aborted) parts.complain(/** @type {Error} */ (error).message);
    }
    parts.busy(false);
  }
  /** Makes pictures smaller and brings them, one after another; returns the name of their pile. @param {File[]} files */
  async function bring(files) {
    const { pile } = (await send({ type: "lend" })).header;
    let number = 0;
    for (const [i, file] of files.slice(0, MOST_PICTURES).entries()) {
      parts.bringing(i + 1, files.length);
      const picture = await reduced(file).catch(() => null); // what the browser cannot read is left out
      if (picture) await send({ type: "lend", pile, number: number++ }, picture);
    }
    if (!number) throw new Error("None of these files could be read as a picture.");
    return pile;
  }
  /** @param {() => Promise<any>} work */
  async function follow(work) {
    try {
      const ended = await work();
      parts.quiet();
      if (ended.state === "cancelled") return parts.paused(ended.error, kept());
      keep(null);
      parts.done(ended.result);
      model.send({ type: "models", view: "train" });
    } catch (error) {
      parts.quiet();
      throw error;
    }
  }
  /** @param {import("./shared/jobs.js").Job} now */
  const told = (now) => {
    job = now.id;
    parts.show(now);
    const { psnr, loss } = now.figures ?? {};
    const value = psnr ?? loss;
    if (Number.isFinite(value) && now.step !== curvePoints.at(-1)?.[0]) curvePoints.push([now.step, value]), parts.curve(curvePoints, psnr !== undefined ? "likeness in dB" : "error");
    if (now.state === "running" && performance.now() - looked > LOOK_EVERY) (looked = performance.now()), look();
  };
  const look = async () => {
    const { header, payload } = await send({ type: "look" }).catch(() => ({ header: {}, payload: null }));
    if (header.there && payload) parts.look(new Blob([bytesOf(payload)], { type: "image/png" }));
  };
  const suit = async () => {
    const local = !!model.get("local");
    parts.suit(local, kept());
    if (!local || job) return;
    const going = await underWay(model, { view: "train", kind: "train", signal }).catch(() => null);
    if (!going || job) return;
    job = going.id;
    parts.busy(true);
    await follow(() => watch(model, { view: "train", id: going.id, told, signal })).catch((error) => signal.aborted || parts.complain(error.message));
    parts.busy(false);
  };
  const deaf = hear(model, { "change:local": suit });
  suit();
  return () => {
    stop.abort();
    deaf();
    parts.stop();
    undress();
  };
}

/** A picture as a small JPEG. @param {File} file @returns {Promise<Uint8Array>} */
async function reduced(file) {
  const whole = await createImageBitmap(file);
  const [width, height] = smaller(whole.width, whole.height);
  const canvas = new OffscreenCanvas(width, height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "#fff"; // see-through pictures are laid on white
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(whole, 0, 0, width, height);
  whole.close();
  return new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 })).arrayBuffer());
}

/** @returns {Wish | null} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Wish | null} wish */
function keep(wish) {
  try {
    wish ? localStorage.setItem(KEPT, JSON.stringify(wish)) : localStorage.removeItem(KEPT);
  } catch {} // without storage a training that was stopped is begun again by filling in the same
}

/** @param {{ choose(files: FileList | null): void, begin(): void, resume(): void, open(name: string): void, stop(): void }} on */
function build(on) {
  const folder = h("input", { type: "file", multiple: true, webkitdirectory: true, hidden: true, on: { change: () => on.choose(folder.files) } });
  const files = h("input", { type: "file", multiple: true, accept: "image/*", hidden: true, on: { change: () => on.choose(files.files) } });
  const button = (/** @type {string} */ text, /** @type {() => void} */ click, extra = {}) => h("button", { type: "button", class: "le-button", on: { click }, ...extra }, text);
  const count = h("p", { class: "le-note", role: "status" }, "A few hundred pictures of one kind of thing work best. They stay on this computer.");
  const path = h("input", { class: "le-field", type: "text", "aria-label": "Path of the folder", placeholder: "or its path: /home/me/pictures", autocomplete: "off", spellcheck: "false" });
  const name = h("input", { class: "le-field", type: "text", value: "my-model", autocomplete: "off", spellcheck: "false" });
  const option = (/** @type {any} */ value, /** @type {string} */ words, selected = false) => h("option", { value, selected }, words);
  const size = h("select", { class: "le-select" }, option(32, "32 pixels: quick"), option(64, "64 pixels", true), option(128, "128 pixels: slow"));
  const latent = h("input", { class: "le-field", type: "number", min: 2, max: 256, step: 1, value: 32 });
  const steps = h("select", { class: "le-select" }, option("", "as long as it takes", true), option(300, "a short try: 300 steps"), option(1000, "1,000 steps"));
  const label = (/** @type {string} */ words, /** @type {any} */ control) => h("label", null, h("span", { class: "le-train-label" }, words), control);
  const start = h("button", { type: "submit", class: "le-button le-primary" }, "Train");
  const resume = button("", on.resume, { class: "le-button le-primary", hidden: true });
  const complaint = h("p", { class: "le-error", role: "alert", hidden: true });
  const bar = progressBar({ cancel: on.stop, stop: "Stop" });
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.setAttribute("class", "le-train-curve");
  chart.setAttribute("viewBox", "-2 -4 304 72");
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("role", "img");
  const stroke = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({ fill: "none", stroke: "var(--le-accent)", "stroke-width": "2", "vector-effect": "non-scaling-stroke" })) stroke.setAttribute(key, value);
  chart.append(stroke);
  const picture = h("img", { alt: "Above: pictures held out. Below: what the model makes of them by now." });
  const figure = h("figure", { class: "le-train-look", hidden: true }, picture, h("figcaption", null, "Above: pictures of yours that it does not learn from. Below: what it makes of them by now."));
  const words = h("p", { class: "le-note", hidden: true });
  const progress = h("section", { class: "le-panel", "aria-label": "Training", hidden: true }, bar.el, words, chart, figure);
  const done = h("section", { class: "le-panel le-train-done", "aria-label": "Trained", hidden: true });
  const form = h("form", { class: "le-train-form", on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), on.begin()) } },
    h("fieldset", null, h("legend", null, "Pictures"), h("div", { class: "le-train-source" }, button("Choose a folder…", () => folder.click()), button("Choose pictures…", () => files.click()), path, folder, files), count),
    h("div", { class: "le-train-row" }, label("Name", name), label("Size of pictures", size), label("Numbers in a code", latent), label("How long", steps)),
    complaint, h("div", { class: "le-row" }, start, resume));
  const body = h("section", { class: "le-panel" }, h("h3", { class: "le-title" }, "A model of your own pictures"), form);
  const away = h("section", { class: "le-panel" }, h("h3", { class: "le-title" }, "A model of your own pictures"),
    h("p", { class: "le-note", style: "margin-top:8px" }, "Pictures are trained on only where this page is served on your own computer (explorer serve), so that they never leave it. In a terminal: explorer train my-model --data FOLDER"));
  let address = "";

  return {
    el: h("div", { class: "le-train-body" }, away, body, progress, done),
    /** @returns {Wish} */
    wish: () => ({ name: name.value.trim(), size: Number(size.value), latent: Number(latent.value), steps: steps.value ? Number(steps.value) : null, ...(path.value.trim() ? { path: path.value.trim() } : {}) }),
    /** @param {boolean} local @param {Wish | null} wish one that was stopped */
    suit(local, wish) {
      away.hidden = local;
      body.hidden = !local;
      resume.hidden = !wish;
      resume.textContent = wish ? `Go on with ${wish.name}` : "";
    },
    /** @param {number} pictures @param {number} others */
    chose(pictures, others) {
      count.textContent = `${pictures} ${pictures === 1 ? "picture" : "pictures"} chosen${others ? `; ${others} other files are left out` : ""}.`;
      complaint.hidden = true;
      if (pictures) path.value = "";
    },
    /** @param {boolean} busy */
    busy(busy) {
      start.disabled = busy;
      resume.disabled = busy;
      if (busy) complaint.hidden = done.hidden = true;
    },
    /** @param {number} i @param {number} of */
    bringing(i, of) {
      progress.hidden = words.hidden = false;
      bar.hide();
      words.textContent = `Bringing picture ${i} of ${of}…`;
    },
    /** @param {import("./shared/jobs.js").Job} job */
    show(job) {
      progress.hidden = false;
      words.hidden = true;
      bar.show(job);
    },
    /** @param {[number, number][]} points @param {string} what */
    curve(points, what) {
      const d = curve(points, 300, 64);
      if (d) stroke.setAttribute("d", d);
      chart.setAttribute("aria-label", `${what}, from ${points[0][1].toPrecision(3)} to ${points.at(-1)?.[1].toPrecision(3)}`);
    },
    /** @param {Blob} blob */
    look(blob) {
      URL.revokeObjectURL(address);
      picture.src = address = URL.createObjectURL(blob);
      figure.hidden = false;
    },
    /** Another training begins. */
    fresh() {
      stroke.removeAttribute("d");
      figure.hidden = true;
    },
    quiet() {
      bar.hide();
      words.hidden = true;
      progress.hidden = figure.hidden && !stroke.getAttribute("d");
    },
    /** @param {string} sentence @param {Wish | null} wish */
    paused(sentence, wish) {
      complaint.hidden = true;
      words.hidden = false;
      words.textContent = sentence;
      progress.hidden = false;
      resume.hidden = !wish;
      resume.textContent = wish ? `Go on with ${wish.name}` : "";
    },
    /** @param {{ model: string, file: string }} result */
    done(result) {
      resume.hidden = true;
      done.hidden = false;
      done.replaceChildren(h("h3", { class: "le-title" }, `${result.model} is trained`), h("p", { class: "le-note" }, "It is in the list of models from now on, also the next time. Its file:"), h("code", { class: "le-train-where" }, result.file),
        h("button", { type: "button", class: "le-button le-primary", on: { click: () => on.open(result.model) } }, icon("open"), "Open it"));
    },
    /** @param {string} sentence */
    complain(sentence) {
      complaint.hidden = false;
      complaint.textContent = sentence;
    },
    stop: () => URL.revokeObjectURL(address),
  };
}

export default { render };
