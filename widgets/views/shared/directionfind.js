// @ts-check
/** Asking for directions: by which method, of what, how many. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { grouped, readable } from "./words.js";

const KINDS = { unsupervised: "Without labels, at once", trained: "Without labels, trained for minutes", supervised: "From labels or groups", baseline: "Control" };

/**
 * @param {{ find(wish: any): void, selection(): number[] }} on `selection` are the rows that the lasso caught
 */
export function findForm(on) {
  const method = h("select", { class: "le-select", "aria-label": "Method" });
  const words = h("p", { class: "le-note" });
  const count = h("input", { class: "le-field le-dir-count", type: "number", min: 1, max: 16, ".value": "6", "aria-label": "How many" });
  const seed = h("input", { class: "le-field le-dir-count", type: "number", min: 0, max: 4294967295, ".value": "0", "aria-label": "Seed" });
  const equation = h("select", { class: "le-select", "aria-label": "Equation" }, [["wave", "wave"], ["hamilton-jacobi", "Hamilton-Jacobi"], ["heat", "heat"], ["none", "none"]].map(([value, text]) => h("option", { value }, text)));
  const attribute = h("select", { class: "le-select", "aria-label": "Attribute" });
  const toward = h("select", { class: "le-select", "aria-label": "Towards" });
  const against = h("select", { class: "le-select", "aria-label": "Away from" });
  const groups = { ones: /** @type {number[]} */ ([]), zeros: /** @type {number[]} */ ([]) };
  const group = (/** @type {"ones" | "zeros"} */ which, /** @type {string} */ text) => {
    const button = h("button", { type: "button", class: "le-button", title: "Draw around pictures on the map with the lasso, then press here" }, text);
    button.addEventListener("click", () => {
      groups[which] = on.selection();
      button.textContent = groups[which].length ? `${text}: ${grouped(groups[which].length)}` : `${text}: lasso some on the map first`;
      suit();
    });
    return button;
  };
  const lassos = h("div", { class: "le-row" }, group("ones", "Group to go to"), group("zeros", "Group to come from"));
  const by = h("select", { class: "le-select", "aria-label": "From" }, h("option", { value: "label" }, "a label"), h("option", { value: "groups" }, "two groups on the map"));
  const start = h("button", { type: "button", class: "le-button le-primary" }, icon("star"), "Find");
  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control) => h("label", { class: "le-dir-field" }, h("span", null, label), control);
  const rows = {
    count: field("How many", count), seed: field("Seed", seed), equation: field("Equation", equation), by: field("From", by), attribute: field("Attribute", attribute),
    toward: field("Towards", toward), against: field("Away from", against),
  };
  const el = h("div", { class: "le-dir-find" }, field("Method", method), words, h("div", { class: "le-row" }, Object.values(rows)), lassos, h("div", { class: "le-row" }, start));
  /** @type {any[]} */ let methods = [];
  /** @type {any[]} */ let labels = [];

  const suit = () => {
    const now = methods.find(({ name }) => name === method.value);
    const supervised = now?.kind === "supervised";
    const lasso = supervised && now.name !== "gradient" && by.value === "groups";
    words.textContent = now ? (now.why ?? now.words) : "";
    words.classList.toggle("le-error", !!now?.why);
    rows.count.hidden = supervised;
    rows.equation.hidden = now?.name !== "flow";
    rows.by.hidden = !supervised || now.name === "gradient";
    for (const row of [rows.attribute, rows.toward, rows.against]) row.hidden = !supervised || lasso;
    lassos.hidden = !lasso;
    const unready = lasso && (!groups.ones.length || !groups.zeros.length);
    start.disabled = !now || !!now.why || unready || (supervised && !lasso && !toward.value);
  };
  const classes = () => {
    const chosen = labels.find(({ name }) => name === attribute.value);
    toward.replaceChildren(...(chosen?.classes ?? []).map((/** @type {string} */ value) => h("option", { value }, readable(value))));
    against.replaceChildren(h("option", { value: "" }, "all others"), ...(chosen?.classes ?? []).map((/** @type {string} */ value) => h("option", { value }, readable(value))));
    suit();
  };
  method.addEventListener("change", suit);
  by.addEventListener("change", suit);
  attribute.addEventListener("change", classes);
  start.addEventListener("click", () => {
    const now = methods.find(({ name }) => name === method.value);
    const supervised = now.kind === "supervised";
    const lasso = supervised && now.name !== "gradient" && by.value === "groups";
    on.find({
      method: now.name, seed: Number(seed.value) || 0,
      ...(supervised ? {} : { count: Math.min(16, Math.max(1, Number(count.value) || 1)) }), ...(now.name === "flow" ? { equation: equation.value } : {}),
      ...(supervised && !lasso ? { attribute: attribute.value, toward: toward.value, against: against.value === toward.value ? "" : against.value } : {}),
      ...(lasso ? groups : {}),
    });
  });
  return {
    el,
    /** @param {any[]} known the methods @param {any[]} named the labels of the atlas */
    show(known, named) {
      const before = method.value;
      [methods, labels] = [known, named];
      method.replaceChildren(...Object.entries(KINDS).map(([kind, label]) => h("optgroup", { label }, methods.filter((each) => each.kind === kind).map(({ name, title, why }) => h("option", { value: name, class: why ? "le-dir-cannot" : "" }, title)))));
      if (methods.some(({ name }) => name === before)) method.value = before;
      attribute.replaceChildren(...labels.map(({ name }) => h("option", { value: name }, readable(name))));
      classes();
    },
    /** @param {boolean} busy */
    busy: (busy) => void (start.hidden = busy),
  };
}
