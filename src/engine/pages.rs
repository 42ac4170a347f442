//! Pages of what is kept: history, what was missed, and the moderation log.
//!
//! **The store's answers come in the order in which it did what they tell of**, messages included: a page asked for by whoever comes in ends exactly
//! where the first message begins that they hear. It may have waited for messages that were asked for later; then it holds them, and they were told
//! before it.

use std::sync::Arc;

use bytes::Bytes;

use super::Engine;
use super::connection::Wire;
use super::reply::Complaint;
use super::room_reply;
use super::room_work::{Asked, Requester};
use super::verify::BUSY_RETRY;
use super::work::Come;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::command::rooms::Place;
use crate::protocol::command::v1::RequestId;
use crate::protocol::notice::rooms::Gap;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Capability;
use crate::rooms::record::{From, MessageRecord, RoomAnswer, RoomQuestion};
use crate::time::Now;

/// What a page is for.
#[derive(Debug)]
pub(super) enum Wanted {
    History {
        room: Arc<str>,
        from: From,
    },
    /// Whoever asked comes in and is told what came after this message.
    Missed {
        room: Arc<str>,
        since: u64,
    },
    Log {
        room: Arc<str>,
    },
}

impl Wanted {
    pub(super) fn room(&self) -> &Arc<str> {
        match self {
            Wanted::History { room, .. } | Wanted::Missed { room, .. } | Wanted::Log { room } => {
                room
            }
        }
    }
}

/// Messages of one answer.
struct Page {
    messages: Vec<MessageRecord>,
    first_seq: u64,
    last_seq: u64,
}

