// An answer: rendered blocks, and while it grows the plain tail behind them with the caret at its end.

import { el } from "../lib/dom.js";
import { elements } from "../lib/trusted.js";
import { dressCode } from "./code.js";

/** So long may a piece of growing text be before a new one begins: a browser lays out each piece by itself. */
const PIECE = 6000;
/** What begins a line that is no continuation of a paragraph. */
const BEGINS_BLOCK = /^(\s|[#>|`~+*-]|\d+[.)])/;

export function mountAnswer(element, ctx) {
  /** What is shown: `{html, node, isSpoken}` by index. */
  let shown = [];
  const tail = createTail();
  const caret = el("span.caret", { "aria-hidden": "true" });

  const dress = (node, how) => {
    for (const code of node.matches(".code") ? [node] : node.querySelectorAll(".code")) dressCode(code, ctx, how);
  };

  /** Puts the blocks of a growing answer in. Gives the texts of those that settled now. */
  function sync(blocks) {
    const settled = [];
    blocks.forEach(({ html, open }, index) => {
      const old = shown[index];
      if (old?.html !== html) {
        const node = elements(html)[0] ?? el("p");
        dress(node);
        if (old) old.node.replaceWith(node);
        else element.insertBefore(node, tail.isIn(element) ? tail.element : null);
        shown[index] = { html, node, isSpoken: old?.isSpoken };
      }
      // One that another follows does not change any more, whatever was said of it when it was the last.
      const isSettled = !open || index < blocks.length - 1;
      if (isSettled && !shown[index].isSpoken) {
        shown[index].isSpoken = true;
        settled.push(shown[index].node);
      }
    });
    for (const { node } of shown.splice(blocks.length)) node.remove();
    return settled.map(spokenText);
  }

  /** Where the tail stands: in an open code block, on in an open paragraph, else behind all blocks. */
  function place(answer) {
    const last = shown.at(-1)?.node;
    const isOpen = answer.blocks.at(-1)?.open;
    if (isOpen && last.matches(".code")) return { parent: last.querySelector("code"), kind: "code" };
    if (isOpen && last.matches("p") && answer.tail !== "" && !BEGINS_BLOCK.test(answer.tail)) return { parent: last, kind: "line" };
    return { parent: element, kind: "block" };
  }

  return {
    /** Shows a growing answer. Gives the texts that settled, or null when a selection keeps it from changing. */
    grow(answer) {
      if (isSelected(shown.at(-1)?.node) || isSelected(tail.element)) return null;
      const settled = sync(answer.blocks);
      tail.put(place(answer), answer);
      if (tail.isEmpty) deepest(shown.at(-1)?.node ?? element).append(caret);
      else tail.end.append(caret);
      return settled;
    },
    /** The answer has ended: what grew is what it is. False when a selection keeps it from changing yet. */
    end(answer) {
      if (this.grow(answer) === null) return false;
      caret.remove();
      return true;
    },
    /** Shows an answer that was stored. */
    show({ response, response_html: html }) {
      caret.remove();
      tail.clear();
      shown = [];
      const plain = () => (response === "" ? [] : [el("p.plain", { dir: "auto" }, response)]);
      const nodes = html === undefined ? plain() : elements(html);
      for (const node of nodes) dress(node, { isFolded: true });
      element.replaceChildren(...nodes);
    },
  };
}

/** What is read out of a block that is finished. */
function spokenText(node) {
  if (node.matches(".code")) return node.querySelector("code")?.textContent.split("\n", 1)[0] ?? "";
  return node.textContent.slice(0, 1000);
}

/** The element at the end of which the last character stands. */
function deepest(node) {
  let at = node;
  while (at.lastElementChild?.matches("ul, ol, li, p, blockquote, .code, pre, code")) at = at.lastElementChild;
  return at;
}

function isSelected(node) {
  if (!node?.isConnected) return false;
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(node, true);
}

/** Text that grows at its end, in pieces. */
export function createTail() {
  let element = el("p.tail", { dir: "auto" });
  let [parent, kind, cuts, length] = [null, null, null, 0];
  let text = null;

  function piece(data) {
    text = document.createTextNode(data);
    const holder = el("span", null, text);
    element.append(holder);
  }

  function grow(added) {
    if (text === null) piece(added);
    else text.appendData(added);
    while (text.length > PIECE) {
      const at = text.data.lastIndexOf("\n", text.data.length - 2);
      if (at < PIECE / 2) break;
      const rest = text.data.slice(at + 1);
      text.deleteData(at + 1, text.length);
      text.parentElement.className = "piece";
      piece(rest);
    }
  }

  const tail = {
    get element() {
      return element;
    },
    get isEmpty() {
      return length === 0;
    },
    /** Where the last character stands. */
    get end() {
      return text?.parentElement ?? element;
    },
    isIn: (other) => element.parentElement === other,
    put(place, answer) {
      if (place.parent !== parent || place.kind !== kind || answer.tailCuts !== cuts || answer.tail.length < length) {
        tail.clear();
        [parent, kind, cuts] = [place.parent, place.kind, answer.tailCuts];
        element = el(kind === "block" ? "p.tail" : "span.tail", kind === "block" && { dir: "auto" });
      }
      if (answer.tail.length === length) return;
      if (length === 0) parent.append(...kind === "line" ? [el("br.tail-break")] : [], element);
      grow(answer.tail.slice(length));
      length = answer.tail.length;
    },
    clear() {
      if (kind === "line") parent.querySelector(".tail-break")?.remove();
      element.remove();
      element.replaceChildren();
      [parent, kind, cuts, length, text] = [null, null, null, 0, null];
    },
  };
  return tail;
}
