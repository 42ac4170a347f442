//! What is odd about a connection's traffic and breaks no rule: each oddity has a price, and their sum a bound.
//!
//! None of it is forbidden, and whoever does it now and then is never noticed. Whoever does little else makes the server work for nothing, below the bounds
//! that each kind has of its own.

/// Something that an ordinary client hardly ever does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glitch {
    /// A ping, which has to be answered.
    Ping,
    /// A ping that follows another, with nothing said in between.
    PingAgain,
    /// A pong, asked for or not.
    Pong,
    /// A fragment without a byte, and more to come.
    EmptyFragment,
    /// A fragment of less than [`TINY_BYTES`], and more to come.
    TinyFragment,
    /// A read that brought a single byte.
    SmallRead,
    /// A message that is no command: what it costs to find that out, and to say so.
    Malformed,
    /// A message from one who leaves what they were told unread.
    Unread,
}

/// A fragment below this carries less than its header and mask cost.
pub const TINY_BYTES: u64 = 16;

/// In a turn that lasts too long everything costs so many times as much.
pub const LATE_FACTOR: u64 = 4;

impl Glitch {
    /// Every one, for tests.
    pub const ALL: [Glitch; 8] = [
        Glitch::Ping,
        Glitch::PingAgain,
        Glitch::Pong,
        Glitch::EmptyFragment,
        Glitch::TinyFragment,
        Glitch::SmallRead,
        Glitch::Malformed,
        Glitch::Unread,
    ];

    /// In points: one is about what reading one byte alone costs, some microseconds.
    pub fn points(self) -> u64 {
        match self {
            Glitch::SmallRead => 1,
            Glitch::Pong | Glitch::TinyFragment => 2,
            Glitch::Ping => 4,
            // Streaming writers flush nothing now and then; a row of them is work for nothing.
            Glitch::EmptyFragment => 8,
            Glitch::PingAgain => 12,
            Glitch::Malformed | Glitch::Unread => 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Limits;

    /// So many of each in a second.
    fn points(of: &[(Glitch, u64)]) -> u64 {
        of.iter()
            .map(|(glitch, times)| glitch.points() * times)
            .sum()
    }

    #[test]
    fn nothing_is_free_and_whatever_makes_more_work_costs_more() {
        assert!(Glitch::ALL.iter().all(|glitch| glitch.points() > 0));
        assert!(Glitch::PingAgain.points() > Glitch::Ping.points());
        assert!(Glitch::EmptyFragment.points() > Glitch::TinyFragment.points());
        assert!(Glitch::Malformed.points() > Glitch::SmallRead.points());
    }

    #[test]
    fn honest_oddities_stay_below_the_default_even_when_turns_are_late() {
        let rate = Limits::default().glitches_per_connection;
        let regained = rate.burst / rate.per.as_secs();
        let rows: [(&str, &[(Glitch, u64)]); 5] = [
            (
                "somebody types a message byte by byte",
                &[(Glitch::SmallRead, 25)],
            ),
            ("a keep-alive of ten pings a second", &[(Glitch::Ping, 10)]),
            (
                "a writer that streams in tiny pieces",
                &[(Glitch::TinyFragment, 25)],
            ),
            (
                "a phone that is behind and goes on talking",
                &[(Glitch::Unread, 2), (Glitch::SmallRead, 5)],
            ),
            (
                "a client with a bug in one of its commands",
                &[(Glitch::Malformed, 2)],
            ),
        ];
        for (name, of) in rows {
            assert!(points(of) * LATE_FACTOR <= regained, "{name}");
        }
        // And once, at full speed: a message of the greatest length in reads of one byte.
        assert!(rate.burst >= points(&[(Glitch::SmallRead, 500)]) * LATE_FACTOR);
        assert!(rate.per <= Duration::from_secs(60));
    }
}
