//! The table for people and the JSON for programs.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::options::Options;
use crate::rounds::{Column, Measured};
use crate::rows::Target;
use crate::servers::Server;
use crate::shared::failure::{Doing, Failure};

/// A Markdown table, its columns padded so that it reads as it stands.
pub fn table(machine: &Machine, measured: &[Measured]) -> String {
    let Machine {
        cpu,
        kernel,
        date,
        load_average,
        ..
    } = machine;
    let mut text = format!("\n{cpu}, {kernel}, {date}, load average before {load_average}\n\n");
    let Some(first) = measured.first() else {
        return text;
    };
    let mut lines = vec![head(machine, first)];
    lines.extend(measured.iter().map(line));
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    lines.insert(1, rule);
    for line in lines {
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
    }
    text.push_str("\nMedian (times raw) min–max over the rounds. µs are server CPU per message, delivery or connection.\n");
    text.push_str(&omissions(measured));
    text
}

fn head(machine: &Machine, first: &Measured) -> Vec<String> {
    let named = first.columns.iter().map(|column| {
        let known = machine
            .servers
            .iter()
            .find(|server| server.name == column.server);
        let version = known
            .and_then(|server| server.version.as_deref())
            .unwrap_or_default();
        format!("{} {version}", column.server).trim_end().to_owned()
    });
    let ends = ["Wardroom target", "verdict"].map(str::to_owned);
    std::iter::once("row".to_owned())
        .chain(named)
        .chain(ends)
        .collect()
}

fn line(measured: &Measured) -> Vec<String> {
    let raw = raw_median(measured);
    let cells = measured.columns.iter().map(|column| cell(column, raw));
    let unit = measured.row.unit;
    let target = match measured.row.target {
        Target::TimesRaw(times) => format!("≤ {times} x raw"),
        Target::AtMost(most) => format!("≤ {most} {unit}"),
    };
    let title = format!("{}, {unit}", measured.row.title);
    let verdict = match met(measured) {
        Some(true) => "met",
        Some(false) => "missed",
        None => "–",
    };
    std::iter::once(title)
        .chain(cells)
        .chain([target, verdict.to_owned()])
        .collect()
}

fn cell(column: &Column, raw: Option<f64>) -> String {
    let Some(median) = median(column) else {
        // The reason stands below the table, unless there is nothing to measure.
        let empty = column.not_measured.as_deref() == Some("–");
        return if empty { "–" } else { "not measured" }.to_owned();
    };
    let values = column.rounds.iter().map(|round| round.value);
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let times = raw
        .map(|raw| format!(" ({:.2}x)", median / raw))
        .unwrap_or_default();
    format!("{}{times} {}–{}", number(median), number(low), number(high))
}

/// Three significant digits are more than a repetition shows.
fn number(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn omissions(measured: &[Measured]) -> String {
    let mut text = String::new();
    for Measured { row, columns } in measured {
        for column in columns {
            if let Some(reason) = column
                .not_measured
                .as_deref()
                .filter(|reason| *reason != "–")
            {
                let _ = writeln!(
                    text,
                    "not measured: {}, {}: {reason}",
                    row.title, column.server
                );
            }
        }
    }
    text
}

fn median(column: &Column) -> Option<f64> {
    let mut values: Vec<_> = column.rounds.iter().map(|round| round.value).collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().checked_sub(1)? / 2)?,
        values.get(values.len() / 2)?,
    );
    Some(f64::midpoint(*low, *high))
}

fn median_of(measured: &Measured, server: Server) -> Option<f64> {
    measured
        .columns
        .iter()
        .find(|column| column.of == server)
        .and_then(median)
}

/// Only where the target is a ratio do the rows' numbers compare like with like.
fn raw_median(measured: &Measured) -> Option<f64> {
    match measured.row.target {
        Target::TimesRaw(_) => median_of(measured, Server::Raw),
        Target::AtMost(_) => None,
    }
}

/// Whether Wardroom reached its target, if it and what it is compared with were measured.
fn met(measured: &Measured) -> Option<bool> {
    let wardroom = median_of(measured, Server::Wardroom)?;
    match measured.row.target {
        Target::TimesRaw(times) => raw_median(measured).map(|raw| wardroom <= times * raw),
        Target::AtMost(most) => Some(wardroom <= most),
    }
}

pub fn write_json(
    path: &Path,
    machine: &Machine,
    measured: &[Measured],
    options: &Options,
) -> Result<(), Failure> {
    let rows: Vec<_> = measured.iter().map(row_json).collect();
    let whole = json!({
        "machine": machine,
        "rounds": options.rounds(),
        "measured_ms": u64::try_from(options.measured().as_millis()).unwrap_or(u64::MAX),
        "quick": options.quick,
        "rows": rows,
    });
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).doing("making a directory for the JSON")?;
    }
    std::fs::write(path, format!("{whole:#}\n")).doing("writing the JSON")
}

fn row_json(measured: &Measured) -> Value {
    let raw = raw_median(measured);
    let column_json = |column: &Column| {
        let median = median(column);
        let times_raw = median.zip(raw).map(|(median, raw)| median / raw);
        json!({ "median": median, "times_raw": times_raw, "measured": column })
    };
    let target = match measured.row.target {
        Target::TimesRaw(times) => json!({ "times_raw": times }),
        Target::AtMost(most) => json!({ "at_most": most }),
    };
    json!({
        "id": measured.row.id,
        "title": measured.row.title,
        "unit": measured.row.unit,
        "target": target,
        "met": met(measured),
        "servers": measured.columns.iter().map(column_json).collect::<Vec<_>>(),
    })
}
