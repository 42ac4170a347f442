//! A hook that is dead costs nothing: after some failures in a row nobody waits for it any more, until a single question
//! finds it well again. Reads no clock.

use std::time::Duration;

use crate::time::Instant;

/// Whether the hook is asked.
///
/// **Only silence counts as a failure.** A program that answers, however wrongly, is there; and a client that finds out
/// what makes it answer wrongly must not be able to have it declared dead for everybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Well,
    /// Nobody is asked before this.
    Down(Instant),
    /// One question is under way; its answer decides.
    Probing,
}

impl Breaker {
    /// Whether a question may be put now. Taking that chance is said by [`Breaker::asked`].
    pub fn allows(&self, now: Instant) -> bool {
        match self.state {
            State::Well => true,
            State::Down(until) => until <= now,
            State::Probing => false,
        }
    }

    /// A question that was allowed is under way.
    pub fn asked(&mut self) {
        if let State::Down(_) = self.state {
            self.state = State::Probing;
        }
    }

    /// An answer came. Whether that ends a time in which the hook was down.
    pub fn answered(&mut self) -> bool {
        let was_down = self.state != State::Well;
        *self = Breaker::default();
        was_down
    }

    /// No answer came, or not in time. Whether the hook is down from now on and was not before.
    pub fn failed(&mut self, failures_max: u32, down_time: Duration, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            State::Well if self.failures < failures_max => false,
            // Told already: it is down, and stays so.
            State::Down(_) => false,
            before @ (State::Well | State::Probing) => {
                self.state = State::Down(now + down_time);
                before == State::Well
            }
        }
    }

    /// How long until a question may be put.
    pub fn wait(&self, now: Instant) -> Duration {
        match self.state {
            State::Down(until) => until.since(now),
            State::Well | State::Probing => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURES_MAX: u32 = 3;
    const DOWN_TIME: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// One that went down at second 10.
    fn down() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.failed(FAILURES_MAX, DOWN_TIME, at(10)));
            assert!(breaker.allows(at(10)));
        }
        assert!(breaker.failed(FAILURES_MAX, DOWN_TIME, at(10)));
        breaker
    }

    #[test]
    fn it_opens_after_so_many_failures_in_a_row_and_for_so_long() {
        let breaker = down();
        assert!(!breaker.allows(at(10)));
        assert!(!breaker.allows(at(14)));
        assert_eq!(breaker.wait(at(12)), Duration::from_secs(3));
        assert!(breaker.allows(at(15)));
    }

    #[test]
    fn an_answer_in_between_begins_the_count_again() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            assert!(!breaker.failed(FAILURES_MAX, DOWN_TIME, at(1)));
            assert!(!breaker.failed(FAILURES_MAX, DOWN_TIME, at(1)));
            assert!(!breaker.answered());
        }
        assert!(breaker.allows(at(1)));
    }

    #[test]
    fn one_question_finds_out_whether_it_is_well_again() {
        let mut breaker = down();
        assert!(breaker.allows(at(15)));
        breaker.asked();
        assert!(!breaker.allows(at(16)), "a second probe beside the first");
        assert!(
            !breaker.failed(FAILURES_MAX, DOWN_TIME, at(17)),
            "told already"
        );
        assert!(!breaker.allows(at(21)), "its time begins again");
        assert!(breaker.allows(at(22)));
        breaker.asked();
        assert!(breaker.answered());
        assert!(breaker.allows(at(22)));
        assert!(
            !breaker.failed(FAILURES_MAX, DOWN_TIME, at(23)),
            "the count begins again"
        );
    }

    #[test]
    fn questions_asked_before_it_went_down_neither_prolong_it_nor_are_in_vain() {
        let mut breaker = down();
        assert!(!breaker.failed(FAILURES_MAX, DOWN_TIME, at(14)));
        assert!(breaker.allows(at(15)), "a late failure prolongs nothing");
        assert!(breaker.answered(), "a late answer shows that it is well");
        assert!(breaker.allows(at(11)));
    }
}
