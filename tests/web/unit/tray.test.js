import assert from "node:assert/strict";
import { test } from "node:test";
import { Tray } from "../../../static/js/models/tray.js";

test("a tray that has ended stops what is on its way, and says nothing any more", async () => {
  let signal;
  const api = (_, options) => new Promise((resolve, reject) => {
    ({ signal } = options);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const tray = new Tray({ api, line: {} });
  let heard = 0;
  tray.addEventListener("change", () => heard++);
  tray.add([new File(["text"], "a.txt", { type: "text/plain" })]);
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(heard > 0 && !signal.aborted);
  heard = 0;
  tray.end();
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(signal.aborted);
  assert.deepEqual([heard, tray.items[0].fault], [0, null]);
});
