// A conversation in the list: a link, a sign while it answers, and More.

import { el, icon, iconButton, set } from "../lib/dom.js";
import { isComposing, isEnter } from "../lib/keys.js";
import { features } from "../models/features.js";

export function createItem(ctx, hooks) {
  const { t } = ctx;
  const words = el("span", { dir: "auto" });
  const running = el("i.running", { role: "img", "aria-label": t("answering"), title: t("answering"), hidden: true });
  const link = el("a", null, words, running);
  const more = iconButton("more", t("more"), openMore, { tabindex: -1, "aria-haspopup": "menu", "aria-expanded": "false" });
  const element = el("li.side-item", null, link, more);
  let item;

  async function openMore() {
    const { openMenu } = await ctx.load("menu");
    openMenu(more, t("moreAbout", { title: item.title }), conversationMenu(ctx, item, { rename, hooks }));
  }

  /** The title as a field, in its place. */
  function rename() {
    const field = el("input.input", { "aria-label": t("title"), maxlength: 200, dir: "auto" });
    field.value = item.title;
    element.replaceChildren(field);
    let isOver = false;
    const end = (isKept) => {
      if (isOver) return;
      isOver = true;
      const title = field.value.trim();
      element.replaceChildren(link, more);
      if (isKept && title !== "" && title !== item.title) ctx.list.change(item.id, { title }).catch(ctx.fail);
    };
    field.addEventListener("keydown", (event) => {
      if (isComposing(event) || event.key !== "Escape" && !isEnter(event)) return;
      event.preventDefault();
      event.stopPropagation();
      end(isEnter(event));
      link.focus();
    });
    field.addEventListener("blur", () => end(true));
    field.focus();
    field.select();
  }

  return {
    element,
    link,
    update(now, { isCurrent, found }) {
      item = now;
      const address = ctx.address(`/chat/${item.id}`);
      set(link, { href: found?.turn ? `${address}#turn-${found.turn}` : address, "aria-current": isCurrent ? "page" : null, title: item.title });
      element.classList.toggle("current", isCurrent);
      if (found) words.replaceChildren(...found.title, found.snippet.length > 0 ? el("span.side-snippet", { dir: "auto" }, ...found.snippet) : "");
      else if (words.textContent !== item.title) words.textContent = item.title;
      running.hidden = !item.running || isCurrent;
      set(more, { "aria-label": t("more") });
    },
  };
}

/** What can be done with a conversation, in the list and in the bar. */
export function conversationMenu(ctx, item, { rename, hooks }) {
  const { t, list } = ctx;
  const leave = (next) => {
    hooks?.next(next?.id);
    if (item.id === ctx.currentConversation) ctx.newChat();
  };
  const take = (action, sentence, from) => async () => {
    const next = list.drop(item.id);
    leave(next);
    try {
      await action();
      const undo = () => list.restore(item.id, from).catch(ctx.fail);
      ctx.toast(sentence, { undo });
    } catch (fault) {
      ctx.fail(fault);
      list.refresh().catch(() => {});
    }
  };
  const archive = take(() => list.change(item.id, { archived: true }), t("archived"), "archive");
  const trash = take(() => list.trash(item.id), t("trashed"), "trash");
  return [
    rename && { word: t("rename"), sign: "edit", run: rename },
    { word: t(item.pinned ? "unpin" : "pin"), sign: "pin", run: () => list.change(item.id, { pinned: !item.pinned }).catch(ctx.fail) },
    { word: t("archive"), sign: "archive", run: archive },
    features.export && { word: t("export"), sign: "export", items: [
      { word: "Markdown", sign: "export", run: () => ctx.download(`/conversations/${item.id}/export`, { format: "markdown" }) },
      { word: "JSON", sign: "export", run: () => ctx.download(`/conversations/${item.id}/export`, { format: "json" }) },
    ] },
    null,
    { word: t("delete"), sign: "trash", run: trash, isDanger: true },
  ].filter((entry) => entry !== false && entry !== undefined);
}
