// @ts-check
/** The bar on top: which model is open, undo and redo, sharing, the state of the connection, light or dark, and the way to the help. */
import base from "./shared/base.css";
import { dress, h, hear, isTyping } from "./shared/dom.js";
import { takeDrops } from "./shared/drops.js";
import css from "./header.css";
import { icon } from "./shared/icons.js";
import { tellKeys } from "./shared/keys.js";
import { picker } from "./shared/picker.js";
import { shareMenu } from "./shared/share.js";
import { remembered, setTheme, systemTheme } from "./shared/theme.js";

const NOTICE = 7000; // milliseconds that a sentence stays

const MARK = `<svg viewBox="0 0 28 28" width="26" height="26" aria-hidden="true" focusable="false">
<path d="M3 20.5C7 8.5 12 6.5 15 11s5.5 6.5 10-3" fill="none" stroke="var(--le-accent)" stroke-width="2.4" stroke-linecap="round"/>
<circle cx="3.6" cy="20" r="2.6" fill="var(--le-accent)"/><circle cx="14.6" cy="10.6" r="3.1" fill="var(--le-panel)" stroke="var(--le-accent)" stroke-width="2"/><circle cx="24.6" cy="8.4" r="2.6" fill="var(--le-accent-2)"/>
<g fill="var(--le-edge)"><circle cx="7.5" cy="6" r="1.1"/><circle cx="20.5" cy="21.5" r="1.1"/><circle cx="12.5" cy="22" r="1.1"/><circle cx="20" cy="4.5" r="1.1"/></g></svg>`;

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-header", base, css);
  const stop = new AbortController();
  const { signal } = stop;
  const step = (/** @type {"undo" | "redo"} */ type) => model.get("state")?.[`can_${type}`] && model.send({ type });
  const tool = (/** @type {any} */ name, /** @type {string} */ label, /** @type {() => void} */ click) => h("button", { type: "button", class: "le-button le-bare", "aria-label": label, title: label, on: { click } }, icon(name));

  const mark = h("span", { class: "le-header-mark" });
  mark.innerHTML = MARK;
  const undo = tool("undo", "Undo", () => step("undo"));
  const redo = tool("redo", "Redo", () => step("redo"));
  const connection = h("span", { class: "le-header-connection", role: "status" }, h("i", { class: "le-header-dot", "aria-hidden": "true" }), h("span"));
  const theme = tool("moon", "Dark", () => setTheme(isDark() ? "light" : "dark"));
  const help = tool("help", "Help and keys (?)", () => model.set("help", performance.now())); // the help view opens its sheet
  const notice = h("p", { class: "le-header-notice", role: "status", hidden: true });
  let fading = /** @type {any} */ (0);
  const say = (/** @type {string} */ sentence) => {
    notice.textContent = sentence;
    notice.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => (notice.hidden = true), NOTICE);
  };
  const share = shareMenu(model, { say, signal });
  const choice = picker({ signal, open: (name) => model.send({ type: "open", model: name }) });
  el.append(h("header", { class: "le-header-bar" },
    h("div", { class: "le-header-brand" }, mark, h("strong", null, "Latent Explorer")), choice.el, connection,
    h("div", { class: "le-header-tools" }, undo, redo, share.el, theme, help)), notice);
  takeDrops(model, { el, say, signal });

  const isDark = () => document.body.classList.contains("dark");
  const showTheme = () => {
    const label = isDark() ? "Switch to light" : "Switch to dark";
    theme.replaceChildren(icon(isDark() ? "sun" : "moon"));
    theme.setAttribute("aria-label", label);
    theme.title = label;
  };
  const showState = () => {
    const state = model.get("state") ?? {};
    for (const [button, name, keys] of /** @type {const} */ ([[undo, "undo", "Ctrl+Z"], [redo, "redo", "Ctrl+Shift+Z"]])) {
      const word = name === "undo" ? "Undo" : "Redo";
      const label = state[`can_${name}`] ? `${word}: ${state[`${name}_label`] ?? "last step"} (${keys})` : `Nothing to ${name}`;
      button.setAttribute("aria-disabled", String(!state[`can_${name}`])); // stays focusable, so that undoing the last step does not lose the focus
      button.setAttribute("aria-label", label);
      button.title = label;
    }
  };
  const showStatus = () => {
    const status = model.get("status") ?? { connected: false, transport: "none", message: "Connecting…" };
    const words = { websocket: "live", server: "slower: no WebSocket", none: /^connecting/i.test(status.message) ? "connecting…" : /…/.test(status.message) ? "reconnecting…" : "not connected" };
    connection.dataset.transport = status.transport;
    connection.title = status.message;
    connection.lastChild.textContent = words[/** @type {"none"} */ (status.transport)];
  };
  const showModels = () => choice.show(model.get("models") ?? [], model.get("info"));
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (isTyping(event.target) || event.altKey) return;
    const key = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    if (!control || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    step(key === "y" || event.shiftKey ? "redo" : "undo");
  };

  document.addEventListener("keydown", keys, { signal });
  tellKeys(el, "Everywhere", [{ press: ["Ctrl+z"], does: "Undo" }, { press: ["Ctrl+Shift+z", "Ctrl+y"], does: "Redo" }]);
  const watcher = new MutationObserver(showTheme);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  const start = remembered() ?? (el.classList.contains("le-page") ? null : systemTheme());
  if (start) setTheme(start, { remember: false });
  const deaf = hear(model, { "change:state": showState, "change:status": showStatus, "change:models": showModels, "change:info": showModels });
  showTheme(), showState(), showStatus(), showModels();
  return () => {
    stop.abort();
    clearTimeout(fading);
    watcher.disconnect();
    deaf();
    undress();
  };
}

export default { render };
