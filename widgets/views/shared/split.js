// @ts-check
/** Before and after in one frame, with a divider that is dragged or moved by the keyboard; or where the two differ. */
import { drawDifference } from "./difference.js";
import { h } from "./dom.js";
import { paint } from "./frames.js";
import { percent } from "./words.js";

const HELD = 350; // milliseconds after which a press counts as holding, and ends with the release

/**
 * @param {{ frame: HTMLElement, now: HTMLCanvasElement, before: HTMLCanvasElement, button: HTMLButtonElement, signal: AbortSignal }} options
 *   `before` lies over the picture `now`; `button` toggles, or shows while held
 */
export function split({ frame, now, before, button, signal }) {
  const divider = h("div", { class: "le-stage-divider", role: "slider", tabindex: 0, "aria-label": "Divider between before and now", "aria-valuemin": 0, "aria-valuemax": 100, hidden: true });
  const tags = [h("span", { class: "le-stage-tag le-stage-then", hidden: true }, "before"), h("span", { class: "le-stage-tag le-stage-new", hidden: true }, "now")];
  const map = h("canvas", { class: "le-stage-difference", role: "img", width: 1, height: 1, hidden: true });
  const differ = h("button", { type: "button", class: "le-button le-stage-differ", "aria-pressed": "false", title: "Where before and now differ: dark is the same, pale yellow differs most (D)", hidden: true, on: { click: () => setMap(!mapped) } }, "Difference");
  frame.append(map, divider, ...tags, differ);
  let open = false;
  let mapped = false; // the difference is shown instead of the two halves
  let word = "before";
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
    show();
    frame.classList.toggle("le-stage-split", open);
  };
  const show = () => {
    for (const node of [before, divider, tags[1]]) node.hidden = !open || mapped;
    differ.hidden = tags[0].hidden = !open;
    map.hidden = !open || !mapped;
    draw();
  };
  const setMap = (/** @type {boolean} */ value) => {
    mapped = value;
    differ.setAttribute("aria-pressed", String(mapped));
    show();
  };
  const draw = () => {
    if (!open) return;
    tags[0].textContent = word;
    if (!mapped) return;
    const mean = drawDifference(before, now, map);
    tags[0].textContent = `differs from ${word} by ${percent(mean)}`;
    map.setAttribute("aria-label", `Where the picture differs from ${word}: by ${percent(mean)} on average`);
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
    /** Shows where the two differ, or the two halves again. */
    differ: () => (open ? setMap(!mapped) : (set(true), open && setMap(true))),
    /** The picture has changed. */
    repaint: draw,
    /** Takes the picture as it is as the one to compare with. @param {HTMLCanvasElement} picture @param {string} [word] what it is called */
    remember(picture, called = "before") {
      paint(before, picture);
      word = called;
      button.disabled = false;
      draw();
    },
    /** There is nothing to compare with. */
    forget() {
      set(false);
      button.disabled = true;
    },
  };
}
