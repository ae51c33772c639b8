//! Figures, their goals, and the table and file made of them.
use crate::stats::Spread;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What a figure ought to be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// no more than that
    AtMost(f64),
    /// no less than that
    AtLeast(f64),
}

impl Goal {
    fn met(self, value: f64) -> bool {
        match self {
            Goal::AtMost(limit) => value <= limit,
            Goal::AtLeast(limit) => value >= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Goal::AtMost(limit) => format!("≤ {limit} {unit}").trim_end().to_owned(),
            Goal::AtLeast(limit) => format!("≥ {limit} {unit}").trim_end().to_owned(),
        }
    }
}

/// One line of the table.
pub struct Figure {
    name: String,
    unit: &'static str,
    ours: Result<Spread, String>,
    /// nothing where there is nothing to compare; the inner nothing: it was not measured
    nginx: Option<Option<Spread>>,
    goal: Option<Goal>,
}

impl Figure {
    /// A measured one.
    pub fn new(name: impl Into<String>, unit: &'static str, ours: impl Into<Spread>) -> Figure {
        Figure { name: name.into(), unit, ours: Ok(ours.into()), nginx: None, goal: None }
    }

    /// One that could not be measured, and why.
    pub fn missing(name: impl Into<String>, why: impl Into<String>) -> Figure {
        Figure { name: name.into(), unit: "", ours: Err(why.into()), nginx: None, goal: None }
    }

    /// What nginx gave in the same run, where it is installed.
    pub fn nginx(mut self, value: Option<Spread>) -> Figure {
        self.nginx = Some(value);
        self
    }

    /// With a goal.
    pub fn goal(mut self, goal: Goal) -> Figure {
        self.goal = Some(goal);
        self
    }

    fn verdict(&self) -> &'static str {
        match (&self.ours, self.goal) {
            (Ok(spread), Some(goal)) if goal.met(spread.mid) => "met",
            (Ok(_), Some(_)) => "missed",
            _ => "",
        }
    }

    fn row(&self) -> String {
        let shown = |spread: Option<&Spread>| match spread {
            Some(spread) => show(spread, self.unit),
            None => "not measured".to_owned(),
        };
        let ours = shown(self.ours.as_ref().ok());
        let nginx = self.nginx.as_ref().map(|n| shown(n.as_ref()));
        let nginx = nginx.unwrap_or_default();
        let goal = self.goal.map(|g| g.text(self.unit)).unwrap_or_default();
        let (name, verdict) = (&self.name, self.verdict());
        format!("| {name} | {ours} | {nginx} | {goal} | {verdict} |\n")
    }

    fn json(&self) -> Value {
        let goal = self.goal.map(|g| g.text(self.unit));
        json!({
            "name": self.name,
            "unit": self.unit,
            "measured": self.ours.as_ref().ok().map(spread_json),
            "not_measured": self.ours.as_ref().err(),
            "nginx": self.nginx.flatten().as_ref().map(spread_json),
            "goal": goal,
            "verdict": self.verdict(),
        })
    }
}

fn show(spread: &Spread, unit: &str) -> String {
    // what has no unit and no fraction is a count
    let number = |value: f64| match value.fract() == 0.0 && unit.is_empty() {
        true => thousands(value as i64),
        false => number(value),
    };
    let mid = number(spread.mid);
    let text = format!("{mid} {unit}");
    let text = text.trim_end();
    let (low, high) = (number(spread.low), number(spread.high));
    if low == high {
        return text.to_owned();
    }
    format!("{text} ({low}–{high})")
}

/// Three digits or so: more would be noise.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => thousands(value.round() as i64),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// `10,000` rather than `10000`.
pub fn thousands(value: i64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && digit != '-' {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What costs do as one thing grows: a line for each of its sizes.
pub struct Table {
    title: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<Spread>)>,
}

impl Table {
    /// Without lines yet; each column says its unit.
    pub fn new(title: &'static str, columns: &[&'static str]) -> Table {
        Table { title, columns: columns.to_vec(), rows: Vec::new() }
    }

    /// One more size and what it cost, in the order of the columns.
    pub fn row(&mut self, size: String, cells: impl Into<Vec<Spread>>) {
        self.rows.push((size, cells.into()));
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = [self.title].into_iter().chain(self.columns.iter().copied());
        let mut out = line(head.map(str::to_owned).collect());
        out.push_str(&line(vec!["---:".to_owned(); self.columns.len() + 1]));
        for (size, cells) in &self.rows {
            let cells = cells.iter().map(|spread| number(spread.mid));
            out.push_str(&line([size.clone()].into_iter().chain(cells).collect()));
        }
        out
    }

    fn json(&self) -> Value {
        let row = |(size, cells): &(String, Vec<Spread>)| json!({"size": size, "cells": cells.iter().map(spread_json).collect::<Vec<Value>>()});
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({"title": self.title, "columns": self.columns, "rows": rows})
    }
}

