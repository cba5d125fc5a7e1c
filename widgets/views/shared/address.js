// @ts-check
/**
 * The state in the page's address: `#s=` and the session as JSON, packed and in base64 without letters that addresses mind.
 *
 * The address follows the session from its first step on. Opening an address that this tab did not write itself makes its state a step.
 */
import { deflated, inflated } from "./packed.js";
import { PREFIX } from "./visits.js";
import { fromBase64, toBase64 } from "./wire.js";

const KEY = "s=";
const WRITTEN = `${PREFIX}address`;
const MOST = 4000; // letters
const MOST_READ = 1_000_000; // bytes once unpacked
const REST = 250; // milliseconds after the last change before the address follows: browsers allow only so many

/**
 * A session as the part of an address behind the "#". Where it would be too long, first the lasso's selection is left out, then numbers are rounded to four digits.
 *
 * @param {any} session @returns {Promise<{ fragment: string, exact: boolean } | null>} null when it is too long in any case
 */
export async function toFragment(session) {
  const bare = { ...session, selection: [] };
  const rounded = JSON.parse(JSON.stringify(bare), (_, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value));
  for (const [candidate, exact] of /** @type {const} */ ([[session, true], [bare, false], [rounded, false]])) {
    const fragment = KEY + toBase64(await deflated(JSON.stringify(candidate))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    if (fragment.length <= MOST) return { fragment, exact };
  }
  return null;
}

/** Whether the part behind "#" holds a state. @param {string} hash with or without the "#" */
export const holdsState = (hash) => hash.replace(/^#/, "").startsWith(KEY);

/** The session in the part of an address behind the "#". Rejects with a sentence when it is damaged. @param {string} hash @returns {Promise<any>} */
export async function fromFragment(hash) {
  try {
    const packed = fromBase64(hash.replace(/^#/, "").slice(KEY.length).replaceAll("-", "+").replaceAll("_", "/"));
    const session = JSON.parse(await inflated(packed, MOST_READ));
    if (!session || typeof session !== "object" || Array.isArray(session)) throw new Error("It is no session.");
    return session;
  } catch {
    throw new Error("The state in this address is damaged, perhaps because a part of the address is missing. Here is a fresh start instead.");
  }
}

/** The page's address with a session in it, or null when it is too long for one. @param {any} session @param {string} href */
export async function linkTo(session, href) {
  const found = await toFragment(session);
  if (!found) return null;
  const url = new URL(href);
  if (url.searchParams.has("model")) url.searchParams.set("model", session.model);
  url.hash = found.fragment;
  return { href: url.href, exact: found.exact };
}

/**
 * Keeps address and session together.
 *
 * @param {any} model @param {{ tab: Storage | null, signal: AbortSignal }} options
 */
export function keepAddress(model, { tab, signal }) {
  let visiting = false;
  let timer = /** @type {any} */ (0);
  let turn = 0;

  /** @param {string} fragment "" for none */
  const write = (fragment) => {
    const url = new URL(location.href);
    url.hash = fragment;
    tab?.setItem(WRITTEN, url.hash);
    if (url.href !== location.href) history.replaceState(history.state, "", fragment ? url : url.href.replace(/#$/, ""));
  };
  const follow = async () => {
    const { session, step } = model.get("state") ?? {};
    if (visiting || !session || !(step > 0 || holdsState(location.hash))) return;
    const mine = ++turn;
    const found = await toFragment(session);
    if (mine === turn && !visiting && !signal.aborted) write(found?.fragment ?? "");
  };
  const visit = async () => {
    if (!holdsState(location.hash) || location.hash === tab?.getItem(WRITTEN)) return;
    visiting = true;
    try {
      model.send({ type: "visit", view: "address", session: await fromFragment(location.hash) });
    } catch (error) {
      visiting = false;
      const header = { type: "error", message: /** @type {Error} */ (error).message, about: "visit", seq: null, view: "address" };
      model.set("error", header); // for views that come later
      model.emit("msg:custom", header, []);
      write("");
    }
  };
  model.on("change:state", () => {
    clearTimeout(timer);
    timer = setTimeout(follow, REST);
  });
  model.on("msg:custom", (/** @type {any} */ header) => {
    if (!visiting || !(header.type === "session" || (header.type === "error" && header.about === "visit"))) return;
    visiting = false;
    if (header.type === "error") write("");
    else timer = setTimeout(follow, REST);
  });
  model.on("forgotten", () => {
    clearTimeout(timer);
    turn++;
    write("");
  });
  addEventListener("hashchange", visit, { signal });
  visit();
}
