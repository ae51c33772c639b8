//! What an administrator does and sees, without HTTP.

use crate::app::App;
use crate::calendar::Zone;
use crate::error::{Error, Fields, Result};
use crate::model::UserId;
use crate::store::{AccountChange, User};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const MOST_TOKENS: i64 = 1_000_000_000_000;

/// Changes an account's role, state or caps, all or nothing. The last administrator stays one.
pub fn change(app: &App, id: UserId, change: AccountChange) -> Result<User> {
    let mut faults = Fields::new();
    for (name, cap) in [("cap_day", change.cap_day), ("cap_month", change.cap_month)] {
        if cap.flatten().is_some_and(|cap| !(0..=MOST_TOKENS).contains(&cap)) {
            faults.push((name.into(), "This must be a whole number, 0 for no cap.".into()));
        }
    }
    if faults.is_empty() { app.store.change_account(id, change) } else { Err(Error::Invalid(faults)) }
}

/// What one person or one model used on one day, by whose key paid.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageLine {
    /// "2024-06-17".
    pub day: String,
    /// The person; not in a report by model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// As the person wants to be called; not in a report by model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model; only in a report by model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `own` or `shared`.
    pub paid_by: String,
    /// Tokens that the upstream counted.
    pub measured_tokens: i64,
    /// Tokens that are a guess.
    pub estimated_tokens: i64,
    /// Both together.
    pub total_tokens: i64,
    /// Answers.
    pub requests: i64,
}

/// The last `days` calendar days of `zone`, ascending.
pub fn usage(app: &App, zone: &Zone, days: u32, by_model: bool) -> Result<Vec<UsageLine>> {
    let rows = app.store.usage_of_all(zone.last_days(app.clock.now(), days))?;
    let mut lines: BTreeMap<(String, i64, String, String), UsageLine> = BTreeMap::new();
    for row in rows {
        let day = zone.day(row.begins);
        let who = if by_model { (0, row.model.clone()) } else { (row.user.0, row.name.clone()) };
        let line =
            lines.entry((day.clone(), who.0, who.1, row.paid_by.clone())).or_insert_with(|| UsageLine {
                day,
                user_id: (!by_model).then_some(row.user),
                name: (!by_model).then(|| row.name.clone()),
                model: by_model.then(|| row.model.clone()),
                paid_by: row.paid_by.clone(),
                measured_tokens: 0,
                estimated_tokens: 0,
                total_tokens: 0,
                requests: 0,
            });
        line.estimated_tokens += row.estimated;
        line.measured_tokens += row.tokens - row.estimated;
        line.total_tokens += row.tokens;
        line.requests += row.requests;
    }
    Ok(lines.into_values().collect())
}

/// The same as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is made plain text.
pub fn csv(lines: &[UsageLine], by_model: bool) -> String {
    let cell = |text: &str| {
        let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            format!("'{text}")
        } else {
            text.to_owned()
        };
        if harmless.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", harmless.replace('"', "\"\""))
        } else {
            harmless
        }
    };
    let who = if by_model { "model" } else { "user_id,name" };
    let mut out = format!("day,{who},paid_by,measured_tokens,estimated_tokens,total_tokens,requests\r\n");
    for line in lines {
        let who = match (&line.user_id, &line.name, &line.model) {
            (Some(id), Some(name), _) => format!("{},{}", id.0, cell(name)),
            (_, _, Some(model)) => cell(model),
            _ => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{},{who},{},{},{},{},{}\r\n",
            line.day,
            line.paid_by,
            line.measured_tokens,
            line.estimated_tokens,
            line.total_tokens,
            line.requests
        );
    }
    out
}

/// The server's own figures.
pub struct Figures {
    /// Of the whole data folder.
    pub data_bytes: u64,
    /// Of the database.
    pub database_bytes: i64,
    /// Of pictures and files.
    pub files_bytes: u64,
    /// Accounts.
    pub users: i64,
    /// Turns.
    pub turns: i64,
    /// Memory in use, where the system says so.
    pub memory_bytes: Option<u64>,
    /// Unix seconds.
    pub last_backup: Option<i64>,
}

/// Counts.
pub fn figures(app: &App) -> Result<Figures> {
    let (users, turns, database_bytes) = app.store.sizes()?;
    Ok(Figures {
        data_bytes: folder_bytes(&app.config.server.data_dir),
        database_bytes,
        files_bytes: folder_bytes(&app.avatars()) + folder_bytes(&app.files()),
        users,
        turns,
        memory_bytes: resident(),
        last_backup: app.store.meta("last_backup")?.and_then(|text| text.parse().ok()),
    })
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

/// Resident memory by proc(5): the second number of `statm`, in pages.
pub fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        let line = |name: &str| UsageLine {
            day: "2026-01-01".into(),
            user_id: Some(UserId(1)),
            name: Some(name.into()),
            model: None,
            paid_by: "own".into(),
            measured_tokens: 1,
            estimated_tokens: 2,
            total_tokens: 3,
            requests: 4,
        };
        for (name, cell) in
            [("Ann", "Ann"), ("=1+1", "'=1+1"), ("@x", "'@x"), ("-2", "'-2"), ("a,\"b\"", "\"a,\"\"b\"\"\"")]
        {
            let text = csv(&[line(name)], false);
            assert_eq!(text.lines().nth(1), Some(format!("2026-01-01,1,{cell},own,1,2,3,4").as_str()));
        }
    }
}
