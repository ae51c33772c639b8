// The line to the server: whether it is there, and how a running answer is followed through lost networks, hidden tabs and
// restarted servers.

import { ApiError, base } from "./session.js";

/** Whether the server can be reached. Says `change`; probes by itself while it cannot. */
export class Line extends EventTarget {
  isUp = true;
  lostAt = null;
  #timer = null;
  #wait = 500;

  constructor() {
    super();
    globalThis.addEventListener?.("offline", () => this.lost());
    globalThis.addEventListener?.("online", () => this.#probe());
  }

  /** A call did not get through. */
  lost() {
    if (!this.isUp) return;
    this.isUp = false;
    this.lostAt = Date.now();
    this.#wait = 500;
    this.dispatchEvent(new Event("change"));
    this.#later();
  }

  /** A call got through. */
  found() {
    clearTimeout(this.#timer);
    if (this.isUp) return;
    this.isUp = true;
    this.dispatchEvent(new Event("change"));
  }

  /** Resolves when the server can be reached. */
  whenUp(signal) {
    if (this.isUp) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.isUp) done(resolve);
      };
      const stop = () => done(() => reject(signal.reason));
      const done = (then) => {
        this.removeEventListener("change", look);
        signal?.removeEventListener("abort", stop);
        then();
      };
      this.addEventListener("change", look);
      signal?.addEventListener("abort", stop);
    });
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#probe(), this.#wait);
    this.#wait = Math.min(this.#wait * 1.6, 8000);
  }

  async #probe() {
    if (this.isUp) return;
    try {
      await fetch(`${base}/api/health`, { signal: AbortSignal.timeout(5000) });
      this.found();
    } catch {
      this.#later();
    }
  }
}

/** Gives a function that takes a piece of bytes and calls `onEvent({name, id, data})` for each event that it completes. */
export function createReader(onEvent) {
  const decoder = new TextDecoder();
  let rest = "";
  let event = {};
  const line = (text) => {
    if (text === "") {
      if (event.data !== undefined) onEvent({ name: event.name ?? "message", id: event.id ?? null, data: event.data });
      event = {};
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(text[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
  };
  return (bytes) => {
    rest += decoder.decode(bytes, { stream: true });
    let from = 0;
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n", from)) {
      line(rest.slice(from, rest[at - 1] === "\r" && at > from ? at - 1 : at));
      from = at + 1;
    }
    rest = rest.slice(from);
  };
}

/** The server sends a comment at least every 15 s: a line that is silent for longer is dead. */
const SILENCE = 40_000;
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;

/** What passes by itself: no network, a server that restarts, a proxy that says so in words of its own. */
const isLost = (fault) => fault instanceof ApiError && ["offline", "draining", "gateway"].includes(fault.code);
/** What a call may be made again for, after a while: the line, or a server that has too much to do. */
export const isPassing = (fault) => isLost(fault) || [429, 503].includes(fault?.status);
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
      await readAll(response, state, { line, onEvent, signal });
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

async function readAll(response, state, { line, onEvent, signal }) {
  const reader = response.body.getReader();
  let [timer, look] = [null, null];
  const silent = new Promise((_, reject) => {
    // A network that went and came back as another leaves old connections open, and mute.
    look = () => line.isUp || reject(new TypeError("lost"));
    line.addEventListener("change", look);
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
    line.removeEventListener("change", look);
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
