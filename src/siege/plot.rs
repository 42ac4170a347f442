//! The picture: what honest people waited for their messages over the whole siege, each attack marked from start to end.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use super::felt::{Quantiles, Story};
use crate::time::Instant;

/// One point of the lines.
const STEP: Duration = Duration::from_millis(100);
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 130.0;
const PIXELS_PER_SECOND: f64 = 24.0;
/// The scale is logarithmic, from the first to the last of these milliseconds.
const LINES: [f64; 6] = [0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0];

/// Figures over time.
#[derive(Debug, Default)]
pub(super) struct Series {
    points: BTreeMap<u64, Quantiles>,
    attacks: Vec<(&'static str, Instant, Instant)>,
}

impl Series {
    pub(super) fn add(
        &mut self,
        attack: &'static str,
        story: &Story,
        begin: Instant,
        end: Instant,
    ) {
        let mut steps: BTreeMap<u64, Vec<Duration>> = BTreeMap::new();
        for heard in &story.heard {
            let step = heard.sent.as_nanos() / STEP.as_nanos() as u64;
            steps.entry(step).or_default().push(heard.took);
        }
        let points = steps
            .into_iter()
            .map(|(step, times)| (step, Quantiles::of(times.into_iter())));
        self.points.extend(points);
        self.attacks.push((attack, begin, end));
    }

    /// `is_partial`: the siege has ended early, and the picture says so.
    pub(super) fn write_svg(&self, file: &mut dyn Write, is_partial: bool) -> io::Result<()> {
        let last = self.points.keys().next_back().copied().unwrap_or(0);
        let width = LEFT + 20.0 + across(last as f64 * STEP.as_secs_f64());
        let height = TOP + HEIGHT + 30.0;
        writeln!(
            file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"11\">\n\
             <title>Round trips of honest people under attack</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
        )?;
        for (name, begin, end) in &self.attacks {
            let from = LEFT + across(begin.as_nanos() as f64 / 1e9);
            let wide = across(end.since(*begin).as_secs_f64());
            writeln!(
                file,
                "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" height=\"{HEIGHT}\" fill=\"#fbdcd4\"/>\n\
                 <text transform=\"translate({:.1} {}) rotate(-60)\">{name}</text>",
                from + wide / 2.0,
                TOP - 6.0
            )?;
        }
        for line in LINES {
            let at = down(line);
            writeln!(
                file,
                "<path d=\"M{LEFT} {at:.1}H{width:.0}\" stroke=\"#ccc\"/><text x=\"4\" y=\"{:.1}\">{line} ms</text>",
                at + 4.0
            )?;
        }
        self.line(file, "#1f5fa8", |of| of.p50)?;
        self.line(file, "#b3261e", |of| of.p99)?;
        let foot = height - 10.0;
        let partial = if is_partial {
            "; partial: the siege ended early"
        } else {
            ""
        };
        writeln!(
            file,
            "<text x=\"{LEFT}\" y=\"{foot}\"><tspan fill=\"#1f5fa8\">median</tspan>, <tspan fill=\"#b3261e\">99 %</tspan> of each 0.1 s; attacks shaded{partial}</text>\n</svg>"
        )
    }

    /// A line through the points, broken where nobody spoke.
    fn line(
        &self,
        file: &mut dyn Write,
        colour: &str,
        which: fn(&Quantiles) -> f64,
    ) -> io::Result<()> {
        write!(file, "<path fill=\"none\" stroke=\"{colour}\" d=\"")?;
        let mut before = None;
        for (step, point) in &self.points {
            let goes_on = before.is_some_and(|before| step - before <= 5);
            let command = if goes_on { 'L' } else { 'M' };
            let x = LEFT + across(*step as f64 * STEP.as_secs_f64());
            write!(file, "{command}{x:.1} {:.1}", down(which(point)))?;
            before = Some(*step);
        }
        writeln!(file, "\"/>")
    }
}

fn across(seconds: f64) -> f64 {
    seconds * PIXELS_PER_SECOND
}

fn down(milliseconds: f64) -> f64 {
    let [first, .., last] = LINES;
    let part = (milliseconds.clamp(first, last) / first).log10() / (last / first).log10();
    TOP + HEIGHT * (1.0 - part)
}
