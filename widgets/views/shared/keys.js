// @ts-check
/**
 * The keys of the page, told by the views that listen to them. Every view carries its own copy of this module, so the table is the page's.
 *
 * @typedef {object} Key
 * @property {string[]} press as browsers name them, with what is held before: "Ctrl+z", "ArrowLeft", "?"
 * @property {string} does in a few words
 * @property {string} [at] selector of what must have the focus; without one the key works everywhere
 * @typedef {{ group: string, keys: Key[], el: HTMLElement }} Told
 */

const TABLE = Symbol.for("latent-explorer.keys");
const NAMES = /** @type {Record<string, string>} */ ({ ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", PageUp: "Page up", PageDown: "Page down", " ": "Space", Escape: "Esc", "-": "−" });

/** Says which keys a view listens to, for as long as it is in the page. @param {HTMLElement} el the view @param {string} group whose keys they are, as people call it @param {Key[]} keys */
export function tellKeys(el, group, keys) {
  const table = /** @type {Told[]} */ ((/** @type {any} */ (globalThis)[TABLE] ??= []));
  table.splice(0, table.length, ...table.filter((told) => told.el !== el || told.group !== group), { group, keys, el });
}

/** All that was told by views that are still there, in the order in which they stand in the page; what works everywhere comes first. @returns {Told[]} */
export function toldKeys() {
  const table = /** @type {Told[]} */ (/** @type {any} */ (globalThis)[TABLE] ?? []).filter(({ el }) => el.isConnected);
  const everywhere = (/** @type {Told} */ { keys }) => Number(keys.some(({ at }) => at));
  return table.sort((a, b) => everywhere(a) - everywhere(b) || (a.el.compareDocumentPosition(b.el) & 2 ? 1 : -1));
}

/** A key as it stands on the keyboard: "Ctrl+Shift+z" as ["Ctrl", "Shift", "Z"]. @param {string} press */
export function caps(press) {
  const parts = press === "+" ? ["+"] : press.split("+");
  return parts.map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
