// @ts-check
/** The pictures of the atlas most like what is on the stage, nearest first; a click goes to one. They are training pictures where there is an encoder, else samples. */
import { h } from "./dom.js";
import { paint, rgba } from "./frames.js";
import { digits, drawn, listed } from "./words.js";

export const COUNT = 12;

/** @param {{ fetch: () => Promise<{ header: any, payload: DataView | null }>, go: (row: number) => void }} to */
export function similar(to) {
  let wanted = "";
  const note = h("p", { class: "le-note" });
  const row = h("div", { class: "le-similar-row" });
  const title = h("h3", { class: "le-title" }, "Most similar training pictures");
  const el = h("section", { class: "le-panel le-similar", "aria-label": "Most similar training pictures", hidden: true }, title, row, note);
  return {
    el,
    /** @param {any} info */
    suit(info) {
      wanted = "";
      el.hidden = !info?.atlas?.n;
      title.textContent = `Most similar ${drawn(info) ? "samples of this model" : "training pictures"}`;
      el.setAttribute("aria-label", title.textContent);
      row.replaceChildren();
      note.textContent = "";
    },
    /** Looks again, unless `state` is what was looked for already. @param {string} state */
    async show(state) {
      if (el.hidden || state === wanted) return;
      wanted = state;
      row.setAttribute("aria-busy", "true");
      try {
        const { header, payload } = await to.fetch();
        if (state !== wanted || header.type !== "similar" || !payload) return;
        row.replaceChildren(...header.rows.map((/** @type {number} */ number, /** @type {number} */ i) => cell(number, header.distances[i], listed(header.labels[i]), rgba(payload, header.width, header.height, i), to.go)));
        note.textContent = `By latent distance, over the ${header.axes} axes that carry something.`;
      } catch {
        if (state === wanted) wanted = ""; // the next state tries again
      } finally {
        row.setAttribute("aria-busy", "false");
      }
    },
  };
}

/** @param {number} number @param {number} distance @param {string} labels @param {ImageData} pixels @param {(row: number) => void} go */
function cell(number, distance, labels, pixels, go) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  paint(canvas, pixels);
  const words = `Picture ${number}, ${digits(distance)} away${labels ? `: ${labels}` : ""}`;
  return h("button", { type: "button", class: "le-similar-cell", title: words, "aria-label": words, on: { click: () => go(number) } }, canvas);
}
