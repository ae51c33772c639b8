// Who is signed in, and how the server is called. The token lives in memory and `sessionStorage`, in `localStorage` only with
// "Stay signed in"; tabs of one browser tell each other about it, and about what changed.

import { seconds } from "../lib/words.js";
import { read, write } from "./kept.js";

/** The path under which everything is served, without a slash at its end. */
export const base = globalThis.document?.documentElement.dataset.base ?? "";

/** What went wrong with a call: the server's words, or `offline` when it could not be asked. */
export class ApiError extends Error {
  constructor(status, body, retryAfter = null) {
    super(body.error ?? "");
    Object.assign(this, { status, code: body.code ?? "offline", fields: body.fields ?? {}, requestId: body.request_id ?? null });
    this.retryAfter = retryAfter;
  }
}

/** How long a new tab waits for its siblings before it shows the door. */
const PATIENCE = 200;

export class Session extends EventTarget {
  token = null;
  user = null;
  /** Why the door is shown: `ended` when a login ended by itself. */
  reason = null;
  #stays = false;
  #channel = null;

  /** Finds the token: here, or with a sibling. */
  async begin() {
    const kept = read("token");
    this.#stays = kept !== null;
    this.token = read("token", "sessionStorage") ?? kept;
    this.#listen();
    if (this.token === null && this.#channel) {
      await new Promise((resolve) => {
        this.#found = resolve;
        this.#channel.postMessage({ kind: "who" });
        setTimeout(resolve, PATIENCE);
      });
      this.#found = null;
    }
    return this.token !== null;
  }

  #found = null;

  #listen() {
    if (this.#channel || !globalThis.BroadcastChannel) return;
    this.#channel = new BroadcastChannel(`gpt-assistant${base}`);
    this.#channel.addEventListener("message", ({ data }) => this.#heard(data));
  }

  #heard(data) {
    if (data.kind === "who" && this.token) this.#channel.postMessage({ kind: "token", token: this.token });
    else if (data.kind === "token" && this.#found) {
      this.token = data.token;
      write("token", data.token, "sessionStorage");
      this.#found();
    } else if (data.kind === "renewed" && this.token === data.old) {
      this.#keep(data.token);
    } else if (data.kind === "left" && this.token === data.token) {
      this.#forget();
      this.dispatchEvent(new CustomEvent("end"));
    } else if (data.kind === "changed") {
      this.dispatchEvent(new CustomEvent("sibling", { detail: data }));
    }
  }

  #keep(token) {
    this.token = token;
    write("token", token, "sessionStorage");
    write("token", this.#stays ? token : null);
  }

  #forget() {
    // A token that a sibling got meanwhile is not this one's to throw away.
    if (read("token") === this.token) write("token", null);
    write("token", null, "sessionStorage");
    this.token = null;
    this.user = null;
  }

  /** Signed in. */
  enter({ token, user }, stays) {
    this.#stays = stays;
    this.#keep(token);
    this.user = user;
    this.reason = null;
  }

  /** The same person, with a fresh token; the old one has ended in every tab. */
  renew(token) {
    const old = this.token;
    this.#keep(token);
    this.#channel?.postMessage({ kind: "renewed", old, token });
  }

  /** The person leaves, here and in every tab. */
  leave() {
    this.#channel?.postMessage({ kind: "left", token: this.token });
    this.#forget();
    this.reason = null;
    this.dispatchEvent(new CustomEvent("end"));
  }

  /** The server does not know this login any more. */
  ended() {
    if (this.token === null) return;
    this.#channel?.postMessage({ kind: "left", token: this.token });
    this.#forget();
    this.reason = "ended";
    this.dispatchEvent(new CustomEvent("end"));
  }

  /** The account was read anew, or changed here. */
  know(user) {
    this.user = user;
    this.dispatchEvent(new CustomEvent("user"));
  }

  /** Tells the other tabs that something changed: `{what: "list"}`, `{what: "conversation", id}`, `{what: "user"}`. */
  tell(change) {
    this.#channel?.postMessage({ kind: "changed", ...change });
  }
}

/** Makes the function by which everything calls. `session` has the token; `line` hears how calls fare. */
export function createApi(session, line) {
  /** A reply whose status is fine; else it throws an `ApiError`. */
  async function ask(path, { method = "GET", body, query, headers, signal, keepalive, token = session.token } = {}) {
    const search = query ? `?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined))}` : "";
    const isForm = globalThis.FormData !== undefined && body instanceof FormData;
    const all = { ...headers };
    if (token) all.authorization = `Bearer ${token}`;
    if (body !== undefined && !isForm) all["content-type"] = "application/json";
    const options = { method, headers: all, signal, keepalive, body: body === undefined || isForm ? body : JSON.stringify(body) };
    let response;
    try {
      response = await fetch(`${base}/api${path}${search}`, options);
    } catch (fault) {
      if (signal?.aborted) throw fault;
      line.lost();
      throw new ApiError(0, {});
    }
    line.found();
    if (response.ok) return response;
    const said = await response.json().catch(() => ({ code: response.status >= 502 && response.status <= 504 ? "gateway" : "internal" }));
    const wait = Number(response.headers.get("retry-after"));
    const fault = new ApiError(response.status, said, wait > 0 ? seconds() + wait : null);
    // Another 401 is a wrong password; an ended login is this word, and only for the login that was meant.
    if (fault.code === "unauthenticated" && token && token === session.token) session.ended();
    throw fault;
  }

  /** JSON of a reply. */
  async function api(path, options) {
    const response = await ask(path, options);
    try {
      return await response.json();
    } catch (fault) {
      if (options?.signal?.aborted) throw fault;
      line.lost();
      throw new ApiError(0, {});
    }
  }
  return Object.assign(api, { ask });
}
