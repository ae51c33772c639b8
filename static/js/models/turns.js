// Turns of a conversation as plain state: the tree of which one path is shown, and an answer that grows.

import { byteLength, indexOfByte } from "../lib/text.js";

/** The turns: a tree, of which one path is shown. */
export class Tree {
  /** Turns by id. */
  turns = new Map();
  /** The turn at the end of the path, or null. */
  current = null;
  /** True when the server has older turns that are not here. */
  hasOlder = false;
  #children = new Map();

  /** Puts turns in, or new versions of them. */
  put(turns) {
    for (const turn of turns) {
      if (!this.turns.has(turn.id)) this.#childrenOf(turn.parent_id).push(turn.id);
      this.turns.set(turn.id, turn);
    }
    for (const list of this.#children.values()) list.sort((a, b) => a - b);
  }

  #childrenOf(parent) {
    if (!this.#children.has(parent)) this.#children.set(parent, []);
    return this.#children.get(parent);
  }

  /** The turns from the oldest that is known down to the current one. */
  path(end = this.current) {
    const path = [];
    for (let turn = this.turns.get(end); turn; turn = this.turns.get(turn.parent_id)) path.push(turn);
    return path.reverse();
  }

  /** True when the path goes on above what is here. */
  isCut(path = this.path()) {
    return path.length > 0 && path[0].parent_id !== null;
  }

  /** Ids of the versions of a turn, itself among them, oldest first. */
  versions(turn) {
    return this.#children.get(turn.parent_id) ?? [turn.id];
  }

  /** The newest turn below a turn: going back to a version leads to where one was with it. */
  leaf(id) {
    let at = id;
    for (let below = this.#children.get(at); below?.length > 0; below = this.#children.get(at)) at = below.at(-1);
    return at;
  }

  /** Ids of a turn and of all that follows it. */
  subtree(id) {
    const all = [id];
    for (let at = 0; at < all.length; at++) all.push(...this.#children.get(all[at]) ?? []);
    return all;
  }

  /** Takes a turn and what follows it out; the path then ends where one would look next. Gives back how to undo it. */
  remove(id) {
    const turn = this.turns.get(id);
    if (!turn) return null;
    const [ids, was] = [this.subtree(id), this.current];
    const kept = ids.map((each) => this.turns.get(each));
    const list = this.#childrenOf(turn.parent_id);
    const place = list.indexOf(id);
    list.splice(place, 1);
    for (const each of ids) this.turns.delete(each);
    for (const each of ids) this.#children.delete(each);
    if (ids.includes(was)) {
      const sibling = list[place - 1] ?? list[place];
      this.current = sibling !== undefined ? this.leaf(sibling) : turn.parent_id;
    }
    return () => {
      this.put(kept);
      this.current = was;
    };
  }
}

/** A growing answer: settled and open blocks of rendered text, and the plain tail behind them. */
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
