// @ts-check
/** How far a map can be trusted, in one sentence. Pure. */

/** A measure as `explorer/methods/maps/quality.py` writes it, with its interval, or a plain number. @param {any} measure */
const valueOf = (measure) => measure?.value ?? measure;
const percent = (share) => (share > 0 && share < 0.005 ? "fewer than 1" : Math.round(100 * share)) + "\u00a0%";

/** The sentence that `honesty` supports; "" where it does not say. @param {any} honesty */
export function trust(honesty) {
  const kept = valueOf(honesty?.recall);
  if (!Number.isFinite(kept) || !honesty.k) return "";
  const beside = { pca: honesty.method === "pca" ? null : honesty.pca, random: honesty.random };
  const others = Object.entries({ pca: "on PCA", random: "on a random map" }).flatMap(([name, title]) => {
    const share = valueOf(beside[name]?.recall);
    return Number.isFinite(share) ? [`${title} ${percent(share)}`] : [];
  });
  return `Of each picture's ${honesty.k} nearest neighbours in the model, ${percent(kept)} are also neighbours on this map${others.length ? ` (${others.join(", ")})` : ""}.`;
}
