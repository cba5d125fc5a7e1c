// @ts-check
/** The same edit on many pictures: chosen, sent one by one, edited by the server, and saved as one zip file. */
import { h } from "./dom.js";
import { fetchFile, save, weight } from "./files.js";
import { icon } from "./icons.js";
import { cancel, progressBar, run } from "./jobs.js";
import { ask } from "./live.js";
import { MOST, bytes, isPicture, opened } from "./photofile.js";

export const MOST_PICTURES = 200;
const MOST_ZIP = 64 << 20;
const MOST_IN_ALL = 64 << 20; // bytes that are sent of pictures
const PART = 4 << 20; // bytes of a zip file sent at a time
const LIGHT = 1 << 20; // bytes up to which a picture is sent as it is
const SIDE = 1024; // pixels that a heavier one is made smaller to

/** What a session can do to other pictures; `null` stands for what it cannot. Pure. @param {any} session @param {number[] | null} photo the code that the stage began with */
export function editsOf(session, photo) {
  const { spot, journey } = session ?? {};
  const [axes, others] = [spot?.axes?.length ?? 0, (spot?.bumps?.length ?? 0) + (spot?.edits?.length ?? 0)];
  const points = [journey?.start, ...(journey?.stops ?? []), journey?.end].filter(Boolean).length;
  const left = !!photo && (axes + others > 0 || (journey?.t ?? null) !== null || spot?.origin?.kind !== "values" || spot.origin.values.some((/** @type {number} */ value, /** @type {number} */ i) => Math.abs(value - photo[i]) > 1e-5));
  return {
    hand: axes + others ? (others ? "Do what I did by hand" : `Set ${axes === 1 ? "the axis" : `the ${axes} axes`} that I set by hand`) : null,
    path: points > 1 ? "Go the step from A to B" : null,
    photo: left ? "Change what I changed since my photo" : null,
    towards: session ? "Go towards what is on the stage" : null,
  };
}

/** What of several chosen files can be sent. Pure. @param {{ name: string, type: string, size: number }[]} files */
export function sorted(files) {
  const zips = files.filter(({ name, type }) => /\.zip$/i.test(name) || /zip/.test(type));
  return { zips, pictures: files.filter((file) => !zips.includes(file) && isPicture(file)), others: files.filter((file) => !zips.includes(file) && !isPicture(file)) };
}

