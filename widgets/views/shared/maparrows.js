// @ts-check
/**
 * What is followed, on the map: an arrow in every cell of the view that says which way codes go there, and the walk itself.
 *
 * The Flows panel says in the model's key `streams` what is followed; the arrows are asked for whenever that, the map or the view changes.
 *
 * @typedef {[number, number]} Place
 * @typedef {{ place: Place, way: Place, near: boolean }} Arrow  in data coordinates; `near` a point of the map
 * @typedef {{ arrows: Arrow[], unit: number, walk: Place[], at: number, start: number, trained: [number, number] | null }} Flowing `unit`: data units from arrow to arrow
 */
import { ask } from "./live.js";

const CELL = 36; // pixels
const MOST = 400; // arrows
const SETTLE = 160; // milliseconds that the view must rest

/** How many cells there are across and down. Pure. @param {number} width @param {number} height pixels @returns {[number, number]} */
export function cells(width, height) {
  const side = Math.max(CELL, Math.sqrt((width * height) / MOST));
  return [Math.min(40, Math.max(1, Math.floor(width / side))), Math.min(40, Math.max(1, Math.floor(height / side)))];
}

/** Arrows from numbers `(n, 5)`. Pure. @param {Float32Array} numbers @returns {Arrow[]} */
export const arrowsOf = (numbers) => Array.from({ length: numbers.length / 5 }, (_, i) => ({ place: [numbers[5 * i], numbers[5 * i + 1]], way: [numbers[5 * i + 2], numbers[5 * i + 3]], near: numbers[5 * i + 4] > 0.5 }));

/** The factor at which most arrows stay within their cells: nine in ten of those near points. Pure. @param {Arrow[]} arrows @param {number} room the length that one may have */
export function stretch(arrows, room) {
  const some = arrows.some(({ near }) => near) ? arrows.filter(({ near }) => near) : arrows;
  const lengths = some.map(({ way: [x, y] }) => Math.hypot(x, y)).sort((a, b) => a - b);
  const most = lengths[Math.floor(0.9 * (lengths.length - 1))] ?? 0;
  return most > 0 ? room / most : 0;
}

/**
 * @param {import("./live.js").Model} model
 * @param {{ layout(): string, field(): { size(): number[], data(x: number, y: number): Place, scale(): number }, ready(): boolean, draw(): void }} host
 */
export function mapArrows(model, host) {
  /** @type {Arrow[]} */ let arrows = [];
  let [timer, shown, unit] = [/** @type {any} */ (0), "", 0];
  let wanted = new AbortController();
  const streams = () => model.get("streams");
  /** What is in view, as a request says it. */
  const view = () => {
    const [width, height] = host.field().size();
    if (!width || !height) return null;
    const [columns, rows] = cells(width, height);
    const [[x0, y1], [x1, y0]] = [host.field().data(0, 0), host.field().data(width, height)];
    return { x0, x1, y0, y1, columns, rows };
  };
  function later(wait = SETTLE) {
    clearTimeout(timer);
    if (!streams()) return arrows.length ? ((arrows = []), (shown = ""), wanted.abort(), host.draw()) : undefined;
    timer = setTimeout(fetchArrows, wait);
  }
  async function fetchArrows() {
    const now = streams();
    const seen = view();
    if (!now || !seen || !host.ready()) return;
    const print = JSON.stringify([now.id, now.time, now.protect, host.layout(), seen, model.get("info")?.name]);
    if (print === shown) return;
    shown = print;
    wanted.abort();
    wanted = new AbortController();
    try {
      const { header, payload } = await ask(model, { type: "arrows", view: "map", patch: { layout: host.layout(), journey: { t: null } }, id: now.id, time: now.time, ...seen }, { signal: wanted.signal });
      if (print !== shown || header.type !== "arrows" || !payload) return;
      arrows = arrowsOf(new Float32Array(payload.buffer.slice(payload.byteOffset, payload.byteOffset + payload.byteLength)));
      unit = (seen.x1 - seen.x0) / seen.columns;
      host.draw();
    } catch (error) {
      if (/** @type {any} */ (error).name !== "AbortError") (shown = ""), (arrows = []), host.draw();
    }
  }
  const hear = () => (host.draw(), later());
  model.on("change:streams", hear);
  return {
    /** The view, the map or the model is another one. */
    changed: () => later(),
    /** What to draw; null when nothing is followed here. @returns {Flowing | null} */
    marks() {
      const now = streams();
      if (!now) return null;
      const here = !now.layout || now.layout === host.layout();
      return { arrows, unit, walk: here ? (now.places ?? []) : [], at: now.at, start: now.start, trained: now.trained };
    },
    dispose() {
      clearTimeout(timer);
      wanted.abort();
      model.off("change:streams", hear);
    },
  };
}

