// Words of the page in one language: a table of strings, and how numbers and plurals are written in it.

import { clock } from "./time.js";

/** A function that gives the string of a key, its `{names}` filled in; with `number` and `clock` beside it. */
export function createWords(table, locale, regional = locale) {
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
    has: (key) => table[key] !== undefined,
    number: (value) => number.format(value),
    compact: (value) => compact.format(value),
    clock: clock(regional),
  });
}
