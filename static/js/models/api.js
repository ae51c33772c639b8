// Calls to the server, and whether it can be reached.

import { seconds } from "../lib/time.js";

const root = globalThis.document?.documentElement.dataset ?? {};
/** The path under which everything is served, without a slash at its end. */
export const base = root.base ?? "";

/** What went wrong with a call: the server's words, or `offline` when it could not be asked. */
export class ApiError extends Error {
  constructor(status, body, retryAfter = null) {
    super(body.error ?? "");
    Object.assign(this, { status, code: body.code ?? "offline", fields: body.fields ?? {}, requestId: body.request_id ?? null });
    this.retryAfter = retryAfter;
  }
}

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
