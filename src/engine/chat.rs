//! What users say to each other: commands of both protocols, carried out on rooms, and told to members.

use super::Engine;
use super::connection::{Phase, Session, Wire};
use super::reply::{self, Complaint, Who};
use crate::id::{ConnectionId, RoomKey, UserKey};
use crate::limit::Scope;
use crate::protocol::command::v1::{self, Command, Request, RequestId, Said};
use crate::protocol::command::{Bounds, tutorial};
use crate::protocol::notice::Notice;
use crate::rooms::Seat;
use crate::time::Now;

/// One list of members takes at most this part of a connection's outbound bytes, however long the names are.
const MEMBERS_SHARE: usize = 8;

/// Why a well-formed command is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChatError {
    /// Choose a room that exists.
    UnknownRoom,
    /// Join the room first.
    NotInRoom,
    /// A body was sent to a room that takes messages.
    MessageRequired,
    /// Leave a room first: `limits.rooms_per_connection_max`.
    TooManyRooms,
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
        let charged = self.charge_command(user, now);
        if let Err(limited) = charged.and_then(|()| self.charge_message(id, now)) {
            return self.object(id, &Complaint::limited(None, limited), now);
        }
        match tutorial::parse(text, &self.bounds()) {
            Ok(said) => {
                let room = said.room.as_deref().map_or(Ok(self.rooms.lobby()), |name| {
                    self.rooms.find(name).ok_or(ChatError::UnknownRoom)
                });
                // This protocol has no command to join: speaking in a room does.
                let seated = room.and_then(|room| self.sit(id, user, room, now).map(|_| room));
                match seated {
                    Ok(room) => {
                        self.say(user, room, &said.message, now);
                    }
                    Err(error) => self.object(id, &Complaint::refused(None, error), now),
                }
            }
            Err(error) => {
                self.charge_invalid(user, now);
                self.object(id, &Complaint::invalid(None, error), now);
            }
        }
    }

    fn receive_v1(&mut self, id: ConnectionId, user: UserKey, text: &str, now: Now) {
        if let Err(limited) = self.charge_command(user, now) {
            // Parsed only when it is answered: the reply repeats the request's id.
            if self.may_complain(id, now) {
                let request = match v1::parse(text, &self.bounds()) {
                    Ok(request) => request.id,
                    Err(refused) => refused.id,
                };
                self.complain(id, &Complaint::limited(request, limited));
            }
            return;
        }
        match v1::parse(text, &self.bounds()) {
            Ok(request) => self.carry_out(id, user, request, now),
            Err(refused) => {
                self.charge_invalid(user, now);
                self.object(id, &Complaint::invalid(refused.id, refused.error), now);
            }
        }
    }

    fn carry_out(&mut self, id: ConnectionId, user: UserKey, request: Request<'_>, now: Now) {
        let Request { id: tag, command } = request;
        let done = match command {
            Command::Send { room, said, .. } => {
                let Said::Message(message) = said else {
                    let refused = Complaint::refused(tag, ChatError::MessageRequired);
                    return self.object(id, &refused, now);
                };
                let seated = self.seated_room(id, &room);
                if seated.is_ok()
                    && let Err(limited) = self.charge_message(id, now)
                {
                    return self.object(id, &Complaint::limited(tag, limited), now);
                }
                seated.map(|room| {
                    let seq = self.say(user, room, &message, now);
                    self.reply(id, &reply::sent(tag.as_ref(), seq, now));
                })
            }
            Command::Join { room, .. } => self.find_room(&room).and_then(|key| {
                self.sit(id, user, key, now)?;
                self.reply(id, &reply::done(tag.as_ref(), Some(&room)));
                Ok(())
            }),
            Command::Leave { room } => self.seated_room(id, &room).map(|key| {
                self.rise(id, user, key, now);
                self.reply(id, &reply::done(tag.as_ref(), Some(&room)));
            }),
            Command::Members { room } => self
                .seated_room(id, &room)
                .map(|room| self.list_members(id, room, tag.as_ref())),
            Command::Typing { room } => self.seated_room(id, &room).map(|room| {
                self.tell_typing(user, room);
                self.reply(id, &reply::done(tag.as_ref(), None));
            }),
            Command::Refresh { token } => {
                self.refresh(id, &token, tag, now);
                return;
            }
            Command::Ping => {
                self.reply(id, &reply::pong(tag.as_ref(), now));
                Ok(())
            }
            Command::Rooms { .. } | Command::Room { .. } => Err(ChatError::UnknownRoom),
        };
        if let Err(error) = done {
            self.object(id, &Complaint::refused(tag, error), now);
        }
    }

    /// Numbers a message and tells it to everybody in the room, the sender too.
    fn say(&mut self, user: UserKey, room: RoomKey, message: &str, now: Now) -> u64 {
        self.person(user)
            .map_or(0, |person| self.say_as(&person, room, message, now))
    }

    /// The same for somebody who need not be here.
    pub(super) fn say_as(&mut self, person: &Who, room: RoomKey, message: &str, now: Now) -> u64 {
        let seq = self.rooms.room_mut(room).next_sequence();
        self.counters.messages_said += 1;
        self.tell(room, |name| person.message(name, seq, message, now.wall));
        self.flush_full_room(room);
        seq
    }

    fn tell_typing(&mut self, user: UserKey, room: RoomKey) {
        if let Some(person) = self.person(user) {
            self.flush_room(room);
            self.tell(room, |name| person.typing(name));
            self.flush_room_except(room, Some(user));
        }
    }

    /// Seats a connection, and tells the room when the person is new there. Seated already is fine.
    fn sit(
        &mut self,
        id: ConnectionId,
        user: UserKey,
        room: RoomKey,
        now: Now,
    ) -> Result<(), ChatError> {
        let seats_max = self.config.limits.rooms_per_connection_max;
        let Some((_, wire)) = self.speaker(id) else {
            return Ok(());
        };
        let Some(session) = self.session_mut(id) else {
            return Ok(());
        };
        if session.seats.iter().any(|seat| seat.room == room) {
            return Ok(());
        }
        if session.seats.len() >= seats_max {
            self.counters
                .limited
                .count_pair(["rooms_per_connection_max", Scope::Connection.as_str()]);
            return Err(ChatError::TooManyRooms);
        }
        if !self.rooms.room(room).is_open() {
            return Err(ChatError::UnknownRoom);
        }
        self.flush_room(room);
        let seated = self.rooms.room_mut(room).sit(user, id);
        self.fan_out.add_hearer(room, wire);
        if let Some(session) = self.session_mut(id) {
            // Most connections stay in one room: no room is kept for more.
            session.seats.reserve_exact(1);
            session.seats.push(Seat {
                room,
                place: seated.place,
            });
        }
        if seated.is_first
            && let Some(person) = self.person(user)
        {
            self.tell(room, |name| person.joined(name, now.wall));
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
            self.give_up_seat(id, user, seat, now);
        }
    }

    /// Frees a seat whose session has let go of it, and tells the room when the person is gone from there.
    pub(super) fn give_up_seat(&mut self, id: ConnectionId, user: UserKey, seat: Seat, now: Now) {
        if let Some(connection) = self.connections.get(id) {
            self.fan_out.remove_hearer(seat.room, connection.wire);
        }
        let left = self.rooms.room_mut(seat.room).rise(user, id, seat.place);
        if let Some(moved) = left.moved
            && let Some(session) = self.session_mut(moved.connection)
            && let Some(own) = session.seats.iter_mut().find(|own| own.room == seat.room)
        {
            own.place = moved.place;
        }
        // When everybody goes, nobody is told who else does.
        if left.is_last
            && !self.stopping
            && let Some(person) = self.person(user)
        {
            self.tell(seat.room, |name| person.left(name, now.wall));
            self.flush_full_room(seat.room);
        }
    }

    fn list_members(&mut self, id: ConnectionId, room: RoomKey, tag: Option<&RequestId<'_>>) {
        let listed_max = self.config.limits.members_listed_max;
        let room = self.rooms.room(room);
        let mut bytes_left = self.config.limits.outbound_bytes_per_connection_max / MEMBERS_SHARE;
        let people: Vec<(Who, u32)> = room
            .members_from(UserKey(0))
            .take(listed_max)
            .filter_map(|(user, seats)| Some((self.person(user)?, seats)))
            .take_while(|(person, _)| {
                let cost = person.bytes_max();
                let fits = cost <= bytes_left;
                bytes_left = bytes_left.saturating_sub(cost);
                fits
            })
            .collect();
        let frame = reply::members(tag, room.name(), &people, room.members().len());
        if let Some(connection) = self.connections.get_mut(id) {
            self.outbound
                .write(connection, |outbox| outbox.push_payload(frame));
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

    /// Complains, if the connection may still be complained to.
    pub(super) fn object(&mut self, id: ConnectionId, complaint: &Complaint<'_>, now: Now) {
        if self.may_complain(id, now) {
            self.complain(id, complaint);
        }
    }

    fn find_room(&self, name: &str) -> Result<RoomKey, ChatError> {
        self.rooms.find(name).ok_or(ChatError::UnknownRoom)
    }

    /// The room of that name, if the connection is in it.
    fn seated_room(&self, id: ConnectionId, name: &str) -> Result<RoomKey, ChatError> {
        let room = self.find_room(name)?;
        let is_seated = match self.connections.get(id).map(|found| &found.phase) {
            Some(Phase::Open(session)) => session.seats.iter().any(|seat| seat.room == room),
            _ => false,
        };
        if is_seated {
            Ok(room)
        } else {
            Err(ChatError::NotInRoom)
        }
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

    fn person(&self, user: UserKey) -> Option<Who> {
        self.users.get(user).map(|user| Who {
            user: user.id.clone(),
            name: user.name.clone(),
        })
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            message_characters_max: self.config.limits.message_characters_max,
            body_bytes_max: self.config.limits.message_bytes_max,
        }
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
        let open = engine.rooms.iter().filter(|room| room.is_open());
        let rooms: Vec<&str> = open.map(|room| room.name()).collect();
        let lobby = engine.rooms.room(engine.rooms.lobby()).name();
        let hello = person.hello(lobby, &rooms, &engine.config.limits, expires, now.wall);
        let frame = reply::encode(&hello, wire);
        if let (Some(frame), Some(connection)) = (frame, engine.connections.get_mut(id)) {
            engine.outbound.push_shared(connection, &frame);
        }
    }
    let lobby = engine.rooms.lobby();
    // A new session has no seat yet, so there is room for this one.
    let _ = engine.sit(id, user, lobby, now);
    if let Some(words) = engine.config.rooms.welcome.clone() {
        engine.reply(id, &reply::announcement(&words, now));
    }
}
