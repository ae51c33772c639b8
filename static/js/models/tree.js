// The turns of a conversation: a tree, of which one path is shown.

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