/** @param {{ model: import("./live.js").Model, view: string, photo: () => number[] | null, signal: AbortSignal }} options `photo`: the code that the stage began with, or null */
export function pile({ model, view, photo, signal }) {
  let work = /** @type {AbortController | null} */ (null);
  let job = "";
  let count = 0;
  let fits = ""; // the model that the pictures are cut for

  const input = h("input", { type: "file", multiple: true, accept: "image/*,.tif,.tiff,.bmp,.zip", class: "le-unseen", tabindex: -1, "aria-hidden": "true" });
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    if (files.length) bring(files);
  });
  const choose = h("button", { type: "button", class: "le-button", on: { click: () => input.click() } }, icon("open"), "Choose pictures");
  const there = h("p", { class: "le-note", role: "status" }, "None chosen yet.");
  const lost = h("details", { class: "le-photo-more", hidden: true }, h("summary"), h("ul", { class: "le-photo-lost" }));
  const kind = h("select", { class: "le-select le-grow", "aria-label": "What to do to every picture", on: { change: () => suit() } });
  const amount = h("input", { type: "range", class: "le-range", min: 0, max: 1.5, step: 0.05, ".value": "1", "aria-label": "How much of it" });
  const share = h("output", { class: "le-note" });
  const howMuch = h("div", { class: "le-photo-amount" }, h("span", null, "How much of it"), amount, share);
  let chosen = false; // whether the amount is the visitor's own
  amount.addEventListener("input", () => ((chosen = true), say()));
  const go = h("button", { type: "button", class: "le-button le-primary", on: { click: () => edit() } }, icon("save"), "Edit all and save");
  const bar = progressBar({ cancel: () => (job ? cancel(model, { view, id: job }).catch(() => {}) : work?.abort()) });
  const error = h("p", { class: "le-error", role: "alert", hidden: true });
  const done = h("p", { class: "le-note", role: "status", hidden: true });
  const slow = h("p", { class: "le-note", hidden: true }, "This model has no encoder: the code of every picture is searched for, which takes many seconds each.");
  const el = h("details", { class: "le-panel le-photo-pile" }, h("summary", { class: "le-title" }, "The same edit on many pictures"),
    h("div", { class: "le-photo-pile-body" },
      h("p", { class: "le-note" }, `Choose up to ${MOST_PICTURES} pictures, or a zip file of them (${MOST_ZIP >> 20} MB in all). Each is cut around its middle, edited, and comes back in a zip file with a record of what was done. They stay in this server's memory for an hour at most.`),
      h("div", { class: "le-row" }, choose, input, there), lost, h("div", { class: "le-row" }, kind), howMuch, slow, h("div", { class: "le-row" }, go), bar.el, error, done));

  const say = () => {
    share.textContent = `${Math.round(100 * Number(amount.value))} %`;
    amount.setAttribute("aria-valuetext", share.textContent ?? "");
  };
  const suit = () => {
    const info = model.get("info");
    if (fits && info && info.name !== fits) fits = "", (count = 0), (there.textContent = "None chosen yet for this model."), (lost.hidden = true);
    const can = editsOf(model.get("state")?.session, photo());
    const offered = Object.entries(can).filter(([, words]) => words);
    const wanted = kind.value in can && can[/** @type {"hand"} */ (kind.value)] ? kind.value : offered[0]?.[0];
    const same = [...kind.options].map((option) => option.text).join() === offered.map(([, words]) => words).join();
    if (!same) kind.replaceChildren(...offered.map(([name, words]) => h("option", { value: name }, words)));
    if (wanted) kind.value = wanted;
    howMuch.hidden = kind.value === "hand";
    if (!chosen) (amount.value = kind.value === "towards" ? "0.5" : "1"), say(); // all the way, every picture would become the same
    slow.hidden = !info || info.parts?.includes("encoder");
    go.disabled = !count || !offered.length || !!work;
    choose.disabled = !!work;
  };
  /** @param {string} title @param {(signal: AbortSignal) => Promise<void>} doing */
  const busy = async (title, doing) => {
    work = new AbortController();
    const leave = () => work?.abort();
    signal.addEventListener("abort", leave);
    error.hidden = done.hidden = true;
    suit();
    try {
      await doing(work.signal);
    } catch (/** @type {any} */ failure) {
      if (signal.aborted) return;
      const ended = failure.name === "AbortError";
      done.hidden = !ended;
      error.hidden = ended;
      (ended ? done : error).textContent = ended ? `${title} was stopped.` : failure.message;
    } finally {
      signal.removeEventListener("abort", leave);
      work = null;
      job = "";
      bar.hide();
      suit();
    }
  };
  /** @param {File[]} files */
  const bring = (files) => busy("Sending", async (wanted) => {
    const { zips, pictures, others } = sorted(files);
    if (!zips.length && !pictures.length) throw new Error(`${others.length === 1 ? `“${others[0].name}” is` : "These files are"} neither a picture nor a zip file.`);
    if (pictures.length > MOST_PICTURES) throw new Error(`${pictures.length} pictures were chosen, at most ${MOST_PICTURES} can be edited at once.`);
    const heavy = zips.find(({ size }) => size > MOST_ZIP);
    if (heavy) throw new Error(`“${heavy.name}” has ${weight(heavy.size)}, at most ${MOST_ZIP >> 20} MB can be sent.`);
    const unsent = others.map(({ name }) => [name, "It is no picture."]);
    let start = true;
    let sent = 0;
    const began = performance.now();
    const all = [...pictures, ...zips];
    for (const [k, file] of all.entries()) {
      bar.show({ id: "sending", kind: "pile", title: "Sending", state: "running", step: k, steps: all.length, minutes: (performance.now() - began) / 60_000, words: `Sending ${k + 1} of ${all.length}.`, figures: {}, error: "", result: null });
      const zip = zips.includes(file);
      const content = zip ? /** @type {any} */ (file) : await lightened(/** @type {any} */ (file));
      if (!content) { unsent.push([file.name, `It has ${weight(file.size)} and this browser cannot open it to make it smaller.`]); continue; }
      sent += content.size;
      if (sent > MOST_IN_ALL) throw new Error(`These pictures have more than ${MOST_IN_ALL >> 20} MB in all; the first ${k} were sent. Choose fewer, or smaller ones.`);
      for (let from = 0; from < content.size; from += zip ? PART : content.size) {
        const part = zip ? content.slice(from, from + PART) : content;
        const { header } = await ask(model, { type: "pile", view, kind: zip ? "zip" : "picture", name: file.name, start, more: zip && from + PART < content.size }, { signal: wanted, payload: await bytes(part), patience: 120_000 });
        start = false;
        show(header, unsent);
      }
    }
    if (start) throw new Error(`None of these files could be sent. ${unsent.map(([name, why]) => `${name}: ${why}`).join(" ")}`);
  });
  /** @param {any} header @param {string[][]} unsent */
  const show = (header, unsent) => {
    count = header.count;
    fits = model.get("info")?.name ?? "";
    there.textContent = count === 1 ? "One picture is there." : `${count} pictures are there.`;
    const bad = [...unsent, ...header.unreadable];
    const many = header.lost + unsent.length;
    lost.hidden = !many;
    lost.firstChild.textContent = many === 1 ? "One file could not be read" : `${many} files could not be read`;
    lost.lastChild.replaceChildren(...bad.map(([name, why]) => h("li", null, why.includes(name) ? why : `${name}: ${why}`)));
  };
  const edit = () => busy("Editing", async (wanted) => {
    const request = { type: "edit_pile", view, change: kind.value, amount: Number(amount.value), photo: kind.value === "photo" ? photo() : null };
    const ended = await run(model, request, { signal: wanted, told: (state) => ((job = state.id), bar.show(state)) });
    job = "";
    if (ended.state !== "done") throw new DOMException("cancelled", "AbortError");
    const made = ended.result;
    save(await fetchFile(model, { view, made, signal: wanted }), made.name);
    done.hidden = false;
    done.textContent = `Saved ${made.name}, ${weight(made.bytes)}. It ${made.words}; edit.json in it says how exact each picture is.`;
  });

  say();
  suit();
  return { el, suit };
}

/** A picture as it is, or made smaller where it is heavy; null when it is too heavy and cannot be opened. @param {File} file @returns {Promise<Blob | null>} */
async function lightened(file) {
  if (file.size <= LIGHT) return file;
  const canvas = await opened(file, SIDE);
  if (!canvas) return file.size <= MOST ? file : null;
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}
