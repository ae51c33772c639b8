// The rail: one short stroke a question in the margin. Hover or focus lists the first lines.

import { arrange, el, set } from "../lib/dom.js";
import { headOf } from "../lib/text.js";

/** So many questions make a rail worth having; so many strokes it has at most, where there is room for them. */
const LEAST = 3;
const MOST = 40;
const STROKE = 24;

/** `go(id)` shows a turn; `current()` is the index of the one that is read now. */
export function mountRail(main, ctx, { go, current }) {
  const element = el("nav.rail", { "aria-label": ctx.t("questions"), hidden: true });
  main.append(element);
  let [path, from, links] = [[], 0, new Map()];

  function linkTo(turn) {
    if (!links.has(turn.id)) {
      const press = (event) => {
        event.preventDefault();
        go(turn.id);
      };
      links.set(turn.id, el("a", { href: `#turn-${turn.id}`, click: press }, el("span", { dir: "auto" }, headOf(turn, 48))));
    }
    return links.get(turn.id);
  }

  function look() {
    if (path.length < LEAST) return;
    const at = Math.max(0, current());
    // At most so many, around the one that is read.
    const most = Math.min(MOST, Math.max(LEAST, Math.floor((main.clientHeight - 240) / STROKE)));
    from = Math.max(0, Math.min(at - Math.floor(most / 2), path.length - most));
    const shown = path.slice(from, from + most);
    arrange(element, shown.map(linkTo));
    shown.forEach((turn, index) => set(links.get(turn.id), { "aria-current": from + index === at ? "true" : null }));
  }

  return {
    look,
    update(now) {
      path = now;
      element.hidden = path.length < LEAST;
      const ids = new Set(path.map((turn) => turn.id));
      for (const id of links.keys()) if (!ids.has(id)) links.delete(id);
      look();
    },
    destroy: () => element.remove(),
  };
}
