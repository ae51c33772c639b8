import assert from "node:assert/strict";
import { test } from "node:test";
import { People } from "../../../static/js/models/people.js";
import { tokensIn } from "../../../static/js/views/admin_person.js";

/** A server with 120 people, whose replies come when the test says so. */
function server() {
  const asked = [];
  const api = (path, { query = {} } = {}) => new Promise((resolve, reject) => {
    const from = Number(query.before ?? 0);
    const users = Array.from({ length: Math.min(50, 120 - from) }, (_, at) => ({ id: from + at + 1, cap_month: null }));
    const reply = path === "/admin/settings" ? { shared_tokens_per_month: 9 } : { users, next: from + 50 < 120 ? from + 50 : null };
    asked.push({ path, query, come: () => resolve(reply), fail: () => reject(new Error("no")) });
  });
  return { asked, people: new People({ api }) };
}

const come = async (asked) => {
  for (const each of asked.splice(0)) each.come();
  await new Promise((resolve) => setTimeout(resolve));
};

test("a second press reads on once; what is about to be replaced is not read on", async () => {
  const { asked, people } = server();
  people.find();
  await come(asked);
  people.more();
  people.more();
  assert.equal(asked.length, 1);
  await come(asked);
  assert.deepEqual(people.items.map(({ id }) => id), Array.from({ length: 100 }, (_, at) => at + 1));
  people.find("x");
  people.more();
  assert.deepEqual(asked.map(({ query }) => query.before), [null]);
  await come(asked);
  people.more();
  await come(asked);
  assert.equal(people.items.length, 100);
});

test("the cap of everybody is asked for once, and again when that failed", async () => {
  const { asked, people } = server();
  const found = people.find();
  asked.forEach((each) => (each.path === "/admin/settings" ? each.fail() : each.come()));
  asked.length = 0;
  await assert.rejects(found);
  people.find();
  assert.equal(asked.length, 2);
  await come(asked);
  people.find("a");
  people.find("ab");
  assert.deepEqual(asked.map(({ path }) => path), ["/admin/users", "/admin/users"]);
  await come(asked);
  assert.equal(people.capOf(people.items[0]), 9);
});

test("a number of tokens is digits, or groups of exactly three", () => {
  const values = [["", null], [" 40000 ", 40_000], ["40,000", 40_000], ["1.000.000", 1_000_000], ["12 345", 12_345], ["12\u202f345", 12_345], ["0", 0]];
  for (const [text, number] of values) assert.equal(tokensIn(text), number, text);
  const wrong = ["1.5", "1,5", "12,34", "1,000.000", "1,0000", "many", "-1", "1e9", "12345678901234", ".", "1,"];
  for (const text of wrong) assert.ok(Number.isNaN(tokensIn(text)), text);
});
