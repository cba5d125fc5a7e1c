// @ts-check
/** What to train, as someone fills it in. Pure. @typedef {{ name: string, size: number, latent: number, steps: number | null, path?: string, pile?: string }} Wish */

export const MOST_PICTURES = 20_000;
export const FEWEST = 64; // different pictures
const SIDE = 192; // pixels of the shorter side that a picture keeps on its way
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What is missing or wrong in a wish, in words; "" if nothing. @param {Wish} wish @param {number} chosen how many pictures were chosen, if no path was given */
export function fault(wish, chosen) {
  if (!wish.path?.trim() && !chosen) return "Choose a folder of pictures first, or give its path.";
  if (!wish.path?.trim() && chosen < FEWEST) return `At least ${FEWEST} different pictures are needed, and a few hundred are better; ${chosen} were chosen.`;
  if (!NAME.test(wish.name)) return "The name is 1 to 64 letters, digits, dashes and underscores, and begins with a letter or digit.";
  if (!Number.isInteger(wish.latent) || wish.latent < 2 || wish.latent > 256) return "A code has 2 to 256 numbers.";
  return "";
}

/** The size to which a picture is made smaller before it is brought; never larger than it is. @param {number} width @param {number} height @returns {[number, number]} */
export function smaller(width, height) {
  const scale = Math.min(1, SIDE / Math.min(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** The pictures among files, by name and kind. @param {Iterable<{ name: string, type: string }>} files */
export const picturesAmong = (files) => [...files].filter(({ name, type }) => /^image\/(jpeg|png|webp|bmp|gif)$/.test(type) || (!type && /\.(jpe?g|png|webp|bmp|gif)$/i.test(name)));

/** A curve through (step, value) as an SVG path in a box; "" with fewer than two. @param {[number, number][]} points @param {number} width @param {number} height */
export function curve(points, width, height) {
  if (points.length < 2) return "";
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = (/** @type {[number, number]} */ [x, y]) => `${(((x - left) / (right - left || 1)) * width).toFixed(1)} ${(height - ((y - low) / (high - low || 1)) * height).toFixed(1)}`;
  return `M${points.map(place).join("L")}`;
}
