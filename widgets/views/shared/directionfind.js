// @ts-check
/** Asking for directions: by which method, of what, how many; from the atlas' labels, a table of one's own, or two groups drawn on the map. */
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { grouped, readable } from "./words.js";

const KINDS = { supervised: "From labels or groups: says what it changes", unsupervised: "Without labels, at once", trained: "Without labels, trained for minutes", baseline: "To compare with" };
const GUARDS = [["soft", "is left alone where it would change"], ["project", "is taken out of every step"], ["mask", "is masked, number by number"], ["none", "may change"]];
const EQUATIONS = [["wave", "wave"], ["hamilton-jacobi", "Hamilton-Jacobi"], ["heat", "heat"], ["none", "none"]];

/**
 * @typedef {{ name: string, classes: string[], counts: number[], values: Int16Array }} Column of a table: a class for every row of the atlas, -1 for none
 * @param {{ find(wish: any): void, selection(): number[], table(file: File): Promise<Column[]>, fail(words: string): void }} on
 *   `selection` are the rows that the lasso caught; `table` reads a file of labels, or rejects with a sentence
 */
export function findForm(on) {
  const select = (/** @type {string} */ label, /** @type {[string, string][]} */ options = []) => h("select", { class: "le-select", "aria-label": label }, options.map(([value, words]) => h("option", { value }, words)));
  const method = select("Method");
  const words = h("p", { class: "le-note" });
  const count = h("input", { class: "le-field le-dir-count", type: "number", min: 1, max: 16, ".value": "6", "aria-label": "How many" });
  const seed = h("input", { class: "le-field le-dir-count", type: "number", min: 0, max: 4294967295, ".value": "0", "aria-label": "Seed" });
  const equation = select("Equation", /** @type {[string, string][]} */ (EQUATIONS));
  const guard = select("All else", /** @type {[string, string][]} */ (GUARDS));
  const by = select("From", [["label", "labels of the map"], ["table", "a table of your own (CSV)"], ["groups", "two groups on the map"]]);
  const [attribute, toward, against] = ["Attribute", "Towards", "Away from"].map((label) => select(label));
  const start = h("button", { type: "button", class: "le-button le-primary", on: { click: () => on.find(wish()) } }, icon("star"), "Find");
  const name = h("input", { class: "le-field", type: "text", maxlength: 80, placeholder: "two groups", "aria-label": "Name", autocomplete: "off" });

  const groups = { ones: /** @type {number[]} */ ([]), zeros: /** @type {number[]} */ ([]) };
  const group = (/** @type {"ones" | "zeros"} */ which, /** @type {string} */ letter, /** @type {string} */ title) => {
    const said = h("span", { class: "le-note", role: "status" }, "nothing yet");
    const button = h("button", { type: "button", class: "le-button", title: "Draw around points of the map with its lasso, then press here" }, `Take the selection as ${letter}`);
    const tell = () => (said.textContent = groups[which].length ? `${grouped(groups[which].length)} picture${groups[which].length === 1 ? "" : "s"}` : "nothing yet");
    button.addEventListener("click", () => {
      groups[which] = on.selection();
      tell();
      if (!groups[which].length) said.textContent = "Nothing is selected: draw around some points with the lasso of the map first.";
      suit();
    });
    return { el: h("div", { class: "le-row" }, h("strong", { class: "le-dir-letter" }, `${letter}: ${title}`), button, said), tell };
  };
  const [a, b] = [group("ones", "A", "to go to"), group("zeros", "B", "to come from")];
  const lassos = h("div", { class: "le-dir-groupings" }, a.el, b.el);

  const file = h("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv", hidden: true, "aria-label": "A table of labels" });
  const tableSaid = h("p", { class: "le-note", role: "status" }, "One row for every picture of the map, or a column “id” with its number and a column for each label.");
  const choose = h("div", { class: "le-row" }, h("button", { type: "button", class: "le-button", on: { click: () => file.click() } }, icon("open"), "Choose a table"), tableSaid, file);
  file.addEventListener("change", async () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (!chosen) return;
    try {
      table = await on.table(chosen);
      tableSaid.textContent = `${chosen.name}: ${table.map(({ name: column, counts }) => `${readable(column)} (${grouped(counts.reduce((sum, n) => sum + n, 0))})`).join(", ")}`;
    } catch (error) {
      table = [];
      on.fail(/** @type {Error} */ (error).message);
    }
    fill();
  });

  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control) => h("label", { class: "le-dir-field" }, h("span", null, label), control);
  const rows = {
    by: field("From", by), attribute: field("Attribute", attribute), toward: field("Towards", toward), against: field("Away from", against),
    name: field("Name", name), count: field("How many", count), equation: field("Equation", equation), guard: field("All else", guard), seed: field("Seed", seed),
  };
  const fields = Object.values(rows);
  const el = h("div", { class: "le-dir-find" }, field("Method", method), words, h("div", { class: "le-row" }, fields[0]), choose, lassos, h("div", { class: "le-row le-dir-fields" }, fields.slice(1)), h("div", { class: "le-row" }, start));
  /** @type {any[]} */ let methods = [];
  /** @type {{ name: string, classes: string[] }[]} */ let labels = [];
  /** @type {Column[]} */ let table = [];

  const now = () => methods.find((each) => each.name === method.value);
  const source = () => (now()?.kind !== "supervised" ? "" : now().name === "gradient" ? "label" : by.value);
  const columns = () => (source() === "table" ? table : labels);
  const suit = () => {
    const from = source();
    words.textContent = now() ? (now().why ?? now().words) : "";
    words.classList.toggle("le-error", !!now()?.why);
    rows.count.hidden = !!from;
    rows.equation.hidden = now()?.name !== "flow";
    rows.guard.hidden = now()?.name !== "gradient";
    rows.by.hidden = !from || now().name === "gradient";
    for (const row of [rows.attribute, rows.toward, rows.against]) row.hidden = !(from === "label" || (from === "table" && table.length));
    rows.name.hidden = lassos.hidden = from !== "groups";
    choose.hidden = from !== "table";
    const unready = from === "groups" ? !groups.ones.length || !groups.zeros.length : from && !toward.value;
    start.disabled = !now() || !!now().why || !!unready;
  };
  const option = (/** @type {string} */ value) => h("option", { value }, readable(value));
  const classes = () => {
    const known = columns().find((each) => each.name === attribute.value)?.classes ?? [];
    toward.replaceChildren(...known.map(option));
    against.replaceChildren(h("option", { value: "" }, "all others"), ...known.map(option));
    suit();
  };
  const fill = () => {
    const before = attribute.value;
    attribute.replaceChildren(...columns().map((each) => option(each.name)));
    if (columns().some((each) => each.name === before)) attribute.value = before;
    classes();
  };
  /** Rows of the atlas whose class in the table is that one, or any but that one. */
  const rowsOf = (/** @type {Column} */ { values, classes: known }, /** @type {string} */ value, inside = true) => [...values.keys()].filter((row) => values[row] >= 0 && (known[values[row]] === value) === inside);
  const wish = () => {
    const from = source();
    const other = against.value === toward.value ? "" : against.value;
    const column = from === "table" ? /** @type {Column} */ (table.find((each) => each.name === attribute.value)) : null;
    return {
      method: now().name, seed: Math.max(0, Math.round(Number(seed.value) || 0)),
      ...(from ? {} : { count: Math.min(16, Math.max(1, Math.round(Number(count.value) || 1))) }), ...(now().name === "flow" ? { equation: equation.value } : {}), ...(now().name === "gradient" ? { guard: guard.value } : {}),
      ...(from === "label" ? { attribute: attribute.value, toward: toward.value, against: other } : {}),
      ...(column ? { ones: rowsOf(column, toward.value), zeros: other ? rowsOf(column, other) : rowsOf(column, toward.value, false), name: `${column.name}: ${toward.value}` } : {}),
      ...(from === "groups" ? { ...groups, name: name.value.trim() } : {}),
    };
  };
  method.addEventListener("change", fill);
  by.addEventListener("change", fill);
  attribute.addEventListener("change", classes);
  for (const control of [toward, against]) control.addEventListener("change", suit);
  return {
    el,
    /** @param {any[]} known the methods @param {{ name: string, classes: string[] }[]} named the labels of the atlas */
    show(known, named) {
      if (JSON.stringify([known, named]) === JSON.stringify([methods, labels])) return;
      const before = method.value;
      [methods, labels] = [known, named];
      method.replaceChildren(...Object.entries(KINDS).map(([kind, label]) => h("optgroup", { label }, methods.filter((each) => each.kind === kind).map((each) => h("option", { value: each.name }, each.why ? `${each.title} (not here)` : each.title)))));
      method.value = methods.find((each) => each.name === before && before)?.name ?? methods.find(({ name: own, why }) => own === "logistic" && !why)?.name ?? methods.find(({ why }) => !why)?.name ?? "";
      if (!labels.length && by.value === "label") by.value = "groups";
      fill();
    },
    /** Another model: rows of the old one mean nothing. */
    forget() {
      Object.assign(groups, { ones: [], zeros: [] });
      table = [];
      a.tell(), b.tell();
      fill();
    },
    /** @param {boolean} busy */
    busy: (busy) => void (start.hidden = busy),
  };
}
