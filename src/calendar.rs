//! Days and written times in a time zone. Times are kept as Unix seconds and days are made on reading.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

/// The years 68 to 9892: what a calendar of four-digit years holds with room for a month on either side.
const EARLIEST: i64 = -60_000_000_000;
const LATEST: i64 = 250_000_000_000;

/// A time zone of the IANA database.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// The zone of that name (compiled in, so it does not depend on the machine); `None` where there is none.
pub fn zone(name: &str) -> Option<Zone> {
    let plausible =
        name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    match name {
        "UTC" => Some(Zone::utc()),
        _ if plausible => jiff::tz::db().get(name).ok().map(Zone),
        _ => None,
    }
}

/// The Unix seconds of a written time: ISO 8601, and the forms in which browsers write one for people; without a zone, in
/// UTC. `None` for anything else.
pub fn instant(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_second());
    }
    let forms = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y/%m/%d %H:%M:%S",
        "%m/%d/%Y, %I:%M:%S %p",
        "%d/%m/%Y, %H:%M:%S",
        "%d.%m.%Y, %H:%M:%S",
    ];
    // Some browsers set a narrow blank before AM and PM.
    let plain = text.replace('\u{202F}', " ");
    let written = forms.iter().find_map(|form| DateTime::strptime(form, &plain).ok())?;
    Some(written.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Half-open range of Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first second in it.
    pub from: i64,
    /// The first second after it.
    pub until: i64,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// As replies write times: "2024-06-17 17:20:31".
    pub fn stamp(&self, seconds: i64) -> String {
        self.at(seconds).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// "2024-06-17".
    pub fn day(&self, seconds: i64) -> String {
        self.at(seconds).strftime("%Y-%m-%d").to_string()
    }

    /// The calendar day that `seconds` falls on.
    pub fn day_span(&self, seconds: i64) -> Span {
        let day = self.at(seconds).date();
        Span { from: self.start(day), until: self.start(day.saturating_add(1.day())) }
    }

    /// The calendar month that `seconds` falls on.
    pub fn month_span(&self, seconds: i64) -> Span {
        let first = self.at(seconds).date().first_of_month();
        Span { from: self.start(first), until: self.start(first.saturating_add(1.month())) }
    }

    /// The last `days` calendar days, the one of `seconds` included.
    pub fn last_days(&self, seconds: i64, days: u32) -> Span {
        let today = self.at(seconds).date();
        let first = today.saturating_sub((i64::from(days) - 1).days());
        Span { from: self.start(first), until: self.start(today.saturating_add(1.day())) }
    }

    fn at(&self, seconds: i64) -> jiff::ZonedDateTime {
        Timestamp::from_second(seconds.clamp(EARLIEST, LATEST))
            .unwrap_or_default()
            .to_zoned_datetime(self.0.clone())
    }

    fn start(&self, day: Date) -> i64 {
        day.to_zoned_datetime(self.0.clone()).map_or(i64::MAX, |zoned| zoned.timestamp().as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c23_days_are_those_of_the_zone() {
        let seoul = zone("Asia/Seoul").unwrap();
        let evening = 1_777_649_400; // 2026-05-01 15:30:00 UTC
        assert_eq!(seoul.stamp(evening), "2026-05-02 00:30:00");
        assert_eq!(Zone::utc().stamp(evening), "2026-05-01 15:30:00");
        assert_eq!(seoul.day_span(evening).from, 1_777_647_600);
        assert_eq!(seoul.last_days(evening, 1), seoul.day_span(evening));
    }

    #[test]
    fn s11_a_day_may_have_23_or_25_hours() {
        let berlin = zone("Europe/Berlin").unwrap();
        let hours = |span: Span| (span.until - span.from) / 3600;
        assert_eq!(hours(berlin.day_span(1_774_742_400)), 23); // 2026-03-29
        assert_eq!(hours(berlin.day_span(1_792_886_400)), 25); // 2026-10-25
        assert_eq!(berlin.day(1_774_742_400), "2026-03-29");
    }

    #[test]
    fn s10_a_wild_clock_does_no_harm() {
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            let span = Zone::utc().month_span(seconds);
            assert!(span.from < span.until, "{seconds}");
        }
    }

    #[test]
    fn unknown_zones() {
        for name in ["Mars/X", "+09:00", "", "../etc/passwd", "UTC\0"] {
            assert!(zone(name).is_none(), "{name}");
        }
    }
}
