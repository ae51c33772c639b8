// What was typed and not sent, and what was sent and not taken yet, for each conversation. Nothing typed is lost by a
// reload, a lost network or an ended login. Each conversation is kept for itself: two tabs must not overwrite each other's.

import { newId } from "../lib/text.js";
import { read, write } from "./kept.js";

const NOTHING = { text: "", id: null, waiting: null };

const joined = (first, second) => [first, second].filter((text) => text.trim() !== "").join("\n\n");

/** The drafts of a person. `kept` reads and writes texts by name. */
export function createDrafts(user, kept = { read, write }) {
  const name = (conversation) => `draft:${user}:${conversation ?? "new"}`;
  const load = (conversation) => {
    try {
      return { ...NOTHING, ...JSON.parse(kept.read(name(conversation))) };
    } catch {
      return { ...NOTHING };
    }
  };
  const save = (conversation, draft) => {
    const isNothing = draft.text === "" && draft.waiting === null;
    kept.write(name(conversation), isNothing ? null : JSON.stringify(draft));
    return draft;
  };
  const drafts = {
    /** What the box shall hold. What was sent and not taken is in it again. */
    open: (conversation) => drafts.back(conversation),
    /** The text in the box is this now. Changed words are another message, with another name. */
    write(conversation, text) {
      const draft = load(conversation);
      const id = draft.id && draft.text.trim() === text.trim() ? draft.id : null;
      save(conversation, { ...draft, text, id });
    },
    /** The text goes out; gives the name of the send. The box is empty. */
    send(conversation, text) {
      const draft = load(conversation);
      const id = draft.id ?? newId();
      save(conversation, { text: "", id: null, waiting: { text, id } });
      return id;
    },
    /** The server has it, in this conversation. What was typed since goes on there. */
    placed(conversation, place) {
      const draft = load(conversation);
      if (conversation !== place) save(conversation, { ...NOTHING });
      save(place, { ...draft, waiting: null });
    },
    /** It was not taken: it is in the box again, before what was typed since. */
    back(conversation) {
      const draft = load(conversation);
      if (draft.waiting === null) return draft.text;
      const { text, id } = draft.waiting;
      const isAlone = draft.text.trim() === "";
      return save(conversation, { text: joined(text, draft.text), id: isAlone ? id : null, waiting: null }).text;
    },
  };
  return drafts;
}
