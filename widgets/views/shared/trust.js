// @ts-check
/** How far a map, and a place of it, can be trusted: in numbers and in plain sentences. Pure. */
import { grouped } from "./words.js";

const FULL = 255; // a share of one, as the server stores it

/** A measure as `explorer/methods/maps/quality.py` writes it, with its interval, or a plain number. @param {any} measure */
const valueOf = (measure) => measure?.value ?? measure;
const hundredths = (share) => (share > 0 && share < 0.005 ? "fewer than 1" : String(Math.round(100 * share)));

/** Where a share of kept neighbours, in 255ths, stands between chance (0) and all (1) on the scale of colours: a root, as most places keep few. @param {number} share @param {number} k @param {number} n points of the map */
export function trustOf(share, k, n) {
  const chance = n > k + 1 ? k / (n - 1) : 0;
  return Math.sqrt(Math.max(0, (share / FULL - chance) / (1 - chance)));
}

/** "6 of 15", or "about 6 of 15" where neighbours of several maps were counted. @param {number} share in 255ths @param {number} k */
export function counted(share, k) {
  const count = (share / FULL) * k;
  const whole = Math.round(count);
  return `${Math.abs(count - whole) > 0.1 ? "about " : ""}${whole} of ${k}`;
}

/** The sentence that a map's `honesty` supports; "" where it does not say. @param {any} honesty */
export function trust(honesty) {
  const kept = valueOf(honesty?.recall);
  if (!Number.isFinite(kept) || !honesty.k) return "";
  const beside = { pca: honesty.method === "pca" ? null : honesty.pca, random: honesty.random };
  const others = Object.entries({ pca: "on PCA", random: "by chance" }).flatMap(([name, title]) => {
    const share = valueOf(beside[name]?.recall);
    return Number.isFinite(share) ? [`${title} ${hundredths(share)}`] : [];
  });
  const among = honesty.n ? [`${honesty.k} neighbours each, among ${grouped(honesty.n)} points`] : [];
  const more = [others.join(", "), ...among].filter(Boolean);
  return `On this map, ${hundredths(kept)} of 100 nearest neighbours are true ones${more.length ? ` (${more.join("; ")})` : ""}.`;
}

/** What the colours of a measure tell of this map. @param {string} measure "kept" or "stays" @param {Uint8Array} values shares in 255ths @param {number} k @param {any} about */
export function told(measure, values, k, about) {
  if (measure === "kept") return `Orange places are the ones to doubt: ${half(values, k, "keep")}.${sampled(about, values.length)}`;
  const stays = valueOf(about?.stays);
  if (!Number.isFinite(stays)) return "";
  const alike = Number.isFinite(about.disparity) ? ` As a whole, ${about.disparity < 0.1 ? "the maps look alike" : about.disparity < 0.4 ? "the maps resemble each other" : "the maps look different"}.` : "";
  return `Drawn with another seed, ${hundredths(stays)} of 100 neighbours on this map stay neighbours; orange places come out differently each time.${alike}${sampled(about, values.length)}`;
}

/** What half of the points keep at most. @param {Uint8Array} values @param {number} k @param {string} verb */
function half(values, k, verb) {
  const counts = new Uint32Array(FULL + 1);
  for (let i = 0; i < values.length; i++) counts[values[i]]++;
  let [share, below] = [0, 0];
  while (share < FULL && (below += counts[share]) < values.length / 2) share++;
  const most = Math.round((share / FULL) * k);
  return most ? `half of all points ${verb} ${most} or fewer of their ${k} neighbours` : `half of all points ${verb} none of their ${k} neighbours`;
}

const sampled = (about, n) => (about?.n && about.n < n ? ` Measured at ${grouped(about.n)} points, and taken from the nearest of those in between.` : "");

/** Why a map has no other seed. @param {any} honesty */
export const seedless = (honesty) => (honesty?.method === "pca" ? "PCA draws no lots: whatever the seed, it comes out as this very map." : "Nothing is known of a seed of this map, so there is none to compare it with.");
