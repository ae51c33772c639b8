// The open conversation: its turns and settings, and what one can do with them. Answers that run are in `answers`.

import { newId } from "../lib/text.js";
import { zone } from "../lib/words.js";
import { Answers } from "./answers.js";
import { Tree } from "./turns.js";

const EMPTY = { title: "", model: null, system_prompt: null, params: {}, pinned: false, archived: false };

/**
 * Says `turns` (which ones are shown changed), `turn` with `{id, isEnd}` (one changed), `grow` with `{id}` (an answer got
 * text), `info` (title and settings), `placed` with `{id, was, isNew}` (a message got its number), and `refused` with
 * `{fault, text, kind, turn}` (it was not taken).
 */
export class Conversation extends EventTarget {
  id = null;
  info = { ...EMPTY };
  tree = new Tree();
  /** Turns that are taken away and may come back. */
  #removed = new Map();
  #older = null;
  /** Its settings were read. */
  #isKnown;

  constructor(ctx, id = null) {
    super();
    this.ctx = ctx;
    this.id = id;
    this.#isKnown = id === null;
    this.answers = new Answers(this);
  }

  say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #ask(path = "", options = {}) {
    return this.ctx.api(`/conversations/${this.id}${path}`, options);
  }

  /** Reads it from the server, or reads anew what may have changed, and follows what runs. */
  async load() {
    const { turns, next, ...info } = await this.#ask("", { query: { render: "html", tz: zone() } });
    const { answers, tree: before } = this;
    const fresh = new Tree();
    // Older turns that were loaded stay; of the newest page, what the server no longer has is gone.
    const first = turns[0]?.id ?? Infinity;
    fresh.put([...before.turns.values()].filter((turn) => next !== null && turn.id < first));
    // What is followed right now is known better here.
    fresh.put(turns.map((turn) => (answers.isFollowed(turn.id) && before.turns.get(turn.id)) || turn));
    if (before.turns.size === 0 || next === null) this.#older = next;
    fresh.hasOlder = this.#older !== null;
    fresh.current = info.current_turn_id;
    this.tree = fresh;
    this.info = info;
    this.#isKnown = true;
    for (const id of this.#removed.keys()) this.#removed.set(id, fresh.remove(id));
    answers.catchUp();
    this.say("info");
    this.say("turns");
  }

  /** Loads the page of turns above. */
  async loadOlder() {
    if (this.#older === null) return;
    const { turns, next } = await this.#ask("", { query: { render: "html", tz: zone(), before: this.#older } });
    this.#older = next;
    this.tree.put(turns);
    this.tree.hasOlder = next !== null;
    this.say("turns");
  }

  /** The turns to show, the one that has no number yet among them. */
  path() {
    const { pending } = this.answers;
    if (!pending) return this.tree.path();
    return [...pending.turn.parent_id === null ? [] : this.tree.path(pending.turn.parent_id), pending.turn];
  }

  /** The id of the turn that is being answered on the path, or null. */
  get running() {
    if (this.answers.pending) return this.answers.pending.turn.id;
    const last = this.tree.turns.get(this.tree.current);
    return last?.status === "streaming" ? last.id : null;
  }

  /** What a message is sent with. */
  #how() {
    // Whoever is quicker than the answer of the server sends with what the server knows.
    if (!this.#isKnown) return {};
    const { model, params } = this.info;
    const given = { model: model ?? this.ctx.models.preferred, ...params };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined));
  }

  /**
   * Sends a message below the current turn, or below `parent`. `name` is the send's own name: a second try with it is the
   * same message. `kind` says what it is for the page: `message`, or `edit` of `turn`, or `goOn`.
   */
  send(text, { parent = this.tree.current, name = newId(), kind = "message", turn = null, files = [] } = {}) {
    const body = { message: text, client_id: name, stream: true, ...this.#how() };
    if (files.length > 0) body.attachments = files.map((file) => file.id);
    if (this.id !== null) Object.assign(body, { conversation_id: this.id, parent_id: parent });
    else if (this.info.system_prompt) body.system_prompt = this.info.system_prompt;
    this.answers.begin({ path: "/chat", body, text, files, parent, kind, turn });
  }

  /** Asks a turn's question again. */
  retry(turn) {
    const { model } = this.#how();
    const body = { stream: true, client_id: newId(), model };
    this.answers.begin({ path: `/chat/${turn.id}/retry`, body, text: turn.prompt, files: turn.attachments, parent: turn.parent_id, kind: "retry", turn });
  }

  /** Ends the answer that runs. */
  async stop() {
    if (this.answers.pending) return this.answers.giveUp();
    if (this.running !== null) await this.ctx.api(`/chat/${this.running}/stop`, { method: "POST" });
  }

  /** Shows another version of a turn, and where one was with it. */
  async select(id) {
    this.look(id);
    await this.#ask("", { method: "PATCH", body: { current_turn_id: this.tree.current } });
  }

  /** Shows a turn of another version without telling anybody. */
  look(id) {
    this.tree.current = this.tree.leaf(id);
    this.say("turns");
    this.answers.catchUp();
  }

  /** Changes title, model, settings, pin or archive mark. A conversation that is not there yet keeps them for later. */
  async change(body) {
    const before = this.info;
    this.info = { ...before, ...body };
    this.say("info");
    if (this.id === null) return;
    try {
      this.info = { ...this.info, ...await this.#ask("", { method: "PATCH", body }) };
    } catch (fault) {
      this.info = before;
      this.say("info");
      throw fault;
    }
    this.say("info");
    this.ctx.list.put(this.info);
    this.ctx.session.tell({ what: "conversation", id: this.id });
  }

  /** It exists now: settings that were chosen before become its own, and it stands in the list. */
  born() {
    const { model, system_prompt, params } = this.info;
    const own = { model, system_prompt, params };
    const isSet = [model, system_prompt, ...Object.values(params)].some((value) => value !== null && value !== undefined);
    if (isSet) this.change(own).catch(() => {});
    this.ctx.list.refresh().then(() => this.named()).catch(() => {});
  }

  /** Takes over what the list knows: a title that was changed there. */
  named() {
    const listed = this.ctx.list.find(this.id);
    if (!listed) return;
    const { title, pinned, archived } = listed;
    this.info = { ...this.info, title, pinned, archived };
    this.say("info");
  }

  /** Takes a turn and what follows it off the page. Gives `{undo, destroy}`: one of them is called in the end. */
  remove(id) {
    this.#removed.set(id, this.tree.remove(id));
    this.say("turns");
    const undo = () => {
      this.#removed.get(id)?.();
      this.#removed.delete(id);
      this.say("turns");
    };
    const destroy = async () => {
      try {
        // The page may be about to close: the call goes out all the same.
        await this.ctx.api(`/chat/${id}`, { method: "DELETE", keepalive: true });
        this.#removed.delete(id);
        this.ctx.session.tell({ what: "conversation", id: this.id });
      } catch (fault) {
        undo();
        throw fault;
      }
    };
    return { undo, destroy };
  }
}
