// The conversations of the person: as many as have been looked at, pinned first, then newest change first.

import { grouped, seconds } from "../lib/words.js";

const PAGE = 50;

export class List extends EventTarget {
  /** `null` until they were read once. */
  items = null;
  next = null;
  #ctx;
  #isLoading = false;

  constructor(ctx) {
    super();
    this.#ctx = ctx;
  }

  #say() {
    this.dispatchEvent(new Event("change"));
  }

  /** Reads the beginning anew; keeps as much as was there. */
  async refresh() {
    const limit = Math.min(200, Math.max(PAGE, this.items?.length ?? 0));
    const { conversations, next } = await this.#ctx.api("/conversations", { query: { limit } });
    this.items = conversations;
    this.next = next;
    this.#say();
  }

  /** Reads on. */
  async more() {
    if (this.next === null || this.#isLoading) return;
    this.#isLoading = true;
    try {
      const { conversations, next } = await this.#ctx.api("/conversations", { query: { limit: PAGE, before: this.next } });
      const known = new Set(this.items.map((item) => item.id));
      this.items.push(...conversations.filter((item) => !known.has(item.id)));
      this.next = next;
      this.#say();
    } finally {
      this.#isLoading = false;
    }
  }

  find(id) {
    return this.items?.find((item) => item.id === id);
  }

  /** The groups that are shown: `[["pinned", items], ["today", items], …]`. */
  groups(now = seconds()) {
    const pinned = this.items.filter((item) => item.pinned);
    const others = grouped(this.items.filter((item) => !item.pinned), (item) => item.updated, now);
    return pinned.length > 0 ? [["pinned", pinned], ...others] : others;
  }

  /** One of them changed. */
  put(info) {
    if (!this.items) return;
    const at = this.items.findIndex((item) => item.id === info.id);
    if (at < 0) return;
    this.items[at] = { ...this.items[at], ...info };
    const rank = (item) => [item.pinned ? 0 : 1, -item.updated, -item.id];
    this.items.sort((a, b) => {
      const [left, right] = [rank(a), rank(b)];
      return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
    });
    this.#say();
  }

  /** An answer began or ended in it. */
  ended(id) {
    this.put({ id, running: false });
  }

  /** Changes one: title, pin, archive mark. It is shown at once, and taken back when the server refuses. */
  async change(id, body) {
    const before = this.find(id);
    this.put({ id, ...body });
    try {
      const info = await this.#ctx.api(`/conversations/${id}`, { method: "PATCH", body });
      if (info.archived) this.drop(id);
      else this.put(info);
      this.#tell(id);
    } catch (fault) {
      if (before) this.put(before);
      throw fault;
    }
  }

  #tell(id) {
    this.#ctx.session.tell({ what: "list" });
    this.#ctx.session.tell({ what: "conversation", id });
  }

  /** Takes one off the list; gives the one that stands in its place. */
  drop(id) {
    if (!this.items) return null;
    const at = this.items.findIndex((item) => item.id === id);
    if (at < 0) return null;
    this.items.splice(at, 1);
    this.#say();
    return this.items[at] ?? this.items[at - 1] ?? null;
  }

  /** To the trash. */
  async trash(id) {
    this.drop(id);
    try {
      await this.#ctx.api(`/conversations/${id}`, { method: "DELETE" });
      this.#tell(id);
    } catch (fault) {
      await this.refresh().catch(() => {});
      throw fault;
    }
  }

  /** Out of the trash or the archive again. */
  async restore(id, from = "trash") {
    const path = `/conversations/${id}`;
    if (from === "trash") await this.#ctx.api(`${path}/restore`, { method: "POST" });
    else await this.#ctx.api(path, { method: "PATCH", body: { archived: false } });
    await this.refresh();
    this.#tell(id);
  }

  /** Titles and turns with these words: `[{…conversation, snippet, marks, turn}]`. */
  async search(words, { archived = false, signal } = {}) {
    const query = { q: words, limit: 50, archived: archived || null };
    const [{ conversations }, { results }] = await Promise.all([
      this.#ctx.api("/conversations", { query, signal }),
      this.#ctx.api("/search", { query: { q: words, limit: 100 }, signal }),
    ]);
    return conversations.map((item) => {
      const hit = results.find((result) => result.conversation_id === item.id);
      return { ...item, snippet: hit?.snippet ?? "", marks: hit?.marks ?? [], turn: hit?.turn_id ?? null };
    });
  }
}

/** The models that one can choose from. The page does not wait for them. */
export class Models extends EventTarget {
  list = [];
  preferred = null;
  #ctx;

  constructor(ctx, preferred) {
    super();
    this.#ctx = ctx;
    this.preferred = preferred;
  }

  async refresh() {
    const { models, default: preferred } = await this.#ctx.api("/models");
    this.list = models;
    this.preferred = preferred;
    this.dispatchEvent(new Event("change"));
  }
}
