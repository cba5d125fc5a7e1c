// @ts-check
/** The live channel's messages (explorer/live/protocol.py): `u32 header length | JSON, padded with spaces to a multiple of 4 | payload`. */

/** @param {object} header @param {Uint8Array | null} [payload] @returns {Uint8Array<ArrayBuffer>} */
export function pack(header, payload = null) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = text.length + (-text.length & 3);
  const message = new Uint8Array(4 + length + (payload?.length ?? 0)).fill(0x20, 4, 4 + length);
  new DataView(message.buffer).setUint32(0, length, true);
  message.set(text, 4);
  if (payload) message.set(payload, 4 + length);
  return message;
}

/** @param {ArrayBuffer | Uint8Array<ArrayBuffer>} message @returns {{ header: any, payload: DataView | null }} the payload is not copied */
export function unpack(message) {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
  if (bytes.length < 4) throw new Error(`A live message starts with 4 bytes of header length, got ${bytes.length} bytes in all.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 4) throw new Error(`A live message announces a header of ${length} bytes, but ${bytes.length - 4} follow.`);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (typeof header?.type !== "string") throw new Error("The header of a live message must be a JSON object with a 'type'.");
  const rest = bytes.length - 4 - length;
  return { header, payload: rest ? new DataView(bytes.buffer, bytes.byteOffset + 4 + length, rest) : null };
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The bytes a DataView (or typed array) shows, without copying. @param {ArrayBufferView} view */
export const bytesOf = (view) => new Uint8Array(/** @type {ArrayBuffer} */ (view.buffer), view.byteOffset, view.byteLength);
