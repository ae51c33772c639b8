// Who is signed in. The token lives in memory and `sessionStorage`, in `localStorage` only with "Stay signed in"; tabs of
// one browser tell each other about it, and about what changed.

import { read, write } from "./kept.js";

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
    this.#channel = new BroadcastChannel(`gpt-assistant${document.documentElement.dataset.base}`);
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
