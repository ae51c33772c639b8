// Menus: what can be done with a conversation, in the list and in the bar; where the account leads.

import { openMenu } from "./menu.js";

/** Opens the menu at a button. `rename` shows the title as a field; `focusNext(id)` takes the focus when it has gone. */
export function openConversationMenu(ctx, anchor, item, hooks = {}) {
  openMenu(anchor, ctx.t("moreAbout", { title: item.title }), entries(ctx, item, hooks));
}

function entries(ctx, item, { rename, focusNext }) {
  const { t, list, download } = ctx;
  const leave = (next) => {
    focusNext?.(next?.id);
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
    { word: t("export"), sign: "export", items: [["Markdown", "markdown"], ["JSON", "json"]].map(([word, format]) => (
      { word, sign: "export", run: () => download(`/conversations/${item.id}/export`, { format }) }
    )) },
    null,
    { word: t("delete"), sign: "trash", run: trash, isDanger: true },
  ].filter((entry) => entry !== undefined);
}

/** Where one can go, and the way out. */
export function openAccountMenu({ t, go, openShelf, openSheet, signOut, session }, anchor) {
  openMenu(anchor, t("more"), [
    { word: t("settings"), sign: "gear", run: () => go("/settings") },
    { word: t("tokenUsage"), sign: "chart", run: () => go("/stats") },
    session.user.role === "admin" && { word: t("administration"), sign: "users", run: () => go("/admin") },
    { word: t("archive"), sign: "archive", run: () => openShelf("archive") },
    { word: t("trash"), sign: "trash", run: () => openShelf("trash") },
    null,
    { word: t("shortcuts"), sign: "keys", run: () => openSheet("shortcuts") },
    { word: t("signOut"), sign: "leave", run: signOut },
  ].filter((entry) => entry !== false));
}