impl Engine {
    /// Asks for a page of messages.
    pub(super) fn ask_history(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        (room, place, limit): (RoomKey, Place, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.permit(id, room, Capability::Read, now)?;
        let requester = Requester::session(id, request);
        self.ask_history_for(requester, (room, place, limit), now)
    }

    /// The same for whoever may have it.
    pub(super) fn ask_history_for(
        &mut self,
        requester: Requester,
        (room, place, limit): (RoomKey, Place, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.expect_stored(room, now)?;
        let from = from(place);
        let question = self.page(room, from, limit, now);
        let room = self.durable(room)?;
        let wanted = Wanted::History { room, from };
        self.ask_of_room(requester, Asked::Page(wanted), question, now);
        Ok(())
    }

    /// Asks for what came after message `since`; the connection comes in when that is there.
    pub(super) fn ask_missed(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        (room, since): (RoomKey, u64),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.permit(id, room, Capability::Read, now)?;
        self.expect_stored(room, now)?;
        // The latest: what does not fit is told as a gap before them.
        let question = self.page(room, From::Before(u64::MAX), None, now);
        let room = self.durable(room)?;
        let wanted = Wanted::Missed { room, since };
        let requester = Requester::session(id, request);
        self.ask_of_room(requester, Asked::Page(wanted), question, now);
        Ok(())
    }

    /// Asks for a page of the moderation log.
    pub(super) fn ask_log(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        (room, place, limit): (RoomKey, Place, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.permit(id, room, Capability::Read, now)?;
        let requester = Requester::session(id, request);
        self.ask_log_for(requester, (room, place, limit), now)
    }

    /// The same for whoever may have it.
    pub(super) fn ask_log_for(
        &mut self,
        requester: Requester,
        (room, place, limit): (RoomKey, Place, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.expect_stored(room, now)?;
        let room = Arc::clone(self.rooms.room(room).id());
        let question = RoomQuestion::Log {
            room: Arc::clone(&room),
            from: from(place),
            entries_max: self.entries(limit),
        };
        let asked = Asked::Page(Wanted::Log { room });
        self.ask_of_room(requester, asked, question, now);
        Ok(())
    }

    fn durable(&self, room: RoomKey) -> Result<Arc<str>, RoomRefusal> {
        let room = self.rooms.room(room);
        let is_kept = room.lasting.settings.is_durable;
        is_kept
            .then(|| Arc::clone(room.id()))
            .ok_or(RoomRefusal::NotKept)
    }

    pub(super) fn entries(&self, limit: Option<u64>) -> usize {
        let entries_max = self.config.rooms.page_entries_max;
        let wished = limit.and_then(|limit| usize::try_from(limit).ok());
        wished.unwrap_or(entries_max).clamp(1, entries_max)
    }

    fn page(&self, room: RoomKey, from: From, limit: Option<u64>, now: Now) -> RoomQuestion {
        RoomQuestion::Page {
            room: Arc::clone(self.rooms.room(room).id()),
            from,
            floor: self.floor(room, now),
            messages_max: self.entries(limit),
            bytes_max: (self.config.rooms.page_bytes_max)
                .min(self.config.limits.outbound_bytes_per_connection_max / 2),
        }
    }

    pub(super) fn page_answered(
        &mut self,
        requester: Requester,
        wanted: Wanted,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let answer = match answer {
            Ok(RoomAnswer::Missing) => Err(RoomRefusal::UnknownRoom),
            answer => answer,
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => return self.turn_down(requester, refusal, now),
        };
        self.mask(wanted.room(), &mut answer, now);
        let (id, request) = match requester {
            Requester::Session(id, request) => (id, request),
            Requester::Call(id) => return self.bring_call(id, Come::Page(answer)),
            Requester::Join(..) | Requester::Server => return,
        };
        if self.close_if_over(id, now) {
            return;
        }
        let told = self.tell_page(id, request.as_ref(), wanted, answer, now);
        if let Err(refusal) = told {
            self.turn_down(Requester::Session(id, request), refusal, now);
        }
    }

    fn tell_page(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        wanted: Wanted,
        answer: RoomAnswer,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        match (wanted, answer) {
            (
                Wanted::History { room, from },
                RoomAnswer::Page {
                    messages,
                    first_seq,
                    last_seq,
                },
            ) => {
                let page = Page {
                    messages,
                    first_seq,
                    last_seq,
                };
                self.tell_history(id, request, (&room, from), &page, now)
            }
            (
                Wanted::Missed { room, since },
                RoomAnswer::Page {
                    messages,
                    first_seq,
                    last_seq,
                },
            ) => {
                let page = Page {
                    messages,
                    first_seq,
                    last_seq,
                };
                self.come_in(id, request, (&room, since), &page, now)
            }
            (Wanted::Log { room }, RoomAnswer::Log { entries, head }) => {
                let key = self.still_readable(id, &room, now)?;
                let frame = room_reply::log(request, &room, &entries, head);
                self.push_reply(id, request, &frame, key);
                Ok(())
            }
            _ => Err(RoomRefusal::Busy(BUSY_RETRY)),
        }
    }

    /// The room of a page, if the connection may still have it: much may have happened while it was fetched.
    fn still_readable(
        &self,
        id: ConnectionId,
        room: &str,
        now: Now,
    ) -> Result<RoomKey, RoomRefusal> {
        let key = self.seen_room(id, room, now)?;
        self.permit(id, key, Capability::Read, now)?;
        Ok(key)
    }

    fn tell_history(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        (room, from): (&str, From),
        page: &Page,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let key = self.still_readable(id, room, now)?;
        let is_truncated = match (from, page.messages.first(), page.messages.last()) {
            (From::After(_), _, Some(last)) => last.seq < page.last_seq,
            // All of it was forgotten while it was read, and more has been said.
            (From::After(seq), _, None) => page.first_seq <= page.last_seq && seq < page.last_seq,
            (From::Before(_), Some(first), _) => first.seq > page.first_seq,
            _ => false,
        };
        let is_opaque = self.rooms.room(key).is_opaque();
        let ends = (page.first_seq, page.last_seq);
        let frame = room_reply::history(
            request,
            (room, is_opaque),
            &page.messages,
            ends,
            is_truncated,
        );
        self.push_reply(id, request, &frame, key);
        Ok(())
    }

    /// Seats the connection, and tells it what it missed before anything new.
    fn come_in(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        (room, since): (&str, u64),
        page: &Page,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let key = self.still_readable(id, room, now)?;
        let user = self.session_mut(id).map(|session| session.user);
        let Some(user) = user else {
            return Ok(());
        };
        if self.is_seated(id, key) {
            // Whoever is there already hears first what was said before the page was read: behind it that would come once more.
            self.flush_room(key);
        }
        self.enter(id, user, key, now)?;
        // A number that the room has not come to is of another room of this id: whoever has it has nothing of this one.
        let is_foreign = since > page.last_seq;
        let known = if is_foreign { 0 } else { since };
        let is_missed = |found: &&MessageRecord| found.seq > known;
        let missed: Vec<_> = page.messages.iter().filter(is_missed).collect();
        let first_told = missed.first().map_or(page.last_seq + 1, |first| first.seq);
        let is_all_told = known + 1 == first_told;
        let gap = match (is_foreign, is_all_told) {
            (false, true) => None,
            (false, false) => Some((known + 1, first_told - 1)),
            (true, true) => Some((page.last_seq + 1, since)),
            (true, false) => Some((1, since)),
        };
        let gap = gap.map(|(from, to)| Gap { from, to });
        let is_opaque = self.rooms.room(key).is_opaque();
        let frames = room_reply::entered(request, (room, is_opaque), page.last_seq, gap, &missed);
        self.push_reply(id, request, &frames, key);
        Ok(())
    }

    /// Queues a frame for one connection, if it speaks the full protocol.
    pub(super) fn push_v1(&mut self, id: ConnectionId, frame: &Bytes) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.can_tell()
            && connection.wire == Wire::V1
        {
            self.outbound.push_shared(connection, frame);
        }
    }

    /// Queues the reply to a request that tells of a room. Who is put out before they have read it is told that they are not there.
    pub(super) fn push_reply(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        frames: &Bytes,
        room: RoomKey,
    ) {
        let is_outside = !self.is_seated(id, room);
        if let Some(connection) = self.connections.get_mut(id)
            && connection.can_tell()
        {
            let refused = Complaint::refused(request.cloned(), RoomRefusal::NotInRoom);
            let instead = refused.frame(connection.wire);
            self.outbound.push_reply(connection, frames, room, instead);
            if is_outside {
                self.outsiders.note(connection);
            }
        }
    }
}

fn from(place: Place) -> From {
    match place {
        Place::After(seq) => From::After(seq),
        Place::Before(seq) => From::Before(seq),
        Place::End => From::Before(u64::MAX),
    }
}
