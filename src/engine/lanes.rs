//! Changes of rooms: one at a time in each room, judged when its turn comes, in force when it is kept.
//!
//! While a change that takes something away is on its way, whom it concerns is held to it already: nothing of theirs is taken
//! that would be heard after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Engine;
use super::reply;
use super::room_work::{Asked, Requester};
use super::verify::BUSY_RETRY;
use super::work::Awaited;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::RoomClaims;
use crate::rooms::moderation::{Act, Actor, Hold, Planned, judge};
use crate::rooms::permissions::{Asker, capabilities};
use crate::rooms::record::{Change, Changed, RoomAnswer, RoomQuestion};
use crate::rooms::standing::Authority;
use crate::time::Now;

/// A change that somebody wants.
#[derive(Debug)]
pub(super) struct WantedChange {
    pub(super) requester: Requester,
    /// `None`: the operator.
    pub(super) by: Option<By>,
    pub(super) act: Act,
}

/// A user who wants something.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) user: Arc<str>,
    pub(super) claims: Option<Arc<RoomClaims>>,
}

/// The change of a room that the store was asked for.
#[derive(Debug)]
pub(super) struct InFlight {
    room: Arc<str>,
}

/// Changes by room.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Arc<str>, Lane>,
}

/// One room's: there is one only while something is on its way.
#[derive(Debug, Default)]
struct Lane {
    hold: Hold,
    waiting: VecDeque<WantedChange>,
}

impl Lanes {
    /// Whether something is about to be taken from this user in the room.
    pub(super) fn holds(&self, room: &str, user: &str) -> bool {
        match self.lanes.get(room).map(|lane| &lane.hold) {
            Some(Hold::Everybody) => true,
            Some(Hold::User(held)) => **held == *user,
            Some(Hold::Nobody) | None => false,
        }
    }

    /// Changes on their way or waiting.
    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(|lane| 1 + lane.waiting.len()).sum()
    }
}

impl Engine {
    /// Has a room changed, after what is on its way there.
    pub(super) fn change(&mut self, room: &Arc<str>, wanted: WantedChange, now: Now) {
        let waiting_max = self.config.rooms.changes_waiting_max;
        match self.lanes.lanes.get_mut(room) {
            Some(lane) if lane.waiting.len() < waiting_max => {
                if let Requester::Call(id) = wanted.requester
                    && let Some(connection) = self.connections.get_mut(id)
                {
                    connection.awaited = Awaited::Queued;
                }
                lane.waiting.push_back(wanted);
            }
            Some(_) => self.turn_down(wanted.requester, RoomRefusal::Busy(BUSY_RETRY), now),
            None => {
                self.begin_change(room, wanted, now);
            }
        }
    }

    /// Judges a change, and asks the store for it. Whether it is on its way; if not, whoever wanted it is told.
    fn begin_change(&mut self, room: &Arc<str>, wanted: WantedChange, now: Now) -> bool {
        let WantedChange { requester, by, act } = wanted;
        let judged = self
            .expect_still_speaking(room, &requester, &act, now)
            .and_then(|()| self.judge_change(room, by.as_ref(), &act, now));
        let planned = match judged {
            Ok(planned) => planned,
            Err(refusal) => {
                self.turn_down(requester, refusal, now);
                return false;
            }
        };
        let question = RoomQuestion::Change(Box::new(planned.change));
        let in_flight = InFlight {
            room: Arc::clone(room),
        };
        if !self.ask_of_room(requester, Asked::Change(in_flight), question, now) {
            return false;
        }
        let lane = self.lanes.lanes.entry(Arc::clone(room));
        lane.or_default().hold = planned.hold;
        true
    }

    /// Whoever was put out while their edit waited says nothing any more.
    fn expect_still_speaking(
        &self,
        room: &str,
        requester: &Requester,
        act: &Act,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        match (act, requester, self.rooms.find(room)) {
            (Act::Edit { .. }, Requester::Session(id, _), Some(key)) => {
                self.expect_speaking(*id, key, now)
            }
            _ => Ok(()),
        }
    }

