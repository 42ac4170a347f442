//! What is asked of the store about rooms, who asked, and who is told what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::chat::Unsaid;
use super::lanes::InFlight;
use super::pages::Wanted;
use super::readers::{Reader, Readers};
use super::reply::Complaint;
use super::verify::BUSY_RETRY;
use super::work::{Awaited, Come, Outcome, PENDING_ANSWERS, Work, WorkId};
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::command::v1::RequestId;
use crate::protocol::name::likeness;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::Room;
use crate::rooms::audit::Entry;
use crate::rooms::moderation::Action;
use crate::rooms::record::{NewMessage, RoomAnswer, RoomQuestion, RoomRecord};
use crate::time::{Instant, Now};

/// Who is told what became of it.
#[derive(Debug)]
pub(super) enum Requester {
    /// A request of a session.
    Session(ConnectionId, Option<RequestId<'static>>),
    /// The same, of somebody invited who joins: then with what came after this message, if one is named.
    Join(ConnectionId, Option<RequestId<'static>>, Option<u64>),
    /// A call through the private door, which is looked at again.
    Call(ConnectionId),
    /// Nobody: the server itself.
    Server,
}

impl Requester {
    /// A request of a session, which has to outlive its text.
    pub(super) fn session(id: ConnectionId, request: Option<&RequestId<'_>>) -> Self {
        Requester::Session(id, request.map(|request| request.clone().into_owned()))
    }

    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Requester::Session(id, _) | Requester::Join(id, ..) | Requester::Call(id) => Some(*id),
            Requester::Server => None,
        }
    }
}

/// What was asked, as far as the answer does not say it.
#[derive(Debug)]
pub(super) enum Asked {
    /// It was charged then.
    Message(Arc<NewMessage>, Instant),
    /// Whether a message of this room that is not taken now, for this reason, was taken before.
    Known(Arc<str>, Unsaid),
    Page(Wanted),
    Change(InFlight),
    Create(Coming),
    Read {
        room: Arc<str>,
        user: Arc<str>,
        seq: u64,
    },
    /// This room of the configuration is made known to the store.
    Configured(Arc<str>),
    Trim(Arc<str>),
}

impl Asked {
    /// Whether it is what somebody who comes into a room has missed there.
    fn is_missed_of(&self, room: &str) -> bool {
        matches!(self, Asked::Page(Wanted::Missed { room: of, .. }) if **of == *room)
    }
}

/// A room that is being made.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) room: Arc<str>,
    by: Arc<str>,
    looks: Vec<Box<str>>,
}

impl Coming {
    pub(super) fn of(record: &RoomRecord) -> Self {
        Coming {
            room: Arc::clone(&record.id),
            by: Arc::clone(&record.created_by),
            looks: record.settings.looks(&record.id),
        }
    }
}

/// Questions about rooms without an answer.
#[derive(Debug, Default)]
pub(super) struct RoomWorks {
    outstanding: BTreeMap<WorkId, Outstanding>,
    /// What texts and pages of them take.
    bytes: usize,
    readers: Readers,
}

#[derive(Debug)]
struct Outstanding {
    requester: Requester,
    asked: Asked,
    bytes: usize,
    /// Whose page it is.
    reader: Option<Reader>,
    /// Whatever the store says: they are refused, for what has happened since they asked.
    refused: Option<RoomRefusal>,
}

impl RoomWorks {
    pub(super) fn len(&self) -> usize {
        self.outstanding.len()
    }

    /// What they take beside their entries: texts that are kept, and the longest page that each may be answered.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Those of them that are pages.
    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    fn begin(&mut self, work: WorkId, question: Outstanding) {
        self.bytes += question.bytes;
        if let Some(reader) = &question.reader {
            self.readers.begin(reader.clone());
        }
        self.outstanding.insert(work, question);
    }

    /// What was asked, and why it is refused if it is, now that it is answered; `None` when it was answered before.
    fn end(&mut self, work: WorkId) -> Option<(Requester, Asked, Option<RoomRefusal>)> {
        let question = self.outstanding.remove(&work)?;
        self.bytes -= question.bytes;
        if let Some(reader) = &question.reader {
            self.readers.end(reader);
        }
        Some((question.requester, question.asked, question.refused))
    }

    /// Whether this connection waits for what it missed in a room, to come in with it.
    pub(super) fn is_coming_in(&self, id: ConnectionId, room: &str) -> bool {
        let mut waiting = self.outstanding.values();
        waiting
            .any(|found| found.requester.connection() == Some(id) && found.asked.is_missed_of(room))
    }

    /// Lets nobody in who asked before they were put out: what they missed is read after it.
    pub(super) fn refuse_coming_in(&mut self, room: &str, user: &str) {
        for found in self.outstanding.values_mut() {
            let is_theirs = found.reader.as_ref().is_some_and(|reader| reader.is(user));
            if is_theirs && found.asked.is_missed_of(room) {
                found.refused = Some(RoomRefusal::Busy(BUSY_RETRY));
            }
        }
    }

