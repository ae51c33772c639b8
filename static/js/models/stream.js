// Follows one running answer through lost networks, hidden tabs and restarted servers, until its end.

import { createReader } from "../lib/sse.js";
import { ApiError } from "./api.js";

/** The server sends a comment at least every 15 s: a line that is silent for longer is dead. */
const SILENCE = 40_000;
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;

/** What passes by itself: no network, a server that restarts, a proxy that says so in words of its own. */
const isLost = (fault) => fault instanceof ApiError && ["offline", "draining", "gateway"].includes(fault.code);
const isBroken = (fault) => fault instanceof TypeError || fault?.name === "TimeoutError" || fault?.name === "AbortError";

/**
 * Follows until `done`, calling `onEvent({name, id, data})`. `send` posts the message and gives the response; without it
 * the stream of `turn` is followed. Rejects when the server refuses, and when `signal` is aborted.
 */
export async function follow({ api, line, send, turn, after, onEvent, signal }) {
  const state = { turn: turn ?? null, after: after ?? null, over: false };
  let wait = FIRST_WAIT;
  while (!state.over) {
    try {
      const response = await (state.turn === null ? send(signal) : events(api, state, signal));
      const before = state.after;
      await readAll(response, state, onEvent, signal);
      if (state.after !== before) wait = FIRST_WAIT;
      if (!state.over) line.lost();
    } catch (fault) {
      if (signal.aborted || !isLost(fault) && !isBroken(fault)) throw fault;
    }
    if (state.over) return;
    await line.whenUp(signal);
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

function events(api, state, signal) {
  return api.ask(`/chat/${state.turn}/events`, { query: { render: "html", after: state.after }, signal });
}

async function readAll(response, state, onEvent, signal) {
  const reader = response.body.getReader();
  let timer;
  const silent = new Promise((_, reject) => {
    const start = () => {
      timer = setTimeout(() => reject(new TypeError("silent")), SILENCE);
    };
    state.heard = () => {
      clearTimeout(timer);
      start();
    };
    start();
  });
  const take = createReader((event) => {
    const data = parse(event.data);
    if (data === null) return;
    if (event.name === "turn") state.turn = data.id;
    if (event.id !== null) state.after = event.id;
    if (event.name === "reset") state.after = null;
    if (event.name === "done" || (event.name === "error" && data.code === "session_ended")) state.over = true;
    onEvent({ name: event.name, id: event.id, data });
  });
  try {
    while (!state.over) {
      const { value, done } = await Promise.race([reader.read(), silent]);
      if (signal.aborted) throw signal.reason;
      if (done) return;
      state.heard();
      take(value);
    }
  } finally {
    clearTimeout(timer);
    // After its last event the server ends the reply by itself; anything else is let go.
    (state.over ? reader.read() : reader.cancel()).catch(() => {});
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
