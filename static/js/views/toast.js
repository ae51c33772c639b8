// Short notes at the foot of the page, one at a time, and what is said to those who listen.

import { el } from "../lib/dom.js";

const SHORT = 4000;
const LONG = 8000;
/** Texts that come within that time are said together. */
const GATHER = 400;

export function mountToast(ctx) {
  const { t } = ctx;
  const holder = document.querySelector(".toasts");
  let current = null;

  function end(isUndone) {
    if (!current) return;
    const { element, timer, onEnd } = current;
    clearTimeout(timer);
    current = null;
    element.remove();
    if (!isUndone) onEnd?.();
  }

  function start() {
    if (!current) return;
    clearTimeout(current.timer);
    current.timer = setTimeout(() => end(false), current.undo ? LONG : SHORT);
  }

  /** Shows a sentence; `undo` takes back what it says was done, `onEnd` is called when it can no longer be. */
  ctx.toast = (sentence, { undo, onEnd, action } = {}) => {
    end(false);
    const offered = undo ? { word: t("undo"), run: undo } : action;
    const press = () => {
      end(true);
      offered.run();
    };
    const hold = () => clearTimeout(current?.timer);
    const element = el("div.toast", { role: "status", pointerenter: hold, pointerleave: start, focusin: hold, focusout: start },
      el("span", null, sentence), offered && el("button", { type: "button", click: press }, offered.word));
    current = { element, undo: Boolean(offered), onEnd, timer: null };
    holder.append(element);
    start();
  };
  // Whoever leaves has not undone it.
  const leave = () => end(false);
  addEventListener("pagehide", leave);

  const [spoken, alerted] = [document.querySelector("#spoken"), document.querySelector("#alerted")];
  let [gathered, timer] = [[], null];
  /** Says a text politely. */
  ctx.speak = (text) => {
    gathered.push(text);
    timer ??= setTimeout(() => {
      spoken.textContent = gathered.join("\n");
      [gathered, timer] = [[], null];
    }, GATHER);
  };
  /** Says a fault at once. */
  ctx.alert = (text) => {
    alerted.textContent = text;
  };

  return {
    destroy() {
      end(false);
      removeEventListener("pagehide", leave);
    },
  };
}
