import assert from "node:assert/strict";
import { test } from "node:test";
import { createWords, daysBetween, firstName, grouped, groupOf, lastDays, noon, partOfDay } from "../../../static/js/lib/words.js";

process.env.TZ = "Europe/Berlin";
const at = (text) => new Date(text).getTime() / 1000;

test("groups are by calendar days of the reader, over a change of the clock too", () => {
  const now = at("2026-03-29T12:00:00+02:00");
  for (const [then, group] of [
    ["2026-03-29T00:00:01+01:00", "today"], ["2026-03-28T23:59:59+01:00", "yesterday"], ["2026-03-28T00:00:00+01:00", "yesterday"], ["2026-03-27T12:00:00+01:00", "week"],
    ["2026-03-22T01:00:00+01:00", "week"], ["2026-03-21T23:00:00+01:00", "month"], ["2026-02-27T12:00:00+01:00", "month"], ["2026-02-26T12:00:00+01:00", "month:2026-1"],
    ["2026-01-01T12:00:00+01:00", "month:2026-0"], ["2025-12-31T12:00:00+01:00", "year:2025"], ["2030-01-01T00:00:00+01:00", "today"],
  ]) assert.equal(groupOf(at(then), now), group, then);
  assert.equal(daysBetween(at("2026-03-28T12:00:00+01:00"), now), 1);
});

test("items stay in order within their groups", () => {
  const now = at("2026-05-10T12:00:00+02:00");
  const items = ["2026-05-10T11:00:00+02:00", "2026-05-10T09:00:00+02:00", "2026-05-09T09:00:00+02:00"].map(at);
  assert.deepEqual(grouped(items, (item) => item, now).map(([group, list]) => [group, list.length]), [["today", 2], ["yesterday", 1]]);
});

test("the last days end today and have no gap", () => {
  assert.deepEqual(lastDays(3, new Date(2026, 2, 1)), ["2026-02-27", "2026-02-28", "2026-03-01"]);
  assert.equal(lastDays(366, new Date(2026, 2, 1)).length, 366);
  assert.equal(new Date(noon("2026-03-29") * 1000).getDate(), 29);
});

test("greetings follow the hour", () => {
  assert.deepEqual(["Lin Ashworth", " 林晚舟 ", "欧阳修远", "Ada"].map(firstName), ["Lin", "晚舟", "欧阳修远", "Ada"]);
  assert.deepEqual([4, 5, 11, 12, 17, 18, 23].map(partOfDay), ["evening", "morning", "morning", "afternoon", "afternoon", "evening", "evening"]);
});

test("a sentence of the server is found whatever figures it names; what is not in the table stays as it was said", () => {
  const t = createWords({ "There can be {n} prompts at most.": "最多只能有 {n} 个提示词。", "A prompt has {n} to {n} characters.": "{n} 到 {n} 个字符。", "At most 500.": "最多 500。", "All of it.": "全部。" }, "zh-CN");
  assert.equal(t.said("There can be 200 prompts at most."), "最多只能有 200 个提示词。");
  assert.equal(t.said("A prompt has 1 to 32000 characters."), "1 到 32,000 个字符。");
  assert.deepEqual(["At most 500.", "All of it.", "At most 501.", "constructor", ""].map(t.said), ["最多 500。", "全部。", "At most 501.", "constructor", ""]);
});

test("words are filled in, in the plural of the language, numbers as they are written there", () => {
  const t = createWords({ hello: "Hello, {name}.", turns: { one: "{n} turn", other: "{n} turns" } }, "en");
  assert.equal(t("hello", { name: "{n}" }), "Hello, {n}.", "what is filled in is not filled in again");
  assert.deepEqual([t("turns", { n: 1 }), t("turns", { n: 1234 })], ["1 turn", "1,234 turns"]);
  assert.equal(t("missing"), "missing");
  assert.equal(t.has("hello") && !t.has("missing"), true);
  assert.equal(createWords({ turns: { other: "{n} 轮" } }, "zh-CN")("turns", { n: 1 }), "1 轮");
});
