// Blocks that are longer than anybody reads: lists and tables are put in part by part, paragraphs are laid out piece by
// piece, where they are seen. Fetched when the first one comes.

import { asPiece, el } from "../lib/dom.js";
import { cut, hasParts, isTable } from "../lib/parts.js";
import { gapAfter, PIECE } from "../lib/text.js";
import { elements } from "../lib/trusted.js";

/** So much HTML is put in at once. */
const SLICE = 30_000;
/** A table of more rows keeps its columns, and goes on as another one of the same columns after as many. */
const MANY = 300;
/**
 * The next parts of a list or a table, of which `old` is there or nothing: `{node, html, last}`, where `html` is what was
 * put in so far. A paragraph is one part; of anything else there is null. `dress` is called with what is new.
 */
export function nextParts(old, html, dress) {
  if (html.startsWith("<p")) return { node: inPieces(html), html };
  if (!hasParts(html)) return null;
  const last = old ? old.last ?? cut(old.html, 0, Infinity).last : 0;
  if (last === null || !html.startsWith(old?.html.slice(0, last) ?? "")) return null;
  const { end, last: next } = cut(html, last, SLICE + (old ? old.html.length - last : 0));
  const [node] = elements(holderOf(html, last) + html.slice(last, end));
  dress(node);
  if (old) {
    // The last part may have grown as well.
    partsIn(old.node).lastElementChild.remove();
    placeFor(old.node).append(...partsIn(node).children);
  }
  return { node: old?.node ?? node, html: html.slice(0, end), last: next };
}

const holderOf = (html, from) => (from === 0 ? "" : isTable(html) ? "<div><table><tbody>" : "<ul>");
const partsIn = (node) => node.querySelector(":scope > :last-child > tbody") ?? node;

/** Where more parts go. */
function placeFor(node) {
  const parts = partsIn(node);
  const table = node.lastElementChild;
  if (parts === node || parts.childElementCount < MANY || !table.hasAttribute("data-long")) return parts;
  // The browser goes over all rows of a table whenever one is added.
  const next = el("tbody");
  const more = table.cloneNode();
  more.append(table.querySelector("colgroup").cloneNode(true), next);
  node.append(more);
  return next;
}

/** Sees to it that a block which stands on the page costs little however long it is. */
export function lighten(node) {
  // Items that came part by part are laid out: to watch which of them are seen would cost more.
  if (node.matches("ul, ol")) node.removeAttribute("data-long");
  else if (node.matches(".table") && partsIn(node).childElementCount > MANY) holdColumns(node.lastElementChild);
}

/** The columns stay as wide as they are: what comes below does not lay out anew what stands above. */
function holdColumns(table) {
  const width = table.offsetWidth;
  if (table.hasAttribute("data-long") || width === 0) return;
  const columns = [...table.rows[0].cells].map((cell) => {
    const column = el("col");
    column.style.inlineSize = `${(100 * cell.getBoundingClientRect().width) / width}%`;
    return column;
  });
  table.prepend(el("colgroup", null, ...columns));
  table.style.setProperty("--held", `${width}px`);
  table.setAttribute("data-long", "");
}

/** A paragraph. Its direction is said at the end: the browser would find it out anew with every piece. */
function inPieces(html) {
  const [paragraph] = elements(html.replace(' dir="auto"', ""));
  const pieces = [];
  let [piece, length] = [el("span"), 0];
  const close = () => {
    pieces.push(asPiece(piece, length));
    [piece, length] = [el("span"), 0];
  };
  for (const child of [...paragraph.childNodes]) {
    const text = child.nodeType === Node.TEXT_NODE ? child.data : "";
    let at = 0;
    for (let gap = gapAfter(text, PIECE - length); gap < text.length; gap = gapAfter(text, at + PIECE)) {
      piece.append(text.slice(at, gap));
      length += gap - at;
      close();
      at = gap;
    }
    piece.append(at === 0 ? child : text.slice(at));
    length += child.textContent.length - at;
  }
  close();
  paragraph.replaceChildren(...pieces);
  paragraph.setAttribute("dir", "auto");
  return paragraph;
}
