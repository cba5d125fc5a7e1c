// @ts-check
/** What a comparison of a photo with the model's picture says, in plain words. Pure. */
import { digits, percent, readable } from "./words.js";

/** How alike two pictures are, from the peak signal-to-noise ratio in decibels. @param {number} psnr */
export function alike(psnr) {
  if (psnr >= 35) return "almost the same";
  if (psnr >= 28) return "close";
  if (psnr >= 22) return "recognisable";
  return psnr >= 16 ? "only roughly alike" : "hardly alike";
}

/** How far off a pixel is, typically, in per cent of the whole range from black to white. @param {number} error mean square, of pictures in [-1, 1] */
export const off = (error) => `${digits(Number((50 * Math.sqrt(error)).toPrecision(2)))} %`;

/** @param {number} error @param {number} psnr */
export const likeness = (error, psnr) => `${alike(psnr)[0].toUpperCase()}${alike(psnr).slice(1)}: a pixel is typically off by ${off(error)} of the range from black to white (${psnr.toFixed(1)} dB).`;

/**
 * What is usual for this model, next to this picture. It names exactly what was compared.
 *
 * @param {{ share: number, count: number, kind: "atlas" | "draws" } | null | undefined} usual
 * @returns {{ text: string, unlike: boolean }}
 */
export function usualInWords(usual) {
  if (!usual) return { text: "", unlike: false };
  const whom = usual.kind === "atlas" ? `${usual.count} pictures of the map that it learned from` : `${usual.count} pictures of its own, encoded once more`;
  const how = usual.kind === "atlas" ? " (compared at 32 pixels)" : "";
  const unlike = usual.share >= 0.99;
  const worse = `It redraws this picture worse than ${usual.share === 1 ? "all" : percent(usual.share)} of ${whom}${how}.`;
  if (unlike) return { text: `This picture is unlike what the model knows. ${worse} Expect its own idea of the picture, not a copy.`, unlike };
  return { text: usual.share <= 0.5 ? `It redraws this picture as well as what it knows: better than ${percent(1 - usual.share)} of ${whom}${how}.` : worse, unlike };
}

/** What a judge sees in both pictures. @param {Record<string, [string | null, string | null]> | undefined} seen */
export function judged(seen) {
  const all = Object.entries(seen ?? {}).filter(([, pair]) => pair.some(Boolean));
  const word = (/** @type {string | null} */ value) => (value ? readable(value) : "not to be seen");
  return {
    kept: all.filter(([, [a, b]]) => a === b).map(([question, [value]]) => `${readable(question)} ${word(value)}`),
    changed: all.filter(([, [a, b]]) => a !== b).map(([question, [a, b]]) => `${readable(question)} ${word(a)} → ${word(b)}`),
    count: all.length,
  };
}

/** What a search has won. @param {any} result of a `refine` job */
export function won(result) {
  const way = result.exact ? "" : " This model gives no gradients, so the search was slower and less exact.";
  const ended = result.stopped ? `Stopped after ${result.steps} steps; this is the best until then.` : `${result.steps} steps, ${result.seconds < 10 ? result.seconds.toFixed(1) : Math.round(result.seconds)} s.`;
  if (result.first_psnr === null) return `Found at ${result.psnr.toFixed(1)} dB, typicality ${digits(result.typicality)}. ${ended}${way}`;
  if (result.psnr - result.first_psnr < 0.05) return `No closer code was found: it stays at ${result.first_psnr.toFixed(1)} dB. ${ended}${way}`;
  return `From ${result.first_psnr.toFixed(1)} to ${result.psnr.toFixed(1)} dB; typicality from ${digits(result.first_typicality)} to ${digits(result.typicality)}. ${ended}${way}`;
}
