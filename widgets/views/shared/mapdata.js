// @ts-check
/**
 * What the map shows of a model, asked for over the channel and kept by map: points with their grid, labels, one axis, thumbnails.
 *
 * @typedef {import("./mapmath.js").Grid} Grid
 * @typedef {{layout: string, n: number, xy: Float32Array, grid: Grid, bounds: import("./mapmath.js").Bounds, labels: Map<string, Uint8Array>, honesty: any}} MapAtlas
 * @typedef {{bitmap: ImageBitmap, tile: number, columns: number}} Sprite
 */
import { boundsOf, buildGrid } from "./mapmath.js";
import { stamp } from "./live.js";

const PATIENCE = 20_000;
const copied = (view, from, bytes) => view.buffer.slice(view.byteOffset + from, view.byteOffset + from + bytes);

/** Reads an `atlas` answer. @returns {MapAtlas} */
export function readAtlas(header, payload) {
  const { n } = header;
  const expected = n * (8 + header.labels.length);
  if ((payload?.byteLength ?? 0) !== expected) throw new Error(`The map '${header.layout}' should come as ${expected} bytes, got ${payload?.byteLength ?? 0}.`);
  const xy = new Float32Array(n ? copied(payload, 0, 8 * n) : 0);
  const labels = new Map(header.labels.map((name, i) => [name, new Uint8Array(n ? copied(payload, (8 + i) * n, n) : 0)]));
  return { layout: header.layout, n, xy, grid: buildGrid(xy), bounds: boundsOf(xy), labels, honesty: header.honesty };
}

/** Keeps what the map needs; calls `changed(what)` with "atlas", "axis" or "sprite" when something came or failed. @param {import("./live.js").Model} model @param {(what: string) => void} changed */
export function mapData(model, changed) {
  /** @type {Map<string, MapAtlas>} */ const atlases = new Map();
  /** @type {Map<number, Float32Array>} */ const axes = new Map();
  /** @type {Map<string, any>} */ const asked = new Map(); // what is under way, with the timer that gives up on it
  /** @type {Map<string, string>} */ const failed = new Map(); // and why; not asked for again until told to
  /** @type {Sprite | null} */ let sprite = null;
  let name = "";

  const ask = (key, request) => {
    if (asked.has(key) || failed.has(key)) return;
    asked.set(key, setTimeout(() => fail(key, "The server has not sent the map yet."), PATIENCE));
    model.send({ ...request, seq: stamp(), view: "map" });
  };
  const settle = (key) => (clearTimeout(asked.get(key)), asked.delete(key));
  const fail = (key, message) => {
    settle(key);
    failed.set(key, message);
    changed(key.split(":")[0]);
  };
  const forget = () => {
    asked.forEach(clearTimeout);
    for (const store of [atlases, axes, asked, failed]) store.clear();
    sprite?.bitmap.close();
    sprite = null;
  };

  const readers = {
    atlas(header, payload) {
      const key = `atlas:${header.layout}`;
      settle(key);
      try {
        atlases.set(header.layout, readAtlas(header, payload));
        failed.delete(key);
        changed("atlas");
      } catch (problem) {
        fail(key, problem.message);
      }
    },
    axis(header, payload) {
      settle(`axis:${header.axis}`);
      if (payload) axes.set(header.axis, new Float32Array(copied(payload, 0, payload.byteLength & ~3)));
      changed("axis");
    },
    async thumbs(header, payload) {
      if (!asked.has("thumbs") || !payload) return;
      const of = name;
      const tile = header.side ?? 32;
      const bitmap = await createImageBitmap(new Blob([payload], { type: "image/webp" })).catch(() => null);
      settle("thumbs");
      if (!bitmap || of !== name) return bitmap ? bitmap.close() : failed.set("thumbs", "unreadable"); // without thumbnails the labels must do
      sprite = { bitmap, tile, columns: header.columns ?? Math.floor(bitmap.width / tile) };
      changed("sprite");
    },
    error(header) {
      const about = { atlas: "atlas", axis: "axis", thumbs: "thumbs" }[header.about];
      const key = about && [...asked.keys()].find((candidate) => candidate.startsWith(about));
      if (key) fail(key, header.message);
    },
  };
  const hear = (header, buffers) => readers[header?.type]?.(header, buffers?.[0]);
  model.on("msg:custom", hear);

  return {
    /** Sees to it that this map and this colouring are there or under way. @param {any} info @param {string} layout @param {string} colour */
    want(info, layout, colour) {
      if (info?.name !== name) forget(), (name = info?.name ?? "");
      if (!info?.atlas || !layout) return;
      if (!atlases.has(layout)) ask(`atlas:${layout}`, { type: "atlas", layout });
      if (!sprite && atlases.has(layout)) ask("thumbs", { type: "thumbs" });
      const axis = colour.startsWith("axis:") ? Number(colour.slice(5)) : -1;
      if (axis >= 0 && !axes.has(axis)) ask(`axis:${axis}`, { type: "axis", axis });
    },
    retry: () => failed.clear(),
    atlas: (layout) => atlases.get(layout) ?? null,
    axis: (axis) => axes.get(axis) ?? null,
    sprite: () => sprite,
    error: (layout) => failed.get(`atlas:${layout}`) ?? "",
    dispose() {
      model.off("msg:custom", hear);
      forget();
    },
  };
}
