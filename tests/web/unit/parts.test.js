import assert from "node:assert/strict";
import { test } from "node:test";
import { cut, hasParts } from "../../../static/js/lib/parts.js";

const LIST = '<ul dir="ltr"><li dir="auto">one<ul dir="ltr"><li>in it</li><li>too</li></ul></li><li class="task">two</li><li>three</li></ul>';
const TABLE = '<div class="table"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr><tr><td dir="auto">2</td></tr></tbody></table></div>';

/** All parts, one after the other: what a page puts in by itself. */
function parts(html) {
  const pieces = [];
  for (let from = 0, end = 0; end < html.length;) {
    const { end: next, last } = cut(html, from, end - from + 1);
    pieces.push(html.slice(end, next));
    [from, end] = [last, next];
  }
  return pieces;
}

test("a list is cut between its own items, a table between its rows", () => {
  assert.deepEqual(parts(LIST), [
    '<ul dir="ltr"><li dir="auto">one<ul dir="ltr"><li>in it</li><li>too</li></ul></li>', '<li class="task">two</li>', "<li>three</li></ul>",
  ]);
  assert.deepEqual(parts(TABLE), [
    '<div class="table"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr>', '<tr><td dir="auto">2</td></tr></tbody></table></div>',
  ]);
});

test("where it is cut goes by how much is wanted", () => {
  assert.equal(LIST.slice(cut(LIST, 0, 100).end), "<li>three</li></ul>");
  assert.deepEqual(cut(LIST, 0, 10_000), { end: LIST.length, last: LIST.indexOf("<li>three") });
  assert.deepEqual(cut('<ul dir="ltr"></ul>', 0, 10), { end: 19, last: null });
});

test("other blocks have no parts", () => {
  assert.ok(hasParts(LIST) && hasParts(TABLE) && hasParts('<ol start="2"><li>a</li></ol>'));
  for (const html of ["<p>text</p>", '<div class="display"></div>', "<blockquote><ul><li>a</li></ul></blockquote>"]) assert.ok(!hasParts(html), html);
});
