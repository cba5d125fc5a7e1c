// @ts-check
/** Before and after in one frame, with a divider that is dragged or moved by the keyboard. */
import { h } from "./dom.js";
import { paint } from "./frames.js";

const HELD = 350; // milliseconds after which a press counts as holding, and ends with the release

/**
 * @param {{ frame: HTMLElement, before: HTMLCanvasElement, button: HTMLButtonElement, signal: AbortSignal }} options `before` lies over the picture; `button` toggles, or shows while held
 */
export function split({ frame, before, button, signal }) {
  const divider = h("div", { class: "le-stage-divider", role: "slider", tabindex: 0, "aria-label": "Divider between before and now", "aria-valuemin": 0, "aria-valuemax": 100, hidden: true });
  const tags = [h("span", { class: "le-stage-tag le-stage-then", hidden: true }, "before"), h("span", { class: "le-stage-tag le-stage-new", hidden: true }, "now")];
  frame.append(divider, ...tags);
  let open = false;
  let share = 0.5;
  let pressed = 0;
  let wasOpen = false;

  const place = (/** @type {number} */ value) => {
    share = Math.min(1, Math.max(0, value));
    before.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
    divider.style.left = `${share * 100}%`;
    divider.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    divider.setAttribute("aria-valuetext", `${Math.round(share * 100)} % before`);
  };
  const set = (/** @type {boolean} */ value) => {
    if (button.disabled) return;
    open = value;
    button.setAttribute("aria-pressed", String(open));
    for (const node of [before, divider, ...tags]) node.hidden = !open;
    frame.classList.toggle("le-stage-split", open);
  };
  const follow = (/** @type {PointerEvent} */ event) => {
    const box = frame.getBoundingClientRect();
    place((event.clientX - box.left) / box.width);
  };
  place(share);

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || button.disabled) return;
    button.setPointerCapture(event.pointerId);
    wasOpen = open;
    pressed = performance.now();
    set(true);
  }, { signal });
  button.addEventListener("pointerup", () => {
    if (pressed && (wasOpen || performance.now() - pressed > HELD)) set(false);
    pressed = 0;
  }, { signal });
  button.addEventListener("pointercancel", () => {
    if (pressed) set(wasOpen);
    pressed = 0;
  }, { signal });
  button.addEventListener("click", (event) => event.detail === 0 && set(!open), { signal }); // by the keyboard
  divider.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => divider.setPointerCapture(event.pointerId), { signal });
  divider.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => divider.hasPointerCapture(event.pointerId) && follow(event), { signal });
  divider.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 }[event.key];
    if (event.key === "Escape") set(false), button.focus();
    if (step === undefined) return;
    event.preventDefault();
    place(share + step);
  }, { signal });

  return {
    toggle: () => set(!open),
    /** Takes the picture as it is as the one to compare with. @param {HTMLCanvasElement} picture @param {string} [word] what it is called */
    remember(picture, word = "before") {
      paint(before, picture);
      tags[0].textContent = word;
      button.disabled = false;
    },
    /** There is nothing to compare with. */
    forget() {
      set(false);
      button.disabled = true;
    },
  };
}
