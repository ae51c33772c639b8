// Keys that work everywhere in the page.

import { isComposing } from "../lib/dom.js";
import { chord, isField, printed } from "../lib/keys.js";
import { prefs } from "../models/kept.js";

export function mountKeyboard(ctx, page) {
  const chat = () => page.inside.chat;
  const isChat = () => page.room === null;

  const keys = {
    "mod+k": () => ctx.openSheet("palette"),
    "mod+shift+o": () => ctx.newChat(),
    "mod+b": () => ctx.toggleList(),
    "mod+,": () => ctx.go("/settings"),
    "alt+,": () => isChat() && chat().settings(),
    "alt+c": () => isChat() && chat().copyLast(),
    "alt+arrowup": () => isChat() && chat().step(-1),
    "alt+arrowdown": () => isChat() && chat().step(1),
    "alt+arrowleft": (target) => isChat() && chat().version(target, -1),
    "alt+arrowright": (target) => isChat() && chat().version(target, 1),
  };
  const single = {
    "/": () => isChat() && chat().composer.focus(),
    "?": () => ctx.openSheet("shortcuts"),
  };

  /** Esc closes the top layer; else it stops the answer; else it leads to the composer. */
  function escape(event) {
    if (document.querySelector("dialog[open]")) return;
    if (ctx.drawer.isOpen) return ctx.drawer.close();
    if (!isChat()) return;
    event.preventDefault();
    if (chat().room.model?.running !== null) chat().stop();
    else chat().composer.focus();
  }

  const press = (event) => {
    if (event.defaultPrevented || isComposing(event)) return;
    if (event.key === "Escape") return escape(event);
    const isDialog = document.querySelector("dialog[open]") !== null;
    const keyed = chord(event);
    const isMeant = !isField(event.target) && prefs.get("singleKeys");
    const run = isDialog ? null : keys[keyed] ?? (isMeant ? single[keyed] : null);
    if (run && run(event.target) !== false) event.preventDefault();
  };
  document.addEventListener("keydown", press);
  for (const hint of document.querySelectorAll("[data-keys]")) hint.textContent = printed(hint.dataset.keys).join(" ");
  return { destroy: () => document.removeEventListener("keydown", press) };
}
