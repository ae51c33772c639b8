// How long ago, or how soon, as people say it; and sizes as they read them.

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

/** The words for the time from `now` to `then`, both in Unix seconds: "5 minutes ago", "In 4 days". */
export function ago(then, now, locale) {
  let amount = then - now;
  for (const [unit, many] of STEPS) {
    // As it is said: 3,599 seconds are an hour, not 60 minutes.
    const said = Math.round(amount);
    if (Math.abs(said) < many) {
      const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(said, unit);
      return words[0].toUpperCase() + words.slice(1);
    }
    amount /= many;
  }
  return "";
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A number of bytes in the unit that keeps it short. */
export function size(bytes, locale) {
  const digits = (at) => (at < 2 ? 0 : 1);
  const said = (at) => Number((bytes / 1000 ** at).toFixed(digits(at)));
  let at = 0;
  while (at < SIZES.length - 1 && said(at) >= 1000) at++;
  return new Intl.NumberFormat(locale, { style: "unit", unit: SIZES[at], unitDisplay: at === 0 ? "long" : "short", maximumFractionDigits: digits(at) }).format(said(at));
}
