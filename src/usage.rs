//! Statistics: what a person has used, by days of a time zone and by models.

use crate::app::App;
use crate::calendar::Zone;
use crate::error::Result;
use crate::model::UserId;
use crate::store::{ModelUsage, UsageTotals};

/// A day on which something was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// "2024-06-17".
    pub day: String,
    /// What was used on it.
    pub totals: UsageTotals,
}

/// What a person has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Days that have usage, ascending.
    pub days: Vec<Day>,
    /// Tokens of all time: deleting conversations leaves it.
    pub total: i64,
    /// By model, if asked for, most first; of the same days.
    pub models: Option<Vec<ModelUsage>>,
}

/// The last `days` calendar days of `zone`, today included.
pub fn report(app: &App, user: UserId, zone: &Zone, days: u32, by_model: bool) -> Result<Report> {
    let span = zone.last_days(app.clock.now(), days);
    let mut report = Report { days: Vec::new(), total: app.store.user(user)?.tokens_total, models: None };
    for slot in app.store.usage_slots(user, span)? {
        let day = zone.day(slot.begins);
        match report.days.last_mut() {
            Some(last) if last.day == day => last.totals.add(&slot.totals),
            _ => report.days.push(Day { day, totals: slot.totals }),
        }
    }
    if by_model {
        report.models = Some(app.store.usage_by_model(user, span)?);
    }
    Ok(report)
}
