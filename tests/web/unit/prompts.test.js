import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, size } from "../../../static/js/lib/ago.js";
import { filled, fitting, Prompts, variablesOf } from "../../../static/js/models/prompts.js";
import { isExport } from "../../../static/js/views/keyboard.js";

test("variables of a prompt are found once each, and filled in wherever they stand", () => {
  const text = "To {{who}} in {{ the city }}: {{who}}, {{}} {single} {{a\nb}}";
  assert.deepEqual(variablesOf(text), ["who", "the city"]);
  assert.equal(filled(text, { who: "$& Ann", "the city": "" }), "To $& Ann in : $& Ann, {{}} {single} {{a\nb}}");
  assert.equal(filled("{{城市}}", { 城市: "里斯本" }), "里斯本");
});

test("gaps without an end cost nothing, however long the prompt is", () => {
  for (const piece of ["{{   ", "{{ a ", "{{ab c", "{{", " "]) {
    const text = `{{${piece}`.repeat(Math.ceil(32_000 / piece.length));
    for (const all of [text, `{{${piece.replaceAll("{", "").repeat(32_000)}`]) {
      const started = performance.now();
      assert.deepEqual(variablesOf(all), []);
      assert.equal(filled(all, { a: "x" }), all);
      // A thousandth of what a quadratic search would take.
      assert.ok(performance.now() - started < 1000, `${piece}: ${performance.now() - started} ms`);
    }
  }
  assert.deepEqual(variablesOf(`{{${"x".repeat(60)}}} {{${"x".repeat(61)}}} {{  y }}`), ["x".repeat(60), "y"]);
});

test("what was kept is known by the reply, and what was deleted is gone, without reading all anew", async () => {
  const asked = [];
  const api = async (path, { method = "GET", body } = {}) => {
    asked.push(`${method} ${path}`);
    return method === "GET" ? { prompts: [{ id: 1, name: "b", text: "" }, { id: 2, name: "d", text: "" }] } : { id: Number(path.split("/")[2] ?? 3), ...body };
  };
  const prompts = new Prompts({ api });
  await prompts.read();
  await prompts.save(null, { name: "c", text: "new" });
  await prompts.save(2, { name: "a", text: "other" });
  await prompts.remove(1);
  assert.deepEqual(prompts.items, [{ id: 2, name: "a", text: "other" }, { id: 3, name: "c", text: "new" }]);
  assert.deepEqual(asked, ["GET /prompts", "POST /prompts", "PATCH /prompts/2", "DELETE /prompts/1"]);
});

test("names that begin with what was typed come first", () => {
  const named = (...names) => names.map((name) => ({ name }));
  assert.deepEqual(fitting(named("Kind letter", "Letter", "Plan"), "let"), named("Letter", "Kind letter"));
  assert.deepEqual(fitting(named("Plan"), "x"), []);
});

test("what is dropped is an export by its kind, size and place", () => {
  for (const [name, bytes, isInChat, wanted] of [
    ["chatgpt.zip", 10, true, true], ["conversations.json", 10, true, true], ["conversations-000.JSON", 10, true, true], ["data.json", 10, true, false],
    ["data.json", 1 << 20, true, true], ["data.json", 10, false, true], ["photo.png", 1 << 20, false, false], ["notes.txt", 10, false, false],
  ]) assert.equal(isExport({ name, size: bytes }, isInChat), wanted, name);
});

test("times and sizes as they are read", () => {
  for (const [seconds, words] of [[-5, "5 seconds ago"], [-300, "5 minutes ago"], [-86_400, "Yesterday"], [5 * 86_400, "In 5 days"], [-400 * 86_400, "Last year"], [-3599, "1 hour ago"], [-86_399, "Yesterday"], [-59, "59 seconds ago"]]) assert.equal(ago(seconds, 0, "en"), words);
  assert.equal(ago(-300, 0, "zh-CN"), "5分钟前");
  assert.deepEqual([0, 1, 35, 999, 999_499, 999_700, 999_960_000, 48_300_000, 4.2e15].map((bytes) => size(bytes, "en")), ["0 bytes", "1 byte", "35 bytes", "999 bytes", "999 kB", "1 MB", "1 GB", "48.3 MB", "4,200 TB"]);
});
