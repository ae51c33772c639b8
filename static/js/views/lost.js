// Where there is nothing to show: no such page, or a room that is not here.

import { el } from "../lib/dom.js";
import { fillBar } from "./shell.js";

export function createLost({ t, address }) {
  return el("div.lost", null, el("h1", null, t("noSuchPage")), el("p.muted", null, t("noSuchPageWhy")), el("a.button", { href: address("/chat") }, t("startNewChat")));
}

export function mount(main, ctx) {
  const bar = el("header.bar");
  fillBar(bar, ctx, { isPlain: true });
  main.replaceChildren(bar, el("div.page", null, createLost(ctx)));
  document.title = `${ctx.t("noSuchPage")} · gpt-assistant`;
  return { destroy: () => main.replaceChildren() };
}
