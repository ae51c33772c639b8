// The answers that run in a conversation: sent, followed, and put into its tree when they end.

import { seconds } from "../lib/words.js";
import { follow } from "./line.js";
import { ApiError } from "./session.js";
import { Answer } from "./turns.js";

export class Answers {
  /** The message that has no number yet: `{turn, text, kind, of}`. */
  pending = null;
  /** What grows, by turn: `{answer, started, thinking, thought, dropped, fault}`. */
  live = new Map();
  #conversation;
  /** What stops following, by turn. */
  #stops = new Map();
  #isAsleep = false;

  constructor(conversation) {
    this.#conversation = conversation;
  }

  isFollowed(id) {
    return this.#stops.has(id);
  }

  /** Sends a message, and shows it at once. */
  begin({ path, body, text, files, parent, kind, turn: of }) {
    const { ctx, id } = this.#conversation;
    const turn = {
      id: body.client_id, conversation_id: id, parent_id: parent, prompt: text, attachments: files, response: "", reasoning: "", status: "streaming",
      model: body.model ?? "", created: seconds(), usage: {}, error: null, error_code: null, finish_reason: null,
    };
    const holder = { turn, text, kind, of };
    this.pending = holder;
    const live = newLive(new Answer());
    this.live.set(turn.id, live);
    const send = (signal) => ctx.api.ask(path, { method: "POST", query: { render: "html" }, body, signal });
    this.#follow(holder, live, { send });
    this.#conversation.say("turns");
  }

  /** Follows what runs and is not followed, and forgets what has ended. */
  catchUp() {
    const { turns } = this.#conversation.tree;
    for (const id of this.live.keys()) {
      if (!this.isFollowed(id) && turns.get(id)?.status !== "streaming") this.live.delete(id);
    }
    for (const turn of turns.values()) {
      if (turn.status !== "streaming" || this.isFollowed(turn.id) || this.#isAsleep) continue;
      const live = this.live.get(turn.id) ?? newLive(Answer.from(turn));
      this.live.set(turn.id, live);
      this.#follow({ turn }, live, { turn: turn.id, after: live.answer.offset });
    }
  }

  async #follow(holder, live, how) {
    const control = new AbortController();
    this.#stops.set(holder.turn.id, control);
    const { api, line } = this.#conversation.ctx;
    try {
      await follow({ api, line, ...how, signal: control.signal, onEvent: (event) => this.#take(holder, live, event) });
      this.#unfollow(holder, control);
    } catch (fault) {
      this.#unfollow(holder, control);
      if (!control.signal.aborted) this.#refused(holder, fault);
    }
  }

  #unfollow(holder, control) {
    if (this.#stops.get(holder.turn.id) === control) this.#stops.delete(holder.turn.id);
  }

  #take(holder, live, event) {
    const { name, data } = event;
    if (name === "turn") this.#placed(holder, live, data);
    const what = live.answer.take(event);
    if (what === "reasoning") live.thinking ??= seconds();
    if (what === "delta" && live.thinking !== null) live.thought ??= Math.max(1, seconds() - live.thinking);
    if (what !== null) this.#conversation.say("grow", { id: holder.turn.id });
    if (name === "error") {
      live.fault = data;
      // The login ended: asking for anything shows it.
      if (data.code === "session_ended") this.#conversation.ctx.api("/user").catch(() => {});
    }
    if (name === "done") this.#done(holder, live, data);
  }

  /** The server has the message: it has a number now, and so may the conversation. */
  #placed(holder, live, data) {
    live.dropped = data.context?.dropped || live.dropped;
    if (this.pending !== holder) return;
    const conversation = this.#conversation;
    const before = holder.turn;
    holder.turn = { ...before, id: data.id, conversation_id: data.conversation_id, parent_id: data.parent_id, model: data.model, paid_by: data.paid_by };
    for (const map of [this.live, this.#stops]) {
      map.set(data.id, map.get(before.id));
      map.delete(before.id);
    }
    this.pending = null;
    conversation.tree.put([holder.turn]);
    conversation.tree.current = data.id;
    const isNew = conversation.id === null;
    conversation.id = data.conversation_id;
    conversation.say("placed", { id: data.id, was: before.id, isNew, kind: holder.kind });
    conversation.say("turns");
    if (isNew) conversation.born();
    else conversation.ctx.list.refresh().catch(() => {});
    conversation.ctx.session.tell({ what: "conversation", id: conversation.id });
  }

  #done(holder, live, { status, reply, usage, finish_reason }) {
    const { answer } = live;
    const conversation = this.#conversation;
    const turn = {
      ...holder.turn, status, usage, finish_reason, response: reply, reasoning: answer.reasoning, tokens: usage.total_tokens,
      finished: seconds(), error: live.fault?.error ?? null, error_code: live.fault?.code ?? null,
    };
    if (answer.blocks.length > 0) turn.response_html = answer.blocks.map((block) => block.html).join("");
    conversation.tree.put([turn]);
    conversation.say("turn", { id: turn.id, isEnd: true });
    conversation.ctx.session.tell({ what: "conversation", id: conversation.id });
    conversation.ctx.list.ended(conversation.id);
  }

  /** A message was not taken: what was typed goes back to where it was typed. */
  #refused(holder, fault) {
    const conversation = this.#conversation;
    if (this.pending !== holder) {
      // What was followed is gone, or is another's now: the server knows.
      if (conversation.id !== null && fault.status !== 401) conversation.load().catch(() => {});
      return;
    }
    this.pending = null;
    this.live.delete(holder.turn.id);
    conversation.say("turns");
    conversation.say("refused", { fault, text: holder.text, kind: holder.kind, turn: holder.of });
  }

  /** The message that has no number yet is not to be sent any more. */
  giveUp() {
    const holder = this.pending;
    const control = this.#stops.get(holder.turn.id);
    control?.abort();
    this.#unfollow(holder, control);
    this.#refused(holder, new ApiError(0, { code: "given_up" }));
  }

  /** A hidden tab follows nothing; the answers go on at the server. A message on its way is seen through. */
  sleep() {
    this.#isAsleep = true;
    for (const [id, control] of this.#stops) {
      if (this.pending?.turn.id === id) continue;
      this.#stops.delete(id);
      control.abort();
    }
  }

  /** Follows again what runs. */
  wake() {
    this.#isAsleep = false;
    this.catchUp();
  }
}

const newLive = (answer) => ({ answer, thinking: null, thought: null, dropped: 0, fault: null });
