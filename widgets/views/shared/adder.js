// @ts-check
/** Opening a model of this computer by its path. There only where the page is served on the visitor's own computer. */
import { h } from "./dom.js";
import { inWords, run } from "./jobs.js";

/** @param {{ model: import("./live.js").Model, signal: AbortSignal, opened(name: string): void }} options */
export function adder({ model, signal, opened }) {
  const path = h("input", { class: "le-field", type: "text", "aria-label": "Path of a model", placeholder: "/home/me/model.safetensors", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const button = h("button", { type: "submit", class: "le-button le-primary" }, "Open");
  const trust = h("input", { type: "checkbox" });
  const status = h("p", { class: "le-note", role: "status", hidden: true });
  const fault = h("p", { class: "le-error", role: "alert", hidden: true });
  const form = h("form", { on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), begin()) } },
    h("div", { class: "le-model-path" }, path, button),
    h("label", { class: "le-model-trust" }, trust, h("span", null, "I trust this file. ", h("span", { class: "le-note" }, "A TorchScript file or a Python class runs its author's code on this computer; everything else is only read."))), status, fault);
  const examples = h("ul", null,
    ...[["model.safetensors", "a checkpoint of this program"], ["some-vae/", "a folder that diffusers saved"], ["decoder.onnx", "an ONNX decoder"], ["model.json", "a description of your own network, beside its weights"]].map(([what, words]) => h("li", null, h("code", null, what), ` ${words}`)));
  const el = h("details", { class: "le-panel le-model-add", hidden: true }, h("summary", null, "Open a model from this computer"), form, examples);

  const say = (/** @type {string} */ words, /** @type {string} */ error = "") => {
    status.hidden = !words;
    status.textContent = words;
    fault.hidden = !error;
    fault.textContent = error;
    button.disabled = !!words;
  };
  async function begin() {
    say("Opening…");
    try {
      const job = await run(model, { type: "add", view: "model", path: path.value, trust: trust.checked }, { told: (job) => say(inWords(job)), signal });
      say("");
      path.value = "";
      opened(job.result);
    } catch (error) {
      if (!signal.aborted) say("", /** @type {Error} */ (error).message);
    }
  }
  return { el, suit: (/** @type {boolean} */ local) => void (el.hidden = !local) };
}
