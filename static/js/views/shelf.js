// The archive and the trash: lists of what was put away, and the way back.

import { el, iconButton, say } from "../lib/dom.js";
import { openDialog } from "./dialog.js";

export function openShelf(ctx, kind) {
  const { t, api, list } = ctx;
  const isTrash = kind === "trash";
  const status = el("p.sr", { role: "status" });
  const rows = el("ul.shelf");
  const empty = el("p.muted", { hidden: true }, t(isTrash ? "trashEmpty" : "archiveEmpty"));
  const days = Number(document.documentElement.dataset.trashDays);
  const dialog = openDialog(ctx, t(kind), { kind: "shelf-dialog", body: [isTrash && el("p.help", null, t("trashKeeps", { n: days })), empty, rows, status].filter(Boolean) });
  let next = null;

  async function read() {
    try {
      const page = await api("/conversations", { query: { [isTrash ? "trash" : "archived"]: true, limit: 50, before: next } });
      next = page.next;
      rows.append(...page.conversations.map(row));
      look();
      if (next !== null) watch();
    } catch (fault) {
      dialog.close();
      ctx.fail(fault);
    }
  }

  /** Reads on when the end comes in sight. */
  function watch() {
    const seen = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      seen.disconnect();
      read();
    }, { root: dialog.body, rootMargin: "200px" });
    if (rows.lastElementChild) seen.observe(rows.lastElementChild);
  }

  function look() {
    empty.hidden = rows.childElementCount > 0;
  }

  function row(item) {
    const link = el("a", { dir: "auto", href: ctx.address(`/chat/${item.id}`), click: () => dialog.close() }, item.title);
    const title = isTrash ? el("span", { dir: "auto" }, item.title) : link;
    const back = iconButton("back", t(isTrash ? "restore" : "unarchive"), () => take(() => list.restore(item.id, kind), t("restored")));
    const drop = iconButton("trash", t(isTrash ? "deleteForever" : "delete"), async () => {
      if (!isTrash) return take(() => list.trash(item.id), t("trashed"));
      const isSure = await ctx.confirm({ title: t("deleteForeverSure"), sentence: item.title, word: t("deleteForever"), isDanger: true });
      if (isSure) take(() => api(`/conversations/${item.id}`, { method: "DELETE", query: { permanent: true } }), t("deletedForever"));
    });
    const element = el("li", null, title, el("span.faint.num", null, t.clock.short(item.deleted ?? item.updated, Date.now() / 1000)), back, drop);
    async function take(action, sentence) {
      const neighbour = element.nextElementSibling ?? element.previousElementSibling;
      try {
        await action();
        element.remove();
        look();
        say(status, sentence);
        (neighbour?.querySelector("button") ?? dialog.element.querySelector("button")).focus();
      } catch (fault) {
        ctx.fail(fault);
      }
    }
    return element;
  }

  read();
}
