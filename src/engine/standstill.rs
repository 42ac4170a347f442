//! When the process last stood still: stopped by somebody, or on a machine that was paused or had no time for it.

use std::time::Duration;

use crate::time::Instant;

/// From one turn to the next there is more than this, and something is noticed more than that late: the process stood still. A turn that begins when
/// something is due is late by what the kernel and other programs take.
const STILL_MIN: Duration = Duration::from_secs(1);
const LATE_AT_MOST: Duration = Duration::from_millis(100);
/// Whoever was to do something meanwhile is listened to for so much longer: what they did in time lies in their sockets, which are read after
/// deadlines are looked at.
const LISTENED: Duration = Duration::from_secs(1);

/// The last time at which nobody was listened to.
///
/// **A deadline is put off by the standstill in which it fell, and by no other**: a server whose every turn is that slow still
/// holds everybody to their deadlines, a turn later.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standstill {
    from: Instant,
    to: Instant,
    last_turn: Instant,
}

impl Standstill {
    /// Begins a turn; `next` is the earliest thing that was to be looked at.
    pub(super) fn turn(&mut self, next: Option<Instant>, now: Instant) {
        let is_late = next.is_some_and(|next| now.since(next) > LATE_AT_MOST);
        if is_late && now.since(self.last_turn) > STILL_MIN {
            (self.from, self.to) = (self.last_turn, now);
        }
        self.last_turn = now;
    }

    /// When whoever was to do something by `deadline` is held to it.
    pub(super) fn put_off(&self, deadline: Instant) -> Instant {
        if self.from < deadline && deadline < self.to {
            self.to + LISTENED
        } else {
            deadline
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_due_while_nobody_listened_is_due_a_second_after() {
        let mut standstill = Standstill::default();
        standstill.turn(Some(at(10)), at(5));
        standstill.turn(Some(at(10)), at(60));
        assert_eq!(standstill.put_off(at(10)), at(61));
        assert_eq!(standstill.put_off(at(5)), at(5));
        assert_eq!(standstill.put_off(at(60)), at(60));
        standstill.turn(Some(at(20)), at(60) + Duration::from_millis(1));
        assert_eq!(standstill.put_off(at(20)), at(61), "left over from then");
    }

    #[test]
    fn whoever_sleeps_until_something_is_due_does_not_stand_still() {
        let mut standstill = Standstill::default();
        standstill.turn(Some(at(100)), at(5));
        standstill.turn(Some(at(100)), at(100) + LATE_AT_MOST);
        assert_eq!(standstill.put_off(at(100)), at(100));
        standstill.turn(None, at(500));
        assert_eq!(standstill.put_off(at(400)), at(400));
    }

    #[test]
    fn what_fell_due_right_before_the_process_goes_on_is_put_off_too() {
        let mut standstill = Standstill::default();
        standstill.turn(Some(at(10)), at(5));
        standstill.turn(Some(at(10)), at(10) + LATE_AT_MOST * 2);
        assert_eq!(standstill.put_off(at(10)), at(11) + LATE_AT_MOST * 2);
        // A turn that takes its time is none.
        standstill.turn(Some(at(11)), at(11) + LATE_AT_MOST * 2);
        assert_eq!(standstill.put_off(at(11)), at(11));
    }

    #[test]
    fn a_second_standstill_puts_off_nothing_of_the_first() {
        let mut standstill = Standstill::default();
        for second in [5, 7, 9] {
            standstill.turn(Some(at(6)), at(second));
        }
        assert_eq!(standstill.put_off(at(6)), at(6));
        assert_eq!(standstill.put_off(at(8)), at(10));
    }
}
