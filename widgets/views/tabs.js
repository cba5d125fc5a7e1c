// @ts-check
/** Greys the tabs of activities for which the open model lacks a part, and says why in their place. It shows nothing itself. */
import sheet from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { lacking } from "./shared/needs.js";
import css from "./tabs.css";

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement, options: { panels?: import("./shared/needs.js").Needs[] } }} context */
function render({ model, el, options }) {
  const undress = dress(el, "le-tabs-view", sheet);
  const style = h("style", null, css); // for what Gradio made around the views
  document.head.append(style);
  const panels = options.panels ?? [];
  /** @type {Map<string, HTMLElement>} */ const reasons = new Map();

  const buttons = (/** @type {string} */ title) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.le-tabs button[role="tab"], .le-tabs .overflow-dropdown button')]).filter((button) => button.textContent?.trim() === title);
  const show = () => {
    const info = model.get("info");
    for (const { id, title, needs, without } of panels) {
      const missing = info && lacking(info.parts, needs);
      const words = missing?.length ? `“${info.title ?? info.name}” cannot do this. ${without || `It has no ${missing.join(" and no ")}.`}` : "";
      for (const button of buttons(title)) {
        button.toggleAttribute("data-le-off", !!words);
        if (button.title !== words) button.title = words;
      }
      const panel = document.getElementById(id);
      if (panel) explain(title, panel, words);
    }
  };
  /** @param {string} title @param {HTMLElement} panel @param {string} words "" to show the panel itself */
  const explain = (title, panel, words) => {
    let reason = reasons.get(title);
    panel.toggleAttribute("data-le-lacks", !!words);
    if (!words) return reason?.remove();
    if (!reason) reasons.set(title, (reason = h("div", { class: "le le-page le-view-lacks" }, h("p", { class: "le-panel le-empty le-tabs-why" }))));
    const line = /** @type {HTMLElement} */ (reason.firstChild);
    if (line.textContent !== words) line.textContent = words;
    if (reason.parentElement !== panel) panel.prepend(reason);
  };
  // Gradio draws the row of tabs anew when the window changes, and a panel when it is first wanted: what was greyed must be greyed again.
  const watcher = new MutationObserver(() => show());
  const row = document.querySelector(".le-tabs .tab-wrapper");
  if (row) watcher.observe(row, { childList: true, subtree: true });
  if (row?.parentElement) watcher.observe(row.parentElement, { childList: true });
  const deaf = hear(model, { "change:info": show });
  show();
  return () => {
    watcher.disconnect();
    deaf();
    for (const reason of reasons.values()) reason.remove();
    for (const node of document.querySelectorAll("[data-le-off], [data-le-lacks]")) node.removeAttribute("data-le-off"), node.removeAttribute("data-le-lacks");
    style.remove();
    undress();
  };
}

export default { render };