    /// Whether this room of the configuration is being made known to the store.
    fn is_making_known(&self, room: &str) -> bool {
        let is_it = |asked: &Asked| matches!(asked, Asked::Configured(known) if **known == *room);
        self.outstanding.values().any(|found| is_it(&found.asked))
    }

    fn coming(&self) -> impl Iterator<Item = &Coming> {
        self.outstanding
            .values()
            .filter_map(|found| match &found.asked {
                Asked::Create(coming) => Some(coming),
                _ => None,
            })
    }

    /// Rooms that are being made.
    pub(super) fn creations(&self) -> usize {
        self.coming().count()
    }

    /// Those of them that are this user's.
    pub(super) fn creations_by(&self, user: &str) -> usize {
        self.coming().filter(|coming| *coming.by == *user).count()
    }

    /// Whether a room is about to be called like this, or like it.
    fn is_about_to_be_taken(&self, name: &str) -> bool {
        let look = likeness(name);
        self.outstanding.values().any(|found| match &found.asked {
            Asked::Create(coming) => coming.looks.contains(&look),
            Asked::Change(in_flight) => in_flight.looks().contains(&look),
            _ => false,
        })
    }
}

/// What a question takes beside its entry: the text that it carries, or the longest page that it may be answered.
fn bytes_of(question: &RoomQuestion) -> usize {
    match question {
        RoomQuestion::Append(message) | RoomQuestion::Known(message) => message.text.len(),
        RoomQuestion::Page { bytes_max, .. } => *bytes_max,
        RoomQuestion::Create(..)
        | RoomQuestion::Change(_)
        | RoomQuestion::Log { .. }
        | RoomQuestion::Read { .. }
        | RoomQuestion::Trim { .. } => 0,
    }
}

impl Engine {
    /// Whether a room but `own` is called like this, or looks like it, or is about to.
    pub(super) fn is_taken(&self, name: &str, own: Option<RoomKey>) -> bool {
        self.rooms.is_taken(name, own) || self.room_works.is_about_to_be_taken(name)
    }

    /// Asks the store; what became of it comes to `requester` in a later turn. `false`: too much waits already, this was not asked,
    /// and whoever wanted it is told.
    pub(super) fn ask_of_room(
        &mut self,
        requester: Requester,
        asked: Asked,
        question: RoomQuestion,
        now: Now,
    ) -> bool {
        let is_ours = matches!(requester, Requester::Server);
        let reader = self.reader(&requester, &asked);
        let full = self.full(reader.as_ref());
        let has_place = full.is_none() && (is_ours || self.expect_memory().is_ok());
        let connection = requester.connection();
        let bytes = bytes_of(&question);
        let work = has_place.then(|| self.ask_for(connection, Work::Room(question), now));
        let reached = match work {
            Some(None) => Some(PENDING_ANSWERS),
            _ => full,
        };
        match work.flatten() {
            Some(work) => {
                if let Requester::Call(id) = requester
                    && let Some(connection) = self.connections.get_mut(id)
                {
                    connection.awaited = Awaited::Asked(work);
                }
                let question = Outstanding {
                    requester,
                    asked,
                    bytes,
                    reader,
                    refused: None,
                };
                self.room_works.begin(work, question);
                true
            }
            None => {
                // What the server asks for itself it asks again: nobody is refused anything.
                if let Some(limit) = reached.filter(|_| !is_ours) {
                    self.counters.limited.count_pair(limit);
                }
                self.turn_down(requester, RoomRefusal::Busy(BUSY_RETRY), now);
                false
            }
        }
    }

    /// Takes the answer to a question about rooms; gives it back when it is none.
    pub(super) fn room_outcome(
        &mut self,
        id: WorkId,
        outcome: Outcome,
        now: Now,
    ) -> Option<Outcome> {
        let Some((requester, asked, refused)) = self.room_works.end(id) else {
            return Some(outcome);
        };
        let answer = match (refused, outcome) {
            (Some(refusal), _) => Err(refusal),
            (None, Outcome::Room(RoomAnswer::Missing)) if self.is_to_be_stored(&asked) => {
                Err(self.not_stored_yet(now))
            }
            (None, Outcome::Room(answer)) => Ok(answer),
            (None, Outcome::Failed(fault)) => {
                log::debug!("rooms: {fault}");
                Err(RoomRefusal::StoreUnavailable(BUSY_RETRY))
            }
            (None, Outcome::Busy | Outcome::Record(_)) => Err(RoomRefusal::Busy(BUSY_RETRY)),
        };
        match asked {
            Asked::Message(message, charged) => {
                self.message_answered(requester, (&message, charged), answer, now);
            }
            Asked::Known(room, unsaid) => {
                self.repeat_answered(requester, (&room, unsaid), answer, now);
            }
            Asked::Change(in_flight) => self.change_answered(requester, in_flight, answer, now),
            Asked::Create(Coming { room, .. }) => self.room_created(requester, &room, answer, now),
            Asked::Read { room, user, seq } => {
                self.read_answered(requester, (&room, &user, seq), answer, now);
            }
            Asked::Page(wanted) => self.page_answered(requester, wanted, answer, now),
            Asked::Configured(room) => self.configured_answered(&room, answer),
            Asked::Trim(room) => self.trim_answered(&room, answer, now),
        }
        None
    }

