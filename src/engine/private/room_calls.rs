//! Calls that make and change rooms, with the operator's authority, and those that read what is kept of one.
//!
//! Each is asked of the store, and answered when that has answered.

use std::sync::Arc;

use serde::Serialize;

use super::super::Engine;
use super::super::connection::Body;
use super::super::lanes::WantedChange;
use super::super::room_work::{Asked, Coming, Requester};
use super::super::work::Come;
use super::sessions::unavailable;
use super::{Answer, room_pages};
use crate::id::ConnectionId;
use crate::protocol::api::{NewRoom, Operation, PlaceQuery, RoomChange};
use crate::protocol::problem::Problem;
use crate::protocol::refusal::RoomRefusal;
use crate::rooms::audit::Entry;
use crate::rooms::moderation::{Act, Action, plan_room};
use crate::rooms::record::RoomQuestion;
use crate::time::Now;

#[derive(Serialize)]
struct Done<'a> {
    room: &'a str,
    action: &'static str,
    /// The number of the latest entry of the room's log.
    number: u64,
}

impl Engine {
    /// Asks the store, and when it has answered tells the caller; `None` while it has not.
    pub(super) fn carry_out_about_room_privately(
        &mut self,
        id: ConnectionId,
        call: &Body,
        now: Now,
    ) -> Result<Option<Answer>, Problem> {
        match self.take_answer(id) {
            None => {
                let asked = match call.operation {
                    Operation::NewRoom => self.ask_for_room(id, call, now),
                    Operation::ChangeRoom => self.ask_for_change(id, call, now),
                    _ => self.ask_for_page(id, call, now),
                };
                asked.map(|()| None)
            }
            Some(Come::Kept(Ok(number))) => self.told_of_done(call, number, now).map(Some),
            Some(Come::Kept(Err(refusal))) => Err(Problem::from(&refusal)),
            Some(Come::Page(page)) => {
                let query = PlaceQuery::parse(call.query.as_deref())?;
                let room = self.rooms.room(self.known_room(&call.segment)?);
                room_pages::page(room, query.place, &page).map(Some)
            }
            Some(_) => Err(unavailable("too many questions wait for the store")),
        }
    }

    fn ask_for_room(&mut self, id: ConnectionId, call: &Body, now: Now) -> Result<(), Problem> {
        let wanted = NewRoom::parse(&call.bytes, &self.bounds())?;
        let owner: Arc<str> = wanted.owner.as_ref().into();
        let unlike = self.expect_unlike(&wanted.room, &wanted.settings);
        let place = unlike.and_then(|()| self.room_for_one_more_at_all());
        let planned = place.and_then(|()| {
            let ceilings = self.ceilings();
            let planned = plan_room(&wanted.room, &wanted.settings, &owner, &ceilings, now.wall);
            self.count_room_limit(planned)
        });
        let (record, planned) = planned.map_err(|refusal| Problem::from(&refusal))?;
        let entry = Entry {
            target: owner,
            details: planned.details,
            ..Entry::of_server(Action::Create, now.wall)
        };
        let asked = Asked::Create(Coming::of(&record));
        let question = RoomQuestion::Create(Box::new(record), Box::new(entry));
        self.ask_of_room(Requester::Call(id), asked, question, now);
        Ok(())
    }

    fn ask_for_change(&mut self, id: ConnectionId, call: &Body, now: Now) -> Result<(), Problem> {
        let key = self.known_room(&call.segment)?;
        let wanted = RoomChange::parse(&call.bytes, &self.bounds())?;
        self.expect_stored(key, now)
            .map_err(|refusal| Problem::from(&refusal))?;
        let act = Act::of(&wanted.command).ok_or(Problem::NoSuchRoute)?;
        if act == Act::Delete && self.rooms.room(key).is_configured() {
            return Err(Problem::Conflict {
                code: RoomRefusal::Fixed(None).code(),
                detail: "the configuration names this room: take it out of there first".into(),
            });
        }
        let wanted = WantedChange {
            requester: Requester::Call(id),
            by: None,
            act,
        };
        let room = Arc::clone(self.rooms.room(key).id());
        self.change(&room, wanted, now);
        Ok(())
    }

    fn ask_for_page(&mut self, id: ConnectionId, call: &Body, now: Now) -> Result<(), Problem> {
        let query = PlaceQuery::parse(call.query.as_deref())?;
        let key = self.known_room(&call.segment)?;
        let wanted = (key, query.place, Some(query.limit));
        let asked = match call.operation {
            Operation::ShowHistory => self.ask_history_for(Requester::Call(id), wanted, now),
            _ => self.ask_log_for(Requester::Call(id), wanted, now),
        };
        asked.map_err(|refusal| Problem::from(&refusal))
    }

    fn told_of_done(&self, call: &Body, number: u64, now: Now) -> Result<Answer, Problem> {
        if call.operation == Operation::NewRoom {
            let wanted = NewRoom::parse(&call.bytes, &self.bounds())?;
            log::info!("private: made room {}", wanted.room);
            return Ok(self.describe_room(self.known_room(&wanted.room)?, now));
        }
        let RoomChange { action, .. } = RoomChange::parse(&call.bytes, &self.bounds())?;
        let room = &*call.segment;
        log::info!("private: {action} in {room}, entry {number} of its log");
        Ok(Answer::of(&Done {
            room,
            action,
            number,
        }))
    }
}
