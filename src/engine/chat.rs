//! What users say to each other: commands of both protocols, carried out on rooms, and told to members.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::Engine;
use super::characters::message_of;
use super::connection::{Phase, Session, Wire};
use super::making::{self, Turn};
use super::reply::{self, Complaint, Who};
use super::room_work::Requester;
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::limit::Limited;
use crate::protocol::command::tutorial;
use crate::protocol::command::v1::{self, Command, Request, RequestId, Said};
use crate::protocol::notice::Notice;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Capability;
use crate::rooms::Seat;
use crate::rooms::permissions::Reason;
use crate::time::Now;

/// How somebody goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// They left, or were put out.
    Left,
    /// Their connection ended: they may be back at once.
    Lost,
}

/// Why something is not said.
#[derive(Debug)]
pub(super) enum Unsaid {
    Limited(Limited),
    Refused(RoomRefusal),
}

impl From<Limited> for Unsaid {
    fn from(limited: Limited) -> Self {
        Unsaid::Limited(limited)
    }
}

impl From<RoomRefusal> for Unsaid {
    fn from(refusal: RoomRefusal) -> Self {
        Unsaid::Refused(refusal)
    }
}

impl Unsaid {
    pub(super) fn complaint(self, request: Option<RequestId<'_>>) -> Complaint<'_> {
        match self {
            Unsaid::Limited(limited) => Complaint::limited(request, limited),
            Unsaid::Refused(refusal) => Complaint::refused(request, refusal),
        }
    }
}

impl Engine {
    /// One text message on the chat endpoint.
    pub(super) fn receive_text(&mut self, id: ConnectionId, text: &str, now: Now) {
        let Some((user, wire)) = self.speaker(id) else {
            return;
        };
        match wire {
            Wire::Tutorial => self.receive_tutorial(id, user, text, now),
            Wire::V1 => self.receive_v1(id, user, text, now),
        }
    }

    fn receive_tutorial(&mut self, id: ConnectionId, user: UserKey, text: &str, now: Now) {
        let charged = self.charge_command(id, user, now);
        if let Err(limited) = charged.and_then(|()| self.charge_message(id, now)) {
            return self.object(id, &Complaint::limited(None, limited), now);
        }
        match tutorial::parse(text, &self.bounds_of_people()) {
            Ok(said) => {
                self.overlook_length(id, &said.message, now);
                let room = match said.room.as_deref() {
                    None => Ok(self.rooms.lobby()),
                    Some(name) => self.seen_room(id, name, now),
                };
                // This protocol has no command to join: speaking in a room does.
                let room = room.and_then(|room| {
                    self.expect_memory()?;
                    self.belong_if_invited(id, room, now)?;
                    self.enter(id, user, room, now)?;
                    self.permit(id, room, Capability::Send, now)?;
                    self.fitting(room, &Said::Message(Cow::Borrowed(&said.message)))?;
                    if self.rooms.room(room).lasting.settings.is_durable {
                        self.expect_stored(room, now)?;
                    }
                    self.check_message_in(id, room, now)?;
                    self.charge_room(id, room, said.message.len(), now);
                    Ok(room)
                });
                match room {
                    Ok(room) => {
                        self.utter(id, user, None, room, (&said.message, None), now);
                    }
                    Err(refusal) => self.object(id, &Complaint::refused(None, refusal), now),
                }
            }
            Err(error) => self.object_to_invalid(id, user, None, error, now),
        }
    }

    fn receive_v1(&mut self, id: ConnectionId, user: UserKey, text: &str, now: Now) {
        if let Err(limited) = self.charge_command(id, user, now) {
            // Parsed only when it is answered: the reply repeats the request's id.
            if self.may_complain(id, now) {
                let request = match v1::parse(text, &self.bounds_of_people()) {
                    Ok(request) => request.id,
                    Err(refused) => refused.id,
                };
                self.complain(id, &Complaint::limited(request, limited));
            }
            return;
        }
        self.obey(id, user, text, now);
    }

    /// Does what a text that is charged asks for, when it is its turn.
    pub(super) fn obey(&mut self, id: ConnectionId, user: UserKey, text: &str, now: Now) {
        match v1::parse(text, &self.bounds_of_people()) {
            Ok(request) => match self.put_aside(id, &request, text) {
                Turn::Now => {
                    if let Some(message) = message_of(&request.command) {
                        self.overlook_length(id, message, now);
                    }
                    self.carry_out(id, user, request, now);
                }
                Turn::Later => {}
                Turn::Never => self.object(id, &making::too_slow(request.id), now),
            },
            Err(refused) => self.object_to_invalid(id, user, refused.id, refused.error, now),
        }
    }

