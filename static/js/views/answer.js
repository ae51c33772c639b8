// An answer: rendered blocks, and while it grows the plain tail behind them with the caret at its end.

import { deepest, el, isSelected } from "../lib/dom.js";
import { elements } from "../lib/trusted.js";
import { dressCode, restOfCode } from "./code.js";
import { createTail } from "./turn_parts.js";

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
    fetchLong();
  }
  return long !== null;
}

async function fetchLong() {
  long = await import("./long.js").catch(() => false);
}

export function mountAnswer(element, ctx) {
  /** What is shown: `{html, node, isSpoken}` by index. */
  let shown = [];
  const tail = createTail();
  const caret = el("span.caret", { "aria-hidden": "true" });
  let isFolded = false;

  const dress = (node) => {
    for (const code of node.matches(".code") ? [node] : node.querySelectorAll(".code")) dressCode(code, ctx, { isFolded });
    for (const box of node.querySelectorAll("input")) box.setAttribute("aria-label", ctx.t(box.checked ? "done" : "notDone"));
    return node;
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
    if (rest === null) return spread(dress(node));
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
    return { isWhole: index === blocks.length, settled: settled.slice(-MOST_SPOKEN).map(spokenText) };
  }

  /** All of a stored answer at once. */
  function stand(nodes) {
    for (const node of nodes) spread(dress(node));
    if (nodes.length > MANY) element.dataset.long = "";
    element.replaceChildren(...nodes);
    arrived();
  }

  /** A long stored answer, as much of it with a frame as that has time for. */
  async function comeIn(html) {
    const mine = shown;
    element.dataset.coming = "";
    element.replaceChildren();
    if (!long) await fetchLong();
    if (shown !== mine) return;
    if (!long) return stand(elements(html));
    long.comeIn(html, (blocks) => {
      if (shown !== mine || !element.isConnected) return true;
      const { isWhole } = sync(blocks);
      if (isWhole) arrived();
      return isWhole;
    });
  }

  function arrived() {
    delete element.dataset.coming;
    element.style.removeProperty("min-block-size");
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
      isFolded = false;
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
    /** Shows an answer that was stored: a long one over some frames, with `data-coming` until all of it is there. */
    show({ response, response_html: html }) {
      caret.remove();
      tail.clear();
      [shown, isFolded] = [[], true];
      delete element.dataset.long;
      const plain = () => (response === "" ? [] : [el("p.plain", { dir: "auto" }, response)]);
      if (html?.length > SLICE) comeIn(html);
      else stand(html === undefined ? plain() : elements(html));
    },
  };
}

/** Marks what is laid out only where it is seen. */
function spread(node) {
  for (const each of [node, ...node.querySelectorAll("ul, ol, blockquote")]) if (each.childElementCount > MANY) each.dataset.long = "";
  return node;
}

/** What is read out of a block that is finished. */
const spokenText = (node) => (node.matches(".code") ? node.querySelector("code").textContent.split("\n", 1)[0] : node.textContent.slice(0, 1000));
