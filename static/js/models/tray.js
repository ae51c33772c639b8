// The files of a draft: those the server has, and those on their way to it.

import { isPicture, small } from "../lib/files.js";
import { ApiError } from "./session.js";

/** What the server takes: files with one message, bytes of an upload, bytes of a text. */
const MOST = 8;
const LARGEST = 10 << 20;
const LARGEST_TEXT = 256 << 10;

const refusal = (code) => new ApiError(400, { code });

/** Says `change` when there are others, or one has arrived or was refused. */
export class Tray extends EventTarget {
  /** `{name, isPicture, blob, file, fault, control}`: `file` as the server describes it, `fault` why it was not taken. */
  items = [];
  #isOver = false;
  #ctx;

  constructor(ctx) {
    super();
    this.#ctx = ctx;
  }

  #say() {
    if (!this.#isOver) this.dispatchEvent(new Event("change"));
  }

  /** Files that are ready to be sent. */
  get files() {
    return this.items.filter((item) => item.file).map((item) => item.file);
  }

  /** The draft has these; what is on its way stays. */
  keep(files) {
    const known = (file) => this.items.find((item) => item.file?.id === file.id);
    const ready = files.map((file) => known(file) ?? { name: file.name, isPicture: file.kind === "image", blob: null, file, fault: null });
    this.items = [...ready, ...this.items.filter((item) => !item.file)];
    this.#say();
  }

  /** Nobody is there any more: what is on its way stops, and nothing is said. */
  end() {
    this.#isOver = true;
    for (const item of this.items) item.control?.abort();
  }

  /** Takes files in, and sends each to the server. */
  add(files) {
    for (const blob of files) {
      const item = { name: blob.name || "file", isPicture: isPicture(blob), blob, file: null, fault: null, control: new AbortController() };
      this.items.push(item);
      if (this.items.length > MOST) item.fault = refusal("too_many_files");
      else this.send(item);
    }
    this.#say();
  }

  remove(item) {
    item.control?.abort();
    this.items = this.items.filter((each) => each !== item);
    this.#say();
  }

  /** Sends one, or sends it again. */
  async send(item) {
    item.fault = null;
    this.#say();
    try {
      await this.#upload(item);
    } catch (fault) {
      if (item.control.signal.aborted) return;
      item.fault = fault;
    }
    this.#say();
  }

  async #upload(item) {
    const { blob, name, control: { signal } } = item;
    if (!item.isPicture && blob.size > LARGEST_TEXT) throw refusal("text_too_large");
    const sent = item.isPicture ? await small(blob).catch(() => { throw refusal("not_a_picture"); }) : blob;
    if (sent.size > LARGEST) throw refusal("file_too_large");
    const { api, line } = this.#ctx;
    for (;;) {
      const form = new FormData();
      form.append("file", sent, name);
      try {
        const file = await api("/files", { method: "POST", body: form, signal });
        // The same file a second time is the same file.
        if (this.items.some((each) => each.file?.id === file.id)) return this.remove(item);
        Object.assign(item, { file, blob: item.isPicture ? sent : null });
        return;
      } catch (fault) {
        if (fault.code !== "offline") throw fault;
        await line.whenUp(signal);
      }
    }
  }
}
