// @ts-check
/**
 * The marks above the points: where one is, where one was, the path, the point under the pointer, the lasso being drawn.
 *
 * `framed` is the side of the thumbnail under the pointer, 0 without one.
 *
 * @typedef {[number, number]} Place  in data coordinates
 * @typedef {{
 *   trail: Place[], here: Place | null, interpolated: boolean, ends: {A: Place | null, B: Place | null}, path: Place[], stops: (Place | null)[],
 *   hovered: Place | null, framed: number, walked: Place | null, lasso: Place[], drawing: Place[], dot: number,
 *   flowing?: import("./maparrows.js").Flowing | null,
 * }} Marks
 * @typedef {{ground: string, text: string, accent: string, second: string}} Inks
 */
import { drawFlowing } from "./maparrows.js";
import { toScreen } from "./mapmath.js";

/** @param {CanvasRenderingContext2D} ctx scaled to CSS pixels @param {import("./mapmath.js").View} view @param {Marks} marks @param {Inks} inks */
export function drawMarks(ctx, view, marks, inks) {
  ctx.clearRect(0, 0, view.width, view.height);
  ctx.lineCap = ctx.lineJoin = "round";
  const at = (place) => toScreen(view, place[0], place[1]);
  if (marks.flowing) drawFlowing(ctx, marks.flowing, at, view.k, inks);
  drawTrail(ctx, marks.trail.map(at), inks);
  drawPath(ctx, marks.path.map(at), inks);
  marks.stops.forEach((stop, i) => stop && drawStop(ctx, at(stop), String(i + 1), inks));
  if (marks.drawing.length > 1) line(ctx, marks.drawing.map(at)), outlined(ctx, inks.accent, inks.ground, 2.5);
  if (marks.hovered && marks.framed) frame(ctx, at(marks.hovered), marks.framed + 2, inks.text, inks.ground);
  else if (marks.hovered) ring(ctx, at(marks.hovered), marks.dot + 3, 2, inks.text, inks.ground);
  if (marks.walked) drawWalked(ctx, at(marks.walked), marks.dot + 6, inks);
  if (marks.here) drawHere(ctx, at(marks.here), marks.interpolated, inks);
  const [a, b] = [marks.ends.A && at(marks.ends.A), marks.ends.B && at(marks.ends.B)];
  if (a) drawEnd(ctx, a, "A", view, inks, false);
  if (b) drawEnd(ctx, b, "B", view, inks, !!a && Math.hypot(a[0] - b[0], a[1] - b[1]) < 24);
  if (marks.lasso.length > 1) drawLasso(ctx, marks.lasso.map(at), inks);
}

function line(ctx, points) {
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
}

/** A stroke that shows on any ground: the colour over a wider band of the ground's. */
function outlined(ctx, colour, ground, width) {
  ctx.strokeStyle = ground;
  ctx.lineWidth = width + 3;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

function ring(ctx, [x, y], radius, width, colour, ground) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  outlined(ctx, colour, ground, width);
}

/** Around a thumbnail. */
function frame(ctx, [x, y], side, colour, ground) {
  ctx.beginPath();
  ctx.roundRect(x - side / 2, y - side / 2, side, side, 3);
  outlined(ctx, colour, ground, 2);
}

function drawTrail(ctx, points, inks) {
  points.forEach((point, i) => {
    ctx.globalAlpha = 0.15 + (0.6 * (i + 1)) / points.length;
    if (i) {
      line(ctx, [points[i - 1], point]);
      ctx.strokeStyle = inks.second;
      ctx.lineWidth = 1.5;
      ctx.stroke();
    }
    ctx.beginPath();
    ctx.arc(point[0], point[1], 2.5, 0, 2 * Math.PI);
    ctx.fillStyle = inks.second;
    ctx.fill();
  });
  ctx.globalAlpha = 1;
}

function drawPath(ctx, points, inks) {
  if (points.length < 2) return;
  line(ctx, points);
  outlined(ctx, inks.accent, inks.ground, 2);
}

function drawWalked(ctx, point, radius, inks) {
  ring(ctx, point, radius, 2.5, inks.accent, inks.ground);
}

/** A stop of the path, with its number. */
function drawStop(ctx, [x, y], name, inks) {
  ctx.beginPath();
  ctx.arc(x, y, 8.5, 0, 2 * Math.PI);
  outlined(ctx, inks.accent, inks.ground, 1);
  ctx.fillStyle = inks.accent;
  ctx.fill();
  ctx.fillStyle = inks.ground;
  ctx.font = "700 11px system-ui, sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(name, x, y + 0.5);
}

/** Where one is: a ring with a centre; the ring is dashed where the code is an interpolation and no atlas code. */
function drawHere(ctx, [x, y], interpolated, inks) {
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.arc(x, y, 9, 0, 2 * Math.PI);
  ctx.strokeStyle = inks.ground;
  ctx.lineWidth = 5.5;
  ctx.stroke();
  if (interpolated) ctx.setLineDash([3.4, 3.67]); // eight dashes around
  ctx.lineCap = interpolated ? "butt" : "round";
  ctx.strokeStyle = inks.second;
  ctx.lineWidth = 2.5;
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.lineCap = "round";
  ctx.beginPath();
  ctx.arc(x, y, 3, 0, 2 * Math.PI);
  ctx.fillStyle = inks.second;
  ctx.strokeStyle = inks.ground;
  ctx.lineWidth = 3;
  ctx.stroke();
  ctx.fill();
}

/** A flag with the end's letter, kept inside the field so that it can be read; it hangs `below` where another stands above. */
function drawEnd(ctx, [x, y], name, view, inks, below) {
  const [w, h] = [18, 18];
  const outside = x < 0 || y < 0 || x > view.width || y > view.height;
  const fx = Math.min(Math.max(x - w / 2, 3), view.width - w - 3);
  const fy = Math.min(Math.max(below ? y + 9 : y - h - 9, 3), view.height - h - 3);
  ctx.globalAlpha = outside ? 0.6 : 1;
  if (!outside) {
    line(ctx, [[x, y], [fx + w / 2, fy + h / 2]]);
    outlined(ctx, inks.accent, inks.ground, 2);
    ctx.beginPath();
    ctx.arc(x, y, 3, 0, 2 * Math.PI);
    ctx.fillStyle = inks.accent;
    ctx.fill();
  }
  ctx.beginPath();
  ctx.roundRect(fx, fy, w, h, 5);
  outlined(ctx, inks.accent, inks.ground, 1);
  ctx.fillStyle = inks.accent;
  ctx.fill();
  ctx.fillStyle = inks.ground;
  ctx.font = "700 12px system-ui, sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(name, fx + w / 2, fy + h / 2 + 0.5);
  ctx.globalAlpha = 1;
}

function drawLasso(ctx, points, inks) {
  line(ctx, points);
  ctx.closePath();
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = inks.accent;
  ctx.fill();
  ctx.globalAlpha = 1;
  line(ctx, points);
  outlined(ctx, inks.accent, inks.ground, 2);
  ctx.setLineDash([4, 5]);
  line(ctx, [points[points.length - 1], points[0]]);
  ctx.lineWidth = 1.5;
  ctx.stroke();
  ctx.setLineDash([]);
}
