// @ts-check
/** A model's passport in words. Pure. */
import { digits, grouped, readable } from "./words.js";

/** What each part lets one do, and what is missing without it. */
export const PARTS = /** @type {const} */ ({
  generator: ["Draws a picture for every code", "Draws no pictures: there is nothing to traverse"],
  encoder: ["Finds the code of a picture of yours", "Cannot find the code of a picture by itself"],
  mapper: ["Has a second space, in which codes are edited", ""],
  classifier: ["Names what a picture shows", ""],
  prototypes: ["Explains its answers by examples it has seen", ""],
  denoiser: ["Draws step by step, out of noise", ""],
  captioner: ["Follows a sentence", ""],
  features: ["Tells how alike two pictures are", ""],
});
const ALWAYS = ["generator", "encoder"]; // parts whose lack is worth a line

/** What a model can do and cannot do, one line each. @param {string[] | null} parts @returns {{ can: boolean, words: string }[]} */
export function abilities(parts) {
  if (!parts) return [];
  const can = parts.map((part) => ({ can: true, words: PARTS[/** @type {"encoder"} */ (part)]?.[0] ?? readable(part) }));
  return [...can, ...ALWAYS.filter((part) => !parts.includes(part)).map((part) => ({ can: false, words: PARTS[/** @type {"encoder"} */ (part)][1] }))];
}

/** 1973000 bytes as "1.9 MB". @param {number} count */
export function bytes(count) {
  const unit = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(count, 1)) / 3)));
  return `${digits(count / 1000 ** unit)} ${["bytes", "kB", "MB", "GB"][unit]}`;
}

/** 1973000 as "1.97 million". @param {number} count */
export function amount(count) {
  if (count < 10_000) return grouped(count);
  const [scale, word] = count >= 1e9 ? [1e9, "billion"] : count >= 1e6 ? [1e6, "million"] : [1e3, "thousand"];
  return `${digits(count / scale)} ${word}`;
}

/** One figure with its unit. @param {number | string} value @param {string} unit */
export function figure(value, unit) {
  if (typeof value !== "number") return String(value);
  if (unit === "%") return `${Number((value * 100).toFixed(1))} %`;
  return [Number.isInteger(value) ? grouped(value) : digits(value), unit].filter(Boolean).join(" ");
}

/** The facts of a passport as (name, words), those that are known. @param {any} about @returns {[string, string][]} */
export function facts(about) {
  const { picture } = about;
  const spaces = about.spaces.map((/** @type {any} */ space) => [`Space ${space.name}`, `${space.shape.join(" × ")} numbers${space.shape.length > 1 ? ` (${grouped(space.size)} in all)` : ""}, ${space.words}`]);
  const rows = [
    ...spaces,
    ["Pictures", picture && `${picture.width} × ${picture.height} pixels, ${picture.channels === 1 ? "grey" : picture.channels === 3 ? "in colour" : `${picture.channels} channels`}`],
    ["Time a picture", about.milliseconds ? `${digits(about.milliseconds)} ms here (median of the last ones)${about.milliseconds > 50 ? "; while you drag, coarse previews are shown" : ""}` : about.why ? "" : "measured once it is open"],
    ["Work a picture", about.work && `${amount(about.work)} multiply-adds`],
    ["Parameters", about.parameters && amount(about.parameters)],
    ["Size", [about.bytes && `${bytes(about.bytes)} on disk`, about.memory && `${bytes(about.memory)} in memory`].filter(Boolean).join(", ")],
    ["Data", dataInWords(about.data)],
    ["Licence", about.licence || "not stated"],
    ["Credits", about.credits],
    ["File", about.file],
    ["To know", (about.data?.notes ?? []).join(" ")],
  ];
  return /** @type {[string, string][]} */ (rows.filter(([, words]) => words));
}

/** Whether a model is likely to be too large for what is free; "" if not. @param {any} about */
export function tooLarge(about) {
  if (!about.memory || !about.free || about.open || about.memory * 1.25 <= about.free) return "";
  return `It needs about ${bytes(about.memory * 1.25)} of memory and ${bytes(about.free)} are free: opening it will be refused.`;
}

/** @param {any} data */
function dataInWords(data) {
  const { name, training_pictures: pictures } = data ?? {};
  return [name, pictures && `${grouped(pictures)} training pictures`].filter(Boolean).join(", ") || "not stated";
}

/** The training record as (name, words). @param {any} training @returns {[string, string][]} */
export const record = (training) => Object.entries(training ?? {}).map(([name, value]) => [capital(readable(name)), inWords(name, value)]);

const capital = (/** @type {string} */ text) => text.charAt(0).toUpperCase() + text.slice(1);
const inWords = (/** @type {string} */ name, /** @type {any} */ value) =>
  Array.isArray(value) ? value.join(", ") : value && typeof value === "object" ? Object.entries(value).map(([k, v]) => `${readable(k)} ${v}`).join(", ") : typeof value === "number" && name !== "seed" ? (Number.isInteger(value) ? grouped(value) : String(value)) : String(value);

/** The models that fit a search: every word in title, name, family, data or summary. @param {any[]} models @param {string} words @param {string} family @param {string} data */
export function found(models, words, family, data) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const text = [model.title, model.name, model.family, model.data, model.summary].join(" ").toLowerCase();
    return (!family || model.family === family) && (!data || model.data === data) && wanted.every((word) => text.includes(word));
  });
}
