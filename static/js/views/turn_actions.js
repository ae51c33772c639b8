// What the tools of a turn do.

import { copyText } from "../lib/dom.js";
import { createEdit, flash } from "./turn.js";

/** `room` is `{model, turns, scroll, composer, follow}` of the chat, as they are when a tool is used. */
export function createTurnActions(ctx, room) {
  const { t } = ctx;
  const elementOf = (id) => room.turns.views.get(id)?.element;

  async function copy(turn, control) {
    if (!await copyText(turn.response)) return;
    if (control) flash(control, t("copied"), t("copy"));
    ctx.speak(t("copied"));
  }

  function retry(turn) {
    if (room.model.answers.pending) return;
    room.model.retry(turn);
    begun();
  }

  /** A visible next turn; nothing is said behind one's back. */
  function goOn(turn) {
    if (room.model.answers.pending) return;
    room.model.send(t("pleaseGoOn"), { parent: turn.id, kind: "goOn" });
    begun();
  }

  function begun() {
    room.follow();
    room.composer.focus();
    ctx.speak(t("answering"));
  }

  function edit(turn, text = turn.prompt) {
    const view = room.turns.views.get(turn.id);
    if (!view || view.element.dataset.editing !== undefined) return;
    const close = () => {
      delete view.element.dataset.editing;
      editor.form.replaceWith(view.question);
    };
    const editor = createEdit(ctx, turn, {
      text, versions: room.model.tree.versions(turn).length,
      send(changed) {
        if (room.model.answers.pending) return;
        close();
        room.model.send(changed, { parent: turn.parent_id, kind: "edit", turn, files: turn.attachments });
        begun();
      },
      async cancel(isChanged) {
        const isSure = !isChanged || await ctx.confirm({ title: t("dropChanges"), word: t("drop"), keep: t("goOnWriting") });
        if (!isSure) return editor.field.focus();
        close();
        view.element.querySelector(".tools .edit")?.focus();
      },
    });
    view.element.dataset.editing = "";
    view.question.replaceWith(editor.form);
    editor.field.focus({ preventScroll: true });
    editor.grow();
    editor.form.scrollIntoView({ block: "nearest" });
  }

  function remove(turn) {
    const count = room.model.tree.subtree(turn.id).length;
    const path = room.model.path();
    const before = path[path.findIndex((each) => each.id === turn.id) - 1];
    const { undo, destroy } = room.model.remove(turn.id);
    const next = elementOf(before?.id)?.querySelector(".tools button:not([hidden])") ?? room.composer.field;
    next.focus({ preventScroll: true });
    ctx.toast(t("turnDeleted", { n: count }), { undo, onEnd: () => destroy().catch(ctx.fail) });
  }

  /** The version before or behind; the foot stays at its height on the screen. */
  function select(turn, step) {
    const versions = room.model.tree.versions(turn);
    const at = versions.indexOf(turn.id) + step;
    if (!(at in versions) || room.model.answers.pending) return;
    room.scroll.keep(elementOf(turn.id).querySelector(".tools"), () => {
      room.model.select(versions[at]).catch(ctx.fail);
      const now = elementOf(versions[at]);
      const arrows = [...now?.querySelectorAll(".versions button") ?? []];
      const wanted = arrows[step < 0 ? 0 : 1];
      (wanted?.disabled ? arrows.find((arrow) => !arrow.disabled) : wanted)?.focus({ preventScroll: true });
      return now?.querySelector(".tools");
    });
    ctx.speak(t("versionOf", { number: at + 1, all: versions.length }));
  }

  return { copy, retry, goOn, edit, remove, select };
}
