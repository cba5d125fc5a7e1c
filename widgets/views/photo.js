// @ts-check
/** A picture of one's own: chosen, framed, encoded, compared, refined, and put on the stage; the same edit on many. */
import base from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { paint } from "./shared/frames.js";
import jobs from "./shared/jobs.css";
import { cancel, progressBar, run, underWay, watch } from "./shared/jobs.js";
import { ask, commit } from "./shared/live.js";
import { cropper } from "./shared/photocrop.js";
import { MOST, bytes, opened, pictureAmong } from "./shared/photofile.js";
import { chooser, comparison, refinement } from "./shared/photoparts.js";
import { pile } from "./shared/photopile.js";
import { bytesOf } from "./shared/wire.js";
import css from "./photo.css";

const VIEW = "photo";

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-photo", base, jobs, css);
  const stop = new AbortController();
  const { signal } = stop;
  let file = /** @type {File | null} */ (null); // what was chosen, for another frame or another model
  let framed = false; // whether this browser can show it
  let visible = false;
  let fittedTo = ""; // the model that the server's photo fits
  let asking = 0; // requests are numbered, so that a late answer is not taken for the newest
  /** @type {{ encoder: number[] | null, refined: number[] | null, shown: number[] | null }} */
  const codes = { encoder: null, refined: null, shown: null };
  let placed = /** @type {number[] | null} */ (null); // the code that was put on the stage last
  let running = /** @type {string} */ (""); // the id of the job that refines
  let peeking = false;

  const choose = chooser({ take: (chosen) => take(chosen), signal });
  const crop = cropper({ moved: () => {}, chosen: () => bring(), signal });
  const pair = comparison({ stage: () => toStage(), edit: () => openTab("Directions"), another: () => choose.open(), forget: () => forget(), which: (name) => show(name) });
  const bar = progressBar({ cancel: () => running && cancel(model, { view: VIEW, id: running }).catch(complain), stop: "Stop here" });
  const wish = refinement({ begin: () => refine(), bar: bar.el });
  const error = h("p", { class: "le-error", role: "alert", hidden: true });
  const reason = h("p", { class: "le-panel le-empty", hidden: true });
  const many = pile({ model, view: VIEW, photo: () => placed ?? codes.shown, signal });
  const body = h("div", { class: "le-photo-body" }, choose.el, crop.el, error, pair.el, wish.el, many.el);
  el.append(reason, body);
  crop.el.hidden = true;

  const info = () => model.get("info");
  const complain = (/** @type {any} */ failure) => {
    if (failure?.name === "AbortError" || signal.aborted) return;
    error.textContent = failure?.message ?? String(failure);
    error.hidden = false;
  };
  const proportions = () => (info()?.picture ? info().picture.width / info().picture.height : 1);

  /** A file was chosen, dropped, pasted or handed over. @param {Blob} chosen */
  const take = async (chosen) => {
    file = chosen instanceof File ? chosen : new File([chosen], "pasted picture", { type: chosen.type });
    error.hidden = true;
    choose.busy(true);
    const canvas = await opened(file);
    if (signal.aborted) return;
    framed = !!canvas;
    crop.el.hidden = !framed;
    if (canvas) crop.load(canvas, proportions());
    await bring();
  };
  /** Sends what the frame keeps; the file as it is where the browser cannot open it. */
  const bring = async () => {
    const chosen = file;
    if (!chosen || !info()?.picture) return;
    const turn = ++asking;
    stopJob();
    choose.busy(true);
    try {
      const cut = framed ? await crop.cut() : chosen;
      if (!cut) throw new Error("This browser could not cut the picture. Try a smaller one.");
      if (!cut.size) throw new Error(`“${chosen.name}” is empty.`);
      if (cut.size > MOST) throw new Error(`“${chosen.name}” has ${Math.round(cut.size / 1e6)} MB and this browser cannot open it to make it smaller; at most ${MOST >> 20} MB can be sent.`);
      const answer = await ask(model, { type: "photo", view: VIEW, name: chosen.name }, { signal, payload: await bytes(cut) });
      if (turn === asking) error.hidden = true, await arrived(answer);
    } catch (failure) {
      if (turn === asking) complain(failure);
    } finally {
      if (turn === asking) choose.busy(false);
    }
  };
  /** The server has the photo. @param {{ header: any, payload: DataView | null }} answer */
  const arrived = async ({ header, payload }) => {
    if (!header.name) return empty();
    fittedTo = header.model;
    Object.assign(codes, { encoder: header.code, refined: null, shown: header.code });
    placed = null;
    choose.small(true);
    choose.busy(false);
    const [own, drawn] = await picturesOf(header.sizes, payload);
    pair.begin({ ...header, values: header.code }, own, drawn, info());
    wish.suit({ encoder: !!header.code, seen: Object.keys(header.seen ?? {}).length > 0, prior: info()?.space?.prior });
    compare();
    if (header.code) usual();
    else if (!(await resume())) refine();
  };
  /** What is usual takes the server a moment the first time. */
  const usual = async () => {
    const turn = asking;
    const code = codes.shown;
    try {
      const { header } = await ask(model, { type: "likeness", view: VIEW, values: code }, { signal, patience: 120_000 });
      if (turn === asking && code === codes.shown) pair.usual(header.usual);
    } catch (failure) {
      if (turn === asking) complain(failure);
    }
  };
  /** Shows the encoder's code or the refined one. @param {"encoder" | "refined"} name */
  const show = async (name) => {
    const code = (codes.shown = codes[name]);
    const turn = asking;
    pair.mark(name);
    compare();
    try {
      const { header, payload } = await ask(model, { type: "likeness", view: VIEW, values: code }, { signal, patience: 120_000 });
      if (turn !== asking || code !== codes.shown) return;
      const [, drawn] = await picturesOf(header.sizes, payload);
      pair.show({ ...header, values: code }, drawn, info());
      pair.usual(header.usual);
    } catch (failure) {
      complain(failure);
    }
  };
  /** Draws the best code so far, one at a time. @param {any} soFar */
  const peek = async (soFar) => {
    if (peeking || !soFar?.values || !visible) return;
    peeking = true;
    try {
      const { header, payload } = await ask(model, { type: "likeness", view: VIEW, values: soFar.values, quick: true }, { signal });
      const [, drawn] = await picturesOf(header.sizes, payload);
      if (running) pair.show({ ...header, values: soFar.values }, drawn, info());
    } catch {
      // the next one may come
    } finally {
      peeking = false;
    }
  };
  const refine = () => follow((told) => run(model, { type: "refine", view: VIEW, ...wish.values() }, { told, signal }));
  /** Follows a job that was started before the page was loaded again. */
  const resume = async () => {
    const job = await underWay(model, { view: VIEW, kind: "refine", signal }).catch(() => null);
    if (!job) return false;
    follow((told) => watch(model, { view: VIEW, id: job.id, told, signal }));
    return true;
  };
  /** @param {(told: (job: import("./shared/jobs.js").Job) => void) => Promise<import("./shared/jobs.js").Job>} begin */
  const follow = async (begin) => {
    const turn = asking;
    wish.busy(true);
    error.hidden = true;
    try {
      const job = await begin((job) => {
        if (turn !== asking) return void cancel(model, { view: VIEW, id: job.id }).catch(() => {});
        running = job.id;
        bar.show(job);
        if (job.state === "running") peek(job.result);
      });
      if (turn !== asking) return;
      running = "";
      bar.hide();
      if (job.state === "done" && job.result?.values) {
        codes.refined = job.result.values;
        wish.done(job.result);
        pair.refined(!!codes.encoder);
        await show("refined");
      }
    } catch (failure) {
      if (turn === asking) complain(failure);
    } finally {
      if (turn === asking) running = "", bar.hide(), wish.busy(false);
    }
  };
  const stopJob = () => {
    if (running) cancel(model, { view: VIEW, id: running }).catch(() => {});
    running = "";
    bar.hide();
    wish.busy(false);
  };
  const toStage = () => {
    const code = codes.shown;
    if (!code) return;
    placed = code;
    compare();
    const edited = standsOnIt() ? model.get("state").session.spot : { axes: [] }; // another code of the same photo keeps what was done to it
    commit(model, { spot: { ...edited, origin: { kind: "values", values: code } }, journey: { t: null } }, code === codes.refined && codes.encoder ? "photo, refined" : "photo");
  };
  /** Whether the session stands on one of the photo's codes, edited or not. */
  const standsOnIt = () => {
    const origin = model.get("state")?.session?.spot?.origin;
    return !!pair.own() && origin?.kind === "values" && [codes.encoder, codes.refined].some((code) => code && same(code, origin.values));
  };
  /** While the session stands on one of the photo's codes, edited or not, the photo is what the stage compares with. */
  const compare = () => {
    const origin = model.get("state")?.session?.spot?.origin;
    const ours = standsOnIt();
    if (ours) model.set("before", { pixels: pair.own(), word: "your photo" });
    else if (model.get("before")?.word === "your photo") model.set("before", null);
    pair.onStage(!!ours && !!codes.shown && same(codes.shown, origin.values));
    many.suit();
  };
  const forget = () => {
    stopJob();
    gone();
    ask(model, { type: "forget_photo", view: VIEW }, { signal }).catch(complain);
  };
  /** All that was kept of the visitor is gone, this picture too. */
  const gone = () => {
    asking++;
    running = "";
    bar.hide();
    wish.busy(false);
    file = null;
    crop.el.hidden = true;
    empty();
  };
  const empty = () => {
    fittedTo = "";
    Object.assign(codes, { encoder: null, refined: null, shown: null });
    placed = null;
    choose.small(false);
    choose.busy(false);
    pair.end();
    wish.end();
    compare();
  };
  const newInfo = () => {
    const known = info();
    const can = known?.parts?.includes("generator");
    body.hidden = !can;
    reason.hidden = !!can;
    reason.textContent = known ? `“${known.title ?? known.name}” draws no pictures, so that no photo can be fitted to it.` : "Waiting for the model…";
    choose.suit(known);
    many.suit();
    if (!can || known.name === fittedTo) return;
    crop.reshape(proportions());
    if (file) return void (visible && bring());
    const turn = ++asking;
    stopJob();
    ask(model, { type: "photo", view: VIEW }, { signal }).then((answer) => turn === asking && arrived(answer)).catch(complain); // one that was there before
  };
  const dropped = () => {
    const given = model.get("dropped");
    if (given instanceof Blob) take(given);
  };
  const paste = (/** @type {ClipboardEvent} */ event) => {
    const given = pictureAmong(event.clipboardData?.files);
    if (!visible || !given) return;
    event.preventDefault();
    take(given);
  };

  document.addEventListener("paste", paste, { signal });
  const eye = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible && file && info()?.name !== fittedTo) bring();
  });
  eye.observe(el);
  const deaf = hear(model, { "change:info": newInfo, "change:state": compare, "change:dropped": dropped, forgotten: gone });
  if (info()) newInfo();
  else choose.suit(null), (reason.hidden = false), (reason.textContent = "Waiting for the model…"), (body.hidden = true);
  if (model.get("dropped")) dropped();
  return () => {
    stop.abort();
    eye.disconnect();
    deaf();
    if (model.get("before")?.word === "your photo") model.set("before", null);
    undress();
  };
}

/** Opens another activity. @param {string} title */
const openTab = (title) => /** @type {HTMLElement | undefined} */ ([...document.querySelectorAll(".le-tabs [role=tab]")].find((tab) => tab.textContent?.trim() === title))?.click();

/** Whether two codes are the same but for rounding. @param {number[]} a @param {number[]} b */
export const same = (a, b) => a.length === b?.length && a.every((value, i) => Math.abs(value - b[i]) < 1e-5);

/** The PNG files one after another as canvases. @param {number[]} sizes @param {DataView | null} payload @returns {Promise<HTMLCanvasElement[]>} */
async function picturesOf(sizes, payload) {
  const all = payload ? bytesOf(payload) : new Uint8Array();
  let start = 0;
  return Promise.all(sizes.map(async (size) => {
    const bitmap = await createImageBitmap(new Blob([all.subarray(start, (start += size))], { type: "image/png" }));
    const canvas = h("canvas");
    paint(canvas, bitmap);
    bitmap.close();
    return canvas;
  }));
}

export default { render };
