// What was used: the total, a chart by day, the models, and the same figures as a table.

import { button, el, saveAs } from "../lib/dom.js";
import { lastDays, noon, zone } from "../lib/words.js";
import { mountChart } from "./chart.js";
import { fillBar } from "./shell.js";
import { fault as faultNotice } from "./fault.js";

const SPANS = [7, 30, 90, 365];

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

export function mount(main, ctx) {
  const { t, api } = ctx;
  const bar = el("header.bar");
  fillBar(bar, ctx, { isPlain: true });
  const spans = spanChoice(t, show);
  const content = el("div.stats", { "aria-busy": "true" });
  main.replaceChildren(bar, el("div.page", null, el("div.page-inner", null, el("header.stats-head", null, el("h1.title", null, t("tokenUsage")), spans), content)));
  document.title = `${t("tokenUsage")} · gpt-assistant`;
  let [chart, order] = [null, 0];

  async function show(count) {
    const mine = ++order;
    const late = setTimeout(() => content.replaceChildren(el("div.skeleton", { "aria-hidden": "true" }, el("i"), el("i"), el("i"))), 200);
    try {
      const report = await api("/stat/token-usage", { query: { days: count, tz: zone(), by: "model" } });
      if (mine === order) fill(report, count);
    } catch (fault) {
      if (mine === order && fault.status !== 401) content.replaceChildren(faultNotice(fault, ctx, { retry: () => show(count) }));
    } finally {
      clearTimeout(late);
      content.setAttribute("aria-busy", "false");
    }
  }

  function fill({ days, total, models = [] }, count) {
    chart?.destroy();
    chart = null;
    if (total === 0) return content.replaceChildren(el("p.muted.no-use", null, t("noUse")));
    const sum = (key) => days.reduce((all, day) => all + day[key], 0);
    const used = sum("total_tokens");
    const busiest = Math.max(0, ...days.map((day) => day.total_tokens));
    const figure = (word, value, isMain) => el(`div${isMain ? ".main-figure" : ""}`, null, el("dt", null, word), el("dd", null, t.number(value)));
    const figures = el("dl.figures", null, figure(t("allTime"), total, true), figure(t(count === 365 ? "lastYear" : "lastDays", { n: count }), used), figure(t("busiestDay"), busiest), figure(t("answersCount"), sum("requests")));
    const holder = el("figure.chart");
    const byDay = new Map(days.map((day) => [day.day, day]));
    const all = lastDays(count).map((day) => byDay.get(day) ?? { day, total_tokens: 0, prompt_tokens: 0, completion_tokens: 0, requests: 0, estimated_tokens: 0, own_tokens: 0 })
      .map((day) => ({ ...day, lower_tokens: day.prompt_tokens }));
    const parts = [figures];
    if (used > 0) parts.push(holder);
    else parts.push(el("p.muted", null, t("noUseInSpan")));
    const tables = el("div.two", null, shares(t, t("byModel"), models.map((model) => ({ name: model.model, total_tokens: model.total_tokens }))), byDayTable(days, ctx));
    content.replaceChildren(...parts, ...used > 0 ? [tables] : []);
    if (used > 0) {
      const words = (day, date) => t("dayFigures", { day: date, total: day.total_tokens, prompt: day.prompt_tokens, reply: day.completion_tokens, answers: day.requests });
      chart = mountChart(holder, ctx, all, words);
      holder.append(legend(t, sum("estimated_tokens"), sum("own_tokens"), used));
    }
  }

  show(30);
  return {
    destroy() {
      order++;
      chart?.destroy();
      main.replaceChildren();
    },
  };
}

/** Which days are shown. */
export function spanChoice(t, show) {
  return el("div.segmented", { role: "radiogroup", "aria-label": t("span") }, ...SPANS.map((days) => {
    const input = el("input", { type: "radio", name: "span", change: () => show(days) });
    input.checked = days === 30;
    return el("label", null, input, t(days === 365 ? "oneYear" : "daysSpan", { n: days }));
  }));
}

function legend(t, estimated, own, all) {
  const entry = (kind, words) => el("span", null, el(`i${kind}`), words);
  return el("figcaption.legend", null, entry("", t("answersBar")), entry(".p", t("promptsBar")), estimated > 0 && entry(".e", t("estimatedBar", { n: estimated })),
    el("span", null, own === 0 ? t("allShared") : own >= all ? t("allOwn") : t("bothKeys", { own, shared: all - own })));
}

/** How much of the tokens each one has: `{name, total_tokens}`, most first. */
export function shares(t, title, all) {
  const most = Math.max(1, ...all.map((each) => each.total_tokens));
  const rows = all.map((each) => {
    const filled = el("i");
    filled.style.inlineSize = `${(each.total_tokens / most) * 100}%`;
    return el("li", null, el("bdi", null, each.name), el("span.num.muted", null, t.number(each.total_tokens)), el("span.track", { "aria-hidden": "true" }, filled));
  });
  return el("section", null, el("h2.sub", null, title), el("ul.by-model", null, ...rows));
}

/** A table of figures; the first of each row is its head. */
export function table(t, title, heads, rows) {
  const cells = (values) => values.map((value, at) => (at === 0 ? el("th", { scope: "row" }, value) : el("td.r", null, t.number(value))));
  const element = el("table.grid-table", null, el("caption.sr", null, title), el("thead", null, el("tr", null, ...heads.map((head, at) => el(at === 0 ? "th" : "th.r", { scope: "col" }, head)))),
    el("tbody", null, ...rows.map((row) => el("tr", null, ...cells(row)))));
  return el("div.table-wrap", { tabindex: 0, role: "region", "aria-label": title }, element);
}

function byDayTable(days, { t }) {
  const heads = [t("day"), t("answersCount"), t("prompt"), t("reply"), t("total")];
  const rows = [...days].reverse().map((day) => [t.clock.weekday(noon(day.day)), day.requests, day.prompt_tokens, day.completion_tokens, day.total_tokens]);
  const csv = button(t("csv"), () => download(days), "small", { "aria-label": t("downloadCsv") });
  return el("section", null, el("div.panel-row", null, el("h2.sub", null, t("byDay")), csv), table(t, t("usageByDay"), heads, rows));
}

/** The days as a file. */
function download(days) {
  const columns = ["day", "requests", "prompt_tokens", "completion_tokens", "total_tokens", "estimated_tokens", "own_tokens"];
  const lines = [columns, ...days.map((day) => columns.map((column) => day[column]))].map((line) => line.join(","));
  saveAs(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }), "token-usage.csv");
}
