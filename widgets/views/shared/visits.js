// @ts-check
/**
 * Who this tab is to the server: the session it goes on with after a reload, the last one of this browser, and how all of it is forgotten.
 *
 * A tab keeps its session in sessionStorage, so a reload goes on and a new tab starts fresh. Which session was worked in last is in localStorage, and a new tab offers
 * to continue that one.
 */
import { ask } from "./live.js";

export const PREFIX = "latent-explorer.";
export const SESSION = `${PREFIX}session`;
const EARLIER = `${PREFIX}earlier`;
const LAST = `${PREFIX}last`;

/**
 * Keeps the model's key `earlier` (what there is of the last session: steps, made, model; or null) and sets `resume` and `forget`.
 *
 * @param {{ model: any, restart(): void }} channel @param {{ tab: Storage | null, browser: Storage | null }} storage
 */
export function visits({ model, restart }, { tab, browser }) {
  let earlier = tab?.getItem(EARLIER) ?? browser?.getItem(LAST) ?? null;

  model.on("change:visitor", () => {
    if (!earlier || earlier === model.get("visitor")) return model.set("earlier", null);
    tab?.setItem(EARLIER, earlier);
    model.send({ type: "earlier", view: "history", session: earlier });
  });
  model.on("change:state", () => {
    if (model.get("state")?.step > 0) browser?.setItem(LAST, model.get("visitor"));
  });
  model.on("msg:custom", (/** @type {any} */ header) => header.type === "earlier" && model.set("earlier", header));

  model.set("resume", () => {
    if (!earlier || !tab) return;
    tab.setItem(SESSION, earlier);
    tab.removeItem(EARLIER);
    earlier = null;
    restart();
  });
  model.set("forget", async () => {
    await ask(model, { type: "forget", view: "header" });
    for (const storage of [tab, browser]) for (const key of Object.keys(storage ?? {})) if (key.startsWith(PREFIX)) storage?.removeItem(key);
    earlier = null;
    model.emit("forgotten");
    restart();
  });
}
