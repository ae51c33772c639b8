// How long ago, or how soon, as people say it; and sizes as they read them.

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

/** The words for the time from `now` to `then`, both in Unix seconds: "5 minutes ago", "In 4 days". */
export function ago(then, now, locale) {
  let amount = then - now;
  for (const [unit, many] of STEPS) {
    if (Math.abs(amount) < many) {
      const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(amount), unit);
      return words[0].toUpperCase() + words.slice(1);
    }
    amount /= many;
  }
  return "";
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A number of bytes in the unit that keeps it short. */
export function size(bytes, locale) {
  const at = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const digits = at < 2 ? 0 : 1;
  return new Intl.NumberFormat(locale, { style: "unit", unit: SIZES[at], maximumFractionDigits: digits }).format(bytes / 1000 ** at);
}
