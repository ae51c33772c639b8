// What works everywhere in the page: keys, and a file of another service that is dropped on it.

import { isComposing } from "../lib/dom.js";
import { prefs } from "../models/kept.js";
import { HOLD } from "../models/scroll.js";

export function mountKeyboard(ctx, page) {
  const chat = () => page.inside.chat;
  const isChat = () => page.room === null && page.inside?.chat;

  const keys = {
    "mod+k": () => ctx.openSheet("palette"),
    "mod+shift+o": () => ctx.newChat(),
    "mod+b": () => ctx.toggleList(),
    "mod+,": () => ctx.go("/settings"),
    "alt+,": () => isChat() && chat().settings(),
    "alt+c": () => isChat() && copyLast(chat().room),
    "alt+arrowup": () => isChat() && step(chat().room, -1),
    "alt+arrowdown": () => isChat() && step(chat().room, 1),
    "alt+arrowleft": (target) => isChat() && version(chat().room, target, -1),
    "alt+arrowright": (target) => isChat() && version(chat().room, target, 1),
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
  const drops = watchDrops(ctx);
  document.addEventListener("keydown", press);
  for (const hint of document.querySelectorAll("[data-keys]")) hint.textContent = printed(hint.dataset.keys).join(" ");
  return {
    destroy() {
      document.removeEventListener("keydown", press);
      drops();
    },
  };
}

/** From that size on a JSON file is nothing that goes with a message. */
const LARGE = 256 << 10;

/** Whether a dropped file is an export to take in. A small JSON in the chat may as well belong to a message. */
export function isExport({ name, size }, isInChat) {
  if (/\.zip$/i.test(name)) return true;
  return /\.json$/i.test(name) && (!isInChat || size > LARGE || /^(conversations|chat-export|librechat|gpt-assistant)/i.test(name));
}

/** Takes an export before anybody else sees it. A file that nobody wants must not replace the page. */
function watchDrops(ctx) {
  const over = (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
  const drop = (event) => {
    const files = [...event.dataTransfer?.files ?? []];
    if (files.length > 0) event.preventDefault();
    if (files.length !== 1 || document.querySelector("dialog[open]") || !isExport(files[0], event.target.closest?.("#chat") !== null)) return;
    event.stopPropagation();
    document.querySelector(".composer").classList.remove("drop");
    ctx.using("import", ({ open }) => open(ctx, files[0]));
  };
  document.addEventListener("dragover", over);
  document.addEventListener("drop", drop, true);
  return () => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("drop", drop, true);
  };
}

/** To the question before or behind. */
function step({ model, turns, scroll }, by) {
  const path = model.path();
  const { index, off } = turns.current();
  const to = by < 0 && off < -8 ? index : index + by;
  if (to >= path.length) scroll.toEnd(true);
  else if (to >= 0) turns.reveal(path[to].id, HOLD, true);
}

function copyLast({ model, actions }) {
  const last = model.path().findLast((turn) => turn.response !== "");
  if (last) actions.copy(last);
}

/** Another version of the turn in which the focus is. */
function version({ model, turns, actions }, target, by) {
  const turn = model.path().find((each) => turns.views.get(each.id)?.element.contains(target));
  if (!turn) return false;
  actions.select(turn, by);
}

/** The keys of a press as one word: `mod+shift+o`, `alt+arrowup`, `?`. Ctrl and Cmd are both `mod`. */
export function chord(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  const key = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key.toLowerCase();
  // A sign such as ? needs Shift on some keyboards and none on others.
  if (event.shiftKey && (key.length > 1 || /[a-z]/.test(key))) parts.push("shift");
  return [...parts, key].join("+");
}

/** True where typing is meant for a field. */
export function isField(target) {
  return target?.isContentEditable === true || /^(INPUT|TEXTAREA|SELECT)$/.test(target?.tagName ?? "");
}

const isMac = () => /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** The keys of a chord as they are printed on them. */
export function printed(keys) {
  const mac = isMac();
  const names = {
    mod: mac ? "⌘" : "Ctrl", alt: mac ? "⌥" : "Alt", shift: mac ? "⇧" : "Shift", enter: "Enter", escape: "Esc",
    arrowup: "↑", arrowdown: "↓", arrowleft: "←", arrowright: "→",
  };
  return keys.split("+").map((key) => names[key] ?? key.toUpperCase());
}
