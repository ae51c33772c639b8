// The turns of a conversation, as many as are wanted: the newest first, more as one scrolls up.

import { arrange, el, set } from "../lib/dom.js";
import { places } from "../models/kept.js";
import { HOLD } from "../models/scroll.js";
import { createTurn } from "./turn.js";

const FIRST = 60;
/** Turns that are put in above with a frame: so many at least, more where that is quickly done (milliseconds). */
const [STEP, MOST, QUICK] = [8, 16, 4];
/** So near to the top more turns are put in. */
const AHEAD = 1600;

export function mountConversation(scroller, ctx, scroll, actions) {
  const { t } = ctx;
  const earlier = el("p.earlier.faint", { hidden: true });
  const log = el("div.conversation", { role: "log", "aria-label": t("conversation"), "aria-live": "off" }, earlier);
  const views = new Map();
  let [model, from, path, frame, lastCost, lastAt, step] = [null, 0, [], 0, 0, 0, STEP];
  const grown = new Set();

  /** Shows the path as it is now. */
  function sync() {
    path = model.path();
    from = Math.min(from, Math.max(0, path.length - 1));
    const shown = path.slice(from);
    const kept = new Set(shown.map((turn) => turn.id));
    for (const [id, view] of views) {
      if (kept.has(id)) continue;
      view.element.remove();
      views.delete(id);
    }
    shown.forEach((turn, at) => {
      if (!views.has(turn.id)) views.set(turn.id, createTurn(ctx, actions));
      show(turn, from + at);
    });
    earlier.hidden = from > 0 || !model.tree.isCut(path) || !model.tree.hasOlder;
    earlier.textContent = earlier.hidden ? "" : t("loadingEarlier");
    arrange(log, [earlier, ...shown.map((turn) => views.get(turn.id).element)]);
    set(log, { "aria-busy": model.running !== null });
  }

  function show(turn, index) {
    const isPending = model.answers.pending?.turn === turn;
    const versions = isPending ? [turn.id] : model.tree.versions(turn);
    views.get(turn.id).update(turn, { number: index + 1, versions, live: model.answers.live.get(turn.id), isLast: index === path.length - 1 });
  }

  /** Puts answers that grew on the page, once a frame, and more seldom where that is dear. */
  function flush(now) {
    frame = 0;
    if (now - lastAt < lastCost * 3) return schedule();
    const started = performance.now();
    const more = [...grown].filter((id) => views.get(id)?.grow() === false);
    grown.clear();
    for (const id of more) grown.add(id);
    scroll.grow();
    lastAt = performance.now();
    lastCost = lastAt - started;
    if (grown.size > 0) schedule();
  }

  function schedule() {
    frame ||= requestAnimationFrame(flush);
  }

  const listeners = {
    turns: () => {
      sync();
      scroll.grow();
    },
    turn: ({ detail: { id } }) => {
      grown.delete(id);
      const index = path.findIndex((turn) => turn.id === id);
      if (index >= 0 && views.has(id)) {
        path[index] = model.tree.turns.get(id);
        show(path[index], index);
      }
      set(log, { "aria-busy": model.running !== null });
      scroll.grow();
    },
    grow: ({ detail: { id } }) => {
      grown.add(id);
      schedule();
    },
    placed: ({ detail: { id, was } }) => {
      const view = views.get(was);
      if (!view) return;
      views.delete(was);
      views.set(id, view);
    },
  };

  const clock = setInterval(() => {
    for (const [id] of model?.answers.live ?? []) views.get(id)?.tick();
  }, 1000);

  async function more() {
    if (!model || scroller.scrollTop > AHEAD) return;
    if (from > 0) {
      const began = performance.now();
      from = Math.max(0, from - step);
      scroll.keep(log.querySelector(".turn"), () => void sync());
      step = performance.now() - began < QUICK ? Math.min(MOST, step * 2) : STEP;
      requestAnimationFrame(more);
      return;
    }
    if (!model.tree.hasOlder || !model.tree.isCut(path) || model.isLoadingOlder) return;
    model.isLoadingOlder = true;
    const before = path.length;
    try {
      const first = log.querySelector(".turn");
      const asked = model;
      // `sync` runs while it loads: the turns above come in steps, as all do.
      asked.removeEventListener("turns", listeners.turns);
      await asked.loadOlder().finally(() => asked.addEventListener("turns", listeners.turns));
      if (asked !== model) return;
      path = model.path();
      from += path.length - before;
      scroll.keep(first, () => void sync());
    } catch {
      // It is tried again with the next scroll.
    } finally {
      model.isLoadingOlder = false;
    }
    more();
  }

  function remember() {
    if (!model?.id || path.length === 0) return;
    const first = scroll.first([...log.querySelectorAll(".turn")]);
    if (first) places.set(model.id, { turn: path[from + first.index].id, top: Math.round(first.top) });
  }

  let remembering;
  scroll.addEventListener("move", () => {
    more();
    clearTimeout(remembering);
    remembering = setTimeout(remember, 200);
  });

  return {
    element: log,
    get views() {
      return views;
    },
    /** Shows another conversation, or none. */
    open(other) {
      if (model) for (const [name, listener] of Object.entries(listeners)) model.removeEventListener(name, listener);
      model = other;
      views.clear();
      grown.clear();
      clearTimeout(remembering);
      log.replaceChildren(earlier);
      if (!model) return;
      for (const [name, listener] of Object.entries(listeners)) model.addEventListener(name, listener);
      from = Math.max(0, model.path().length - FIRST);
      sync();
    },
    /** The place in the path of the question that is read now, and how far its top is from where it is held. */
    current() {
      const first = scroll.first([...log.querySelectorAll(".turn")], HOLD + 20);
      return first ? { index: from + first.index, off: first.top - HOLD } : { index: -1, off: 0 };
    },
    /** Puts a turn where it can be seen. */
    reveal(id, below, isSmooth) {
      const index = path.findIndex((turn) => turn.id === id);
      if (index < 0) return false;
      if (index < from) {
        from = Math.max(0, index - 5);
        sync();
      }
      scroll.show(views.get(id).element, below, isSmooth);
      return true;
    },
    /** Goes where the reader was, else to the last question. */
    settle() {
      const place = places.get(model.id);
      if (place && this.reveal(place.turn, place.top)) return;
      const last = path.at(-1);
      if (!last) return;
      if (model.running !== null) scroll.follow(views.get(last.id).element);
      else this.reveal(last.id);
    },
    destroy() {
      this.open(null);
      clearInterval(clock);
      if (frame) cancelAnimationFrame(frame);
    },
  };
}