/** Draws them, on a context scaled to CSS pixels. @param {CanvasRenderingContext2D} ctx @param {Flowing} flowing @param {(place: Place) => Place} at to pixels @param {number} k pixels per data unit @param {{ground: string, text: string, accent: string, second: string}} inks */
export function drawFlowing(ctx, { arrows, unit, walk, at: step, start, trained }, at, k, inks) {
  const factor = stretch(arrows, 0.85 * unit) * k;
  for (const { place, way, near } of arrows) drawArrow(ctx, at(place), [way[0] * factor, -way[1] * factor], near ? 1 : 0.3, 1.6 * unit * k, inks);
  if (walk.length > 1) drawWalk(ctx, walk.map(at), step, start, trained, inks);
}

/** @param {CanvasRenderingContext2D} ctx @param {Place} middle @param {Place} way in pixels @param {number} alpha @param {number} most pixels */
function drawArrow(ctx, [x, y], [dx, dy], alpha, most, inks) {
  const length = Math.hypot(dx, dy);
  if (!(length > 1.5)) return;
  const shrink = Math.min(1, most / length);
  const [ux, uy, half] = [dx / length, dy / length, (length * shrink) / 2];
  const [tx, ty] = [x + ux * half, y + uy * half];
  const head = Math.min(6, 1 + half);
  ctx.globalAlpha = alpha;
  for (const [colour, width] of /** @type {[string, number][]} */ ([[inks.ground, 4], [inks.text, 1.6]])) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.moveTo(x - ux * half, y - uy * half);
    ctx.lineTo(tx, ty);
    for (const side of [1, -1]) {
      ctx.moveTo(tx, ty);
      ctx.lineTo(tx - head * (ux - side * 0.7 * uy), ty - head * (uy + side * 0.7 * ux));
    }
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/** The walk: whole where it was trained, dashed beyond, a ring at the start and a dot where one is. */
function drawWalk(ctx, points, step, start, trained, inks) {
  const [from, to] = trained ?? [0, points.length - 1];
  const stroke = (some, dash) => {
    if (some.length < 2) return;
    for (const [colour, width] of [[inks.ground, 6], [inks.second, 2.6]]) {
      ctx.setLineDash(colour === inks.ground ? [] : dash);
      ctx.strokeStyle = colour;
      ctx.lineWidth = width;
      ctx.beginPath();
      for (const [x, y] of some) ctx.lineTo(x, y);
      ctx.stroke();
    }
    ctx.setLineDash([]);
  };
  stroke(points.slice(0, from + 1), [2, 5]);
  stroke(points.slice(to), [2, 5]);
  stroke(points.slice(from, to + 1), []);
  const ring = ([x, y], radius, fill) => {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.strokeStyle = inks.ground;
    ctx.lineWidth = 5;
    ctx.stroke();
    ctx.strokeStyle = inks.second;
    ctx.lineWidth = 2;
    ctx.stroke();
    ctx.fillStyle = fill;
    ctx.fill();
  };
  for (const [colour, radius] of [[inks.ground, 3.4], [inks.second, 2.2]]) {
    ctx.fillStyle = colour;
    for (const [x, y] of points) {
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  if (points[start]) ring(points[start], 4.5, inks.ground);
  if (points[step]) ring(points[step], 4.5, inks.second);
}
