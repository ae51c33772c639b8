// Looking for conversations: what is found takes the list's place as one types.

import { el, isEnter, marked } from "../lib/dom.js";
import { findWords } from "../lib/text.js";
import { createItem } from "./sidebar.js";

const TYPING = 150;

export function mountSearch({ search, content, focusNext, showList, roam }, ctx) {
  const { t, list } = ctx;
  let [timer, asked, found, isInArchive] = [null, null, null, false];

  async function find() {
    const words = search.value.trim();
    asked?.abort();
    if (words === "") {
      found = null;
      isInArchive = false;
      return showList();
    }
    asked = new AbortController();
    try {
      found = await list.search(words, { archived: isInArchive, signal: asked.signal });
    } catch (fault) {
      if (asked.signal.aborted) return;
      found = [];
    }
    showFound(words);
  }

  function showFound(words) {
    const look = () => {
      isInArchive = true;
      find();
    };
    const none = el("p.side-empty", null, t(isInArchive ? "nothingInArchive" : "nothingFound", { words }), " ",
      !isInArchive && el("button.link-button", { type: "button", click: look }, t("lookInArchive")));
    const entries = found.map((item) => {
      const view = createItem(ctx, focusNext);
      view.update(item, { isCurrent: item.id === ctx.currentConversation, found: { title: marked(item.title, findWords(item.title, words)), snippet: marked(item.snippet, item.marks), turn: item.turn } });
      return view.element;
    });
    content.replaceChildren(...entries.length > 0 ? [el("ul.side-found", null, ...entries)] : [none]);
    ctx.speak(found.length > 0 ? t("foundCount", { n: found.length }) : none.textContent);
    roam();
  }

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, TYPING);
  });
  search.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (isEnter(event)) content.querySelector("a")?.click();
    else if (event.key === "ArrowDown") content.querySelector("a")?.focus();
    else if (event.key === "Escape" && search.value !== "") {
      search.value = "";
      find();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  if (search.value !== "") find();

  return {
    get isOn() {
      return found !== null;
    },
  };
}
