//! A snapshot as text: OpenMetrics by prometheus-client, and from that the older text format.

use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::families::{FAMILIES, Family, Numbers, Rows};
use super::snapshot::Snapshot;

/// A text format that a scraper may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// `application/openmetrics-text`
    OpenMetrics,
    /// `text/plain; version=0.0.4`
    Text,
}

impl Exposition {
    /// The one that an `Accept` field asks for, or the older one, which a person can read in a browser.
    pub fn of_accept(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Exposition::OpenMetrics
        } else {
            Exposition::Text
        }
    }

    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Exposition::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The text of one scrape.
pub fn expose(snapshot: Snapshot, exposition: Exposition) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    // Writing to a String cannot fail, and no value here can be unwritable.
    let _ = encode(&mut text, &registry);
    match exposition {
        Exposition::OpenMetrics => text,
        Exposition::Text => older_text(&text),
    }
}

/// The older format names counters and infos by their samples, and knows neither units nor an end mark.
fn older_text(open_metrics: &str) -> String {
    let suffix = |name: &str| {
        let family = FAMILIES.iter().find(|family| family.name == name);
        match family.map(Family::kind) {
            Some("counter") => "_total",
            Some("info") => "_info",
            _ => "",
        }
    };
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        let _ = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => Ok(()),
            (Some("#"), Some("TYPE"), Some(name), Some("info")) => {
                writeln!(text, "# TYPE {name}_info gauge")
            }
            (Some("#"), Some(keyword), Some(name), Some(rest)) => {
                writeln!(text, "# {keyword} {name}{} {rest}", suffix(name))
            }
            _ => writeln!(text, "{line}"),
        };
    }
    text
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        FAMILIES
            .iter()
            .try_for_each(|family| family.encode(self, &mut encoder))
    }
}

impl Family {
    fn encode(&self, snapshot: &Snapshot, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let kind = match self.numbers {
            Numbers::Counter(_) | Numbers::Counters(_) => MetricType::Counter,
            Numbers::Gauge(_) | Numbers::Seconds(_) | Numbers::Gauges(_) => MetricType::Gauge,
            Numbers::Histogram(_) | Numbers::Histograms(_) => MetricType::Histogram,
            Numbers::Info(_) => MetricType::Info,
        };
        let Some(rows) = self.rows(snapshot) else {
            return Ok(());
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for (values, number) in rows {
            let labels: Vec<(&str, &str)> = self.labels.iter().copied().zip(values).collect();
            let labels = labels.as_slice();
            match self.numbers {
                // An empty set of labels would be written as a pair of braces.
                _ if labels.is_empty() => self.write(snapshot, number, &mut metric)?,
                Numbers::Info(_) => metric.encode_info(&labels)?,
                _ => self.write(snapshot, number, &mut metric.encode_family(&labels)?)?,
            }
        }
        if let Numbers::Histograms(get) = self.numbers {
            for (value, (sum, count, buckets)) in get(snapshot) {
                let labels: Vec<(&str, &str)> = self.labels.iter().map(|l| (*l, value)).collect();
                let labels = labels.as_slice();
                let mut row = metric.encode_family(&labels)?;
                row.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }

    fn write(&self, snapshot: &Snapshot, number: u64, row: &mut MetricEncoder) -> fmt::Result {
        match self.numbers {
            Numbers::Counter(_) | Numbers::Counters(_) => {
                row.encode_counter::<NoLabelSet, _, f64>(&number, None)
            }
            Numbers::Gauge(_) | Numbers::Gauges(_) | Numbers::Info(_) => row.encode_gauge(&number),
            Numbers::Seconds(get) => row.encode_gauge(&get(snapshot)),
            Numbers::Histogram(get) => {
                let (sum, count, buckets) = get(snapshot);
                row.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            }
            // Written by themselves: they have no number.
            Numbers::Histograms(_) => Ok(()),
        }
    }

    /// The rows to write; a family that has none of its own has one without labels. `None`: nothing is known.
    fn rows(&self, snapshot: &Snapshot) -> Option<Rows> {
        let one = |number| vec![(["", ""], number)];
        match self.numbers {
            Numbers::Counter(get) => Some(one(get(snapshot))),
            Numbers::Gauge(get) => get(snapshot).map(one),
            Numbers::Seconds(_) | Numbers::Histogram(_) => Some(one(0)),
            Numbers::Info(get) => Some(vec![([get(snapshot), ""], 1)]),
            Numbers::Counters(get) | Numbers::Gauges(get) => Some(get(snapshot)),
            Numbers::Histograms(_) => Some(Rows::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::ProcessFacts;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot {
            version: "1.2.3",
            ..Snapshot::default()
        };
        snapshot.counters.handshakes.count("upgraded");
        snapshot
            .counters
            .limited
            .count_pair(["messages_per_user", "user"]);
        snapshot.counters.turn_nanos.observe(30_000, 2);
        snapshot.process.log_lines_dropped = 7;
        snapshot
    }

    #[test]
    fn the_text_is_that_of_openmetrics() {
        let text = expose(snapshot(), Exposition::OpenMetrics);
        for line in [
            "# TYPE wardroom_handshakes counter",
            "wardroom_handshakes_total{outcome=\"upgraded\"} 1",
            "wardroom_handshakes_total{outcome=\"not_found\"} 0",
            "wardroom_limited_total{limit=\"messages_per_user\",scope=\"user\"} 1",
            "wardroom_connections{state=\"v1\"} 0",
            "wardroom_turn_duration_seconds_bucket{le=\"0.000025\"} 0",
            "wardroom_turn_duration_seconds_bucket{le=\"0.00005\"} 2",
            "wardroom_turn_duration_seconds_bucket{le=\"+Inf\"} 2",
            "wardroom_turn_duration_seconds_count 2",
            "wardroom_work_duration_seconds_count{worker=\"store\"} 0",
            "wardroom_work_duration_seconds_bucket{le=\"0.001\",worker=\"hook\"} 0",
            "wardroom_log_lines_dropped_total 7",
            "wardroom_build_info{version=\"1.2.3\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_older_text_names_counters_by_their_samples() {
        let text = expose(snapshot(), Exposition::Text);
        for line in [
            "# TYPE wardroom_handshakes_total counter",
            "# TYPE wardroom_build_info gauge",
            "# TYPE wardroom_connections gauge",
            "# TYPE wardroom_turn_duration_seconds histogram",
            "wardroom_handshakes_total{outcome=\"upgraded\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(!text.contains("# EOF"));
    }

    #[test]
    fn what_the_system_does_not_say_is_left_out() {
        let absent = expose(snapshot(), Exposition::Text);
        assert!(!absent.contains("process_resident_memory_bytes"));
        let known = Snapshot {
            process: ProcessFacts {
                resident_bytes: Some(4096),
                ..ProcessFacts::default()
            },
            ..snapshot()
        };
        let known = expose(known, Exposition::Text);
        assert!(
            known.contains("\nprocess_resident_memory_bytes 4096\n"),
            "{known}"
        );
    }

    #[test]
    fn a_scraper_gets_the_format_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(Exposition::of_accept(prometheus), Exposition::OpenMetrics);
        for accept in ["", "*/*", "text/html"] {
            assert_eq!(Exposition::of_accept(accept), Exposition::Text);
        }
    }
}
