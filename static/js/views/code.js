// A code block gets its head: the language, a switch for line wrapping, and "Copy code". Long ones are folded.

import { copyText, el, icon, setSign } from "../lib/dom.js";

/** More lines than that are folded, to that many. */
const LONG = 40;
const FOLDED = 24;

/** Dresses a block that the server rendered. One that still grows is never folded: it is being read. */
export function dressCode(block, { t }, { isFolded = false } = {}) {
  const wrap = el("button.icon-button.wrap", { type: "button", "data-do": "wrap", "aria-pressed": "false", "aria-label": t("wrapLines"), title: t("wrapLines") }, icon("wrap", "icon small"));
  const copy = el("button.icon-button", { type: "button", "data-do": "copy-code", "aria-label": t("copyCode") }, icon("copy", "icon small"), el("span", null, t("copy")));
  block.prepend(el("header", null, el("span", { dir: "ltr" }, block.dataset.lang ?? ""), wrap, copy));
  if (isFolded) fold(block, t);
}

function fold(block, t) {
  const code = block.querySelector("code");
  const text = code.textContent;
  const lines = text.split("\n").length;
  if (lines <= LONG) return;
  let at = 0;
  for (let line = 0; line < FOLDED; line++) at = text.indexOf("\n", at) + 1;
  const rest = el("span.rest", null, after(code, at));
  rest.setAttribute("hidden", "until-found");
  code.append(rest);
  const show = el("button.link-button.show-all", { type: "button", "data-do": "unfold" }, t("showAllLines", { n: lines }));
  block.append(show);
  // The browser's own search opens what it finds.
  rest.addEventListener("beforematch", () => unfold(block));
}

/** All that stands behind the `at`-th character of an element, taken out of it. */
function after(element, at) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let passed = 0;
  const range = document.createRange();
  while (walker.nextNode()) {
    const { length } = walker.currentNode;
    if (passed + length >= at) {
      range.setStart(walker.currentNode, at - passed);
      break;
    }
    passed += length;
  }
  range.setEndAfter(element.lastChild);
  return range.extractContents();
}

/** What a code block without colours has more than the one that grew; null where they are not the same so far. */
export function restOfCode(old, now) {
  const [one, other] = [old, now].map((block) => block.matches(".code") && block.querySelector("code"));
  if (!one || !other || other.childElementCount > 0) return null;
  const [before, after] = [one.textContent, other.textContent];
  if (before === `${after}\n`) {
    // The last line end is the fence's, not the code's.
    let last = one;
    while (last.lastChild) last = last.lastChild;
    last.deleteData(last.length - 1, 1);
    return "";
  }
  return after.startsWith(before) ? after.slice(before.length) : null;
}

/** Watches the buttons of all code blocks. Gives the function that stops it. */
export function watchCode(scroller, ctx) {
  const press = async (event) => {
    const control = event.target.closest("[data-do]");
    const block = control?.closest(".code");
    if (!block) return;
    if (control.dataset.do === "wrap") control.setAttribute("aria-pressed", String(block.toggleAttribute("data-wrapped")));
    else if (control.dataset.do === "unfold") unfold(block);
    else if (await copyText(block.querySelector("code").textContent)) copied(control, ctx);
  };
  scroller.addEventListener("click", press);
  return () => scroller.removeEventListener("click", press);
}

function unfold(block) {
  block.querySelector(".rest")?.removeAttribute("hidden");
  block.querySelector(".show-all")?.remove();
}

/** Says for two seconds that the code was copied. */
function copied(control, { t, speak }) {
  const show = (name, text) => {
    setSign(control, name);
    control.querySelector("span").textContent = text;
  };
  show("check", t("copied"));
  speak(t("copied"));
  setTimeout(() => show("copy", t("copy")), 2000);
}
