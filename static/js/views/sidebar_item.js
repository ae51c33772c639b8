// A conversation in the list: a link, a sign while it answers, and More.

import { el, iconButton, isComposing, isEnter, set } from "../lib/dom.js";

export function createItem(ctx, focusNext) {
  const { t } = ctx;
  const words = el("span", { dir: "auto" });
  const running = el("i.running", { role: "img", "aria-label": t("answering"), title: t("answering"), hidden: true });
  const link = el("a", null, words, running);
  const more = iconButton("more", t("more"), () => ctx.openConversationMenu(more, item, { rename, focusNext }), { tabindex: -1, "aria-haspopup": "menu", "aria-expanded": "false" });
  const element = el("li.side-item", null, link, more);
  let item;

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
