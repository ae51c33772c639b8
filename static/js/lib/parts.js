// Answers as the server renders them, cut between their blocks, and long blocks between their parts: items, rows, and blocks
// within blocks, however deep these stand.

/** Tags of blocks, and of what blocks are made of. They stand in no text: the server escapes it. */
const TAGS = /<(\/?)(p|h3|h4|[uo]l|li|blockquote|div|hr|table|thead|tbody|tr)(?=[ >])/g;
/** What can be cut between its children. */
const HOLDERS = new Set(["ul", "ol", "li", "blockquote", "tbody"]);

/** Whether a block has parts. */
export const hasParts = (html) => /^<([uo]l|blockquote|div class="table")[ >]/.test(html);

/** The blocks of a whole answer. */
export function blocksOf(html) {
  const starts = [];
  let depth = 0;
  for (const { 1: slash, 2: tag, index } of html.matchAll(TAGS)) {
    if (depth === 0) starts.push(index);
    if (slash) depth--;
    else if (tag !== "hr") depth++;
  }
  return starts.map((start, at) => html.slice(start, starts[at + 1]));
}

/**
 * How far a block is put in when that is to be about `most` letters behind `from`, a place as this gives it, or null for its
 * beginning: `{end, next}`. At `next` it goes on: `{at, path, tag}`, where a part begins, the elements that are open there,
 * and its own. That is behind what was put in, or the last part of it, which may grow yet. Null: there are no parts.
 */
export function cut(html, from, most) {
  const start = from?.at ?? 0;
  const path = [...from?.path ?? []];
  let next = from;
  TAGS.lastIndex = start;
  for (let found = TAGS.exec(html); found; found = TAGS.exec(html)) {
    const { 1: slash, 2: tag, index: at } = found;
    if (slash) path.pop();
    else {
      if (HOLDERS.has(path.at(-1))) {
        next = { at, path: [...path], tag };
        if (at > start && at - start >= most) return { end: at, next };
      }
      if (tag !== "hr") path.push(tag);
    }
  }
  return { end: html.length, next };
}
