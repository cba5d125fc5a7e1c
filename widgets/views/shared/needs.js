// @ts-check
/**
 * Which parts of a model an activity lacks. Pure.
 *
 * @typedef {{ id: string, title: string, needs: string[], without: string }} Needs
 */

/** The parts that are needed and not there. @param {string[] | undefined} parts @param {string[]} needs */
export const lacking = (parts, needs) => needs.filter((part) => !parts?.includes(part));
