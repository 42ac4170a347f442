//! The one table of metrics: name, labels, meaning, and where its numbers come from. The text for Prometheus and the
//! reference in `docs/metrics.md` are driven by it.

use super::counters::{Ending, Worker};
use super::snapshot::Snapshot;
use crate::limit::memory::Class;
use crate::protocol::close::CloseReason;

/// A metric's numbers.
pub(super) enum Numbers {
    Counter(fn(&Snapshot) -> u64),
    /// `None`: the system does not say, and the metric is left out.
    Gauge(fn(&Snapshot) -> Option<u64>),
    /// A gauge with a fraction.
    Seconds(fn(&Snapshot) -> f64),
    /// One number for each set of label values.
    Counters(fn(&Snapshot) -> Rows),
    Gauges(fn(&Snapshot) -> Rows),
    Histogram(fn(&Snapshot) -> Distribution),
    /// One histogram for each value of the one label.
    Histograms(fn(&Snapshot) -> Vec<(&'static str, Distribution)>),
    /// Always 1; the labels say it.
    Info(fn(&Snapshot) -> &'static str),
}

/// A histogram's sum, count, and upper bounds with the observations of their own bucket.
pub(super) type Distribution = (f64, u64, Vec<(f64, u64)>);

/// Label values, as many as the family has labels, and their number.
pub(super) type Rows = Vec<([&'static str; 2], u64)>;

/// One metric.
pub(super) struct Family {
    /// As it stands in queries, but for the suffixes of counters and histograms.
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    /// What it counts, in one sentence without its full stop.
    pub(super) help: &'static str,
    pub(super) numbers: Numbers,
}

impl Family {
    /// The type, as Prometheus calls it.
    pub(super) fn kind(&self) -> &'static str {
        match self.numbers {
            Numbers::Counter(_) | Numbers::Counters(_) => "counter",
            Numbers::Gauge(_) | Numbers::Seconds(_) | Numbers::Gauges(_) => "gauge",
            Numbers::Histogram(_) | Numbers::Histograms(_) => "histogram",
            Numbers::Info(_) => "info",
        }
    }

    /// The name of its samples; a histogram's has three suffixes.
    fn full_name(&self) -> String {
        match self.kind() {
            "counter" => format!("{}_total", self.name),
            "info" => format!("{}_info", self.name),
            _ => self.name.to_owned(),
        }
    }
}

const NANOSECOND: f64 = 1e-9;
const FRAMES: [&str; 6] = ["continuation", "text", "binary", "close", "ping", "pong"];

macro_rules! families {
    ($($name:literal [$($label:literal),*] $kind:ident $get:expr, $help:literal;)*) => {
        &[$(Family { name: $name, labels: &[$($label),*], help: $help, numbers: Numbers::$kind($get) }),*]
    };
}

/// Every metric, in the order in which people read them.
pub(super) static FAMILIES: &[Family] = families! {
    "wardroom_ready" [] Gauge |s| Some(u64::from(s.is_ready)),
        "1 while the server is ready for clients, as /readyz says it";
    "wardroom_connections" ["state"] Gauges connections,
        "Connections by what they are doing: head waits for a request, closing was a session and is not done with its last words, ending was none and is not done with them; private are those of the private listener";
    "wardroom_connections_accepted" [] Counter |s| s.counters.accepted,
        "Connections that were given a place";
    "wardroom_connections_unaccepted" [] Counter |s| s.counters.unaccepted,
        "Times at which the kernel would not hand over a connection that waited, for want of descriptors or memory: strangers make room then";
    "wardroom_users" [] Gauge |s| Some(s.users),
        "Users who are connected, or who left and still owe something to a limit";
    "wardroom_seats" [] Gauge |s| Some(s.seats),
        "Seats taken in all rooms: one for each connection in each room";

    "wardroom_handshakes" ["outcome"] Counters |s| s.counters.handshakes.rows().collect(),
        "Requests for a WebSocket that were upgraded, and all requests that were refused, by the code of the refusal or the reason told after the upgrade";
    "wardroom_responses" [] Counter |s| s.counters.responses,
        "Plain requests that were answered: pages, tickets, health";
    "wardroom_limited" ["limit", "scope"] Counters |s| s.counters.limited.rows().collect(),
        "Times that a limit said no or made a connection wait, by its setting and whose limit it is";
    "wardroom_shadowed" ["limit", "scope"] Counters |s| s.counters.shadowed.rows().collect(),
        "Times that a limit of limits.shadow would have said no or made a connection wait, and did not";
    "wardroom_closes" ["reason"] Counters closes,
        "Sessions that ended, by reason";

    "wardroom_received_bytes" [] Counter |s| s.counters.bytes_received,
        "Bytes read from clients, after decryption";
    "wardroom_sent_bytes" [] Counter |s| s.counters.bytes_sent,
        "Bytes that sockets took, before encryption";
    "wardroom_frames_received" ["opcode"] Counters frames,
        "WebSocket frames whose header was read";
    "wardroom_messages_received" ["endpoint"] Counters |s| vec![
            (["chat", ""], s.counters.chat_messages_received),
            (["echo", ""], s.counters.echo_messages_received),
        ],
        "Whole messages from clients, valid or not";
    "wardroom_messages_said" [] Counter |s| s.counters.messages_said,
        "Chat messages that were taken and told to their room";
    "wardroom_deliveries" [] Counter |s| s.counters.deliveries,
        "Notices to rooms, each counted for each connection that it was queued for";
    "wardroom_notices_left_out" [] Counter |s| s.counters.left_out,
        "Typing, comings and goings that a connection was not told of because it was behind with reading";
    "wardroom_errors_told" ["code"] Counters |s| s.counters.errors.rows().collect(),
        "Errors told to clients in their session, by code";
    "wardroom_pings_sent" [] Counter |s| s.counters.pings,
        "Pings sent to silent sessions";
    "wardroom_fan_out_connections" [] Histogram |s| {
            let told = &s.counters.fan_out;
            (told.sum(1.0), told.count(), told.buckets(1.0))
        },
        "Connections that one notice to a room was queued for";

    "wardroom_outbound_bytes" [] Gauge |s| Some(s.queues.outbound_bytes),
        "Bytes waiting for sockets to take them";
    "wardroom_outbound_connections" [] Gauge |s| Some(s.queues.outbound_connections),
        "Connections that bytes wait for";
    "wardroom_queue_connections" ["queue"] Gauges queues,
        "Connections on a list of the loop: doomed are to be closed, unfinished used up their budget, readable and writable wait for the next turn";
    "wardroom_memory_bytes" ["class"] Gauges memory,
        "Memory drawn of the budget, by what for";
    "wardroom_memory_mark_bytes" ["mark"] Gauges marks,
        "From soft on somebody is let go, from hard on what would take more is refused, and budget is all there is";
    "wardroom_memory_shed" ["class"] Counters shed,
        "Connections let go for want of memory";
    "wardroom_deadlines" [] Gauge |s| Some(s.queues.deadlines),
        "Entries in the table of deadlines";
    "wardroom_turn_duration_seconds" [] Histogram |s| {
            let turns = &s.counters.turn_nanos;
            (turns.sum(NANOSECOND), turns.count(), turns.buckets(NANOSECOND))
        },
        "Time of one turn of the loop, without the wait before it";
    "wardroom_turn_events" [] Histogram |s| {
            let events = &s.counters.turn_events;
            (events.sum(1.0), events.count(), events.buckets(1.0))
        },
        "Sockets with news in one turn of the loop";

    "wardroom_tls_handshakes" ["version", "group"] Counters |s| s.counters.tls_handshakes.rows().collect(),
        "TLS handshakes done, by version and key exchange group; none in a resumption without a new one";
    "wardroom_tls_resumptions" [] Counter |s| s.counters.tls_resumptions,
        "TLS handshakes that went on with an earlier session";
    "wardroom_tls_failures" ["reason"] Counters |s| s.counters.tls_failures.rows().collect(),
        "TLS handshakes that failed, by reason";
    "wardroom_work" ["worker", "outcome"] Counters |s| s.counters.works.rows().collect(),
        "Questions to the store and to the authentication hook, by what came of them";
    "wardroom_work_duration_seconds" ["worker"] Histograms works,
        "Time from such a question to its answer, the wait in the queue included";
    "wardroom_work_waiting" [] Gauge |s| Some(s.queues.works),
        "Such questions that have no answer yet";

    "wardroom_security_events" ["event"] Counters |s| s.counters.events.rows().collect(),
        "Events for the security log, whether or not their line was written";
    "wardroom_security_events_left_out" [] Counter |s| s.counters.events_left_out,
        "Lines of the security log left out because of log.security_events";
    "wardroom_log_lines_dropped" [] Counter |s| s.process.log_lines_dropped,
        "Lines of both logs that nobody took in time or that could not be written";

    "wardroom_build" ["version"] Info |s| s.version,
        "The version that runs";
    "process_start_time_seconds" [] Seconds |s| s.started.as_millis() as f64 / 1000.0,
        "When the server started, in seconds since 1970-01-01 UTC";
    "process_resident_memory_bytes" [] Gauge |s| s.process.resident_bytes,
        "Memory that the process keeps resident";
    "process_open_fds" [] Gauge |s| s.process.descriptors_open,
        "Open file descriptors";
    "process_max_fds" [] Gauge |s| s.process.descriptors_max,
        "File descriptors that the process may have";
};

fn connections(s: &Snapshot) -> Rows {
    let phases = &s.phases;
    vec![
        (["head", ""], phases.head),
        (["tutorial", ""], phases.tutorial),
        (["v1", ""], phases.v1),
        (["echo", ""], phases.echo),
        (["handshake", ""], phases.handshake),
        (["closing", ""], phases.closing),
        (["ending", ""], phases.ending),
        (["private", ""], phases.private),
    ]
}

fn closes(s: &Snapshot) -> Rows {
    let ours = CloseReason::ALL.map(CloseReason::label).into_iter();
    let others = Ending::ALL.map(Ending::label).into_iter();
    ours.zip(s.counters.closes)
        .chain(others.zip(s.counters.endings))
        .map(|(label, count)| ([label, ""], count))
        .collect()
}

fn frames(s: &Snapshot) -> Rows {
    labelled(&FRAMES, &s.counters.frames_received)
}

fn works(s: &Snapshot) -> Vec<(&'static str, Distribution)> {
    let workers = Worker::ALL.map(Worker::label).into_iter();
    workers
        .zip(&s.counters.work_nanos)
        .map(|(worker, nanos)| {
            let (sum, buckets) = (nanos.sum(NANOSECOND), nanos.buckets(NANOSECOND));
            (worker, (sum, nanos.count(), buckets))
        })
        .collect()
}

fn queues(s: &Snapshot) -> Rows {
    let queues = &s.queues;
    vec![
        (["doomed", ""], queues.doomed),
        (["unfinished", ""], queues.unfinished),
        (["readable", ""], queues.readable),
        (["writable", ""], queues.writable),
    ]
}

fn memory(s: &Snapshot) -> Rows {
    labelled(&Class::ALL.map(Class::label), &s.memory)
}

fn marks(s: &Snapshot) -> Rows {
    labelled(&["soft", "hard", "budget"], &s.marks)
}

fn shed(s: &Snapshot) -> Rows {
    labelled(
        &["unauthenticated", "slow_readers", "idle"],
        &s.counters.shed,
    )
}

fn labelled(labels: &[&'static str], numbers: &[u64]) -> Rows {
    let rows = labels.iter().zip(numbers);
    rows.map(|(label, number)| ([*label, ""], *number))
        .collect()
}

/// The table of all metrics as Markdown.
pub fn reference() -> String {
    let mut text = String::from("| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n");
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|l| format!("`{l}`")).collect();
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            family.full_name(),
            family.kind(),
            labels.join(", "),
            family.help
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- begin: generated from src/telemetry/families.rs -->\n";
    const END: &str = "\n<!-- end -->";

    #[test]
    fn the_documentation_of_metrics_is_what_the_table_generates() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        let document = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = document.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = format!("{before}{BEGIN}{}{END}{after}", reference());
        if std::env::var_os("WARDROOM_BLESS").is_some() {
            std::fs::write(path, &expected).unwrap();
        } else {
            assert!(
                document == expected,
                "docs/metrics.md is stale: run this test with WARDROOM_BLESS=1"
            );
        }
    }

    #[test]
    fn names_are_those_of_the_conventions_and_unique() {
        for (at, family) in FAMILIES.iter().enumerate() {
            let name = family.name;
            assert!(
                name.starts_with("wardroom_") || name.starts_with("process_"),
                "{name}"
            );
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            assert!(!name.ends_with("_total"), "the encoder adds it: {name}");
            assert!(!family.help.ends_with('.'), "{name}");
            assert!(
                FAMILIES[at + 1..].iter().all(|other| other.name != name),
                "{name}"
            );
        }
    }

    #[test]
    fn every_row_has_as_many_values_as_its_family_has_labels() {
        let snapshot = Snapshot::default();
        for family in FAMILIES {
            let (Numbers::Counters(rows) | Numbers::Gauges(rows)) = &family.numbers else {
                continue;
            };
            for (values, _) in rows(&snapshot) {
                let given = values.iter().filter(|value| !value.is_empty()).count();
                assert_eq!(given, family.labels.len(), "{}: {values:?}", family.name);
            }
        }
    }
}
