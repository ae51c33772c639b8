// The person's own prompts: read when they are first needed, by name.

/** `{{words}}` of a prompt that are filled in when it is used, each once, in order. */
export function variablesOf(text) {
  return [...new Set([...text.matchAll(/\{\{\s*([^{}\n]{1,60}?)\s*\}\}/g)].map(([, name]) => name))];
}

/** The text with values in the place of its variables. */
export function filled(text, values) {
  return text.replaceAll(/\{\{\s*([^{}\n]{1,60}?)\s*\}\}/g, (whole, name) => values[name] ?? whole);
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
    await this.#ctx.api(id === null ? "/prompts" : `/prompts/${id}`, { method: id === null ? "POST" : "PATCH", body });
    return this.read();
  }

  async remove(id) {
    await this.#ctx.api(`/prompts/${id}`, { method: "DELETE" });
    return this.read();
  }
}
