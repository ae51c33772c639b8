// Pictures of messages, which only come to who says who she is: fetched once, shown from memory.

/** So many are kept at hand. */
const KEPT = 60;

export class Pictures {
  #urls = new Map();
  #ctx;

  constructor(ctx) {
    this.#ctx = ctx;
  }

  /** The address at which a picture can be shown. */
  url({ id }) {
    const url = this.#urls.get(id) ?? this.#ctx.api.ask(`/files/${id}`).then((reply) => reply.blob()).then(URL.createObjectURL);
    this.#keep(id, url);
    url.catch(() => this.#urls.delete(id));
    return url;
  }

  /** It is here already: it was sent from here. */
  put({ id }, blob) {
    if (!this.#urls.has(id)) this.#keep(id, Promise.resolve(URL.createObjectURL(blob)));
  }

  #keep(id, url) {
    this.#urls.delete(id);
    this.#urls.set(id, url);
    const [[oldest, dropped]] = this.#urls;
    if (this.#urls.size <= KEPT) return;
    this.#urls.delete(oldest);
    dropped.then(URL.revokeObjectURL, () => {});
  }
}
