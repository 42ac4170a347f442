//! The rows of the table: what is measured, its unit, and what Wardroom must reach.

use crate::options::Workload;

/// One line of the table.
pub struct Row {
    pub id: &'static str,
    pub title: &'static str,
    /// Of every number in the row.
    pub unit: &'static str,
    pub kind: Kind,
    pub target: Target,
}

#[derive(Clone, Copy)]
pub enum Kind {
    /// Microseconds of server CPU per unit of work.
    Load(Load),
    /// Bytes of resident memory that each of so many connections adds.
    Idle {
        connections: usize,
        workload: Workload,
    },
    /// From spawning the process to the first connection it accepts.
    Start,
    /// Resident memory of a server nobody has talked to yet.
    RssAtStart,
    /// Of the stripped executable. Wardroom only.
    Binary,
}

#[derive(Clone, Copy)]
pub struct Load {
    pub workload: Workload,
    pub connections: usize,
    /// Of one message; a delivered chat notice is made about as long.
    pub bytes: usize,
    /// Messages outstanding: per connection for an echo, in all for a fan-out.
    pub in_flight: usize,
}

/// Wardroom's, for the median.
#[derive(Clone, Copy)]
pub enum Target {
    TimesRaw(f64),
    AtMost(f64),
}

const fn echo(bytes: usize, in_flight: usize) -> Kind {
    Kind::Load(Load {
        workload: Workload::Echo,
        connections: 64,
        bytes,
        in_flight,
    })
}

const fn fan_out(in_flight: usize) -> Kind {
    Kind::Load(Load {
        workload: Workload::FanOut,
        connections: 1000,
        bytes: 128,
        in_flight,
    })
}

/// Sixteen at a time: enough that the server always has a next one, few enough to be no flood.
const fn connect(workload: Workload) -> Kind {
    Kind::Load(Load {
        workload,
        connections: 16,
        bytes: 0,
        in_flight: 1,
    })
}

const fn row(
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    kind: Kind,
    target: Target,
) -> Row {
    Row {
        id,
        title,
        unit,
        kind,
        target,
    }
}

pub const ROWS: &[Row] = &[
    row(
        "echo",
        "echo 128 B, 64 connections, 1 in flight",
        "µs",
        echo(128, 1),
        Target::TimesRaw(1.15),
    ),
    row(
        "echo-16",
        "echo 128 B, 64 connections, 16 in flight",
        "µs",
        echo(128, 16),
        Target::TimesRaw(2.0),
    ),
    row(
        "echo-16k",
        "echo 16 KiB, 64 connections, 1 in flight",
        "µs",
        echo(16 << 10, 1),
        Target::TimesRaw(1.5),
    ),
    row(
        "fan-out",
        "fan-out to 1,000, one at a time, per delivery",
        "µs",
        fan_out(1),
        Target::TimesRaw(1.15),
    ),
    row(
        "fan-out-16",
        "fan-out to 1,000, 16 outstanding, per delivery",
        "µs",
        fan_out(16),
        Target::TimesRaw(1.5),
    ),
    row(
        "connect",
        "connect + upgrade + close",
        "µs",
        connect(Workload::Connect),
        Target::TimesRaw(2.0),
    ),
    row(
        "connect-tls",
        "connect + upgrade + close, TLS (full handshake)",
        "µs",
        connect(Workload::SecureConnect),
        Target::AtMost(160.0),
    ),
    row(
        "idle",
        "RSS per idle connection (10,000)",
        "B",
        Kind::Idle {
            connections: 10_000,
            workload: Workload::Idle,
        },
        Target::AtMost(2048.0),
    ),
    row(
        "idle-tls",
        "RSS per idle connection, TLS (10,000)",
        "B",
        Kind::Idle {
            connections: 10_000,
            workload: Workload::SecureIdle,
        },
        Target::AtMost(12_288.0),
    ),
    row(
        "binary",
        "stripped release binary",
        "MB",
        Kind::Binary,
        Target::AtMost(8.0),
    ),
    row(
        "rss",
        "RSS at start",
        "MB",
        Kind::RssAtStart,
        Target::AtMost(10.0),
    ),
    row(
        "start",
        "start to listening",
        "ms",
        Kind::Start,
        Target::AtMost(50.0),
    ),
];
