// The room in which one chats: bar, turns, composer.

import { el, iconButton } from "../lib/dom.js";
import { Conversation } from "../models/conversation.js";
import { HOLD, Scroll } from "../models/scroll.js";
import { createEmpty, createLatest, createListener, lazyActions, lazyRail } from "./chat_parts.js";
import { watchCode } from "./code.js";
import { lazySlash, mountComposer } from "./composer.js";
import { mountConversation } from "./conversation.js";
import { fillBar } from "./shell.js";
import { fault as faultNotice } from "./fault.js";

const SKELETON = 200;

export function mountChat(main, ctx) {
  const { t, session, drafts, list, line } = ctx;
  const [bar, scroller, dock] = [".bar", ".scroll", ".dock"].map((query) => main.querySelector(query));
  const more = iconButton("more", t("more"), () => ctx.openConversationMenu(more, { ...room.model.info, id: room.model.id }), { class: "icon-button desk", "aria-haspopup": "menu", "aria-expanded": "false" });
  const heading = fillBar(bar, ctx, { tools: [more] });
  const scroll = new Scroll(scroller);
  /** What the parts of the room share. */
  const room = { model: null, scroll, follow, refresh, show };
  const actions = lazyActions(ctx, room);
  const turns = mountConversation(scroller, ctx, scroll, actions);
  const composer = mountComposer(dock, ctx, { send, stop, settings, editLast, chooseModel, typed: (text) => drafts.write(room.model.id, { text }), opened: () => slash.close() });
  const slash = lazySlash(ctx, composer);
  const latest = createLatest(ctx, room);
  dock.prepend(latest);
  const rail = lazyRail(main, ctx, { scroll, current: () => turns.current().index, go: (id) => turns.reveal(id, HOLD, true) });
  Object.assign(room, { turns, composer, rail, actions });
  const listen = createListener(ctx);
  const unwatchCode = watchCode(scroller, ctx);
  let order = 0;

  // --- opening

  /** Shows a conversation, or an empty chat; `turn` is one to go to. */
  async function open(id, { turn = null } = {}) {
    if (room.model?.id === id && room.model && main.dataset.lost === undefined) {
      if (turn) goTo(turn);
      else if (id === null && !room.model.answers.pending) show();
      return;
    }
    const mine = ++order;
    room.model?.answers.sleep();
    turns.open(null);
    const model = new Conversation(ctx, id);
    room.model = model;
    ctx.currentConversation = id;
    listen(model, room);
    composer.open(id, drafts.open(id));
    composer.notice.replaceChildren();
    if (id === null) return show();
    heading.rename(list.find(id)?.title ?? "");
    place();
    const late = setTimeout(() => place(el("div.conversation.skeleton", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => el("i")))), SKELETON);
    const fault = await model.load().then(() => null, (reason) => reason);
    clearTimeout(late);
    if (mine !== order) return;
    if (fault) return lost(fault, id);
    show();
    if (turn) goTo(turn);
    else turns.settle();
  }

  /** The conversation cannot be shown: it is not there, or not to be had now. */
  async function lost(fault, id) {
    if (fault.status === 401) return;
    const again = () => {
      main.dataset.lost = "";
      open(id);
    };
    if (fault.code === "offline") {
      await line.whenUp();
      if (room.model.id === id) again();
    } else if (fault.status === 404) {
      heading.rename("");
      await ctx.using("lost", ({ createLost }) => place(createLost(ctx)));
      main.dataset.lost = "";
    } else {
      place(el("div.conversation", null, faultNotice(fault, ctx, { retry: again })));
    }
  }

  function place(...children) {
    delete main.dataset.lost;
    scroller.replaceChildren(...children);
  }

  function show() {
    const { model } = room;
    const isEmpty = model.id === null && !model.answers.pending;
    turns.open(isEmpty ? null : model);
    place(isEmpty ? createEmpty(ctx, { fill: composer.fill }) : turns.element);
    rail.update(isEmpty ? [] : model.path());
    refresh();
  }

  /** What stands around the turns. */
  function refresh() {
    const { id, info, running } = room.model;
    const title = id === null ? "" : info.title;
    heading.rename(title);
    document.title = title === "" ? "gpt-assistant" : `${title} · gpt-assistant`;
    more.hidden = id === null;
    bar.classList.toggle("plain", id === null);
    composer.setSettings(info);
    composer.setRunning(running !== null);
    latest.classList.toggle("writing", running !== null);
  }

  function goTo(id) {
    const { model } = room;
    if (!model.tree.turns.has(id)) return turns.settle();
    // A turn of another version is shown with that version; the server is not told: one only looks.
    if (!model.path().some((turn) => turn.id === id)) model.look(id);
    turns.reveal(id);
  }

  // --- writing

  function send(text, files) {
    composer.notice.replaceChildren();
    const isFirst = room.model.path().length === 0;
    room.model.send(text, { files, name: drafts.send(room.model.id, text, files) });
    composer.open(room.model.id, { text: "", files: [] });
    if (isFirst) show();
    follow();
    ctx.speak(t("answering"));
  }

  /** Shows the question that was asked just now. */
  function follow() {
    const view = turns.views.get(room.model.answers.pending?.turn.id);
    if (view) scroll.follow(view.element);
    refresh();
  }

  function stop() {
    return room.model.stop().catch(ctx.fail);
  }

  function chooseModel(model) {
    return room.model.change({ model }).catch(ctx.fail);
  }

  /** The arrow upward in an empty box. */
  function editLast() {
    const last = room.model.path().at(-1);
    if (!last || last.status === "streaming") return false;
    actions.edit(last);
    return true;
  }

  ctx.openConversationSettings = settings;
  function settings() {
    return ctx.using("conversation_settings", ({ openConversationSettings }) => openConversationSettings(ctx, room.model));
  }

  // --- the rest of the world

  /** Reads anew what may have changed elsewhere. */
  const refetch = async () => {
    const { model } = room;
    if (document.hidden || !model?.id) return;
    await model.load().catch(() => {});
    model.answers.wake();
  };
  const seen = () => (document.hidden ? room.model?.answers.sleep() : refetch());
  const told = ({ detail }) => detail.what === "conversation" && detail.id === room.model?.id && refetch();
  const back = () => line.isUp && refetch();
  document.addEventListener("visibilitychange", seen);
  session.addEventListener("sibling", told);
  line.addEventListener("change", back);
  const named = () => room.model?.id && room.model.named();
  list.addEventListener("change", named);

  return {
    open, stop, settings, composer, room,
    destroy() {
      order++;
      room.model?.answers.sleep();
      room.model = null;
      scroll.destroy();
      turns.destroy();
      composer.destroy();
      latest.remove();
      rail.destroy();
      slash.destroy();
      unwatchCode();
      document.removeEventListener("visibilitychange", seen);
      session.removeEventListener("sibling", told);
      line.removeEventListener("change", back);
      list.removeEventListener("change", named);
      scroller.replaceChildren();
    },
  };
}
