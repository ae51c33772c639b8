// The tray above the text: files that go with the message, each with a way to take it out again.

import { size } from "../lib/ago.js";
import { button, el, icon, iconButton, say } from "../lib/dom.js";
import { Tray } from "../models/tray.js";
import { fill, pictures } from "./attached.js";
import { sentenceOf } from "./fault.js";

/** `changed(conversation, files)` is called when the files of a draft are others. */
export function mountTray(field, ctx, changed) {
  const { t } = ctx;
  const element = el("ul.tray", { "aria-label": t("filesOfMessage"), hidden: true });
  field.before(element);
  /** The trays of all drafts, by conversation. */
  const trays = new Map();
  const shown = new Map();
  let at = null;

  function trayOf(conversation) {
    if (!trays.has(conversation)) {
      const tray = new Tray(ctx);
      tray.addEventListener("change", () => {
        if (tray === trays.get(at)) show();
        // It may belong to another number than it began with.
        const [place] = [...trays].find(([, each]) => each === tray);
        changed(place, tray.files);
      });
      trays.set(conversation, tray);
    }
    return trays.get(conversation);
  }

  function show() {
    const { items } = trayOf(at);
    for (const [item, view] of shown) {
      if (items.includes(item)) continue;
      view.element.remove();
      shown.delete(item);
    }
    for (const item of items) {
      if (!shown.has(item)) shown.set(item, createItem(item));
      const view = shown.get(item);
      view.update();
      element.append(view.element);
    }
    element.hidden = items.length === 0;
  }

  function createItem(item) {
    const remove = iconButton("close", t("removeFile", { name: item.name }), () => {
      trayOf(at).remove(item);
      (element.querySelector("button:not([hidden])") ?? field).focus();
    });
    const again = button(t("retry"), () => trayOf(at).send(item), "small");
    const about = el("span.about");
    const body = item.isPicture ? el("img", { alt: item.name }) : icon("file", "icon small");
    const view = el(`li${item.isPicture ? ".picture" : ""}`, null, body, el("span.words", null, el("bdi", null, item.name), about), again, remove);
    let [isFilled, heard] = [false, null];

    function update() {
      const { file, fault } = item;
      view.classList.toggle("busy", !file && !fault);
      view.classList.toggle("refused", fault !== null);
      view.title = file ? `${item.name} · ${size(file.bytes, t.locale)} · ${t("tokens", { n: file.tokens })}` : item.name;
      const sentence = fault && sentenceOf(fault, t);
      say(about, sentence ?? (file ? t("tokens", { n: file.tokens }) : t("fileOnItsWay")));
      again.hidden = !(fault?.status >= 429 || fault?.status === 408);
      if (fault && fault !== heard) ctx.alert(`${item.name}: ${sentence}`);
      heard = fault;
      if (file && item.isPicture && !isFilled) {
        isFilled = true;
        if (item.blob) pictures(ctx).put(file, item.blob);
        fill(body, ctx, file);
      }
    }
    return { element: view, update };
  }

  return {
    /** Takes files in, for the draft that is shown. */
    add: (files) => trayOf(at).add(files),
    get files() {
      return trayOf(at).files;
    },
    /** What keeps the message from being sent, in a word of the tables; null when nothing does. */
    get obstacle() {
      const { items } = trayOf(at);
      if (items.some((item) => item.fault)) return "fileRefused";
      return items.some((item) => !item.file) ? "filesOnTheirWay" : null;
    },
    /** The draft that is shown is another one, or has other files. */
    open(conversation, files) {
      at = conversation;
      trayOf(at).keep(files);
    },
    /** A new chat has this number now: its files, and those on their way, go with it. */
    placed(conversation) {
      if (!trays.has(null)) return;
      trays.set(conversation, trays.get(null));
      trays.delete(null);
    },
    destroy() {
      for (const tray of trays.values()) tray.end();
      element.remove();
    },
  };
}
