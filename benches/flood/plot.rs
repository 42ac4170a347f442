//! The picture: what honest people waited over time, a panel for each attack, a line for each server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cell::Measured;
use crate::report::{Block, Report};

const COLOURS: [&str; 7] = [
    "#b3261e", "#7a7a7a", "#b58900", "#2e7d32", "#1f5fa8", "#8e44ad", "#00838f",
];
const PANELS_ACROSS: usize = 3;
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const GAP: f64 = 46.0;
/// Steps of a second: of each the slowest message is shown.
const STEPS_PER_SECOND: f64 = 4.0;
/// The scale is logarithmic, from the first to the last of these milliseconds; what never came back stands at the last.
const LINES: [f64; 6] = [0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0];

pub fn svg(report: &Report) -> String {
    let rows = report.attacks.len().div_ceil(PANELS_ACROSS).max(1);
    let (wide, high) = (
        PANELS_ACROSS as f64 * (WIDTH + GAP) + GAP,
        rows as f64 * (HEIGHT + GAP) + GAP + 50.0,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>Round trips of honest people under attack, by attack and server</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (number, block) in report.attacks.iter().enumerate() {
        let x = GAP + (number % PANELS_ACROSS) as f64 * (WIDTH + GAP);
        let y = GAP + (number / PANELS_ACROSS) as f64 * (HEIGHT + GAP);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        svg.push_str(&panel(block, report.seconds));
        svg.push_str("</g>\n");
    }
    let mut x = GAP;
    for (server, colour) in report.servers.iter().zip(COLOURS) {
        let y = high - 34.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"18\" height=\"3\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            y - 6.0,
            x + 24.0,
            server.name
        );
        x += 44.0 + 7.0 * server.name.len() as f64;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{GAP}\" y=\"{}\">The slowest message of each quarter of a second, in ms; at the top: it never came back. The attack is shaded.</text>\n</svg>",
        high - 14.0
    );
    svg
}

fn panel(block: &Block, seconds: f64) -> String {
    let across = |time: f64| ((time + seconds) / (2.0 * seconds)).clamp(0.0, 1.0) * WIDTH;
    let half = across(0.0);
    let mut svg = format!(
        "<rect x=\"{half:.1}\" y=\"0\" width=\"{:.1}\" height=\"{HEIGHT}\" fill=\"#fbe4de\"/>\n\
         <text x=\"0\" y=\"-8\" font-size=\"13\">{}</text>\n",
        WIDTH - half,
        block.attack
    );
    for line in LINES {
        let y = down(Some(line));
        let _ = writeln!(
            svg,
            "<path d=\"M0 {y:.1}H{WIDTH}\" stroke=\"#ccc\"/><text x=\"-4\" y=\"{:.1}\" text-anchor=\"end\">{line}</text>",
            y + 4.0
        );
    }
    for (cell, colour) in block.cells.iter().zip(COLOURS) {
        let Some(measured) = &cell.measured else {
            continue;
        };
        let points: Vec<String> = steps(measured, seconds)
            .into_iter()
            .map(|(time, slowest)| format!("{:.1} {:.1}", across(time), down(slowest)))
            .collect();
        let _ = writeln!(
            svg,
            "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" d=\"M{}\"/>",
            points.join("L")
        );
    }
    svg
}

/// The middle of each step and its slowest message; `None` is slower than any.
fn steps(measured: &Measured, seconds: f64) -> Vec<(f64, Option<f64>)> {
    let mut steps: BTreeMap<i64, Option<f64>> = BTreeMap::new();
    for (time, back) in &measured.round_trips {
        if time.abs() > seconds {
            continue;
        }
        let slowest = steps
            .entry((time * STEPS_PER_SECOND).floor() as i64)
            .or_insert(Some(0.0));
        *slowest = slowest.zip(*back).map(|(one, other)| one.max(other));
    }
    let middle = |step: i64| (step as f64 + 0.5) / STEPS_PER_SECOND;
    steps
        .into_iter()
        .map(|(step, slowest)| (middle(step), slowest))
        .collect()
}

fn down(milliseconds: Option<f64>) -> f64 {
    let [first, .., last] = LINES;
    let time = milliseconds.unwrap_or(last).clamp(first, last);
    HEIGHT * (1.0 - (time / first).log10() / (last / first).log10())
}
