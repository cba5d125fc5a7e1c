// @ts-check
/**
 * What the map shows of a model, asked for over the channel and kept by map: points with their grid, labels, one axis, thumbnails.
 *
 * @typedef {import("./mapmath.js").Grid} Grid
 * A large map comes in pieces of some rows each. It is shown once the first is there, and again once all are; a row means the same in both.
 *
 * @typedef {{layout: string, n: number, total: number, xy: Float32Array, grid: Grid, bounds: import("./mapmath.js").Bounds, labels: Map<string, Uint8Array>, honesty: any}} MapAtlas
 *   `n` rows are there out of `total`
 * @typedef {{layout: string, total: number, got: number, xy: Float32Array, labels: Map<string, Uint8Array>, bounds: import("./mapmath.js").Bounds | null, honesty: any}} Pieces
 * @typedef {{bitmap: ImageBitmap, tile: number, columns: number}} Sprite
 */
import { boundsOf, buildGrid } from "./mapmath.js";
import { stamp } from "./live.js";
import { mapLocal } from "./maplocal.js";

const PATIENCE = 20_000;
const copied = (view, from, bytes) => view.buffer.slice(view.byteOffset + from, view.byteOffset + from + bytes);

/** Takes in an `atlas` answer: the next rows of the pieces so far, or the first of new ones. @param {Pieces | null} pieces @returns {Pieces} */
export function takePiece(pieces, header, payload) {
  const { n, labels, layout } = header;
  const [first, last] = header.rows ?? [0, n];
  const rows = last - first;
  const expected = rows * (8 + labels.length);
  if ((payload?.byteLength ?? 0) !== expected) throw new Error(`The map '${layout}' should come as ${expected} bytes, got ${payload?.byteLength ?? 0}.`);
  const into = pieces?.got ? pieces : { layout, total: n, got: 0, xy: new Float32Array(2 * n), labels: new Map(labels.map((name) => [name, new Uint8Array(n)])), bounds: header.bounds ?? null, honesty: header.honesty };
  if (first !== into.got || n !== into.total) throw new Error(`The map '${layout}' should go on at row ${into.got} of ${into.total}, got row ${first} of ${n}.`);
  if (rows) {
    into.xy.set(new Float32Array(copied(payload, 0, 8 * rows)), 2 * first);
    labels.forEach((name, i) => into.labels.get(name)?.set(new Uint8Array(payload.buffer, payload.byteOffset + (8 + i) * rows, rows), first));
  }
  return { ...into, got: last };
}

/** The map of the rows that are there. @param {Pieces} pieces @returns {MapAtlas} */
export function assembled({ layout, total, got, xy, labels, bounds, honesty }) {
  const here = xy.subarray(0, 2 * got);
  return { layout, n: got, total, xy: here, grid: buildGrid(here), bounds: got ? (bounds ?? boundsOf(here)) : boundsOf(here), labels: new Map([...labels].map(([name, values]) => [name, values.subarray(0, got)])), honesty };
}

/** Reads an `atlas` answer that holds the whole. @returns {MapAtlas} */
export const readAtlas = (header, payload) => assembled(takePiece(null, header, payload));

/** Keeps what the map needs; calls `changed(what)` with "atlas", "axis", "local" or "sprite" when something came or failed. @param {import("./live.js").Model} model @param {(what: string) => void} changed */
export function mapData(model, changed) {
  /** @type {Map<string, MapAtlas>} */ const atlases = new Map();
  /** @type {Map<string, Pieces>} */ const coming = new Map();
  /** @type {Map<number, Float32Array>} */ const axes = new Map();
  /** @type {Map<string, {seq: number, timer: any}>} */ const asked = new Map(); // what is under way, with the timer that gives up on it
  /** @type {Map<string, string>} */ const failed = new Map(); // and why; not asked for again until told to
  /** @type {Sprite | null} */ let sprite = null;
  let name = "";

  const ask = (key, request) => {
    if (asked.has(key) || failed.has(key)) return;
    const seq = stamp();
    asked.set(key, { seq, timer: setTimeout(() => fail(key, "The server has not sent the map yet."), PATIENCE) });
    model.send({ ...request, seq, view: "map" });
  };
  const settle = (key) => (clearTimeout(asked.get(key)?.timer), asked.delete(key));
  const fail = (key, message) => {
    settle(key);
    failed.set(key, message);
    changed(key.split(":")[0]);
  };
  const forget = () => {
    asked.forEach(({ timer }) => clearTimeout(timer));
    for (const store of [atlases, coming, axes, asked, failed]) store.clear();
    local.forget();
    sprite?.bitmap.close();
    sprite = null;
  };

  const readers = {
    atlas(header, payload) {
      const key = `atlas:${header.layout}`;
      if (asked.get(key)?.seq !== header.seq) return; // asked for of another model
      settle(key);
      try {
        const pieces = takePiece(coming.get(header.layout) ?? null, header, payload);
        const whole = pieces.got === pieces.total;
        whole ? coming.delete(header.layout) : coming.set(header.layout, pieces);
        if (!whole) ask(key, { type: "atlas", layout: header.layout, rows: [pieces.got, pieces.total] });
        if (!whole && atlases.has(header.layout)) return; // the first piece is on show; the next to see is the whole
        atlases.set(header.layout, assembled(pieces));
        failed.delete(key);
        changed("atlas");
      } catch (problem) {
        coming.delete(header.layout);
        fail(key, problem.message);
      }
    },
    axis(header, payload) {
      if (asked.get(`axis:${header.axis}`)?.seq !== header.seq) return;
      settle(`axis:${header.axis}`);
      if (payload) axes.set(header.axis, new Float32Array(copied(payload, 0, payload.byteLength & ~3)));
      changed("axis");
    },
    async thumbs(header, payload) {
      if (asked.get("thumbs")?.seq !== header.seq || !payload) return;
      const of = name;
      const tile = header.side ?? 32;
      const bitmap = await createImageBitmap(new Blob([payload], { type: "image/webp" })).catch(() => null);
      settle("thumbs");
      if (!bitmap || of !== name) return bitmap ? bitmap.close() : failed.set("thumbs", "unreadable"); // without thumbnails the labels must do
      sprite = { bitmap, tile, columns: header.columns ?? Math.floor(bitmap.width / tile) };
      changed("sprite");
    },
    error(header) {
      const [key] = [...asked].find(([, { seq }]) => seq === header.seq) ?? [];
      if (key) fail(key, header.message);
    },
  };
  const hear = (header, buffers) => header?.view === "map" && readers[header.type]?.(header, buffers?.[0]);
  const local = mapLocal(model, () => changed("local"));
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
    local,
    /** Whether there are no thumbnails to come, so that single pictures must be asked for. */
    spriteless: () => failed.has("thumbs"),
    /** How much of a map is there, in [0, 1]. */
    share: (layout) => (coming.has(layout) ? /** @type {Pieces} */ (coming.get(layout)).got / /** @type {Pieces} */ (coming.get(layout)).total : 1),
    error: (layout) => failed.get(`atlas:${layout}`) ?? "",
    dispose() {
      model.off("msg:custom", hear);
      forget();
      local.dispose();
    },
  };
}
