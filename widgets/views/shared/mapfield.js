// @ts-check
/**
 * The drawn field of the map: one canvas of points, repainted only when they or the view change, and one of marks above it.
 *
 * @typedef {import("./mapmath.js").Bounds} Bounds
 * @typedef {{grid: import("./mapmath.js").Grid, bounds: Bounds, tints: Uint8Array, dim: boolean, palette: import("./palette.js").Colour[], alpha: number}} Scene
 */
import { calm, colour, h } from "./dom.js";
import { drawMarks } from "./mapmarks.js";
import { between, clamped, fitView, panned, resized, toData, toScreen, zoomed } from "./mapmath.js";
import { luminance, mixed, parsed } from "./palette.js";
import { drawThumbs, roomFor, sideFor, spaced, thumbAt, visible } from "./mapthumbs.js";
import { buffer, paint, radiusFor } from "./raster.js";

const MARGIN = 28;
const DEEPEST = 400; // times the fitted scale
const FAST = 12; // milliseconds a frame may take while the view moves
const SETTLE = 140;
const GLIDE = 180;

/** @param {HTMLElement} el that will hold it @param {{marks(): import("./mapmarks.js").Marks, sprite(): import("./mapdata.js").Sprite | null, moved(): void}} host `marks` and `sprite` are asked for at every redraw; `moved` hears that points now lie elsewhere */
export function mapField(el, host) {
  const points = h("canvas", { class: "le-map-points", "aria-hidden": "true" });
  const top = h("canvas", { class: "le-map-top", role: "application", tabindex: 0, "aria-roledescription": "map", "aria-label": "Map" });
  const root = h("div", { class: "le-map-field" }, points, top);
  const ground = points.getContext("2d", { alpha: false });
  const ink = top.getContext("2d");

  /** @type {Scene | null} */ let scene = null;
  /** @type {import("./mapmath.js").View | null} */ let view = null;
  /** @type {any} */ let target = null; // the buffer, and the ImageData over the same bytes
  let theme = readTheme(el);
  let [ratio, fitted, request, stale, moving, settle, cost] = [1, 1, 0, false, false, 0, 0];
  let [glide, width, height] = [/** @type {any} */ (null), 0, 0];
  let [thumbs, side] = [/** @type {import("./mapthumbs.js").Thumb[]} */ ([]), 0];

  const draw = () => (request ||= requestAnimationFrame(render));
  const redraw = () => ((stale = true), draw());
  const radius = () => (scene && view ? radiusFor(scene.grid.n, width, height, view.k / fitted) : 2);

  function render(now) {
    request = 0;
    if (!view || !width) return;
    if (glide) step(now);
    if (stale) paintPoints();
    drawMarks(ink, view, { ...host.marks(), dot: radius() }, theme.inks);
    if (glide) draw();
  }

  function paintPoints() {
    stale = false;
    const started = performance.now();
    const stride = moving ? Math.max(1, Math.ceil(cost / FAST)) : 1;
    const scaled = { ...view, k: view.k * ratio, width: points.width, height: points.height };
    const look = { radius: radius() * ratio, alpha: scene?.alpha ?? 1, ground: theme.ground, far: scene?.dim ? theme.far : null, stride };
    if (scene) paint(target, scene.grid, scene.tints, scene.palette, scaled, look);
    else target.pixels.fill(0);
    ground.putImageData(target.image, -target.pad, -target.pad);
    paintThumbs();
    const took = (performance.now() - started) * stride;
    cost = stride > 1 ? Math.max(cost * 0.9, took) : took;
  }

  /** Shows what the points stand for, where they are few enough. */
  function paintThumbs() {
    const sprite = scene && host.sprite();
    const few = sprite ? visible(scene.grid, view, 16, roomFor(width, height)) : null;
    thumbs = [];
    if (!few?.length) return;
    side = sideFor(few.length, width, height);
    thumbs = spaced(scene.grid, few, view, side);
    ground.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawThumbs(ground, thumbs, side, sprite, scene);
  }

  /** A new view; while it keeps changing, very many points are thinned out, and painted in full once it rests. */
  function look(next) {
    view = scene ? clamped(next, scene.bounds) : next;
    moving = true;
    clearTimeout(settle);
    settle = setTimeout(() => ((moving = false), cost > FAST && redraw()), SETTLE);
    redraw();
    host.moved();
  }

  function glideTo(next) {
    if (calm() || !view) return look(next);
    glide = { from: view, to: next, since: performance.now() };
    draw();
  }
  function step(now) {
    const t = Math.min(Math.max((now - glide.since) / GLIDE, 0), 1);
    const { from, to } = glide;
    if (t === 1) glide = null;
    look(between(from, to, 1 - (1 - t) ** 3));
  }

  const limits = () => [fitted * 0.5, fitted * DEEPEST];
  const whole = () => fitView(scene?.bounds ?? [[0, 0], [1, 1]], width, height, Math.min(MARGIN, width / 10));

  function resize() {
    const box = root.getBoundingClientRect();
    const [w, tall] = [Math.round(root.clientWidth), Math.round(root.clientHeight)];
    const wanted = Math.min(devicePixelRatio || 1, (scene?.grid.n ?? 0) > 200_000 ? 2 : 3);
    if (!box.width || (w === width && tall === height && wanted === ratio && target)) return;
    [width, height, ratio] = [w, tall, wanted];
    for (const canvas of [points, top]) [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(tall * ratio)];
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    target = buffer(points.width, points.height);
    target.image = new ImageData(new Uint8ClampedArray(target.pixels.buffer), target.width, target.height);
    glide = null;
    const wasWhole = !view || Math.abs(view.k / fitted - 1) < 1e-6;
    fitted = whole().k;
    view = wasWhole ? whole() : resized(view, w, tall);
    redraw();
  }
  const watcher = new ResizeObserver(resize);
  watcher.observe(root);

  return {
    root, top, draw,
    repaint: redraw,
    /** The row whose thumbnail lies under a pixel, or -1. */
    thumbAt: (x, y) => thumbAt(thumbs, side, x, y),
    /** How large the thumbnail of a row is, in pixels a side; 0 where it has none. */
    thumbOf: (row) => (thumbs.some((thumb) => thumb.row === row) ? side : 0),
    theme: () => theme,
    /** Reads the colours again. */
    retheme() {
      theme = readTheme(el);
      redraw();
    },
    /** @param {Scene | null} next @param {boolean} elsewhere whether its points lie elsewhere than before, so that the whole is shown */
    show(next, elsewhere) {
      scene = next;
      resize();
      if (elsewhere && width) {
        glide = null;
        view = whole();
        fitted = view.k;
        host.moved();
      }
      redraw();
    },
    pan: (dx, dy) => view && ((glide = null), look(panned(view, dx, dy))),
    zoom: (factor, x, y) => view && ((glide = null), look(zoomed(view, factor, x, y, limits()))),
    zoomStep: (factor) => view && glideTo(zoomed(glide?.to ?? view, factor, width / 2, height / 2, limits())),
    fit: () => view && glideTo(whole()),
    /** Brings a data position into the field if it is outside. */
    reveal(x, y) {
      if (!view) return;
      const [px, py] = toScreen(view, x, y);
      if (px < 20 || py < 20 || px > width - 20 || py > height - 20) glideTo({ ...view, x, y });
    },
    data: (px, py) => toData(view ?? whole(), px, py),
    screen: (x, y) => toScreen(view ?? whole(), x, y),
    scale: () => view?.k ?? 1,
    size: () => [width, height],
    dispose() {
      watcher.disconnect();
      cancelAnimationFrame(request);
      clearTimeout(settle);
      request = -1; // nothing is drawn any more
    },
  };
}

/** @param {HTMLElement} el */
function readTheme(el) {
  const ink = (name) => parsed(colour(el, name));
  const [ground, muted, accent] = [ink("--le-panel"), ink("--le-muted"), ink("--le-accent")];
  const text = (name) => colour(el, name) || "gray";
  return {
    dark: luminance(ground) < 0.2, ground,
    plain: mixed(muted, accent, 0.45), unseen: mixed(muted, ground, 0.45), far: mixed(ground, muted, 0.22),
    inks: { ground: text("--le-panel"), text: text("--le-text"), accent: text("--le-accent"), second: text("--le-accent-2") },
  };
}
