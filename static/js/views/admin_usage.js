// Who used what: by day as a chart, by person and by model as shares, as a table, and as a file.

import { button, el } from "../lib/dom.js";
import { lastDays, zone } from "../lib/words.js";
import { mountChart } from "./chart.js";
import { fault as faultNotice } from "./fault.js";
import { shares, spanChoice, table } from "./stats.js";

/** Its words are not in the table that is always read. */
export const needsMoreWords = true;

export function mountPart(holder, ctx) {
  const { t, api } = ctx;
  const content = el("div.stats");
  const tools = el("div.admin-tools", null, el("h2.sub", null, t("usageByPeople")), spanChoice(t, show));
  holder.append(tools, content);
  let [chart, order] = [null, 0];

  async function show(days) {
    const mine = ++order;
    const ask = (by) => api("/admin/usage", { query: { days, by, tz: zone() } });
    const answers = await Promise.all([ask("user"), ask("model")]).catch((fault) => fault);
    if (mine !== order) return;
    chart?.destroy();
    chart = null;
    if (answers instanceof Error) return answers.status !== 401 && content.replaceChildren(faultNotice(answers, ctx, { retry: () => show(days) }));
    fill(days, ...answers.map(({ usage }) => usage));
  }

  function fill(days, people, models) {
    if (people.length === 0) return content.replaceChildren(el("p.muted.no-use", null, t("noUseInSpan")));
    const who = grouped(people, (line) => line.user_id, (line) => line.name);
    const which = grouped(models, (line) => line.model, (line) => line.model);
    const figure = el("figure.chart");
    content.replaceChildren(figure, el("div.two", null, shares(t, t("byPerson"), who), shares(t, t("byModel"), which)),
      report(ctx, t("byPerson"), t("person"), who, { by: "user", days }), report(ctx, t("byModel"), t("model"), which, { by: "model", days }));
    chart = drawChart(figure, ctx, people, days);
  }

  return { ready: show(30), destroy: () => {
    order++;
    chart?.destroy();
  } };
}

/** Sums of lines that belong to one, most first. */
function grouped(lines, keyOf, nameOf) {
  const sums = new Map();
  for (const line of lines) {
    const sum = sums.get(keyOf(line)) ?? { name: nameOf(line), requests: 0, own: 0, shared: 0, estimated: 0, total_tokens: 0 };
    sum.requests += line.requests;
    sum[line.paid_by === "own" ? "own" : "shared"] += line.total_tokens;
    sum.estimated += line.estimated_tokens;
    sum.total_tokens += line.total_tokens;
    sums.set(keyOf(line), sum);
  }
  return [...sums.values()].sort((a, b) => b.total_tokens - a.total_tokens);
}

/** Tokens by day: the shared key below, people's own keys above it. */
function drawChart(figure, ctx, lines, count) {
  const { t } = ctx;
  const byDay = new Map(grouped(lines, (line) => line.day, (line) => line.day).map((sum) => [sum.name, sum]));
  const days = lastDays(count).map((day) => {
    const { shared = 0, own = 0, estimated = 0, total_tokens: total = 0, requests = 0 } = byDay.get(day) ?? {};
    return { day, total_tokens: total, lower_tokens: shared, estimated_tokens: estimated, own, requests };
  });
  const words = (day, date) => t("dayOfAll", { day: date, total: day.total_tokens, shared: day.lower_tokens, own: day.own, answers: day.requests });
  const chart = mountChart(figure, ctx, days, words);
  const sum = (key) => days.reduce((all, day) => all + day[key], 0);
  const entry = (kind, text) => el("span", null, el(`i${kind}`), text);
  const estimated = sum("estimated_tokens");
  figure.append(el("figcaption.legend", null, entry(".p", t("onSharedKey", { n: sum("lower_tokens") })), entry("", t("onOwnKeys", { n: sum("own") })), estimated > 0 && entry(".e", t("estimatedBar", { n: estimated }))));
  return chart;
}

function report(ctx, title, head, sums, query) {
  const { t } = ctx;
  const heads = [head, t("answersCount"), t("sharedKey"), t("ownKeys"), t("estimated"), t("total")];
  const rows = sums.map((sum) => [el("bdi", null, sum.name), sum.requests, sum.shared, sum.own, sum.estimated, sum.total_tokens]);
  const csv = button(t("csv"), () => ctx.download("/admin/usage", { ...query, format: "csv", tz: zone() }), "small", { "aria-label": t("csvOf", { what: title }) });
  return el("section.report", null, el("div.panel-row", null, el("h2.sub", null, title), csv), table(t, title, heads, rows));
}
