// A growing answer as it is known so far: settled and open blocks of rendered text, and the plain tail behind them.

import { byteLength, indexOfByte } from "../lib/text.js";

export class Answer {
  /** All of the answer and of the reasoning, as text. */
  text = "";
  reasoning = "";
  /** `{html, open}` by index; a view compares what it shows with `html`. */
  blocks = [];
  /** Text behind the last block, and how often that was cut or begun anew: while the count stays, it only grew. */
  tail = "";
  tailCuts = 0;
  /** Byte of the text with which the tail begins. */
  #tailFrom = 0;
  /** The same for rendered reasoning is not needed: it is shown as text while it grows. */
  offset = null;

  /** Takes an event of the stream; gives what it was about, or null. */
  take({ name, id, data }) {
    if (id !== null && id !== undefined) this.offset = id;
    if (name === "delta") {
      this.text += data.text;
      this.tail += data.text;
    } else if (name === "reasoning") {
      this.reasoning += data.text;
    } else if (name === "html") {
      this.#block(data);
    } else if (name === "reset") {
      this.reset();
    } else {
      return null;
    }
    return name;
  }

  /** Everything comes again from the beginning. */
  reset() {
    Object.assign(this, { text: "", reasoning: "", blocks: [], tail: "", offset: null });
    this.#tailFrom = 0;
    this.tailCuts++;
  }

  /** Starts with what was stored when the page was opened. */
  static from(turn) {
    const answer = new Answer();
    answer.text = turn.response;
    answer.tail = turn.response;
    answer.reasoning = turn.reasoning;
    const [text, reasoning] = [byteLength(turn.response), byteLength(turn.reasoning)];
    if (text + reasoning > 0) answer.offset = reasoning > 0 ? `${text}.${reasoning}` : String(text);
    return answer;
  }

  #block({ index, end, html, open }) {
    if (html === null) this.blocks.length = Math.min(index, this.blocks.length);
    else if (index <= this.blocks.length) this.blocks[index] = { html, open };
    if (end === this.#tailFrom) return;
    const forward = end - this.#tailFrom;
    this.tail = forward > 0 ? this.tail.slice(indexOfByte(this.tail, forward)) : this.text.slice(indexOfByte(this.text, end));
    this.#tailFrom = end;
    this.tailCuts++;
  }
}
