import assert from "node:assert/strict";
import { test } from "node:test";
import { byteLength, direction, endOfPiece, findWords, firstWords, gapAfter, indexOfByte, isLong, language, newId } from "../../../static/js/lib/text.js";

const SAMPLES = ["", "plain", "é", "你好世界", "🌍 — ok", "👩‍👩‍👧‍👦 family", "a\u0000b", "mixed é 你 🌍 end"];

test("bytes are counted as UTF-8 has them, and found again at each character", () => {
  for (const text of SAMPLES) {
    assert.equal(byteLength(text), new TextEncoder().encode(text).length, text);
    let bytes = 0;
    let at = 0;
    for (const character of text) {
      assert.equal(indexOfByte(text, bytes), at, `${text} at byte ${bytes}`);
      bytes += new TextEncoder().encode(character).length;
      at += character.length;
    }
    assert.equal(indexOfByte(text, bytes), text.length);
    assert.equal(indexOfByte(text, bytes + 99), text.length);
  }
});

test("direction is that of the first letter", () => {
  for (const [text, expected] of [["hello", "ltr"], ["مرحبا world", "rtl"], ["123. שלום", "rtl"], ["(!) ok مرحبا", "ltr"], ["", "ltr"], ["你好", "ltr"]]) assert.equal(direction(text), expected, text);
});

test("a text is Chinese when it mostly is", () => {
  assert.equal(language("这是什么？"), "zh");
  assert.equal(language("用 Rust 写一个小程序"), "zh");
  assert.equal(language("What does 你好 mean in English, please?"), null);
  assert.equal(language(""), null);
});

test("titles are cut between characters as a reader sees them", () => {
  assert.equal(firstWords("one\ntwo"), "one");
  assert.equal(firstWords("x".repeat(70)), `${"x".repeat(60)}…`);
  const families = "👩‍👩‍👧‍👦".repeat(20);
  const cut = firstWords(families).slice(0, -1);
  assert.equal([...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(cut)].every(({ segment }) => segment === "👩‍👩‍👧‍👦"), true);
});

test("long questions read as print", () => {
  assert.equal(isLong("short"), false);
  assert.equal(isLong("x".repeat(161)), true);
  assert.equal(isLong("a\nb\nc\nd"), true);
});

test("words are found whatever their case, and never where lower case has another length", () => {
  assert.deepEqual(findWords("Pendulum Clock, clock", "clock pend"), [[0, 4], [9, 14], [16, 21]]);
  assert.deepEqual(findWords("记忆断裂", "断裂"), [[2, 4]]);
  assert.deepEqual(findWords("İstanbul", "stan"), []);
  assert.deepEqual(findWords("abc", " "), []);
});

test("names are new each time, and need no secure context", () => {
  const names = new Set(Array.from({ length: 100 }, newId));
  assert.equal(names.size, 100);
  for (const name of names) assert.match(name, /^[0-9a-f]{32}$/);
});

test("a growing text is cut after a line, a line that nobody reads after a blank or a stop, and never within a pair", () => {
  assert.equal(endOfPiece("a line\n".repeat(400)), 0);
  assert.equal(endOfPiece("a line\n".repeat(500)), 3493);
  assert.equal(endOfPiece("word ".repeat(2000)), 0);
  assert.equal(endOfPiece("word ".repeat(5000)), 3005);
  const han = "没有空格的一句。".repeat(4000);
  assert.equal(han[endOfPiece(han) - 1], "。");
  const pairs = `a${"🌍".repeat(20_000)}`;
  const end = endOfPiece(pairs);
  assert.ok(end > 3000 && end <= 20_001 && end % 2 === 1, `${end}`);
  assert.equal(gapAfter("no gap", 2), 3);
  assert.equal(gapAfter("none", 0), 4);
});
