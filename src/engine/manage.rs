//! Commands about a room itself: made, changed, moderated, read.

use std::sync::Arc;

use super::Engine;
use super::connection::Phase;
use super::lanes::{By, WantedChange};
use super::reply;
use super::room_reply;
use super::room_work::{Asked, Coming, Requester};
use super::verify::BUSY_RETRY;
use super::work::Come;
use crate::config::WhoCreates;
use crate::id::{ConnectionId, RoomKey};
use crate::protocol::command::rooms::{RoomCommand, RoomPatch};
use crate::protocol::command::v1::RequestId;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Capability;
use crate::rooms::moderation::{Act, plan_room};
use crate::rooms::permissions::Reason;
use crate::rooms::record::{RoomAnswer, RoomQuestion};
use crate::rooms::settings::Ceilings;
use crate::time::Now;

impl Engine {
    /// Carries out a command about one room. What has to be kept is answered when it is.
    pub(super) fn carry_out_about_room(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: &str,
        command: &RoomCommand<'_>,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        if let RoomCommand::Create(patch) = command {
            return self.create_room(id, request, room, patch, now);
        }
        let key = self.seen_room(id, room, now)?;
        if let RoomCommand::Edit { said, .. } = command {
            self.fitting(key, said)?;
        }
        match command {
            RoomCommand::Describe => {
                self.tell_description(id, request, key, now);
                Ok(())
            }
            RoomCommand::History { from, limit } => {
                self.ask_history(id, request, (key, *from, *limit), now)
            }
            RoomCommand::Log { from, limit } => {
                self.ask_log(id, request, (key, *from, *limit), now)
            }
            RoomCommand::Explain { user } => self.explain(id, request, key, user.as_deref(), now),
            RoomCommand::Seen { seq } => self.note_seen(id, request, key, *seq, now),
            changing => match Act::of(changing) {
                Some(act) => self.want_change(id, request, key, act, now),
                None => Err(RoomRefusal::Forbidden),
            },
        }
    }

    fn want_change(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        act: Act,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        if matches!(act, Act::Delete) && self.rooms.room(room).is_configured() {
            // It is the configuration's: there would be another in its place at once.
            return Err(RoomRefusal::Fixed(None));
        }
        if let Act::Edit { text, .. } = &act {
            // It is heard like a message, and costs as much.
            self.expect_speaking(id, room, now)?;
            if let Err(unsaid) = self.charge_message_in(id, room, text.len(), now) {
                self.object(id, &unsaid.complaint(request.cloned()), now);
                return Ok(());
            }
        }
        self.expect_stored(room, now)?;
        let by = self.by(id).ok_or(RoomRefusal::UnknownRoom)?;
        let wanted = WantedChange {
            requester: Requester::session(id, request),
            by: Some(by),
            act,
        };
        let room = Arc::clone(self.rooms.room(room).id());
        self.change(&room, wanted, now);
        Ok(())
    }

    /// Whether whoever is connected is in the room, and may say something there.
    pub(super) fn expect_speaking(
        &self,
        id: ConnectionId,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        if !self.is_seated(id, room) {
            return Err(RoomRefusal::NotInRoom);
        }
        self.permit(id, room, Capability::Send, now)
    }

    /// Lets somebody who was invited belong to the room, and then come in.
    pub(super) fn accept_invitation(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        since: Option<u64>,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let by = self.by(id).ok_or(RoomRefusal::UnknownRoom)?;
        let request = request.map(|request| request.clone().into_owned());
        let wanted = WantedChange {
            requester: Requester::Join(id, request, since),
            by: Some(by),
            act: Act::Accept,
        };
        let room = Arc::clone(self.rooms.room(room).id());
        self.change(&room, wanted, now);
        Ok(())
    }

    /// The same for a protocol in which nobody asks to come in: whoever is invited belongs to the room when they say the next thing in it.
    ///
    /// # Errors
    /// [`RoomRefusal::Busy`] until that is kept.
    pub(super) fn belong_if_invited(
        &mut self,
        id: ConnectionId,
        room: RoomKey,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let decision = self.decide(id, room, Capability::Join, now);
        if decision.is_none_or(|decision| decision.reason != Reason::Invited) {
            return Ok(());
        }
        let by = self.by(id).ok_or(RoomRefusal::UnknownRoom)?;
        let wanted = WantedChange {
            requester: Requester::Server,
            by: Some(by),
            act: Act::Accept,
        };
        let room = Arc::clone(self.rooms.room(room).id());
        self.change(&room, wanted, now);
        Err(RoomRefusal::Busy(BUSY_RETRY))
    }

    /// They belong to it now.
    pub(super) fn invitation_accepted(
        &mut self,
        id: ConnectionId,
        request: Option<RequestId<'static>>,
        (room, since): (&str, Option<u64>),
        now: Now,
    ) {
        let user = self.session_mut(id).map(|session| session.user);
        let (Some(user), Some(key)) = (user, self.rooms.find(room)) else {
            return;
        };
        if let Err(refusal) = self.come_to(id, user, request.as_ref(), (key, since), now) {
            self.turn_down(Requester::Session(id, request), refusal, now);
        }
    }

    /// Whose a session is, and what their credential says of rooms.
    pub(super) fn by(&self, id: ConnectionId) -> Option<By> {
        let Phase::Open(session) = &self.connections.get(id)?.phase else {
            return None;
        };
        Some(By {
            user: Arc::clone(&self.users.get(session.user)?.id),
            claims: session.claims.clone(),
        })
    }

    fn create_room(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: &str,
        patch: &RoomPatch<'_>,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let by = self.by(id).ok_or(RoomRefusal::Forbidden)?;
        let claimed = by.claims.as_ref().and_then(|claims| claims.about(room));
        let may = match self.config.rooms.create {
            WhoCreates::Everybody => true,
            WhoCreates::Token => {
                claimed.is_some_and(|claimed| claimed.contains(Capability::Create))
            }
            WhoCreates::Nobody => false,
        };
        if !may {
            return Err(RoomRefusal::Forbidden);
        }
        self.expect_unlike(room, patch)?;
        self.room_for_one_more(&by)?;
        let planned = plan_room(room, patch, &by.user, &self.ceilings(), now.wall);
        let (record, entry) = self.count_room_limit(planned)?;
        let room = Arc::clone(&record.id);
        let asked = Asked::Create(Coming::of(&record));
        let question = RoomQuestion::Create(Box::new(record), Box::new(entry));
        let requester = Requester::session(id, request);
        if self.ask_of_room(requester, asked, question, now) {
            self.note_making(id, room);
        }
        Ok(())
    }

    /// No room is to be taken for another.
    pub(super) fn expect_unlike(
        &self,
        room: &str,
        patch: &RoomPatch<'_>,
    ) -> Result<(), RoomRefusal> {
        if self.is_taken(room, None) {
            return Err(RoomRefusal::RoomExists("room"));
        }
        match patch.name.as_deref() {
            Some(name) if !name.is_empty() && self.is_taken(name, None) => {
                Err(RoomRefusal::RoomExists("name"))
            }
            _ => Ok(()),
        }
    }

    /// Whether there may be another room, and another of this user's.
    fn room_for_one_more(&mut self, by: &By) -> Result<(), RoomRefusal> {
        self.room_for_one_more_at_all()?;
        let settings = &self.config.rooms;
        let coming = self.room_works.creations_by(&by.user);
        let own = self
            .rooms
            .iter()
            .filter(|room| room.is_stored() && room.lasting.created_by == by.user);
        if own.count() + coming >= settings.created_per_user_max {
            self.counters
                .limited
                .count_pair(["created_per_user_max", "user"]);
            return Err(RoomRefusal::TooManyRoomsCreated {
                limit: "created_per_user_max",
                scope: "user",
            });
        }
        Ok(())
    }

    /// Whether there may be another room, whoever makes it.
    pub(super) fn room_for_one_more_at_all(&mut self) -> Result<(), RoomRefusal> {
        if self.rooms.count() + self.room_works.creations() >= self.config.rooms.rooms_max {
            self.counters.limited.count_pair(["rooms_max", "server"]);
            return Err(RoomRefusal::TooManyRoomsCreated {
                limit: "rooms_max",
                scope: "server",
            });
        }
        Ok(())
    }

    pub(super) fn room_created(
        &mut self,
        requester: Requester,
        room: &str,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let id = requester.connection();
        self.tell_created(requester, answer, now);
        if let Some(id) = id {
            self.take_up(id, room, now);
        }
    }

    fn tell_created(
        &mut self,
        requester: Requester,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        let record = match answer {
            Ok(RoomAnswer::Created(Some(record))) => record,
            Ok(_) => return self.turn_down(requester, RoomRefusal::RoomExists("room"), now),
            Err(refusal) => return self.turn_down(requester, refusal, now),
        };
        let key = self.rooms.remember(&record);
        self.fan_out.make_room_for(self.rooms.len());
        match requester {
            Requester::Session(id, request) => {
                self.tell_description(id, request.as_ref(), key, now);
            }
            Requester::Call(id) => self.bring_call(id, Come::Kept(Ok(0))),
            Requester::Join(..) | Requester::Server => {}
        }
    }

    fn note_seen(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: RoomKey,
        seq: u64,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        self.permit(id, room, Capability::Read, now)?;
        let user = self.by(id).ok_or(RoomRefusal::UnknownRoom)?.user;
        let people_max = self.config.rooms.people_max;
        let found = self.rooms.room(room);
        let seq = seq.min(found.last_sequence());
        let known = found
            .lasting
            .standings
            .get(&user)
            .map(|standing| standing.read);
        if known.unwrap_or(0) >= seq {
            let frame = room_reply::frame(&reply::done(request, Some(found.name())));
            self.reply_frame(id, frame);
            return Ok(());
        }
        if known.is_none() && found.lasting.standings.len() >= people_max {
            return self.count_room_limit(Err(RoomRefusal::RoomFull("people_max")));
        }
        let room = Arc::clone(found.id());
        let question = RoomQuestion::Read {
            room: Arc::clone(&room),
            user: Arc::clone(&user),
            seq,
        };
        let asked = Asked::Read { room, user, seq };
        self.ask_of_room(Requester::session(id, request), asked, question, now);
        Ok(())
    }

    pub(super) fn read_answered(
        &mut self,
        requester: Requester,
        (room, user, seq): (&Arc<str>, &Arc<str>, u64),
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        match answer {
            Ok(RoomAnswer::Read) => {}
            Ok(_) => return self.turn_down(requester, RoomRefusal::UnknownRoom, now),
            Err(refusal) => return self.turn_down(requester, refusal, now),
        }
        if let Some(key) = self.rooms.find(room) {
            self.rooms.read(key, user, seq);
        }
        if let Requester::Session(id, request) = requester {
            self.reply(id, &reply::done(request.as_ref(), Some(room)));
        }
    }

    /// What the operator allows rooms to be set to.
    pub(super) fn ceilings(&self) -> Ceilings {
        let settings = &self.config.rooms;
        Ceilings {
            message_characters_max: self.config.limits.message_characters_max,
            people_max: settings.people_max,
            retention_messages_max: settings.retention_messages_max,
            retention_max: settings.retention_max,
        }
    }
}
