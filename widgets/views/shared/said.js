// @ts-check
/** Whose errors are shown where they were asked for. Pure. */

/** Requests whose views say in place what went wrong; the stage, which shows all other errors, leaves them alone. */
const IN_PLACE = new Set(["about", "add", "alike", "along", "arrows", "cell", "compose", "cover", "directions", "directions-file", "directions-labels", "directions-load", "distance", "edit_pile", "fetch", "film", "films", "find", "flow", "flows", "folder", "forget_photo", "gap", "geodesic", "glance", "history", "picture", "python", "similar", "landscape", "lattice", "lend", "lengths", "likeness", "look", "models", "own", "photo", "pile", "planes", "plotting", "points", "refine", "refine-directions", "square", "train"]);

/** @param {any} header an error's */
export const saidInPlace = (header) => IN_PLACE.has(header.about) || (header.about === "job" && header.view !== "stage");