    fn carry_out(&mut self, id: ConnectionId, user: UserKey, request: Request<'_>, now: Now) {
        let Request { id: tag, command } = request;
        let done = match command {
            Command::Send { room, said, key } => {
                let what = (&*room, &said, key.as_deref());
                let said = self.send(id, user, tag.as_ref(), what, now);
                if let Err(unsaid) = said {
                    self.refuse_unless_kept(id, tag, (&room, key.as_deref()), unsaid, now);
                }
                return;
            }
            Command::Join { room, since } => self.join(id, user, tag.as_ref(), (&room, since), now),
            Command::Leave { room } => self.seated_room(id, &room, now).map(|key| {
                self.rise(id, user, key, now);
                self.reply(id, &reply::done(tag.as_ref(), Some(&room)));
            }),
            Command::Members { room } => self
                .expect_memory()
                .and_then(|()| self.seated_room(id, &room, now))
                .map(|room| self.list_members(id, room, tag.as_ref(), now)),
            Command::Typing { room } => self.seated_room(id, &room, now).and_then(|room| {
                self.permit(id, room, Capability::Send, now)?;
                self.tell_typing(user, room);
                self.reply(id, &reply::done(tag.as_ref(), None));
                Ok(())
            }),
            Command::Refresh { token } => {
                self.refresh(id, &token, tag, now);
                return;
            }
            Command::Ping => {
                self.reply(id, &reply::pong(tag.as_ref(), now));
                Ok(())
            }
            Command::Rooms { after, limit } => {
                self.list_seen_rooms(id, tag.as_ref(), after.as_deref(), limit, now);
                Ok(())
            }
            Command::Room { room, command } => {
                self.carry_out_about_room(id, tag.as_ref(), &room, &command, now)
            }
        };
        if let Err(error) = done {
            self.object(id, &Complaint::refused(tag, error), now);
        }
    }

    fn send(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        request: Option<&RequestId<'_>>,
        (room, said, key): (&str, &Said<'_>, Option<&str>),
        now: Now,
    ) -> Result<(), Unsaid> {
        let room = self.seated_room(id, room, now)?;
        self.expect_memory()?;
        self.permit(id, room, Capability::Send, now)?;
        let text = self.fitting(room, said)?;
        if self.rooms.room(room).lasting.settings.is_durable {
            self.expect_stored(room, now)?;
        }
        self.charge_message_in(id, room, text.len(), now)?;
        if let Some(seq) = self.utter(id, user, request, room, (text, key), now) {
            self.reply(id, &reply::sent(request, seq, now));
        }
        Ok(())
    }

    /// Says something: at once, and this is its number, or when it is kept, and then whoever asked is told.
    fn utter(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        (text, key): (&str, Option<&str>),
        now: Now,
    ) -> Option<u64> {
        let person = self.person(user)?;
        if self.rooms.room(room).lasting.settings.is_durable {
            let requester = Requester::session(id, request);
            self.keep_message(requester, &person, room, (text, key), now);
            return None;
        }
        Some(self.say_as(&person, room, text, now))
    }

    /// Comes into a room, after what was missed since a message if one is named.
    fn join(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        request: Option<&RequestId<'_>>,
        (room, since): (&str, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.expect_memory()?;
        let key = self.seen_room(id, room, now)?;
        let decision = self.decide(id, key, Capability::Join, now);
        if decision.is_some_and(|decision| decision.reason == Reason::Invited) {
            // From now on they belong to the room, and may come back.
            return self.accept_invitation(id, request, key, since, now);
        }
        self.come_to(id, user, request, (key, since), now)
    }

    /// Comes into a room of which it is known that it may be.
    pub(super) fn come_to(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        request: Option<&RequestId<'_>>,
        (room, since): (RoomKey, Option<u64>),
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let found = self.rooms.room(room);
        let since = since.filter(|_| found.lasting.settings.is_durable);
        let name = Arc::clone(found.id());
        match since {
            Some(since) => self.ask_missed(id, request, (room, since), now),
            None => {
                self.enter(id, user, room, now)?;
                self.reply(id, &reply::done(request, Some(&name)));
                Ok(())
            }
        }
    }

    /// Comes into a room, if that is allowed; who is in it is.
    pub(super) fn enter(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        if self.is_seated(id, room) {
            return Ok(());
        }
        self.permit_coming_in(id, user, room, now)?;
        self.sit(id, user, room, now)
    }

    /// The same for somebody who need not be here.
    pub(super) fn say_as(&mut self, person: &Who, room: RoomKey, message: &str, now: Now) -> u64 {
        let seq = self.rooms.room_mut(room).next_sequence();
        self.counters.messages_said += 1;
        self.tell(room, |name| person.message(name, seq, message, now.wall));
        self.flush_full_room(room);
        seq
    }

    /// Seats a connection, and tells the room when the person is new there. Seated already is fine.
    fn sit(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let Some((_, wire)) = self.speaker(id) else {
            return Ok(());
        };
        let Some(session) = self.session_mut(id) else {
            return Ok(());
        };
        if session.seats.iter().any(|seat| seat.room == room) {
            return Ok(());
        }
        let taken = session.seats.len();
        self.expect_seat(id, taken, now)?;
        if !self.rooms.room(room).is_open() {
            return Err(RoomRefusal::UnknownRoom);
        }
        self.flush_full_room(room);
        let seated = self.rooms.room_mut(room).sit(user, id);
        self.fan_out.add_hearer(room, id, wire);
        if let Some(session) = self.session_mut(id) {
            // Most connections stay in one room: no room is kept for more.
            session.seats.reserve_exact(1);
            session.seats.push(Seat {
                room,
                place: seated.place,
            });
        }
        if seated.is_first {
            self.come(user, room, now);
        }
        Ok(())
    }

    fn rise(&mut self, id: ConnectionId, user: UserKey, room: RoomKey, now: Now) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        if let Some(index) = session.seats.iter().position(|seat| seat.room == room) {
            let seat = session.seats.swap_remove(index);
            self.hear_out_room(id, room);
            self.give_up_seat(id, user, seat, Going::Left, now);
        }
    }

    /// Frees a seat whose session has let go of it, and tells the room when the person is gone from there.
    pub(super) fn give_up_seat(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        seat: Seat,
        going: Going,
        now: Now,
    ) {
        if let Some(connection) = self.connections.get_mut(id) {
            self.fan_out.remove_hearer(seat.room, id, connection.wire);
            // The room's pass will not come to them any more.
            self.outbound.write_alone(connection);
            self.outsiders.note(connection);
        }
        let is_last = self.rooms.room_mut(seat.room).rise(user, id, seat.place);
        // When everybody goes, nobody is told who else does.
        if is_last && !self.stopping {
            self.tell_going(user, seat.room, going == Going::Lost, now);
        }
    }

    pub(super) fn reply(&mut self, id: ConnectionId, notice: &Notice<'_>) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.can_tell()
            && let Some(frame) = reply::encode(notice, connection.wire)
        {
            self.outbound
                .write(connection, |outbox| outbox.push_payload(frame));
        }
    }

    /// The same for a reply that is a frame already.
    pub(super) fn reply_frame(&mut self, id: ConnectionId, frame: Bytes) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.can_tell()
        {
            self.outbound
                .write(connection, |outbox| outbox.push_payload(frame));
        }
    }

