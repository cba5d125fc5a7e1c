// @ts-check
/** Making and dressing elements; what every view needs of the document. */

/**
 * An element with attributes and children. `on` holds listeners by event name, `class` and `style` are text, `true` and `false` set or omit an
 * attribute, a name with a leading dot sets a property (".value").
 *
 * @param {string} tag
 * @param {Record<string, any> | null} [attributes]
 * @param {...any} children nodes or text; null and false are left out
 * @returns {any}
 */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name.startsWith(".")) /** @type {any} */ (node)[name.slice(1)] = value;
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Makes `el` a view's root: empties it, sets its classes and puts the style sheets inside, so that they leave with it. @param {HTMLElement} el @param {string} name @param {...string} sheets */
export function dress(el, name, ...sheets) {
  el.classList.add("le", name);
  el.replaceChildren(h("style", null, sheets.join("\n")));
  return () => {
    el.classList.remove("le", name);
    el.replaceChildren();
  };
}

/** Listens to a model; returns what stops it. Keys are events ("change:state", "msg:custom"). @param {import("./live.js").Model} model @param {Record<string, Function>} callbacks */
export function hear(model, callbacks) {
  const entries = Object.entries(callbacks);
  for (const [event, callback] of entries) model.on(event, callback);
  return () => entries.forEach(([event, callback]) => model.off(event, callback));
}

/** The colour a variable has here and now, as "rgb(…)" for a canvas. @param {HTMLElement} el inside the view @param {string} name such as "--le-accent" */
export function colour(el, name) {
  const probe = h("span", { style: `display:none;color:var(${name})` });
  el.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** Calls back whenever the host may have turned light or dark; returns what stops it. @param {() => void} callback */
export function onTheme(callback) {
  const watcher = new MutationObserver(callback);
  const options = { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-theme"] };
  watcher.observe(document.documentElement, options);
  if (document.body) watcher.observe(document.body, options);
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", callback);
  return () => {
    watcher.disconnect();
    system.removeEventListener("change", callback);
  };
}

/** Turns a button off, or on again, without taking the focus from it as `disabled` would. @param {HTMLElement} button @param {boolean} off */
export const turnOff = (button, off) => button.setAttribute("aria-disabled", String(off));

/** @param {HTMLElement} button */
export const isOff = (button) => button.getAttribute("aria-disabled") === "true";

/** Whether the visitor asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether keys typed there are text, so that shortcuts must leave them alone. @param {EventTarget | null} target */
export function isTyping(target) {
  const node = /** @type {HTMLElement | null} */ (target);
  return !!node?.closest?.("textarea, select, [contenteditable=''], [contenteditable=true], input:not([type=range], [type=checkbox], [type=radio], [type=button])");
}
