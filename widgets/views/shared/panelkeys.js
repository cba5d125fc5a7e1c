// @ts-check
/** The keys of the activities, by the word on their tab: a tab that was never opened has not told its own, and the help sheet lists them all the same. */

const rail = ".le-track-rail";
const cell = ".le-grid-cell[tabindex='0']";

/** @type {Record<string, import("./keys.js").Key[]>} */
export const PANEL_KEYS = {
  Sample: [
    { press: ["ArrowUp", "ArrowDown"], does: "In the field: the next seed, or the one before", at: ".le-sample-seed" },
    { press: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: "In the grid: from picture to picture", at: cell },
    { press: ["Enter"], does: "In the grid: take this one", at: cell },
  ],
  Sliders: [
    { press: ["ArrowLeft", "ArrowRight"], does: "A small step", at: rail },
    { press: ["Shift+ArrowLeft", "Shift+ArrowRight"], does: "A large step", at: rail },
    { press: ["PageDown", "PageUp"], does: "One whole step", at: rail },
    { press: ["Home", "End"], does: "To where the data end", at: rail },
    { press: ["Delete"], does: "Back to where it started", at: rail },
  ],
  Directions: [
    { press: ["ArrowLeft", "ArrowRight"], does: "A small step along the direction", at: ".le-dir-range" },
    { press: ["PageDown", "PageUp"], does: "A large step", at: ".le-dir-range" },
    { press: ["Delete"], does: "Take this edit away", at: ".le-dir-range" },
    { press: ["Alt+ArrowUp", "Alt+ArrowDown"], does: "Move the direction up or down the list", at: ".le-dir-range" },
    { press: [" "], does: "Hold: the picture without the edits", at: ".le-dir-blink" },
  ],
  Flows: [
    { press: [" "], does: "Play, pause", at: ".le-flow-scrub .le-range" },
    { press: ["ArrowLeft", "ArrowRight"], does: "A step back, a step forward", at: ".le-flow-scrub .le-range" },
    { press: ["Home", "End"], does: "To the ends of the walk", at: ".le-flow-scrub .le-range" },
  ],
  Grid: [
    { press: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: "From picture to picture", at: ".le-square-cell[tabindex='0']" },
    { press: ["Enter"], does: "Go to this picture, which becomes the middle", at: ".le-square-cell[tabindex='0']" },
  ],
  Model: [{ press: ["ArrowUp", "ArrowDown"], does: "In the list: read the passport of the next one, or the one before", at: ".le-model-row[tabindex='0']" }],
};