fn spread_json(spread: &Spread) -> Value {
    json!({"median": spread.mid, "min": spread.low, "max": spread.high})
}

/// All that a run found.
pub struct Report {
    /// the day, UTC
    pub day: String,
    /// where
    pub machine: String,
    /// of the server
    pub version: String,
    /// of nginx, where it is installed
    pub nginx: Option<String>,
    /// the lines
    pub figures: Vec<Figure>,
    /// what costs do as work grows, where that was measured
    pub growth: Vec<Table>,
}

impl Report {
    /// The table with the lines around it, for README; nothing when none of it was measured.
    pub fn figures(&self) -> Option<String> {
        if self.figures.is_empty() {
            return None;
        }
        let nginx = match &self.nginx {
            Some(version) => format!(", nginx {version}"),
            None => ", no nginx".to_owned(),
        };
        let mut out = self.origin("make bench", &nginx);
        out.push_str("| | gpt-assistant | nginx, proxying only | goal | |\n");
        out.push_str("| --- | ---: | ---: | ---: | --- |\n");
        for figure in &self.figures {
            out.push_str(&figure.row());
        }
        Some(out)
    }

    /// The tables of growing work, for docs/PERFORMANCE.md; nothing when that was not measured.
    pub fn growth(&self) -> Option<String> {
        if self.growth.is_empty() {
            return None;
        }
        let tables: Vec<String> = self.growth.iter().map(Table::markdown).collect();
        Some(self.origin("make growth", "") + &tables.join("\n"))
    }

    fn origin(&self, command: &str, beside: &str) -> String {
        format!(
            "Measured on {} with `{command}`: gpt-assistant {}{beside}; {}. Upstream, server and client share the machine.\n\n",
            self.day, self.version, self.machine
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        json!({
            "day": self.day,
            "machine": self.machine,
            "version": self.version,
            "nginx": self.nginx,
            "figures": figures,
            "growth": self.growth.iter().map(Table::json).collect::<Vec<Value>>(),
        })
    }
}

/// A text with what stands between the two marks of that name replaced.
pub fn replace_between(text: &str, name: &str, table: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name}:start -->"), format!("<!-- {name}:end -->"));
    let no_mark = || format!("no {start} … {end} to replace");
    let (before, rest) = text.split_once(&start).with_context(no_mark)?;
    let (_, after) = rest.split_once(&end).with_context(no_mark)?;
    Ok(format!("{before}{start}\n{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [0.0421, 1.5, 15.06, 110.4, 62_558.2, 1_234_567.0].map(number).into();
        assert_eq!(shown, ["0.042", "1.50", "15.1", "110", "62,558", "1,234,567"]);
    }

    #[test]
    fn a_row_says_value_goal_and_verdict() {
        let figure = Figure::new("x", "ms", Spread::of([0.3, 0.4, 0.5])).goal(Goal::AtMost(0.45));
        assert_eq!(figure.row(), "| x | 0.400 ms (0.300–0.500) |  | ≤ 0.45 ms | met |\n");
        let figure = Figure::missing("y", "why").nginx(None).goal(Goal::AtLeast(1.0));
        assert_eq!(figure.row(), "| y | not measured | not measured | ≥ 1 |  |\n");
    }

    #[test]
    fn a_table_has_a_line_for_each_size() {
        let mut table = Table::new("Turns", &["a, ms", "b, µs"]);
        table.row("1,000".to_owned(), [Spread::of([1.0, 2.0, 9.0]), 1234.5.into()]);
        let lines = "| Turns | a, ms | b, µs |\n| ---: | ---: | ---: |\n| 1,000 | 2.00 | 1,235 |\n";
        assert_eq!(table.markdown(), lines);
    }

    #[test]
    fn only_the_marked_part_changes() {
        let text = "a\n<!-- bench:start -->\nold\n<!-- bench:end -->\nz\n";
        let new = replace_between(text, "bench", "new\n").unwrap();
        assert_eq!(new, text.replace("old", "new"));
        assert_eq!(replace_between(&new, "bench", "new\n").unwrap(), new);
        assert!(replace_between(text, "growth", "new").is_err());
    }
}
