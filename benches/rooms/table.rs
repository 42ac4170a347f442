//! Rows of figures, small beside large, as text.

use std::fmt::Write as _;

/// One thing that was measured in two sizes, round by round.
pub struct Row {
    what: &'static str,
    unit: &'static str,
    small: Vec<f64>,
    large: Vec<f64>,
}

/// Which of a row's two sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    Large,
}

impl Row {
    pub fn new(what: &'static str, unit: &'static str) -> Self {
        Row {
            what,
            unit,
            small: Vec::new(),
            large: Vec::new(),
        }
    }

    pub fn add(&mut self, size: Size, value: f64) {
        match size {
            Size::Small => self.small.push(value),
            Size::Large => self.large.push(value),
        }
    }
}

/// What the columns of a part are.
fn columns(part: &str) -> [&'static str; 2] {
    match part {
        "crowd" => ["10 there", "10,000 there"],
        "many" => ["10 rooms", "10,000 rooms"],
        "history" => ["10,000 kept", "1,000,000 kept"],
        "durable" => ["1 sender", "64 senders"],
        _ => ["calm", "64 beside"],
    }
}

/// Medians of the rounds, and how many times the small one the large one is.
pub fn text(part: &str, rows: &[Row]) -> String {
    let [small, large] = columns(part);
    let mut text = format!(
        "\n{:<66} {:<6} {small:>14} {large:>14} {:>7}\n",
        "", "unit", "times"
    );
    for row in rows {
        let (small, large) = (median(&row.small), median(&row.large));
        let times = small.zip(large).map(|(small, large)| large / small);
        let (small, large) = (shown(small), shown(large));
        let times = times.map_or_else(|| "–".to_owned(), |times| format!("{times:.2}"));
        // Writing to a string can not fail.
        let _ = writeln!(
            text,
            "{:<66} {:<6} {small:>14} {large:>14} {times:>7}",
            row.what, row.unit
        );
    }
    text
}

fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value < 1.0 => format!("{value:.3}"),
        Some(value) if value < 1000.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
