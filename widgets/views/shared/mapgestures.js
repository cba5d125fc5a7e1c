// @ts-check
/**
 * Hands on the map: one pointer explores, draws or pans; two pinch; a wheel zooms; a mouse without buttons hovers.
 *
 * @typedef {{
 *   mode(event: PointerEvent): "explore" | "lasso" | "path" | "pan",
 *   hover(x: number, y: number): void, leave(): void,
 *   press(x: number, y: number, mode: string, event: PointerEvent): void, drag(x: number, y: number): void, release(event: PointerEvent): void, cancel(): void,
 *   pan(dx: number, dy: number): void, zoom(factor: number, x: number, y: number): void,
 * }} Hands  positions are CSS pixels within the element
 */

const HELD = new Set(["explore", "lasso", "path"]); // what one pointer does from a press to its release

/** Listens on `target`; returns what stops it. @param {HTMLElement} target @param {Hands} hands */
export function gestures(target, hands) {
  /** @type {Map<number, [number, number]>} */ const down = new Map();
  let [mode, busy] = ["", false];

  const at = (event) => {
    const box = target.getBoundingClientRect();
    return /** @type {[number, number]} */ ([event.clientX - box.left, event.clientY - box.top]);
  };
  const spread = () => {
    const [[ax, ay], [bx, by]] = [...down.values()];
    return { x: (ax + bx) / 2, y: (ay + by) / 2, apart: Math.max(Math.hypot(ax - bx, ay - by), 1) };
  };
  const pinch = (event) => {
    const before = spread();
    down.set(event.pointerId, at(event));
    const after = spread();
    hands.pan(after.x - before.x, after.y - before.y);
    hands.zoom(after.apart / before.apart, after.x, after.y);
  };

  const listeners = {
    pointerdown(event) {
      if (event.button > 1) return;
      event.preventDefault(); // no text selection, no autoscroll; the focus is given by hand
      target.focus({ preventScroll: true });
      target.setPointerCapture(event.pointerId);
      down.set(event.pointerId, at(event));
      if (down.size > 1) {
        if (busy && mode !== "pan") hands.cancel();
        [mode, busy] = ["pinch", true];
        return;
      }
      [mode, busy] = [event.button === 1 ? "pan" : hands.mode(event), true];
      hands.leave();
      if (mode !== "pan") hands.press(...at(event), mode, event);
    },
    pointermove(event) {
      const before = down.get(event.pointerId);
      if (!before) return event.pointerType !== "touch" && !busy && hands.hover(...at(event));
      if (down.size === 2 && mode === "pinch") return pinch(event);
      const now = at(event);
      down.set(event.pointerId, now);
      if (mode === "pan") hands.pan(now[0] - before[0], now[1] - before[1]);
      else if (HELD.has(mode)) hands.drag(...now);
    },
    pointerup(event) {
      if (!down.delete(event.pointerId)) return;
      if (busy && HELD.has(mode)) hands.release(event);
      if (!down.size) [mode, busy] = ["", false];
    },
    pointercancel(event) {
      if (!down.delete(event.pointerId)) return;
      if (busy && HELD.has(mode)) hands.cancel();
      if (!down.size) [mode, busy] = ["", false];
    },
    pointerleave: () => !down.size && hands.leave(),
    wheel(event) {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      const gain = event.ctrlKey ? 0.01 : 0.0018; // a touchpad's pinch arrives as ctrl + wheel, in small steps
      hands.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) * gain), ...at(event));
    },
  };
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener, name === "wheel" ? { passive: false } : undefined);
  return {
    /** Gives up what one pointer was doing, as Escape does. */
    abandon() {
      if (!busy || !HELD.has(mode)) return false;
      mode = "over";
      hands.cancel();
      return true;
    },
    dispose: () => Object.entries(listeners).forEach(([name, listener]) => target.removeEventListener(name, listener)),
  };
}