    /// Complains, if the connection may still be complained to.
    pub(super) fn object(&mut self, id: ConnectionId, complaint: &Complaint<'_>, now: Now) {
        if self.may_complain(id, now) {
            self.complain(id, complaint);
        }
    }

    /// The room of that name, if the connection is in it.
    fn seated_room(&self, id: ConnectionId, name: &str, now: Now) -> Result<RoomKey, RoomRefusal> {
        let room = self.seen_room(id, name, now)?;
        let is_seated = self.is_seated(id, room);
        is_seated.then_some(room).ok_or(RoomRefusal::NotInRoom)
    }

    fn speaker(&self, id: ConnectionId) -> Option<(UserKey, Wire)> {
        let connection = self.connections.get(id)?;
        Some((connection.user()?, connection.wire))
    }

    pub(super) fn session_mut(&mut self, id: ConnectionId) -> Option<&mut Session> {
        match &mut self.connections.get_mut(id)?.phase {
            Phase::Open(session) => Some(session),
            _ => None,
        }
    }

    pub(super) fn person(&self, user: UserKey) -> Option<Who> {
        self.users.get(user).map(|user| Who {
            user: user.id.clone(),
            name: user.name.clone(),
        })
    }
}

/// Greets a new session and seats it in the lobby.
pub(super) fn welcome(engine: &mut Engine, id: ConnectionId, now: Now) {
    let Some((user, wire)) = engine.speaker(id) else {
        return;
    };
    if wire == Wire::V1
        && let Some(person) = engine.person(user)
    {
        let expires = engine.session_mut(id).and_then(|session| session.expires);
        let rooms = engine.configured_rooms_seen(id, now);
        let lobby = engine.rooms.room(engine.rooms.lobby()).name();
        let hello = person.hello(lobby, &rooms, &engine.config.limits, expires, now.wall);
        let frame = reply::encode(&hello, wire);
        if let (Some(frame), Some(connection)) = (frame, engine.connections.get_mut(id)) {
            engine.outbound.push_shared(connection, &frame);
        }
    }
    let lobby = engine.rooms.lobby();
    // Whoever may not be in the lobby goes without.
    let _ = engine.enter(id, user, lobby, now);
    if let Some(words) = engine.config.rooms.welcome.clone() {
        engine.reply(id, &reply::announcement(&words, now));
    }
}
