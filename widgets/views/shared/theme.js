// @ts-check
/** Light or dark, as Gradio has it: a class on the body. What the visitor chose is kept. */

const KEPT = "latent-explorer.theme";

/** @param {"light" | "dark"} theme @param {{ remember?: boolean }} [options] */
export function setTheme(theme, { remember = true } = {}) {
  document.body.classList.toggle("dark", theme === "dark");
  document.body.classList.toggle("light", theme === "light");
  try {
    if (remember) localStorage.setItem(KEPT, theme);
  } catch {} // a browser without storage forgets
}

/** @returns {"light" | "dark" | null} */
export function remembered() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept === "light" || kept === "dark" ? kept : null;
  } catch {
    return null;
  }
}

/** @returns {"light" | "dark"} */
export const systemTheme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
