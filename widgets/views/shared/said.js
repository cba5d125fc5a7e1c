// @ts-check
/** Whose errors are shown where they were asked for. Pure. */

/** Requests whose views say in place what went wrong; the stage, which shows all other errors, leaves them alone. */
const IN_PLACE = new Set(["about", "add", "cover", "edit_pile", "folder", "forget_photo", "likeness", "models", "own", "photo", "pile", "planes", "refine", "train"]);

/** @param {any} header an error's */
export const saidInPlace = (header) => IN_PLACE.has(header.about) || (header.about === "job" && header.view !== "stage");
