// @ts-check
/** Shows a view in the Gradio page. All views of a page share one connection, whenever they come. */
import { holdsState, keepAddress } from "./shared/address.js";
import { liveAddress, openChannel } from "./shared/channel.js";
import { visits } from "./shared/visits.js";

const CHANNEL = Symbol.for("latent-explorer");
const LONG = 60_000; // hidden for longer than this, the connection is looked after

/**
 * Renders `view` into `el`; returns what takes it away again.
 *
 * @param {object} options
 * @param {HTMLElement} options.el
 * @param {{ render(context: { model: any, el: HTMLElement, options: any }): void | (() => void) }} options.view the default export of a view's module
 * @param {{ ask(request: [string, string]): Promise<{ ok: boolean, data?: string, error?: string } | undefined> } | null} [options.server] the way round without a WebSocket
 * @param {string} [options.name] of the view, as in its file
 * @param {any} [options.options] plain values that Python hands to the view
 * @param {{ live?: string }} [options.page] `live`: the channel's name, if it is not "live"
 */
export function mount({ el, view, server = null, name = "", options = {}, page = {} }) {
  const channel = shared(server, page);
  channel.views.get(el)?.();
  for (const [old, leave] of channel.views) if (!old.isConnected) leave(); // taken out by the host without a word
  el.classList.add("le-page");
  el.dataset.view = name;
  el.removeAttribute("aria-busy");
  let cleanup;
  try {
    cleanup = view.render({ model: channel.model, el, options });
  } catch (error) {
    el.textContent = `The view "${name}" could not be shown: ${/** @type {Error} */ (error).message}`;
    reportError(error);
  }
  const leave = () => {
    if (channel.views.get(el) !== leave) return;
    channel.views.delete(el);
    cleanup?.();
    setTimeout(() => channel.views.size || channel.end(), 1000); // the host may be about to show another
  };
  channel.views.set(el, leave);
  return leave;
}

/** The page's channel, opened by whoever comes first. @param {any} server @param {{ live?: string }} page */
function shared(server, page) {
  const store = /** @type {any} */ (globalThis);
  store[CHANNEL]?.offer(server);
  return (store[CHANNEL] ??= begin(server, page, () => delete store[CHANNEL]));
}

/** @param {any} server @param {{ live?: string }} page @param {() => void} forget */
function begin(server, page, forget) {
  const address = liveAddress(document.baseURI, /** @type {any} */ (globalThis).gradio_config?.root, page.live);
  const wanted = holdsState(location.hash) ? undefined : (new URL(location.href).searchParams.get("model") ?? undefined);
  const channel = openChannel({ address, first: { model: wanted }, storage: openStorage("sessionStorage"), server });
  visits(channel, { tab: openStorage("sessionStorage"), browser: openStorage("localStorage") });
  const stop = new AbortController();
  const { signal } = stop;
  let hidden = 0;
  addEventListener("online", channel.probe, { signal });
  addEventListener("pageshow", (event) => event.persisted && channel.probe(), { signal });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hidden = Date.now();
    else if (hidden && Date.now() - hidden > LONG) channel.probe();
  }, { signal });
  keepAddress(channel.model, { tab: openStorage("sessionStorage"), signal });
  channel.model.on("change:state", () => nameInAddress(channel.model.get("state")?.session?.model));
  /** @type {Map<HTMLElement, () => void>} */
  const views = new Map();
  const end = () => {
    stop.abort();
    channel.close();
    forget();
  };
  addEventListener("pagehide", (event) => { if (!event.persisted && ![...views.keys()].some((el) => el.isConnected)) end(); }, { signal });
  return { ...channel, views, end };
}

/** Keeps `?model=` true after another model was opened; leaves an address without it alone. @param {string | undefined} model */
function nameInAddress(model) {
  const url = new URL(location.href);
  if (!model || !url.searchParams.has("model") || url.searchParams.get("model") === model) return;
  url.searchParams.set("model", model);
  history.replaceState(history.state, "", url);
}

/** A storage, if the browser allows one. @param {"sessionStorage" | "localStorage"} name the tab's, or the browser's */
function openStorage(name) {
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}
