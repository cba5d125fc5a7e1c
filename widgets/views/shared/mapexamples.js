// @ts-check
/** Pictures of single points, for maps whose atlas has no thumbnails: asked for when the pointer rests on one, and kept for a while. */
import { ask } from "./live.js";
import { bytesOf } from "./wire.js";

const REST = 120; // milliseconds on a point before its picture is asked for
const KEPT = 64;

/** @param {import("./live.js").Model} model @param {(row: number) => void} came */
export function mapExamples(model, came) {
  /** @type {Map<number, {bitmap: ImageBitmap, drawn: boolean} | null>} */ const kept = new Map(); // null: on its way, or not to be had
  let stop = new AbortController();
  let [timer, wanted] = [/** @type {any} */ (0), -1];

  async function fetch(row) {
    const { signal } = stop;
    kept.set(row, null);
    try {
      const { header, payload } = await ask(model, { type: "example", view: "map", row }, { signal });
      if (header.type !== "example" || !payload) return void kept.delete(row);
      const bitmap = await createImageBitmap(new Blob([bytesOf(payload)], { type: `image/${header.format}` }));
      if (signal.aborted) return bitmap.close();
      kept.set(row, { bitmap, drawn: !!header.drawn });
      const [oldest] = kept.keys();
      if (kept.size > KEPT) kept.get(oldest)?.bitmap.close(), kept.delete(oldest);
      came(row);
    } catch {
      // without a picture the labels must do
    }
  }

  return {
    /** The picture of a row, if it is there; else it comes soon, unless another row is wanted by then. @param {number} row */
    get(row) {
      if (row !== wanted) {
        clearTimeout(timer);
        wanted = row;
        if (row >= 0 && !kept.has(row)) timer = setTimeout(() => fetch(row), REST);
      }
      return kept.get(row) ?? null;
    },
    forget() {
      clearTimeout(timer);
      stop.abort();
      stop = new AbortController();
      kept.forEach((picture) => picture?.bitmap.close());
      kept.clear();
      wanted = -1;
    },
  };
}
