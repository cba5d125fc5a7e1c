// @ts-check
/** Two directions in either order: how far apart they end, and both pictures. */
import { h } from "./dom.js";
import { gapWords } from "./flowmarks.js";
import { paint, rgba } from "./frames.js";

/**
 * @param {{ ask(other: string): Promise<{ header: any, payload: DataView | null }> }} host
 */
export function commutator({ ask }) {
  const other = h("select", { class: "le-select", "aria-label": "The other direction" });
  const go = h("button", { type: "button", class: "le-button", on: { click: () => compare() } }, "Compare both orders");
  const words = h("p", { class: "le-note", role: "status" });
  const figure = () => {
    const [canvas, caption] = [h("canvas", { width: 1, height: 1, role: "img" }), h("figcaption")];
    return { canvas, caption, el: h("figure", { class: "le-flow-order" }, canvas, caption) };
  };
  const [one, two] = [figure(), figure()];
  const pair = h("div", { class: "le-flow-orders", hidden: true }, one.el, two.el);
  const el = h("div", { class: "le-flow-gap" },
    h("div", { class: "le-row" }, h("label", { class: "le-flow-field" }, h("span", null, "Does the order matter? With"), other), go), words, pair);
  let print = "";
  /** @type {{ id: string, name: string } | null} */ let chosen = null;

  async function compare() {
    if (!chosen || !other.value) return;
    const [mine, its] = [chosen.name, other.selectedOptions[0].textContent ?? ""];
    go.disabled = true;
    words.textContent = "";
    try {
      const { header, payload } = await ask(other.value);
      if (header.type !== "gap" || !payload) return;
      words.textContent = gapWords(header, mine, its);
      [[one, 1, `${mine}, then ${its}`], [two, 2, `${its}, then ${mine}`]].forEach(([part, index, caption]) => {
        paint(/** @type {any} */ (part).canvas, rgba(payload, header.width, header.height, /** @type {number} */ (index)));
        /** @type {any} */ (part).caption.textContent = caption;
        /** @type {any} */ (part).canvas.setAttribute("aria-label", `Picture after ${caption}`);
      });
      pair.hidden = false;
    } catch (error) {
      if (/** @type {any} */ (error).name !== "AbortError") words.textContent = /** @type {Error} */ (error).message;
    } finally {
      go.disabled = false;
    }
  }
  return {
    el,
    /** @param {{ id: string, name: string } | null} now the chosen direction @param {{ id: string, name: string }[]} all */
    show(now, all) {
      const next = JSON.stringify([now, all.map(({ id, name }) => [id, name])]);
      if (next === print) return;
      print = next;
      const before = other.value;
      chosen = now;
      const rest = all.filter(({ id }) => id !== now?.id);
      other.replaceChildren(...rest.map(({ id, name }) => h("option", { value: id }, name)));
      if (rest.some(({ id }) => id === before)) other.value = before;
      el.hidden = !now || !rest.length;
      this.clear();
    },
    /** What was compared is no longer what is on the stage. */
    clear() {
      words.textContent = "";
      pair.hidden = true;
    },
  };
}
