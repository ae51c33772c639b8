// The room in which one chats: bar, turns, composer.

import { copyText, el, icon, iconButton } from "../lib/dom.js";
import { Conversation } from "../models/conversation.js";
import { HOLD, Scroll } from "../models/scroll.js";
import { mountComposer } from "./composer.js";
import { mountConversation } from "./conversation.js";
import { createEmpty } from "./empty.js";
import { mountRail } from "./rail.js";
import { fillBar } from "./shell.js";
import { conversationMenu } from "./sidebar_item.js";
import { createTurnActions } from "./turn_actions.js";
import { fault as faultNotice, said } from "./turn_end.js";

const SKELETON = 200;
/** How an answer ended, in words for those who listen. */
const ENDS = { stopped: "stopped", interrupted: "interrupted", truncated: "truncated" };

export function mountChat(main, ctx) {
  const { t, session, drafts, list, line } = ctx;
  const [bar, scroller, dock] = [".bar", ".scroll", ".dock"].map((query) => main.querySelector(query));
  const more = iconButton("more", t("more"), openMore, { class: "icon-button desk", "aria-haspopup": "menu", "aria-expanded": "false" });
  const heading = fillBar(bar, ctx, { tools: [more] });
  const scroll = new Scroll(scroller);
  const room = { model: null, scroll, follow };
  const actions = createTurnActions(ctx, room);
  const turns = mountConversation(scroller, ctx, scroll, actions);
  const composer = mountComposer(dock, ctx, { send, stop, settings, editLast: actions.editLast, typed: (text) => drafts.write(room.model.id, text) });
  const latest = el("button.latest", { type: "button", hidden: true, click: () => scroll.toEnd(room.model.running === null) }, icon("latest", "icon small"), el("span.caret", { "aria-hidden": "true" }), t("latest"));
  dock.prepend(latest);
  const rail = mountRail(main, ctx, { current: () => turns.current().index, go: (id) => turns.reveal(id, HOLD, true) });
  Object.assign(room, { turns, composer });
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
    listen(model);
    composer.text = drafts.open(id);
    composer.notice.replaceChildren();
    if (id === null) return show();
    heading.rename(list.find(id)?.title ?? "");
    place();
    const late = setTimeout(() => place(el("div.conversation.skeleton", { "aria-hidden": "true" }, ...Array.from({ length: 5 }, () => el("i")))), SKELETON);
    try {
      await model.load();
    } catch (fault) {
      clearTimeout(late);
      if (mine === order) lost(fault, id);
      return;
    }
    clearTimeout(late);
    if (mine !== order) return;
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
      const { createLost } = await ctx.load("lost");
      place(createLost(ctx));
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
    const isEmpty = room.model.id === null && !room.model.answers.pending;
    turns.open(isEmpty ? null : room.model);
    place(isEmpty ? createEmpty(ctx, { fill: composer.fill }) : turns.element);
    rail.update(isEmpty ? [] : room.model.path());
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

  // --- what the conversation says

  const listeners = {
    info: refresh,
    turns: () => {
      refresh();
      rail.update(room.model.path());
    },
    turn: ({ id, isEnd }) => {
      refresh();
      const turn = room.model.tree.turns.get(id);
      if (!isEnd || !turn) return;
      if (turn.status === "failed") ctx.alert(said({ code: turn.error_code, message: turn.error }, t).sentence);
      else ctx.speak(t(ENDS[turn.status] ?? "answerComplete"));
      ctx.knowUser();
    },
    placed: ({ isNew }) => {
      if (!isNew) return;
      ctx.currentConversation = room.model.id;
      ctx.replace(`/chat/${room.model.id}`);
    },
    refused: ({ fault, kind, text, turn }) => {
      if (kind === "message") composer.text = drafts.back(room.model.id);
      if (room.model.path().length === 0) show();
      refresh();
      if (kind === "edit") actions.edit(turn, text);
      if (fault.code === "given_up" || fault.status === 401) return;
      notice(fault, kind === "retry" ? () => actions.retry(turn) : undefined);
    },
  };

  function listen(model) {
    for (const [name, listener] of Object.entries(listeners)) {
      model.addEventListener(name, ({ detail }) => model === room.model && listener(detail ?? {}));
    }
    // Also of a conversation that was left meanwhile.
    model.addEventListener("placed", ({ detail: { isNew, kind } }) => kind === "message" && drafts.placed(isNew ? null : model.id, model.id));
  }

  /** Why a message was not taken, beside the box it is in again. */
  function notice(fault, retry) {
    const about = { code: fault.code, requestId: fault.requestId, retryAfter: fault.retryAfter, message: Object.values(fault.fields)[0] ?? fault.message };
    const clear = () => composer.notice.replaceChildren();
    composer.notice.replaceChildren(faultNotice(about, ctx, { retry: retry && (() => (clear(), retry())), dismiss: () => (clear(), composer.focus()) }));
    ctx.alert(said(about, t).sentence);
  }

  // --- writing

  function send(text) {
    composer.notice.replaceChildren();
    const isFirst = room.model.path().length === 0;
    room.model.send(text, { name: drafts.send(room.model.id, text) });
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

  /** To the question before or behind. */
  function step(by) {
    const path = room.model.path();
    const { index, off } = turns.current();
    const to = by < 0 && off < -8 ? index : index + by;
    if (to >= path.length) scroll.toEnd(true);
    else if (to >= 0) turns.reveal(path[to].id, HOLD, true);
  }

  ctx.openConversationSettings = settings;
  async function settings() {
    const { openConversationSettings } = await ctx.load("conversation_settings");
    openConversationSettings(ctx, room.model);
  }

  ctx.modelChosen = (model) => room.model.change({ model }).catch(ctx.fail);
  ctx.chooseModel = () => {
    composer.model.select.focus();
    try {
      composer.model.select.showPicker?.();
    } catch {
      // Some browsers open it only for a press on it.
    }
  };

  async function openMore() {
    const { openMenu } = await ctx.load("menu");
    const item = { ...room.model.info, id: room.model.id };
    openMenu(more, t("moreAbout", { title: item.title }), conversationMenu(ctx, item, {}));
  }

  /** The buttons of code blocks. */
  const press = async (event) => {
    const control = event.target.closest("[data-do]");
    if (!control) return;
    const code = await import("./code.js");
    const block = control.closest(".code");
    if (control.dataset.do === "wrap") code.wrap(control);
    else if (control.dataset.do === "unfold") code.unfold(block);
    else if (await copyText(block.querySelector("code").textContent)) code.copied(control, ctx);
  };
  scroller.addEventListener("click", press);

  // --- the rest of the world

  scroll.addEventListener("end", () => {
    latest.hidden = scroll.isAtEnd;
  });
  let looking = 0;
  scroll.addEventListener("move", () => {
    looking ||= requestAnimationFrame(() => {
      looking = 0;
      rail.look();
    });
  });
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
  list.addEventListener("change", () => room.model?.id && room.model.named());

  return {
    ...actions, open, stop, step, settings, composer, scroll, turns, room,
    get model() {
      return room.model;
    },
    destroy() {
      order++;
      room.model?.answers.sleep();
      turns.destroy();
      composer.destroy();
      latest.remove();
      rail.destroy();
      scroller.removeEventListener("click", press);
      document.removeEventListener("visibilitychange", seen);
      session.removeEventListener("sibling", told);
      line.removeEventListener("change", back);
      scroller.replaceChildren();
    },
  };
}
