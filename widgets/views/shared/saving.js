// @ts-check
/** Saving the picture on the stage, with its recipe inside. */
import { save } from "./files.js";
import { ask } from "./live.js";
import { bytesOf } from "./wire.js";

/** Saves what the session shows as a PNG file (explorer/export/png.py). Rejects with the server's sentence. @param {any} model @param {string} view */
export async function savePicture(model, view) {
  const { header, payload } = await ask(model, { type: "picture", view });
  if (payload && header.type === "picture") save(new Blob([bytesOf(payload)], { type: header.mime }), header.name);
}
