import assert from "node:assert/strict";
import { test } from "node:test";
import { createDrafts, read, write } from "../../../static/js/models/kept.js";

function memory() {
  const values = new Map();
  const kept = { read: (name) => values.get(name) ?? null, write: (name, value) => (value === null ? values.delete(name) : values.set(name, value)) };
  return { values, drafts: createDrafts(1, kept) };
}

test("a draft is each conversation's own, and leaves nothing behind when it is empty", () => {
  const { drafts, values } = memory();
  drafts.write(5, { text: "five" });
  drafts.write(null, { text: "new" });
  assert.equal(drafts.open(5).text, "five");
  assert.equal(drafts.open(null).text, "new");
  drafts.write(5, { text: "" });
  drafts.write(null, { text: "" });
  assert.equal(values.size, 0);
});

test("what is sent and refused is in the box again, before what was typed since, under the same name", () => {
  const { drafts } = memory();
  drafts.write(5, { text: "first" });
  const name = drafts.send(5, "first");
  assert.equal(drafts.back(5).text, "first");
  assert.equal(drafts.send(5, "first"), name, "the same words are the same message");
  drafts.write(5, { text: "typed since" });
  assert.equal(drafts.back(5).text, "first\n\ntyped since");
  assert.notEqual(drafts.send(5, "first\n\ntyped since"), name, "other words are another one");
});

test("changed words are another message", () => {
  const { drafts } = memory();
  const name = drafts.send(5, "words");
  drafts.back(5);
  drafts.write(5, { text: "words " });
  assert.equal(drafts.send(5, "words "), name, "a blank at the end changes nothing");
  drafts.back(5);
  drafts.write(5, { text: "other words" });
  assert.notEqual(drafts.send(5, "other words"), name);
});

test("files are part of a draft: they are sent with it, come back with it, and others make it another message", () => {
  const { drafts } = memory();
  const [one, two] = [{ id: 1, name: "a.png" }, { id: 2, name: "b.md" }];
  drafts.write(5, { files: [one] });
  drafts.write(5, { text: "look" });
  assert.deepEqual(drafts.open(5).files, [one]);
  const name = drafts.send(5, "look", [one]);
  assert.deepEqual(drafts.back(5).files, [one]);
  drafts.write(5, { files: [one] });
  assert.equal(drafts.send(5, "look", [one]), name, "the same files are the same message");
  drafts.write(5, { files: [two] });
  assert.deepEqual(drafts.back(5).files, [one, two], "what was added since is behind");
  drafts.write(5, { files: [] });
  assert.notEqual(drafts.send(5, "look", []), name);
});

test("what waits survives a reload; once placed it is gone, and what was typed since goes with the conversation", () => {
  const { drafts, values } = memory();
  drafts.send(null, "hello");
  assert.equal(createDrafts(1, { read: (name) => values.get(name) ?? null, write: () => {} }).open(null).text, "hello");
  drafts.write(null, { text: "" });
  drafts.send(null, "hello");
  drafts.write(null, { text: "typed since" });
  drafts.placed(null, 9);
  assert.equal(drafts.open(null).text, "");
  assert.equal(drafts.open(9).text, "typed since");
});

test("damaged and forbidden storage is as good as an empty one", () => {
  const drafts = createDrafts(1, { read: () => "{damaged", write: () => {} });
  assert.equal(drafts.open(1).text, "");
  // There is no storage here: it is kept as long as the page is open.
  write("x", "1");
  assert.equal(read("x"), "1");
  write("x", null);
  assert.equal(read("x"), null);
});
