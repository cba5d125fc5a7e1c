// @ts-check
/** Choosing what of a picture counts: a frame of the model's proportions that is moved and made smaller, by hand, finger or keyboard. */
import { h } from "./dom.js";

const SMALLEST = 0.1;
const SENT = 1024; // pixels of the longer side of what is sent
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @typedef {{ x: number, y: number, size: number }} Frame middle and size, in shares, as `explorer/data/pictures.py` has them */
/** @typedef {{ width: number, height: number }} Sides */

/** The rectangle that a frame keeps of a picture, in pixels. @param {Sides} picture @param {number} ratio width by height @param {Frame} frame */
export function boxOf({ width, height }, ratio, { x, y, size }) {
  const w = Math.min(width, height * ratio) * size;
  const tall = w / ratio;
  return { left: clamp(x * width - w / 2, 0, width - w), top: clamp(y * height - tall / 2, 0, height - tall), width: w, height: tall };
}

/** The frame whose rectangle lies inside the picture: its middle is moved to where the rectangle is. @param {Sides} picture @param {number} ratio @param {Frame} frame @returns {Frame} */
export function inside(picture, ratio, frame) {
  const size = clamp(frame.size, SMALLEST, 1);
  const box = boxOf(picture, ratio, { ...frame, size });
  return { x: (box.left + box.width / 2) / picture.width, y: (box.top + box.height / 2) / picture.height, size };
}

/** What a key does to a frame; null when it means nothing here. @param {string} key @param {boolean} shift @param {Frame} frame @returns {Frame | null} */
export function byKey(key, shift, frame) {
  const by = shift ? 0.1 : 0.02;
  const move = STEP[/** @type {"ArrowUp"} */ (key)];
  if (move) return { ...frame, x: frame.x + by * move[0], y: frame.y + by * move[1] };
  if (key === "+" || key === "=") return { ...frame, size: frame.size - 0.05 };
  if (key === "-" || key === "−") return { ...frame, size: frame.size + 0.05 };
  return key === "0" ? { x: 0.5, y: 0.5, size: 1 } : null;
}

/** @param {{ moved: () => void, chosen: () => void, signal: AbortSignal }} on `moved` while a hand moves the frame, `chosen` when it rests */
export function cropper({ moved, chosen, signal }) {
  const canvas = h("canvas", { class: "le-crop-picture", tabindex: 0, role: "group", "aria-roledescription": "frame", "aria-label": "What counts of your picture. Arrows move the frame, plus and minus change its size, 0 takes all." });
  const slider = h("input", { type: "range", class: "le-range", min: SMALLEST, max: 1, step: 0.01, "aria-label": "How much of the picture counts" });
  const el = h("div", { class: "le-crop" }, canvas, h("div", { class: "le-crop-size" }, h("span", null, "A part"), slider, h("span", null, "All that fits")));
  let picture = /** @type {HTMLCanvasElement | null} */ (null);
  let ratio = 1;
  let frame = /** @type {Frame} */ ({ x: 0.5, y: 0.5, size: 1 });
  /** @type {Map<number, { x: number, y: number }>} */ const fingers = new Map();

  const draw = () => {
    if (!picture) return;
    const scale = Math.min(1, 640 / Math.max(picture.width, picture.height));
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const box = boxOf(canvas, ratio, frame);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    pen.fillStyle = "#0f172ab3";
    pen.beginPath();
    pen.rect(0, 0, canvas.width, canvas.height);
    pen.rect(box.left, box.top, box.width, box.height);
    pen.fill("evenodd");
    for (const [colour, wide] of /** @type {const} */ ([["#0f172a", 4], ["#ffffff", 2]])) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide;
      pen.strokeRect(box.left + 1.5, box.top + 1.5, box.width - 3, box.height - 3);
    }
    slider.value = String(frame.size);
    slider.setAttribute("aria-valuetext", `${Math.round(100 * frame.size)} % of the largest part that fits`);
  };
  const set = (/** @type {Frame} */ next) => {
    if (!picture) return;
    frame = inside(picture, ratio, next);
    draw();
    moved();
  };
  const share = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, share(event));
  }, { signal });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = share(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, now);
    if (!other) return set({ ...frame, x: frame.x + now.x - before.x, y: frame.y + now.y - before.y });
    const apart = (/** @type {{ x: number, y: number }} */ a) => Math.max(0.02, Math.hypot(a.x - other.x, a.y - other.y));
    set({ ...frame, size: (frame.size * apart(now)) / apart(before) });
  }, { signal });
  for (const event of ["pointerup", "pointercancel"]) canvas.addEventListener(event, (/** @type {PointerEvent} */ { pointerId }) => {
    if (fingers.delete(pointerId) && !fingers.size) chosen();
  }, { signal });
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const next = event.ctrlKey || event.metaKey || event.altKey ? null : byKey(event.key, event.shiftKey, frame);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    set(next);
    chosen();
  }, { signal });
  slider.addEventListener("input", () => set({ ...frame, size: Number(slider.value) }));
  slider.addEventListener("change", () => chosen());

  return {
    el,
    /** @param {HTMLCanvasElement} shown @param {number} proportions */
    load(shown, proportions) {
      picture = shown;
      ratio = proportions;
      frame = { x: 0.5, y: 0.5, size: 1 };
      draw();
    },
    /** The model has other proportions. @param {number} proportions */
    reshape(proportions) {
      if (proportions === ratio || !picture) return;
      ratio = proportions;
      frame = inside(picture, ratio, frame);
      draw();
    },
    /** What the frame keeps, as a file. @returns {Promise<Blob | null>} */
    cut() {
      if (!picture) return Promise.resolve(null);
      const box = boxOf(picture, ratio, frame);
      const scale = Math.min(1, SENT / Math.max(box.width, box.height));
      const cut = h("canvas", { width: Math.max(1, Math.round(box.width * scale)), height: Math.max(1, Math.round(box.height * scale)) });
      cut.getContext("2d").drawImage(picture, box.left, box.top, box.width, box.height, 0, 0, cut.width, cut.height);
      return new Promise((resolve) => cut.toBlob(resolve, "image/png"));
    },
  };
}

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
