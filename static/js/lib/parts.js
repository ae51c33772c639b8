// Lists and tables as the server renders them, cut between their items or rows.

/** What begins an item or a row, and the lists that stand within items. */
const MARKS = /<li[ >]|<tr><td|<(\/?)[uo]l[ >]/g;

/** Whether a block with parts is a table. */
export const isTable = (html) => html.startsWith("<div");
/** Whether a block has parts: items, or rows. */
export const hasParts = (html) => /^<([uo]l|div class="table")[ >]/.test(html);

/**
 * How far a list or a table is put in when that is to be about `most` letters behind `from`, where a part of it begins or
 * it does itself: `{end, last}`, where the last of those parts begins. Without `last` there is none.
 */
export function cut(html, from, most) {
  const top = isTable(html) ? 0 : 1;
  let depth = from === 0 ? 0 : top;
  let last = from || null;
  MARKS.lastIndex = from;
  for (let mark = MARKS.exec(html); mark; mark = MARKS.exec(html)) {
    if (mark[1] !== undefined) depth += mark[1] === "" ? 1 : -1;
    else if (depth === top) {
      if (last !== null && mark.index - from >= most) return { end: mark.index, last };
      last = mark.index;
    }
  }
  return { end: html.length, last };
}