    /// Lets a call that waits be looked at again with what has come for it, unless it has gone.
    pub(super) fn bring_call(&mut self, id: ConnectionId, come: Come) {
        if self.connections.get(id).is_some() {
            self.bring(id, come);
        }
    }

    /// Tells whoever asked that it is not done.
    pub(super) fn turn_down(&mut self, requester: Requester, refusal: RoomRefusal, now: Now) {
        match requester {
            Requester::Session(id, request) | Requester::Join(id, request, _) => {
                self.object(id, &Complaint::refused(request, refusal), now);
            }
            Requester::Call(id) => self.bring_call(id, Come::Kept(Err(refusal))),
            Requester::Server => log::warn!("rooms: {}", refusal.told().text),
        }
    }

    /// Takes note of the rooms that the store knows, before anybody is served, and lets it know those of the configuration.
    pub fn remember_rooms(&mut self, records: impl IntoIterator<Item = RoomRecord>, now: Now) {
        for record in records {
            self.rooms.remember(&record);
        }
        self.fan_out.make_room_for(self.rooms.len());
        self.retention.begin_anew();
        self.store_configured_rooms(now);
    }

    /// Takes note of a room as another process has left it: nobody stays who may not be there any more.
    pub fn room_is(&mut self, record: &RoomRecord, now: Now) {
        self.outbound.turn(now.instant);
        let key = self.rooms.remember(record);
        self.fan_out.make_room_for(self.rooms.len());
        self.flush_room(key);
        self.count_all_strangers(key);
        self.put_out_forbidden(key, now);
        self.quiet_ended(key, now);
        self.quiet_outsiders(key, now);
    }

    /// Takes note that another process has deleted a room.
    pub fn room_is_gone(&mut self, room: &str, now: Now) {
        if let Some(key) = self.rooms.find(room) {
            self.flush_room(key);
            self.close_room(key, now);
        }
    }

    /// Makes the rooms of the configuration known to the store, which keeps who stands how to them.
    pub(super) fn store_configured_rooms(&mut self, now: Now) {
        let is_unknown = |room: &&Room| room.is_configured() && !room.is_stored();
        let unknown = self.rooms.iter().filter(is_unknown);
        let records: Vec<RoomRecord> = unknown.map(|room| room.record(now.wall)).collect();
        for record in records {
            if self.room_works.is_making_known(&record.id) {
                continue;
            }
            let entry = Entry::of_server(Action::Create, now.wall);
            let asked = Asked::Configured(Arc::clone(&record.id));
            let question = RoomQuestion::Create(Box::new(record), Box::new(entry));
            self.ask_of_room(Requester::Server, asked, question, now);
        }
    }

    fn configured_answered(&mut self, room: &str, answer: Result<RoomAnswer, RoomRefusal>) {
        match answer {
            Ok(RoomAnswer::Created(Some(record))) => {
                self.rooms.remember(&record);
            }
            // Another process was quicker; what it has changed since is news that comes by itself.
            Ok(RoomAnswer::Created(None)) => self.rooms.note_known(room),
            _ => {}
        }
    }

    /// Whether the store knows the room; if not, it is to, and whoever asked comes back.
    pub(super) fn expect_stored(&mut self, room: RoomKey, now: Now) -> Result<(), RoomRefusal> {
        let found = self.rooms.room(room);
        // The store answers in order: what is asked of a room while it is made known finds it known.
        if found.is_stored() || self.room_works.is_making_known(found.name()) {
            return Ok(());
        }
        self.store_configured_rooms(now);
        Err(self.not_stored_yet(now))
    }

    fn not_stored_yet(&self, now: Now) -> RoomRefusal {
        match self.store_fault(now) {
            Some(_) => RoomRefusal::StoreUnavailable(BUSY_RETRY),
            None => RoomRefusal::Busy(BUSY_RETRY),
        }
    }

    /// Whether the store should know this room by now, and could not be told of it.
    fn is_to_be_stored(&self, asked: &Asked) -> bool {
        let room = match asked {
            Asked::Message(message, _) => &message.room,
            Asked::Known(room, _) => room,
            Asked::Page(wanted) => wanted.room(),
            Asked::Change(in_flight) => in_flight.room(),
            Asked::Read { room, .. } => room,
            Asked::Create(_) | Asked::Configured(_) | Asked::Trim(_) => return false,
        };
        self.rooms.find(room).is_some_and(|key| {
            let room = self.rooms.room(key);
            room.is_configured() && !room.is_stored()
        })
    }
}
