// An answer: rendered blocks, and while it grows the plain tail behind them with the caret at its end.

import { el } from "../lib/dom.js";
import { elements } from "../lib/trusted.js";
import { dressCode, restOfCode } from "./code.js";

/** So long may a piece of growing text be before a new one begins: a browser lays out each piece by itself. */
const PIECE = 3000;
/** A line has about so many letters, and is so high: by that the height of what is out of sight is guessed. */
const [LETTERS, LEADING] = [66, 1.64];
/** A line that is longer than this is no line that anybody reads: it is broken where there is a blank. */
const LINE = 20_000;
/** So much HTML is put in at once; the rest waits for the next frame. */
const SLICE = 60_000;
/** An answer of more blocks, or a list of more items, is laid out only where it is seen. */
const MANY = 300;
const MOST_SPOKEN = 20;
/** What begins a line that is no continuation of a paragraph. */
const BEGINS_BLOCK = /^(\s|[#>|`~+*-]|\d+[.)])/;

export function mountAnswer(element, ctx) {
  /** What is shown: `{html, node, isSpoken}` by index. */
  let shown = [];
  const tail = createTail();
  const caret = el("span.caret", { "aria-hidden": "true" });

  const dress = (node, how) => {
    for (const code of node.matches(".code") ? [node] : node.querySelectorAll(".code")) dressCode(code, ctx, how);
    if (node.childElementCount > MANY) node.dataset.long = "";
    for (const box of node.querySelectorAll("input")) box.setAttribute("aria-label", ctx.t(box.checked ? "done" : "notDone"));
  };

  /** Puts block `index` in its place. */
  function put({ html }, index) {
    const old = shown[index];
    let node = elements(html)[0] ?? el("p");
    caret.remove();
    const rest = old && restOfCode(old.node, node);
    if (rest !== null && old) {
      // A long block that grew here is laid out already, piece by piece: it stays, and gets what is missing.
      node = old.node;
      tail.release();
      if (rest !== "") node.querySelector("code").append(el("span", null, rest));
    } else {
      dress(node);
      if (old) old.node.replaceWith(node);
      else element.insertBefore(node, tail.isIn(element) ? tail.element : null);
    }
    shown[index] = { html, node, isSpoken: old?.isSpoken };
  }

  /** Puts the blocks of a growing answer in, as many as a frame has time for. */
  function sync(blocks) {
    const settled = [];
    let [size, index] = [0, 0];
    for (; index < blocks.length && size < SLICE; index++) {
      if (shown[index]?.html !== blocks[index].html) {
        put(blocks[index], index);
        size += blocks[index].html.length + 100;
      }
      // One that another follows does not change any more, whatever was said of it when it was the last.
      const isSettled = !blocks[index].open || index < blocks.length - 1;
      if (isSettled && !shown[index].isSpoken) {
        shown[index].isSpoken = true;
        settled.push(shown[index].node);
      }
    }
    for (const { node } of shown.splice(Math.max(index, blocks.length))) node.remove();
    if (blocks.length > MANY) element.dataset.long = "";
    return { isWhole: index === blocks.length, settled: settled.slice(-MOST_SPOKEN).map(spokenText) };
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
    /** Shows a growing answer. Gives `{isWhole, settled}`, the texts that settled, or null when a selection holds it. */
    grow(answer) {
      if (isSelected(shown.at(-1)?.node) || isSelected(tail.element)) return null;
      const done = sync(answer.blocks);
      // Until all blocks are in, the text that they will take the place of stays.
      if (!done.isWhole) return done;
      tail.put(place(answer), answer);
      if (tail.isEmpty) deepest(shown.at(-1)?.node ?? element).append(caret);
      else tail.end.append(caret);
      return done;
    },
    /** The answer has ended: what grew is what it is. Gives what `grow` gives. */
    end(answer) {
      const done = this.grow(answer);
      if (done?.isWhole) caret.remove();
      return done;
    },
    /** Shows an answer that was stored. */
    show({ response, response_html: html }) {
      caret.remove();
      tail.clear();
      shown = [];
      const plain = () => (response === "" ? [] : [el("p.plain", { dir: "auto" }, response)]);
      const nodes = html === undefined ? plain() : elements(html);
      for (const node of nodes) dress(node, { isFolded: true });
      if (nodes.length > MANY) element.dataset.long = "";
      else delete element.dataset.long;
      element.replaceChildren(...nodes);
    },
  };
}

/** What is read out of a block that is finished. */
const spokenText = (node) => (node.matches(".code") ? node.querySelector("code").textContent.split("\n", 1)[0] : node.textContent.slice(0, 1000));

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

  function close(holder) {
    const lines = kind === "code" ? text.data.split("\n").length - 1 : text.length / LETTERS;
    holder.className = "piece";
    holder.style.containIntrinsicBlockSize = `auto ${Math.ceil(lines * LEADING)}em`;
  }

  function grow(added) {
    if (text === null) piece(added);
    else text.appendData(added);
    while (text.length > PIECE) {
      const isLine = text.length > LINE;
      const at = Math.max(text.data.lastIndexOf("\n", text.length - 2), isLine ? text.data.lastIndexOf(" ", text.length - 2) : -1);
      if (at < PIECE / 2) break;
      const rest = text.data.slice(at + 1);
      text.deleteData(at + 1, text.length);
      close(text.parentElement);
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
    /** Leaves what it has put where it stands. */
    release() {
      element = el("span.tail");
      [parent, kind, cuts, length, text] = [null, null, null, 0, null];
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
