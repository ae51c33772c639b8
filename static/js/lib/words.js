// Words, numbers and times as a person reads them: in her language, and in her own time zone.

/** A function that gives the string of a key, its `{names}` filled in; with `number` and `clock` beside it. */
export function createWords(first, locale, regional = locale) {
  const table = { ...first };
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(regional);
  const compact = new Intl.NumberFormat(regional, { notation: "compact", maximumFractionDigits: 1 });
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => {
    const value = values[key];
    if (value === undefined) return whole;
    return typeof value === "number" ? number.format(value) : value;
  });
  const words = (key, values = {}) => {
    const entry = table[key];
    // A missing key is a fault of ours that a test finds; a person still sees something.
    if (entry === undefined) return key;
    const text = typeof entry === "string" ? entry : entry[plural.select(values.n ?? 0)] ?? entry.other;
    return fill(text, values);
  };
  return Object.assign(words, {
    locale,
    /** Adds the words of a part that is not always needed. */
    add: (more) => Object.assign(table, more),
    has: (key) => table[key] !== undefined,
    /** A sentence of the server in this language, as far as it is known here. */
    said(sentence) {
      if (Object.hasOwn(table, sentence)) return words(sentence);
      // Figures in it may be any.
      const figures = sentence.match(/\d+/g) ?? [];
      const key = sentence.replaceAll(/\d+/g, "{n}");
      if (figures.length === 0 || !Object.hasOwn(table, key)) return sentence;
      return table[key].replaceAll("{n}", () => number.format(figures.shift()));
    },
    number: (value) => number.format(value),
    compact: (value) => compact.format(value),
    clock: clock(regional),
  });
}

/** The reader's time zone, as the server wants it named. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** Calendar days from `then` to `now`, both in Unix seconds. Days may have 23 or 25 hours. */
export function daysBetween(then, now) {
  return Math.round((midnight(new Date(now * 1000)) - midnight(new Date(then * 1000))) / 86_400_000);
}

/** The group in which a list shows something of that time: a word of ours, or `month:2026-3`, `year:2025`. */
export function groupOf(then, now) {
  const days = daysBetween(then, now);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days <= 7) return "week";
  if (days <= 30) return "month";
  const date = new Date(then * 1000);
  const thisYear = date.getFullYear() === new Date(now * 1000).getFullYear();
  return thisYear ? `month:${date.getFullYear()}-${date.getMonth()}` : `year:${date.getFullYear()}`;
}

/** Items that are sorted by time, in groups: `[[group, items], …]`. */
export function grouped(items, timeOf, now) {
  const groups = [];
  for (const item of items) {
    const group = groupOf(timeOf(item), now);
    const last = groups.at(-1);
    if (last?.[0] === group) last[1].push(item);
    else groups.push([group, [item]]);
  }
  return groups;
}

/** Part of the day for a greeting. */
export function partOfDay(hour) {
  if (hour >= 5 && hour < 12) return "morning";
  return hour >= 12 && hour < 18 ? "afternoon" : "evening";
}

/** What one is called by: the first word of a name in letters, a Chinese name as it is, less a family name of one sign. */
export function firstName(name) {
  const whole = name.trim();
  if (/^[\u3400-\u9fff]{3}$/.test(whole)) return whole.slice(1);
  return whole.split(/\s+/)[0];
}

/** Writers of times in a language. */
export function clock(locale) {
  const writer = (options) => {
    const format = new Intl.DateTimeFormat(locale, options);
    return (seconds) => format.format(new Date(seconds * 1000));
  };
  const time = writer({ hour: "2-digit", minute: "2-digit" });
  const day = writer({ day: "numeric", month: "short" });
  const date = writer({ day: "numeric", month: "short", year: "numeric" });
  const month = writer({ month: "long" });
  const weekday = writer({ weekday: "short", day: "numeric", month: "short" });
  const whole = writer({ dateStyle: "long", timeStyle: "short" });
  /** Time today, else the day, else the date. */
  const short = (then, now) => {
    if (daysBetween(then, now) === 0) return time(then);
    return new Date(then * 1000).getFullYear() === new Date(now * 1000).getFullYear() ? day(then) : date(then);
  };
  return { time, day, date, month, weekday, whole, short };
}

/** Calendar days `YYYY-MM-DD` up to today, oldest first. */
export function lastDays(count, today = new Date()) {
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() - (count - 1 - at), 12);
    const two = (number) => String(number).padStart(2, "0");
    return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
  });
}

/** Noon of a day `YYYY-MM-DD` in the reader's zone, in Unix seconds. */
export function noon(day) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date, 12).getTime() / 1000;
}

/** Unix seconds now. */
export const seconds = () => Math.floor(Date.now() / 1000);
