// What an administrator says to everybody: a line above the chat, until the person has put it away.

import { el, icon, iconButton, say } from "../lib/dom.js";
import { prefs } from "../models/kept.js";

export function mountAnnouncement({ t, session }) {
  const words = el("p", { dir: "auto" });
  const close = iconButton("close", t("close"), () => {
    prefs.set("heard", words.textContent);
    element.remove();
    document.querySelector("#message").focus();
  });
  const element = el("div.banner.told", null, icon("alert", "icon small"), el("div", { role: "status" }, words), close);
  return {
    look() {
      const text = session.user?.announcement ?? "";
      if (text === "" || text === prefs.get("heard")) return element.remove();
      if (!element.isConnected) document.querySelector("#chat .bar").after(element);
      say(words, text);
    },
    destroy: () => element.remove(),
  };
}
