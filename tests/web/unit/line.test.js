import assert from "node:assert/strict";
import { test } from "node:test";
import { createReader, follow } from "../../../static/js/models/line.js";
import { ApiError } from "../../../static/js/models/session.js";

const STREAM = "event: turn\ndata: {\"id\":7}\n\n: a comment\n\nevent: delta\nid: 3\ndata: {\"text\":\"你\"}\r\n\r\nid:9\ndata:{\"text\":\"x\"}\nevent:delta\n\ndata: two\ndata: lines\n\n";

test("events are read out of pieces of any size, cut inside a character too", () => {
  const bytes = new TextEncoder().encode(STREAM);
  const expected = [
    { name: "turn", id: null, data: "{\"id\":7}" },
    { name: "delta", id: "3", data: "{\"text\":\"你\"}" },
    { name: "delta", id: "9", data: "{\"text\":\"x\"}" },
    { name: "message", id: null, data: "two\nlines" },
  ];
  for (let size = 1; size <= bytes.length; size++) {
    const events = [];
    const read = createReader((event) => events.push(event));
    for (let at = 0; at < bytes.length; at += size) read(bytes.slice(at, at + size));
    assert.deepEqual(events, expected, `pieces of ${size}`);
  }
});

/** A line that is always there. */
const line = Object.assign(new EventTarget(), { isUp: true, whenUp: async () => {}, lost() {} });
const event = (name, data, id) => `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
const response = (text, isBroken = false) => {
  let isRead = false;
  return { body: new ReadableStream({
    pull(controller) {
      if (!isRead) controller.enqueue(new TextEncoder().encode(text));
      else if (isBroken) controller.error(new TypeError("network"));
      else controller.close();
      isRead = true;
    },
  }) };
};

test("a stream that breaks is followed again from where it was, and the message is not sent again", async () => {
  const asked = [];
  const api = { ask: async (path, { query }) => (asked.push([path, query.after]), asked.length === 1 ? response(event("delta", { text: "b" }, 2), true) : response(event("delta", { text: "c" }, 3) + event("done", { id: 7 }))) };
  let sent = 0;
  const send = async () => (sent++, response(event("turn", { id: 7 }) + event("delta", { text: "a" }, 1)));
  const events = [];
  await follow({ api, line, send, onEvent: ({ name, data }) => events.push(name === "delta" ? data.text : name), signal: new AbortController().signal, });
  assert.deepEqual(events.join(" "), "turn a b c done");
  assert.equal(sent, 1);
  assert.deepEqual(asked, [["/chat/7/events", "1"], ["/chat/7/events", "2"]]);
});

test("a send that got no answer is sent again with the same name; a refusal is told", async () => {
  let sent = 0;
  const send = async () => {
    if (++sent === 1) throw new ApiError(503, { code: "draining" });
    return response(event("turn", { id: 1 }) + event("done", { id: 1 }));
  };
  await follow({ api: null, line, send, onEvent: () => {}, signal: new AbortController().signal });
  assert.equal(sent, 2);
  const refuse = async () => {
    throw new ApiError(400, { code: "api_key_missing" });
  };
  await assert.rejects(follow({ api: null, line, send: refuse, onEvent: () => {}, signal: new AbortController().signal }), { code: "api_key_missing" });
});

test("who stops following is left alone", async () => {
  const control = new AbortController();
  const send = () => new Promise((_, reject) => control.signal.addEventListener("abort", () => reject(control.signal.reason)));
  const followed = follow({ api: null, line, send, onEvent: () => {}, signal: control.signal });
  control.abort(new Error("hidden"));
  await assert.rejects(followed, /hidden/);
});

test("after a reset everything is asked for from the beginning", async () => {
  const asked = [];
  const api = { ask: async (_, { query }) => (asked.push(query.after), asked.length === 1 ? response(event("delta", { text: "x" }, 5) + event("reset", {}), true) : response(event("done", { id: 1 }))) };
  await follow({ api, line, turn: 1, after: "9", onEvent: () => {}, signal: new AbortController().signal });
  assert.deepEqual(asked, ["9", null]);
});
