// An answer: rendered blocks, and while it grows the plain tail behind them with the caret at its end.

import { asPiece, deepest, el, isSelected } from "../lib/dom.js";
import { endOfPiece } from "../lib/text.js";
import { elements } from "../lib/trusted.js";
import { dressCode, restOfCode } from "./code.js";

/** So much HTML is put in at once; the rest waits for the next frame. */
const SLICE = 60_000;
/** An answer of more blocks, or a list of more items, is laid out only where it is seen. */
const MANY = 300;
/** A block of more HTML needs some care, by a part of the page that is fetched then. */
const LONG = 20_000;
const MOST_SPOKEN = 20;
/** What begins a line that is no continuation of a paragraph. */
const BEGINS_BLOCK = /^(\s|[#>|`~+*-]|\d+[.)])/;

/** The part that takes care of long blocks: false where it cannot be had, undefined until somebody wants it. */
let long;

/** Whether a block can be put in. */
function canPut({ html }) {
  if (html.length <= LONG || long) return true;
  if (long === undefined) {
    long = null;
    import("./long.js").then((module) => { long = module; }, () => { long = false; });
  }
  return long !== null;
}

export function mountAnswer(element, ctx) {
  /** What is shown: `{html, node, isSpoken}` by index. */
  let shown = [];
  const tail = createTail();
  const caret = el("span.caret", { "aria-hidden": "true" });

  const dress = (node, how) => {
    for (const code of node.matches(".code") ? [node] : node.querySelectorAll(".code")) dressCode(code, ctx, how);
    for (const each of [node, ...node.querySelectorAll("ul, ol, blockquote")]) if (each.childElementCount > MANY) each.dataset.long = "";
    for (const box of node.querySelectorAll("input")) box.setAttribute("aria-label", ctx.t(box.checked ? "done" : "notDone"));
  };

  /** Puts block `index` in its place, or as much of a long one as a frame has time for. Gives how much that was. */
  function put({ html }, index) {
    const old = shown[index];
    const isLong = long && html.length > LONG;
    const part = isLong ? long.nextParts(old, html, dress) : null;
    caret.remove();
    const node = part?.node ?? whole(old?.node, html);
    if (!old) element.insertBefore(node, tail.isIn(element) ? tail.element : null);
    else if (node !== old.node) old.node.replaceWith(node);
    if (isLong) long.lighten(node);
    shown[index] = { html, ...part, node, isSpoken: old?.isSpoken };
    return part ? SLICE : html.length + 100;
  }

  /** All of a block: what stands there with what it lacks, or a new element. */
  function whole(old, html) {
    const node = elements(html)[0] ?? el("p");
    const rest = old ? restOfCode(old, node) : null;
    if (rest === null) {
      dress(node);
      return node;
    }
    // A long block that grew here is laid out already, piece by piece: it stays, and gets what is missing.
    tail.release();
    if (rest !== "") old.querySelector("code").append(el("span", null, rest));
    return old;
  }

  /** Puts the blocks of a growing answer in, as many as a frame has time for. */
  function sync(blocks) {
    const settled = [];
    let [size, index] = [0, 0];
    for (; index < blocks.length && size < SLICE && canPut(blocks[index]); index++) {
      if (shown[index]?.html !== blocks[index].html) size += put(blocks[index], index);
      if (shown[index].html !== blocks[index].html) break;
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

/** Text that grows at its end, in pieces. */
export function createTail() {
  let element = el("p.tail", { dir: "auto" });
  let [parent, kind, cuts, length] = [null, null, null, 0];
  let text = null;

  function piece() {
    text = document.createTextNode("");
    element.append(el("span", null, text));
  }

  function grow(added) {
    if (text === null) piece();
    let data = text.data + added;
    let end = endOfPiece(data);
    if (end === 0) return text.appendData(added);
    for (; end > 0; end = endOfPiece(data)) {
      text.data = data.slice(0, end);
      asPiece(text.parentElement, end, kind === "code" ? text.data.split("\n").length - 1 : undefined);
      data = data.slice(end);
      piece();
    }
    text.data = data;
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
