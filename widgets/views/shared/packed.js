// @ts-check
/** Texts made small with zlib, as the browser has it. */

/** @param {string} text @returns {Promise<Uint8Array<ArrayBuffer>>} */
export async function deflated(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The text again; stops reading beyond `most` bytes, as a stranger's few bytes may unpack to many. @param {Uint8Array<ArrayBuffer>} bytes @param {number} most @returns {Promise<string>} */
export async function inflated(bytes, most) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  let size = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new Error(`It unpacks to more than ${most} bytes.`);
    }
    parts.push(value);
  }
  return new Blob(parts).text();
}
