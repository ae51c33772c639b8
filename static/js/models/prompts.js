// The person's own prompts: read when they are first needed, by name.

/** A gap: it begins and ends with a sign that is seen, so that blanks without an end cost nothing. */
const GAP = /\{\{\s*([^{}\s](?:[^{}\n]{0,58}[^{}\s])?)\s*\}\}/g;

/** `{{words}}` of a prompt that are filled in when it is used, each once, in order. */
export function variablesOf(text) {
  return [...new Set([...text.matchAll(GAP)].map(([, name]) => name))];
}

/** The text with values in the place of its variables. */
export function filled(text, values) {
  return text.replaceAll(GAP, (whole, name) => values[name] ?? whole);
}

/** Prompts that fit what was typed: names that begin so first, then those that have it anywhere. */
export function fitting(prompts, words) {
  const wanted = words.toLowerCase();
  const rank = ({ name }) => name.toLowerCase().indexOf(wanted);
  return prompts.filter((prompt) => rank(prompt) >= 0).sort((a, b) => Number(rank(a) > 0) - Number(rank(b) > 0));
}

export class Prompts {
  /** `null` until they were read. */
  items = null;
  #ctx;

  constructor(ctx) {
    this.#ctx = ctx;
  }

  async read() {
    this.items = (await this.#ctx.api("/prompts")).prompts;
    return this.items;
  }

  /** Keeps a new one, or changes the one with this number. */
  async save(id, body) {
    const kept = await this.#ctx.api(id === null ? "/prompts" : `/prompts/${id}`, { method: id === null ? "POST" : "PATCH", body });
    this.items = [...this.items.filter((each) => each.id !== kept.id), kept].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(id) {
    await this.#ctx.api(`/prompts/${id}`, { method: "DELETE" });
    this.items = this.items.filter((each) => each.id !== id);
  }
}
