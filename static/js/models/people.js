// The accounts of the server, as an administrator sees them: as many as have been looked at, and those with some words.

const PAGE = 50;

export class People extends EventTarget {
  /** `null` until they were read once. */
  items = null;
  next = null;
  /** Tokens of the shared key a month for who has no cap of her own; 0: no cap. */
  monthly = 0;
  #words = "";
  #asked = 0;
  /** Which of what was asked for is shown. */
  #shown = 0;
  #isReading = false;
  /** The cap of everybody, as a promise: it is not asked for at every letter. */
  #cap = null;
  #ctx;

  constructor(ctx) {
    super();
    this.#ctx = ctx;
  }

  #say() {
    this.dispatchEvent(new Event("change"));
  }

  /** Those with these words in name or address; all, without words. */
  async find(words = this.#words) {
    const mine = ++this.#asked;
    this.#words = words;
    this.#cap ??= this.#ctx.api("/admin/settings").catch((fault) => {
      this.#cap = null;
      throw fault;
    });
    const [{ users, next }, { shared_tokens_per_month: monthly }] = await Promise.all([this.#page(null), this.#cap]);
    if (mine !== this.#asked) return;
    Object.assign(this, { items: users, next, monthly });
    this.#shown = mine;
    this.#say();
  }

  /** Reads on. */
  async more() {
    // Once at a time, and never the rest of what is about to be replaced.
    if (this.#isReading || this.#shown !== this.#asked) return;
    this.#isReading = true;
    const mine = this.#asked;
    try {
      const { users, next } = await this.#page(this.next);
      if (mine !== this.#asked) return;
      this.items.push(...users);
      this.next = next;
      this.#say();
    } finally {
      this.#isReading = false;
    }
  }

  #page(before) {
    return this.#ctx.api("/admin/users", { query: { q: this.#words || null, limit: PAGE, before } });
  }

  /** Tokens a month that a person may use; 0: as many as she likes. */
  capOf(person) {
    return person.cap_month ?? this.monthly;
  }

  /** Changes role, state or caps. */
  async change(id, body) {
    const changed = await this.#ctx.api(`/admin/users/${id}`, { method: "PATCH", body });
    this.items = this.items.map((person) => (person.id === id ? changed : person));
    this.#say();
  }

  /** Gives the new password. */
  async newPassword(id) {
    return (await this.#ctx.api(`/admin/users/${id}/password`, { method: "POST" })).password;
  }

  /** Deletes the account with everything it owns. */
  async remove(id) {
    await this.#ctx.api(`/admin/users/${id}`, { method: "DELETE" });
    this.items = this.items.filter((person) => person.id !== id);
    this.#say();
  }
}
