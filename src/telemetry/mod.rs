//! What an operator is told: counters, their text for Prometheus, and the lines of the security log.
//!
//! Counts and words only: no clock, no file, no thread, no lock. It must never be given what a peer chose as a
//! label, and it is never shown a credential or a message.

mod counters;
mod date;
mod event;
mod exposition;
mod families;
mod histogram;
mod line;
mod snapshot;
mod tally;

pub use counters::{
    Counters, ECHO_BYTES, Ending, MESSAGE_BYTES, OUTBOUND_BYTES, PhaseCounts, UNREAD, Worker,
};
pub use date::Rfc3339;
pub use event::{Event, Kind, Party};
pub use exposition::{Exposition, expose};
pub use families::reference;
pub use histogram::Histogram;
pub use line::{write_event, write_left_out};
pub use snapshot::{ProcessFacts, Queues, Snapshot, TurnFacts};
pub use tally::Tally;
