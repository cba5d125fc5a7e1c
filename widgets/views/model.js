// @ts-check
/** The passport of a model before anything of it runs, the list of all there are, and a way to open one of this computer. */
import sheet from "./shared/base.css";
import { dress, h, hear } from "./shared/dom.js";
import { tellKeys } from "./shared/keys.js";
import { ask } from "./shared/live.js";
import { adder } from "./shared/adder.js";
import { modelList } from "./shared/modellist.js";
import { PANEL_KEYS } from "./shared/panelkeys.js";
import { passportCard } from "./shared/passportcard.js";
import css from "./model.css";

/** @param {{ model: import("./shared/live.js").Model, el: HTMLElement }} context */
function render({ model, el }) {
  const undress = dress(el, "le-model", sheet, css);
  const stop = new AbortController();
  const { signal } = stop;
  let chosen = ""; // the model whose card is shown; "" for the open one
  let asked = 0;
  let visible = false;
  let stale = true; // the card may no longer be true

  const openName = () => model.get("state")?.session?.model ?? "";
  const name = () => chosen || openName();
  const open = (/** @type {string} */ which) => model.send({ type: "open", model: which });
  const list = modelList({
    choose: (which) => ((chosen = which), (stale = true), refresh()),
    cover: (which) => ask(model, { type: "cover", view: "model", model: which }, { signal }),
  });
  const card = passportCard({ open: () => open(name()) });
  const own = adder({
    model, signal,
    opened(which) {
      chosen = which;
      stale = true;
      open(which);
      model.send({ type: "models", view: "model" });
    },
  });
  tellKeys(el, "Model", PANEL_KEYS.Model);
  el.append(h("div", { class: "le-model-body" }, list.el, card.el, own.el));

  const refresh = async () => {
    list.show(model.get("models") ?? [], openName(), name());
    if (!visible || !stale || !name()) return;
    stale = false;
    const turn = ++asked;
    card.wait();
    try {
      const { header } = await ask(model, { type: "about", view: "model", model: name() }, { signal });
      if (turn === asked) card.show(header.about, header.about.name === openName());
    } catch (error) {
      if (turn === asked && !signal.aborted) card.fail(/** @type {Error} */ (error).message);
    }
  };
  const newInfo = () => {
    if (chosen === openName()) chosen = "";
    stale = true;
    refresh();
  };
  const watch = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? false;
    if (visible) (stale = true), refresh();
  });
  watch.observe(el);
  const deaf = hear(model, { "change:info": newInfo, "change:models": refresh, "change:local": () => own.suit(!!model.get("local")) });
  own.suit(!!model.get("local"));
  newInfo();
  return () => {
    stop.abort();
    watch.disconnect();
    deaf();
    list.stop();
    undress();
  };
}

export default { render };
