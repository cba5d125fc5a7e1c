// @ts-check
/** The landscape that a flow goes up, over a slice through the code on the stage, with the walk on it. Plotly draws it, fetched when it is opened. */
import { axesOf } from "./axes.js";
import { plotting } from "./charts.js";
import { colour, h, onTheme } from "./dom.js";
import { lastOf, shown } from "./flowmarks.js";
import { choicesOf } from "./lattice.js";
import { css, scale } from "./palette.js";

const SIZE = 48; // points a side
const REACHES = [1, 2, 3, 5, 8]; // latent lengths
const SETTLE = 150;

/**
 * @param {{ model: import("./live.js").Model, el: HTMLElement, signal: AbortSignal, ask(wish: any): Promise<{ header: any, payload: DataView | null }> }} host
 *   `el` is the view, for its colours
 */
export function landscape({ model, el: view, signal, ask }) {
  const select = (/** @type {string} */ label) => h("select", { class: "le-select", "aria-label": label, on: { change: () => later() } });
  const [x, y] = [select("Left to right"), select("Bottom to top")];
  const reach = h("select", { class: "le-select", "aria-label": "How far", on: { change: () => later() } }, REACHES.map((value) => h("option", { value, selected: value === 3 }, `±${value}`)));
  const chart = h("div", { class: "le-flow-chart", role: "img" });
  const words = h("p", { class: "le-note", role: "status" });
  const field = (/** @type {string} */ label, /** @type {any} */ control) => h("label", { class: "le-flow-field" }, h("span", null, label), control);
  const body = h("div", { class: "le-flow-scape" }, h("div", { class: "le-row" }, field("Left to right", x), field("Bottom to top", y), field("How far", reach)), chart, words);
  const el = h("details", { class: "le-flow-more", on: { toggle: () => later(0) } }, h("summary", null, "Landscape"), body);
  let [timer, drawn, options] = [/** @type {any} */ (0), "", ""];
  /** @type {any} */ let now = null; // { walk, n, flow, print }
  /** @type {any} */ let library = null;
  /** @type {any} */ let told = null; // the newest answer

  const way = (/** @type {any} */ node) => (["way", "bend"].includes(node.value) ? { [node.value]: true } : node.value.startsWith("axis:") ? { axis: Number(node.value.slice(5)) } : { direction: node.value });
  const print = () => JSON.stringify([now?.print, now?.n, x.value, y.value, reach.value]);

  /** @param {number} [wait] */
  function later(wait = SETTLE) {
    clearTimeout(timer);
    if (el.open && now) timer = setTimeout(fill, wait);
  }
  async function fill() {
    if (!now || !el.open || print() === drawn || signal.aborted) return;
    const asked = (drawn = print());
    const { walk, n } = now;
    if (x.value === y.value) return say("Choose two different ways.");
    if (!library) say("Getting the library of charts…");
    try {
      library ??= await plotting(model, "flows", signal);
      const { header, payload } = await ask({ type: "landscape", at: n, x: way(x), y: way(y), reach: Number(reach.value), size: SIZE });
      if (asked !== drawn || header.type !== "landscape" || !payload) return;
      told = { header, heights: new Float32Array(payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength)), walk, n };
      plot();
    } catch (error) {
      if (/** @type {any} */ (error).name === "AbortError") return;
      drawn = "";
      say(/** @type {Error} */ (error).message);
    }
  }
  function plot() {
    const { header, heights, walk, n } = told;
    const { size, reach: far, names } = header;
    const style = getComputedStyle(view);
    const ink = (/** @type {string} */ name) => colour(view, name);
    const dark = style.colorScheme === "dark";
    const line = Array.from({ length: size }, (_, i) => -far + (2 * far * i) / (size - 1));
    const rows = Array.from({ length: size }, (_, i) => Array.from(heights.subarray(i * size, (i + 1) * size)));
    const colours = Array.from({ length: 9 }, (_, i) => [i / 8, css(scale(i / 8, dark))]);
    const [accent, text, panel, faint] = [ink("--le-accent-2"), ink("--le-text"), ink("--le-panel"), ink("--le-line")];
    const at = n - header.first;
    const side = (/** @type {string} */ title) => ({ title: { text: title }, range: [-far, far], zeroline: false, gridcolor: faint, color: text, fixedrange: true, constrain: "domain" });
    const track = (/** @type {[number, number][]} */ places, /** @type {any} */ more) => ({ type: "scatter", x: places.map(([a]) => a), y: places.map(([, b]) => b), hoverinfo: "skip", showlegend: false, ...more });
    const start = -header.first;
    library.react(chart, [
      { type: "contour", x: line, y: line, z: rows, colorscale: colours, contours: { coloring: "heatmap" }, line: { width: 1, color: panel }, ncontours: 16, colorbar: { title: { text: "u" }, thickness: 12, tickfont: { color: text }, outlinewidth: 0 }, hovertemplate: "u = %{z:.3g}<extra></extra>" },
      track(header.walk, { mode: "lines", line: { color: panel, width: 6 } }),
      track(header.walk, { mode: "lines+markers", line: { color: accent, width: 2.5 }, marker: { size: 5, color: accent } }),
      track([header.walk[start]], { mode: "markers", marker: { size: 11, symbol: "circle-open", color: text, line: { width: 3 } } }),
      track([header.walk[at]], { mode: "markers", marker: { size: 13, color: accent, line: { width: 2.5, color: panel } } }),
    ], {
      margin: { l: 52, r: 8, t: 8, b: 46 }, height: 340, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: style.fontFamily, size: 12, color: text },
      xaxis: side(names[0]), yaxis: { ...side(names[1]), scaleanchor: "x" }, dragmode: false,
    }, { displayModeBar: false, responsive: true, displaylogo: false });
    const off = Math.max(...header.off);
    const length = Math.max(...header.walk.map(([a, b]) => Math.hypot(a, b)), 1e-9);
    say(`Around ${n ? `step ${shown(n)}` : "the start"}, in latent lengths. The walk leaves this slice by up to ${off.toFixed(1)} of its ${length.toFixed(1)}${off > length ? ": most of it happens elsewhere" : ""}.`);
    chart.setAttribute("aria-label", `Heights of the landscape of ${now?.flow.name ?? "the flow"} over ${names[0]} and ${names[1]}, from ${Math.min(...heights).toPrecision(3)} to ${Math.max(...heights).toPrecision(3)}, with the walk of ${walk.count} steps from ${shown(walk.first)} to ${shown(lastOf(walk))}.`);
  }
  const say = (/** @type {string} */ sentence) => void (words.textContent = sentence);
  const untheme = onTheme(() => told && library && el.open && plot());

  return {
    el,
    /** @param {any} next `{ walk, n, flow, print }`, or null where there is no landscape @param {any} info @param {{ id: string, name: string }[]} others */
    show(next, info, others) {
      el.hidden = !next?.flow.landscape;
      now = el.hidden ? null : next;
      if (el.hidden) return;
      const wanted = JSON.stringify([info?.name, now.flow.id, others.map(({ id }) => id)]);
      if (wanted !== options) {
        options = wanted;
        const before = [x.value, y.value];
        for (const node of [x, y]) {
          node.replaceChildren(h("option", { value: "way" }, "the way of this flow"), h("option", { value: "bend" }, "where it bends to"),
            h("optgroup", { label: "Axes of the model" }, choicesOf(axesOf(info)).map(({ value, words: name }) => h("option", { value }, name))),
            h("optgroup", { label: "Other directions" }, others.filter(({ id }) => id !== now.flow.id).map(({ id, name }) => h("option", { value: id }, name))));
        }
        const has = (/** @type {string} */ value) => [...x.options].some((option) => option.value === value);
        x.value = has(before[0]) ? before[0] : "way";
        y.value = has(before[1]) && before[1] !== x.value ? before[1] : "bend";
      }
      later();
    },
    stop() {
      clearTimeout(timer);
      untheme();
      if (library) library.purge(chart);
    },
  };
}
