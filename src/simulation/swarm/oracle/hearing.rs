//! Who hears what: only who is there and may be, in one order for everybody, without hole or repeat, and what is kept not before it is.

use serde_json::Value;

use super::{Judged, Oracle, Violation, text_of};
use crate::simulation::swarm::client::{Link, Seat};
use crate::time::{Now, Wall};

/// How the tutorial's protocol begins to say that somebody is not in a room any more.
const PUT_OUT: &str = "You are not in this room any more";

impl Oracle {
    /// Whether a client may be told something of a room.
    pub(super) fn expect_there(
        &self,
        link: &Link,
        room: &str,
        (start, notice): (usize, &Value),
        now: Now,
    ) -> Judged {
        let seat = link.seats.get(room).copied();
        let is_early = matches!(seat, Some(Seat::Out { from }) if start < from);
        if is_early {
            return Ok(());
        }
        if !self.may_hear(room, &link.user, now.wall) {
            let words = format!("{} may not be in {room}, and is told {notice}", link.user);
            return Err(Violation::new("barrier", words));
        }
        let is_there = match seat {
            Some(Seat::In { .. }) => true,
            Some(Seat::Out { .. }) => link.is_coming(room),
            // In the tutorial's protocol nobody is told where they are.
            None => link.is_tutorial || link.is_coming(room),
        };
        if is_there {
            return Ok(());
        }
        let words = format!("{} is not in {room}, and is told {notice}", link.user);
        Err(Violation::new("delivery", words))
    }

    /// A message was told.
    pub(super) fn heard(
        &mut self,
        link: &mut Link,
        notice: &Value,
        start: usize,
        now: Now,
    ) -> Judged {
        let room = notice["room"].as_str().unwrap_or_default();
        let seq = notice["seq"].as_u64().unwrap_or_default();
        self.expect_there(link, room, (start, notice), now)?;
        expect_next(link, room, seq)?;
        let sender = notice["sender"].as_str().unwrap_or_default();
        match text_of(notice) {
            Some(text) => self.expect_true(link, (room, seq), (sender, &text), notice, now),
            None => Ok(()),
        }
    }

    fn expect_true(
        &mut self,
        link: &Link,
        (room, seq): (&str, u64),
        (sender, text): (&str, &str),
        notice: &Value,
        now: Now,
    ) -> Judged {
        if self.is_durable(room) {
            // The rest of a frame that has begun may come when the room is gone.
            let room = self.books.rooms.get(room);
            let is_kept = room.is_some_and(|room| room.has_said(seq, sender, text));
            let words = || format!("{} hears {notice}, which is not kept", link.user);
            return is_kept
                .then_some(())
                .ok_or_else(|| Violation::new("durable", words()));
        }
        self.expect_allowed(link, (room, sender), notice, now)?;
        let at = date(notice);
        self.rates
            .accepted((sender, text), (room, Some(seq)), at, now);
        let said = (sender.to_owned(), text.to_owned());
        let known = self
            .said
            .entry((room.to_owned(), seq))
            .or_insert_with(|| said.clone());
        if *known == said {
            return Ok(());
        }
        let words = format!("{room} {seq} is {known:?} to some and {said:?} to others");
        Err(Violation::new("one truth", words))
    }

    /// What a room that keeps nothing hears was said in this very turn, as far as a reader is not behind: by somebody who might.
    fn expect_allowed(
        &self,
        link: &Link,
        (room, sender): (&str, &str),
        notice: &Value,
        now: Now,
    ) -> Judged {
        let Some(room) = self.books.room(room).filter(|_| link.is_free) else {
            return Ok(());
        };
        let at = self.books.latest(now.wall);
        if room.is_banned(sender, at) || room.is_muted(sender, at) {
            let words = format!("{} hears {notice} of somebody who may not", link.user);
            return Err(Violation::new("said after a sanction", words));
        }
        Ok(())
    }

    /// A client of the tutorial's protocol was told something.
    pub fn told_tutorial(
        &mut self,
        link: &mut Link,
        notice: &Value,
        start: usize,
        now: Now,
    ) -> Judged {
        if link.revoked_from.is_some_and(|from| start >= from) {
            let words = format!("{} was revoked, and is told {notice}", link.user);
            return Err(Violation::new("revoked", words));
        }
        let room = notice["room_id"].as_str().unwrap_or_default();
        let sender = notice["sender"].as_str().unwrap_or_default();
        let text = notice["message"].as_str().unwrap_or_default();
        if sender == "System" && text.starts_with(PUT_OUT) {
            link.seats
                .insert(room.to_owned(), Seat::Out { from: start });
        }
        if room.is_empty() || sender == "System" || sender.is_empty() {
            return Ok(());
        }
        self.expect_there(link, room, (start, notice), now)?;
        if sender == link.user
            && let Some(spoken) = link.spoken.get_mut(room)
        {
            spoken.remove(text);
        }
        if !self.is_durable(room) {
            come_in(link, room, start);
            return Ok(());
        }
        let kept = self.books.room(room).into_iter();
        let mut kept = kept.flat_map(|room| room.messages.iter().rev());
        let found = kept.find(|(_, kept)| kept.texts.iter().any(|known| &**known == text));
        let Some((seq, _)) = found else {
            let words = format!("{} hears {notice}, which is not kept", link.user);
            return Err(Violation::new("durable", words));
        };
        expect_later(link, room, *seq, start)
    }
}

/// The number that must come next in a room.
fn expect_next(link: &mut Link, room: &str, seq: u64) -> Judged {
    let user = &link.user;
    let Some(Seat::In { next, gap }) = link.seats.get_mut(room) else {
        return Ok(());
    };
    let is_next = next.is_none_or(|next| {
        seq == next || gap.is_some_and(|(from, to)| from == next && seq == to + 1)
    });
    if !is_next {
        let words =
            format!("{user} hears {seq} in {room}, and {next:?} comes next ({gap:?} missing)");
        return Err(Violation::new("order", words));
    }
    *next = Some(seq + 1);
    Ok(())
}

/// Where numbers are not told: the one that comes next all the same, from the first on that is heard since they came.
fn expect_later(link: &mut Link, room: &str, seq: u64, start: usize) -> Judged {
    come_in(link, room, start);
    if let Some(Seat::In { next, .. }) = link.seats.get_mut(room) {
        if next.is_some_and(|next| seq != next) {
            let words = format!("{} hears {seq} in {room}, not {next:?}", link.user);
            return Err(Violation::new("order", words));
        }
        *next = Some(seq + 1);
    }
    Ok(())
}

/// Who hears something of a room in the tutorial's protocol, and not the rest of what was under way when they were put out, is there.
fn come_in(link: &mut Link, room: &str, start: usize) {
    let seat = link.seats.get(room);
    let is_in = match seat {
        Some(Seat::In { .. }) => true,
        Some(Seat::Out { from }) => start < *from,
        None => false,
    };
    if !is_in {
        let seat = Seat::In {
            next: None,
            gap: None,
        };
        link.seats.insert(room.to_owned(), seat);
    }
}

/// The date of a notice.
pub fn date(notice: &Value) -> Wall {
    let seconds = notice["timestamp"].as_f64().unwrap_or_default();
    Wall::from_millis((seconds * 1000.0).round() as u64)
}