    fn judge_change(
        &self,
        room: &str,
        by: Option<&By>,
        act: &Act,
        now: Now,
    ) -> Result<Planned, RoomRefusal> {
        let key = self.rooms.find(room).ok_or(RoomRefusal::UnknownRoom)?;
        let lasting = &self.rooms.room(key).lasting;
        let actor = match by {
            None => Actor::operator(),
            Some(by) => {
                let asker = Asker {
                    user: &by.user,
                    claims: by.claims.as_deref(),
                };
                Actor {
                    user: Arc::clone(&by.user),
                    capabilities: capabilities(room, lasting, asker, now.wall),
                    authority: Authority::Room,
                }
            }
        };
        let ceilings = self.ceilings();
        let planned = judge(room, lasting, &actor, act, &ceilings, now.wall)?;
        match &planned.change.settings {
            Some(settings) if self.rooms.is_name_taken(key, settings) => {
                Err(RoomRefusal::RoomExists("name"))
            }
            _ => Ok(planned),
        }
    }

    pub(super) fn change_answered(
        &mut self,
        requester: Requester,
        in_flight: InFlight,
        answer: Result<RoomAnswer, RoomRefusal>,
        now: Now,
    ) {
        if let Some(lane) = self.lanes.lanes.get_mut(&in_flight.room) {
            lane.hold = Hold::Nobody;
        }
        match answer {
            Ok(RoomAnswer::Changed(changed)) if changed.is_more => {
                self.put_in_force(&changed, now);
                return self.go_on(requester, in_flight, changed.change, now);
            }
            Ok(RoomAnswer::Changed(changed)) => {
                self.put_in_force(&changed, now);
                self.acknowledge(requester, &changed, now);
            }
            Ok(RoomAnswer::Spared) => self.turn_down(requester, RoomRefusal::Outranked, now),
            // Only what a message said can be missing: whoever may change a room knows that there is one.
            Ok(_) => self.turn_down(requester, RoomRefusal::UnknownMessage, now),
            Err(refusal) => self.turn_down(requester, refusal, now),
        }
        self.next_change(&in_flight.room, now);
    }

    /// Asks for the next step of a change that is too large for one; it stands in the log already.
    fn go_on(&mut self, requester: Requester, in_flight: InFlight, done: Change, now: Now) {
        let rest = Change {
            settings: None,
            standings: Vec::new(),
            entry: None,
            ..done
        };
        let room = Arc::clone(&in_flight.room);
        let question = RoomQuestion::Change(Box::new(rest));
        if !self.ask_of_room(requester, Asked::Change(in_flight), question, now) {
            self.next_change(&room, now);
        }
    }

    /// Tells whoever wanted a change that it is in force.
    fn acknowledge(&mut self, requester: Requester, changed: &Changed, now: Now) {
        let room = Arc::clone(&changed.change.room);
        match requester {
            Requester::Session(id, request) => {
                let request = request.as_ref();
                let described = changed.change.settings.as_ref().and(self.rooms.find(&room));
                match described {
                    Some(key) => self.tell_description(id, request, key, now),
                    None => self.reply(id, &reply::done(request, Some(&room))),
                }
            }
            Requester::Call(id) => self.bring_call(id, Ok(changed.head.number)),
            Requester::Join(id, request, since) => {
                self.invitation_accepted(id, request, (&room, since), now);
            }
            Requester::Server => {}
        }
    }

    /// Begins the first of the waiting changes of a room that comes to something.
    fn next_change(&mut self, room: &Arc<str>, now: Now) {
        loop {
            let lane = self.lanes.lanes.get_mut(room);
            let Some(next) = lane.and_then(|lane| lane.waiting.pop_front()) else {
                self.lanes.lanes.remove(room);
                return;
            };
            if self.begin_change(room, next, now) {
                return;
            }
        }
    }
}
