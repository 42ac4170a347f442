//! What stays of attacks when nobody is there any more. Each attack is held against the calm before it, which lets pass what a siege of many
//! adds up to. So everything is made so many times that each attack has been made once, and as many times again, with a rest after both. What was
//! touched for the first time may be kept; the second time nothing more is.
//!
//! The server's own memory is looked at, its heap and stacks: pages of files are used or not as the system likes.

use serde::Serialize;

use super::bounds::{LEFT_BYTES_PER_ROUND_MAX, ROUNDS};
use super::verdict::mebibytes;

/// Bytes of its own that a server of the siege's held when nobody was there.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rest {
    /// So many times everything was made before each.
    rounds: u8,
    before: u64,
    after: u64,
    after_max: u64,
    held: bool,
    /// What else did not hold when everything was made again.
    faults: Vec<String>,
}

impl Rest {
    pub(super) fn of(before: u64, after: u64, faults: Vec<String>) -> Self {
        let after_max = before + u64::from(ROUNDS) * LEFT_BYTES_PER_ROUND_MAX;
        Rest {
            rounds: ROUNDS,
            before,
            after,
            after_max,
            held: after <= after_max,
            faults,
        }
    }

    pub(super) fn has_held(&self) -> bool {
        self.held && self.faults.is_empty()
    }

    /// A line, and one for each fault.
    pub(super) fn lines(&self) -> String {
        let verdict = if self.held { "held" } else { "FAILED" };
        let [before, after, most] = [self.before, self.after, self.after_max].map(mebibytes);
        let mut lines = format!(
            "{verdict}: at rest the server keeps {after} MiB of its own when everything was made {} times more, {before} MiB before that; at most {most} MiB, {} KiB more each time",
            self.rounds,
            LEFT_BYTES_PER_ROUND_MAX / 1024
        );
        for fault in &self.faults {
            lines.push_str("\nFAILED: everything, ");
            lines.push_str(fault);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_pages_more_may_be_kept_and_fifty_kibibytes_an_attack_are_a_leak() {
        const KIB: u64 = 1024;
        let rest = Rest::of(3072 * KIB, 3392 * KIB, Vec::new());
        assert!(rest.has_held());
        assert_eq!(
            rest.lines(),
            "held: at rest the server keeps 3.3 MiB of its own when everything was made 8 times more, 3.0 MiB before that; at most 3.3 MiB, 40 KiB more each time"
        );
        let rest = Rest::of(
            3072 * KIB,
            (3072 + u64::from(ROUNDS) * 50) * KIB,
            Vec::new(),
        );
        assert!(!rest.has_held());
        assert!(rest.lines().starts_with("FAILED: "), "{}", rest.lines());
    }

    #[test]
    fn what_did_not_hold_meanwhile_is_told_and_nothing_has_held_then() {
        let lost = "time 3: 1 of 90 deliveries between honest people were lost";
        let rest = Rest::of(4096, 4096, vec![lost.to_owned()]);
        assert!(!rest.has_held());
        let lines = rest.lines();
        assert!(lines.starts_with("held: at rest "), "{lines}");
        let last = format!("\nFAILED: everything, {lost}");
        assert!(lines.ends_with(&last), "{lines}");
    }
}
