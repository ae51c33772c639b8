// Bars by day, drawn at their real width so that words stay as large as all others.

import { scaleOf, shape } from "../lib/chart.js";
import { drawn, el, say } from "../lib/dom.js";
import { noon } from "../lib/words.js";

const HEIGHT = 260;
const TOP = 12;
const FOOT = 28;
const GAP = 2;

/** `days` have `day`, `total_tokens`, of them `lower_tokens` that stand below and `estimated_tokens`; `words(day, date)` says one. */
export function mountChart(holder, ctx, days, words) {
  const { t } = ctx;
  const scale = scaleOf(Math.max(...days.map((day) => day.total_tokens)));
  const peak = days.reduce((most, day) => (day.total_tokens > most.total_tokens ? day : most));
  const sum = days.reduce((all, day) => all + day.total_tokens, 0);
  const date = (day) => t.clock.weekday(noon(day.day));
  const about = t("chartAbout", { from: date(days[0]), to: date(days.at(-1)), sum, most: peak.total_tokens, day: date(peak) });
  const readout = el("p.readout", { "aria-live": "polite" });
  const stage = el("div.stage", { tabindex: 0, role: "img", "aria-label": about });
  holder.append(stage, readout);
  let [at, places] = [null, []];

  function draw() {
    const width = Math.max(240, Math.round(stage.clientWidth));
    const left = 44;
    const floor = HEIGHT - FOOT;
    const y = (value) => floor - (value / scale.top) * (floor - TOP);
    places = shape(days.length, width - left).map((place) => ({ x: place.x + left, width: place.width }));
    const lines = scale.ticks.flatMap((tick) => [
      drawn("path", { class: "grid", d: `M${left} ${Math.round(y(tick)) + 0.5}H${width}` }),
      drawn("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, t.compact(tick)),
    ]);
    const bars = days.flatMap((day, index) => (day.total_tokens > 0 ? bar(day, places[index], y, floor) : []));
    const pattern = drawn("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, drawn("rect", { class: "veil", width: 5, height: 5 }), drawn("path", { class: "hatch", d: "M0 0v5" }));
    const hair = drawn("path", { class: "hair", d: "" });
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" }, drawn("defs", {}, pattern), ...lines, ...bars, ...labels(width, left), hair);
    stage.replaceChildren(svg);
    point(at);
  }

  function bar(day, { x, width }, y, floor) {
    const [prompt, all] = [y(day.lower_tokens), y(day.total_tokens)];
    const guessed = y(day.total_tokens - Math.min(day.estimated_tokens, day.total_tokens));
    const parts = [];
    const rect = (name, from, to) => to - from > 0.4 && parts.push(drawn("rect", { class: name, x, y: from, ...(name === "est" && { fill: "url(#hatch)" }), width, height: to - from, rx: Math.min(2, width / 3) }));
    rect("p", prompt, floor);
    rect("r", all, Math.max(all, prompt - (floor - prompt > 3 ? GAP : 0)));
    if (day.estimated_tokens > 0) rect("est", all + 0.5, Math.max(guessed, all + 3));
    return parts;
  }

  /** As many dates as there is room for. */
  function labels(width, left) {
    const step = Math.max(1, Math.ceil((days.length * 76) / (width - left)));
    const every = days.length <= 7 ? 1 : step <= 7 ? 7 : step;
    return days.flatMap((day, index) => {
      if (index % every !== 0 || places[index].x > width - 30) return [];
      const middle = places[index].x + places[index].width / 2;
      return [drawn("text", { x: Math.max(left, middle), y: HEIGHT - 8, "text-anchor": "middle" }, t.clock.day(noon(day.day)))];
    });
  }

  /** Moves the hairline to a day and says its figures. */
  function point(index) {
    at = index;
    const hair = stage.querySelector(".hair");
    if (index === null) {
      hair?.setAttribute("d", "");
      say(readout, "\u00a0");
      return;
    }
    const day = days[index];
    const middle = Math.round(places[index].x + places[index].width / 2) + 0.5;
    hair.setAttribute("d", `M${middle} ${TOP}V${HEIGHT - FOOT}`);
    say(readout, words(day, date(day)));
  }

  const move = ({ clientX }) => {
    const x = clientX - stage.getBoundingClientRect().left;
    const index = places.findIndex((place) => x <= place.x + place.width);
    point(index < 0 ? days.length - 1 : index);
  };
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerdown", move);
  stage.addEventListener("pointerleave", () => point(null));
  stage.addEventListener("blur", () => point(null));
  stage.addEventListener("keydown", (event) => {
    const last = days.length - 1;
    const moves = { ArrowLeft: Math.max(0, (at ?? last + 1) - 1), ArrowRight: Math.min(last, (at ?? last - 1) + 1), Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    point(moves[event.key]);
  });
  const watch = new ResizeObserver(draw);
  watch.observe(stage);
  return { destroy: () => watch.disconnect() };
}
