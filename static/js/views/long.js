// Blocks that are longer than anybody reads: what has parts is put in part by part, paragraphs are laid out piece by piece,
// where they are seen. Fetched when the first one comes.

import { asPiece, el } from "../lib/dom.js";
import { blocksOf, cut, hasParts } from "../lib/parts.js";
import { gapAfter, PIECE } from "../lib/text.js";
import { elements } from "../lib/trusted.js";

/** So much HTML is put in at once. */
const SLICE = 30_000;
/** A table of more rows keeps its columns, and goes on as another one of the same columns after as many. */
const MANY = 300;

/** Stored answers that are not all there yet, the newest at the end: each gives whether its next bit was its last one. */
const coming = [];

/** Lets a stored answer come in: `put` puts in as many of its blocks as a frame has time for, and tells whether it is over. */
export function comeIn(html, put) {
  const blocks = blocksOf(html).map((block) => ({ html: block, open: false }));
  coming.push(() => put(blocks));
  if (coming.length === 1) requestAnimationFrame(goOn);
}

function goOn() {
  const answer = coming.at(-1);
  if (answer()) coming.splice(coming.indexOf(answer), 1);
  if (coming.length > 0) requestAnimationFrame(goOn);
}

/**
 * The next parts of a block, of which `old` is there or nothing: `{node, html, next}`, where `html` is what was put in so
 * far. A paragraph is one part; of what has none there is null. `dress` is called with what is new.
 */
export function nextParts(old, html, dress) {
  if (html.startsWith("<p")) return { node: inPieces(html), html };
  if (!hasParts(html)) return null;
  const from = old ? old.next ?? cut(old.html, null, Infinity).next : null;
  if (old && (!from || !html.startsWith(old.html.slice(0, from.at)))) return null;
  const { end, next } = cut(html, from, SLICE + (old ? old.html.length - from.at : 0));
  const holders = from?.path.map((tag) => `<${tag}>`).join("") ?? "";
  const [node] = elements(holders + html.slice(from?.at, end));
  dress(node);
  if (old) join(old, from, node);
  // What comes part by part is laid out: to watch which of them are seen would cost more.
  if (old && !old.next) for (const each of [old.node, ...old.node.querySelectorAll("ul, ol, blockquote")]) each.removeAttribute("data-long");
  return { node: old?.node ?? node, html: html.slice(0, end), next };
}

/** Puts parts behind those that are there, into all elements that were open where it goes on. */
function join(old, { at, path, tag }, more) {
  const open = [[old.node, more]];
  for (const name of path.slice(1)) {
    const [into, from] = open.at(-1);
    open.push([lastOf(into, name), from.firstElementChild]);
  }
  // The last part may have grown: it comes anew.
  if (at < old.html.length) lastOf(open.at(-1)[0], tag).remove();
  for (const [into, from] of open.reverse()) {
    placeFor(into).append(...from.childNodes);
    from.remove();
  }
}

/** The last element of that name. What stands behind it comes anew. */
function lastOf(node, name) {
  while (node.lastChild.localName !== name) node.lastChild.remove();
  return node.lastChild;
}

/** Where more parts go. */
function placeFor(holder) {
  const table = holder.parentElement;
  if (!holder.matches("[data-long] > tbody") || holder.childElementCount < MANY) return holder;
  // The browser goes over all rows of a table whenever one is added.
  const next = el("tbody");
  const more = table.cloneNode();
  more.append(table.querySelector("colgroup").cloneNode(true), next);
  table.after(more);
  return next;
}

/** Sees to it that a block which stands on the page costs little however long it is. */
export function lighten(node) {
  const table = node.matches(".table") ? node : [...node.querySelectorAll(".table")].at(-1);
  if (table?.querySelector(":scope > :last-child > tbody")?.childElementCount > MANY) holdColumns(table.lastElementChild);
}

/** The columns stay as wide as they are: what comes below does not lay out anew what stands above. */
function holdColumns(table) {
  const width = table.hasAttribute("data-long") ? 0 : table.offsetWidth;
  if (width === 0) return;
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
