import assert from "node:assert/strict";
import { test } from "node:test";
import { Answer, Tree } from "../../../static/js/models/turns.js";

const turn = (id, parent) => ({ id, parent_id: parent, prompt: `q${id}`, response: "", reasoning: "" });
/** 1 → 2 → 3, and versions 4 of 2 (with 5 below) and 6 of 3. */
function sample() {
  const tree = new Tree();
  tree.put([turn(1, null), turn(2, 1), turn(3, 2), turn(4, 1), turn(5, 4), turn(6, 2)]);
  tree.current = 6;
  return tree;
}
const ids = (turns) => turns.map(({ id }) => id);

test("the path leads from the root to the current turn", () => {
  const tree = sample();
  assert.deepEqual(ids(tree.path()), [1, 2, 6]);
  tree.current = 5;
  assert.deepEqual(ids(tree.path()), [1, 4, 5]);
  tree.current = null;
  assert.deepEqual(tree.path(), []);
});

test("versions are in their order; a version leads back to where one was with it", () => {
  const tree = sample();
  assert.deepEqual(tree.versions(tree.turns.get(4)), [2, 4]);
  assert.deepEqual(tree.versions(tree.turns.get(6)), [3, 6]);
  assert.equal(tree.leaf(2), 6);
  assert.equal(tree.leaf(4), 5);
});

test("what is put twice is there once, in its new form", () => {
  const tree = sample();
  tree.put([{ ...turn(6, 2), response: "new" }]);
  assert.deepEqual(tree.versions(tree.turns.get(6)), [3, 6]);
  assert.equal(tree.turns.get(6).response, "new");
});

test("a path whose beginning is not here is cut", () => {
  const tree = new Tree();
  tree.put([turn(205, 204), turn(206, 205)]);
  tree.current = 206;
  assert.deepEqual(ids(tree.path()), [205, 206]);
  assert.equal(tree.isCut(), true);
  tree.put([turn(204, null)]);
  assert.equal(tree.isCut(), false);
});

test("a turn goes with all that follows it, and comes back as it was", () => {
  const tree = sample();
  const undo = tree.remove(2);
  assert.deepEqual([...tree.turns.keys()], [1, 4, 5]);
  assert.equal(tree.current, 5, "its sibling takes its place");
  undo();
  assert.deepEqual(ids(tree.path()), [1, 2, 6]);
  assert.deepEqual(tree.versions(tree.turns.get(2)), [2, 4]);
  tree.remove(1);
  assert.equal(tree.current, null);
  assert.equal(tree.turns.size, 0);
  assert.equal(sample().remove(99), null);
});

const html = (index, end, text, open) => ({ name: "html", id: null, data: { index, end, html: text, open } });
const delta = (text, id) => ({ name: "delta", id, data: { text } });

test("blocks take the place of the text before their end; the rest is the tail", () => {
  const answer = new Answer();
  answer.take(delta("你好 **b", "11"));
  assert.equal(answer.tail, "你好 **b");
  answer.take(delta("**\n\nnext", "19"));
  answer.take(html(0, 14, "<p>你好 <b>b</b></p>", true));
  assert.equal(answer.tail, "next");
  assert.deepEqual(answer.blocks, [{ html: "<p>你好 <b>b</b></p>", open: true }]);
  assert.equal(answer.offset, "19");
});

test("a tail that only grows keeps its count; one that is cut does not", () => {
  const answer = new Answer();
  answer.take(delta("ab\n", "3"));
  const before = answer.tailCuts;
  answer.take(delta("c", "4"));
  assert.equal(answer.tailCuts, before);
  answer.take(html(0, 3, "<p>ab</p>", true));
  assert.notEqual(answer.tailCuts, before);
  const cut = answer.tailCuts;
  answer.take(html(0, 3, "<p>ab!</p>", false));
  assert.equal(answer.tailCuts, cut, "a block that changes in its place moves no tail");
});

test("blocks are replaced, appended and removed; an end may go back", () => {
  const answer = new Answer();
  answer.take(delta("one\n\ntwo\n\nthree\n", "16"));
  answer.take(html(0, 5, "<p>one</p>", false));
  answer.take(html(1, 16, "<p>two three</p>", true));
  assert.equal(answer.tail, "");
  answer.take(html(1, 10, "<p>two</p>", false));
  assert.equal(answer.tail, "three\n");
  answer.take(html(1, 5, null, false));
  assert.deepEqual([answer.blocks.length, answer.tail], [1, "two\n\nthree\n"]);
  answer.take(html(3, 5, "<p>a gap</p>", false));
  assert.equal(answer.blocks.length, 1, "there are no gaps");
});

test("a reset begins anew; reasoning is kept apart", () => {
  const answer = new Answer();
  answer.take({ name: "reasoning", id: "0.4", data: { text: "hmm " } });
  answer.take(delta("text", "4.4"));
  assert.deepEqual([answer.reasoning, answer.text, answer.offset], ["hmm ", "text", "4.4"]);
  assert.equal(answer.take({ name: "reset", id: null, data: {} }), "reset");
  assert.deepEqual([answer.reasoning, answer.text, answer.tail, answer.offset], ["", "", "", null]);
  assert.equal(answer.take({ name: "done", id: null, data: {} }), null);
});

test("an answer that was stored goes on from its last byte", () => {
  assert.equal(Answer.from({ response: "你", reasoning: "" }).offset, "3");
  assert.equal(Answer.from({ response: "你", reasoning: "é" }).offset, "3.2");
  assert.equal(Answer.from({ response: "", reasoning: "" }).offset, null);
});
