import assert from "node:assert/strict";
import { test } from "node:test";
import { blocksOf, cut, hasParts } from "../../../static/js/lib/parts.js";

const LIST = '<ul dir="ltr"><li dir="auto">one<ul dir="ltr"><li>in it</li><li>too</li></ul></li><li class="task">two</li><li>three</li></ul>';
const TABLE = '<div class="table"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr><tr><td dir="auto">2</td></tr></tbody></table></div>';
const QUOTE = `<blockquote dir="ltr"><p>one</p><hr>${TABLE}<div class="code"><pre tabindex="0"><code>&lt;p&gt;</code></pre></div></blockquote>`;

/** All parts, one after the other: what a page puts in by itself, and in what. */
function parts(html) {
  const pieces = [];
  for (let [from, end] = [null, 0]; end < html.length;) {
    const { end: to, next } = cut(html, from, 1);
    pieces.push([(from?.path ?? []).join(" "), html.slice(end, to)]);
    [from, end] = [next, to];
  }
  return pieces;
}

test("a list is cut between its items and theirs, a table between its rows, a quote between its blocks", () => {
  assert.deepEqual(parts(LIST), [
    ["", '<ul dir="ltr">'], ["ul", '<li dir="auto">one'], ["ul li", '<ul dir="ltr">'], ["ul li ul", "<li>in it</li>"], ["ul li ul", "<li>too</li></ul></li>"],
    ["ul", '<li class="task">two</li>'], ["ul", "<li>three</li></ul>"],
  ]);
  assert.deepEqual(parts(TABLE), [
    ["", '<div class="table"><table><thead><tr><th>a</th></tr></thead><tbody>'], ["div table tbody", "<tr><td>1</td></tr>"],
    ["div table tbody", '<tr><td dir="auto">2</td></tr></tbody></table></div>'],
  ]);
  assert.deepEqual(parts(QUOTE).map(([path, html]) => [path, html.slice(0, 20)]), [
    ["", '<blockquote dir="ltr'], ["blockquote", "<p>one</p>"], ["blockquote", "<hr>"], ["blockquote", '<div class="table"><'],
    ["blockquote div table tbody", "<tr><td>1</td></tr>"], ["blockquote div table tbody", '<tr><td dir="auto">2'], ["blockquote", '<div class="code"><p'],
  ]);
});

test("where it is cut goes by how much is wanted; what ends goes on with its last part, which may grow", () => {
  assert.equal(LIST.slice(cut(LIST, null, 100).end), "<li>three</li></ul>");
  assert.deepEqual(cut(LIST, null, 10_000), { end: LIST.length, next: { at: LIST.indexOf("<li>three"), path: ["ul"], tag: "li" } });
  assert.deepEqual(cut('<ul dir="ltr"></ul>', null, 10), { end: 19, next: null });
  const { next } = cut(LIST, null, 100);
  assert.deepEqual(cut(LIST, next, 10_000), { end: LIST.length, next });
});

test("other blocks have no parts", () => {
  assert.ok(hasParts(LIST) && hasParts(TABLE) && hasParts(QUOTE) && hasParts('<ol start="2"><li>a</li></ol>'));
  for (const html of ["<p>text</p>", '<div class="display"></div>', '<div class="code"></div>', "<hr>"]) assert.ok(!hasParts(html), html);
});

test("an answer is cut into its blocks", () => {
  const blocks = ["<p>a <em>b</em>\nc</p>", "<hr>", LIST, '<h3 dir="auto">d</h3>', TABLE, QUOTE, '<div class="display"><math><mtable><mtr></mtr></mtable></math></div>', "<p></p>"];
  assert.deepEqual(blocksOf(blocks.join("")), blocks);
  assert.deepEqual(blocksOf(""), []);
});
