// What an open conversation says, put where it belongs: around the turns, in the box, to those who listen.

import { fault as faultNotice, said } from "./turn_parts.js";

/** How an answer ended, in words for those who listen. */
const ENDS = { stopped: "stopped", interrupted: "interrupted", truncated: "truncated" };

/** Gives the function that listens to a conversation as long as it is the room's. */
export function createListener(ctx) {
  const { t, drafts } = ctx;

  /** Why a message was not taken, beside the box it is in again. */
  function notice(fault, room, retry) {
    const message = Object.values(fault.fields)[0] ?? fault.message;
    const about = { code: fault.code, requestId: fault.requestId, retryAfter: fault.retryAfter, message };
    const { composer } = room;
    const clear = () => composer.notice.replaceChildren();
    const again = retry && (() => {
      clear();
      retry();
    });
    const dismiss = () => {
      clear();
      composer.focus();
    };
    composer.notice.replaceChildren(faultNotice(about, ctx, { retry: again, dismiss }));
    ctx.alert(said(about, t).sentence);
  }

  const listeners = {
    info: (_, room) => room.refresh(),
    turns(_, room) {
      room.refresh();
      room.rail.update(room.model.path());
    },
    turn({ id, isEnd }, room) {
      room.refresh();
      const turn = room.model.tree.turns.get(id);
      if (!isEnd || !turn) return;
      if (turn.status === "failed") ctx.alert(said({ code: turn.error_code, message: turn.error }, t).sentence);
      else ctx.speak(t(ENDS[turn.status] ?? "answerComplete"));
      ctx.knowUser();
    },
    placed({ isNew }, room) {
      if (!isNew) return;
      ctx.currentConversation = room.model.id;
      ctx.replace(`/chat/${room.model.id}`);
    },
    refused({ fault, kind, text, turn }, room) {
      const { model, composer, actions } = room;
      if (kind === "message") composer.text = drafts.back(model.id);
      if (model.path().length === 0) room.show();
      room.refresh();
      if (kind === "edit") actions.edit(turn, text);
      if (fault.code === "given_up" || fault.status === 401) return;
      notice(fault, room, kind === "retry" ? () => actions.retry(turn) : null);
    },
  };

  return (model, room) => {
    for (const [name, listener] of Object.entries(listeners)) {
      model.addEventListener(name, ({ detail }) => model === room.model && listener(detail ?? {}, room));
    }
    // Also of a conversation that was left meanwhile.
    model.addEventListener("placed", ({ detail: { isNew, kind } }) => kind === "message" && drafts.placed(isNew ? null : model.id, model.id));
  };
}
