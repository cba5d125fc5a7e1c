// @ts-check
/** The training example nearest to the picture on the stage. */
import { h } from "./dom.js";
import { bytesOf } from "./wire.js";
import { closeness, digits, drawn, grouped, readable } from "./words.js";

/** @param {{ fetch: (row: number) => Promise<{ header: any, payload: DataView | null }>, go: (row: number) => void }} to */
export function nearest(to) {
  let row = -1;
  let address = "";
  const picture = h("img", { class: "le-nearest-picture", width: 96, height: 96, alt: "", hidden: true });
  const words = h("p", { class: "le-nearest-words" });
  const labels = h("p", { class: "le-note" });
  const honest = h("p", { class: "le-note" });
  const go = h("button", { type: "button", class: "le-button", on: { click: () => to.go(row) }, hidden: true }, "Go there");
  const title = h("h3", { class: "le-title" }, "Nearest training example");
  const el = h("section", { class: "le-panel le-nearest", "aria-label": "Nearest training example", hidden: true },
    title, h("div", { class: "le-nearest-body" }, picture, h("div", { class: "le-grow" }, words, labels, go)), honest);
  const forget = () => {
    if (address) URL.revokeObjectURL(address);
    address = "";
    picture.hidden = true;
  };

  return {
    el,
    /** @param {any} info */
    suit(info) {
      forget();
      row = -1;
      el.hidden = !info?.atlas?.n;
      title.textContent = drawn(info) ? "Nearest sample of this model" : "Nearest training example";
      el.setAttribute("aria-label", title.textContent);
      go.hidden = true;
      words.textContent = "Looking for it…";
      labels.textContent = "";
      honest.textContent = info?.atlas ? `Nearest of ${grouped(info.atlas.n)} atlas pictures by latent distance, which is not the same as looking alike.` : "";
    },
    /** @param {any} answer of `describe` */
    async show(answer) {
      if (!answer.nearest) return;
      const { distance, labels: known } = answer.nearest;
      const word = closeness(answer.strangeness, distance);
      words.textContent = word[0].toUpperCase() + word.slice(1);
      words.title = `Latent distance ${digits(distance)}`;
      labels.textContent = Object.entries(known ?? {}).map(([name, value]) => `${readable(name)}: ${readable(value)}`).join(" · ");
      go.hidden = false;
      if (row === answer.nearest.row) return;
      const wanted = (row = answer.nearest.row);
      try {
        const { header, payload } = await to.fetch(wanted);
        if (wanted !== row || !payload || header.type !== "example") return;
        forget();
        address = URL.createObjectURL(new Blob([bytesOf(payload)], { type: `image/${header.format ?? "webp"}` }));
        picture.src = address;
        picture.alt = `${header.drawn ? "Atlas code" : "Training picture"} ${wanted}${header.drawn ? ", drawn by the model" : ""}: ${labels.textContent}`;
        picture.hidden = false;
      } catch {
        if (wanted === row) forget(); // the words stay; the stage has said what went wrong
      }
    },
    /** Nothing came; what was wrong stands on the stage. */
    fail: () => void (row < 0 && (words.textContent = "It could not be looked up.")),
    stop: forget,
  };
}
