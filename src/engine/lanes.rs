//! Changes of rooms: one at a time in each room, judged when its turn comes, in force when it is kept. Those who moderate come first: what others
//! change, of their messages or of how they stand, waits in places of its own.
//!
//! While a change that takes something away is on its way, whom it concerns is held to it already: nothing of theirs is taken
//! that would be heard after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Engine;
use super::reply;
use super::room_work::{Asked, Requester};
use super::verify::BUSY_RETRY;
use super::work::{Awaited, Come};
use crate::id::RoomKey;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::RoomClaims;
use crate::rooms::moderation::{Act, Actor, Hold, Planned, judge};
use crate::rooms::permissions::{Asker, capabilities};
use crate::rooms::record::{Change, Changed, MessageChange, RoomAnswer, RoomQuestion};
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
    /// What the room looks like after it, where it changes settings.
    looks: Vec<Box<str>>,
}

impl InFlight {
    pub(super) fn room(&self) -> &Arc<str> {
        &self.room
    }

    pub(super) fn looks(&self) -> &[Box<str>] {
        &self.looks
    }
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
    /// Of those who moderate.
    first: VecDeque<WantedChange>,
    /// What is left of changes of many steps: after each, others go first.
    rests: VecDeque<(Requester, Change)>,
    waiting: VecDeque<WantedChange>,
}

impl Lane {
    /// How many changes of this user wait that are bounded for each person.
    fn own_waiting(&self, user: &str) -> usize {
        let is_theirs =
            |wanted: &&WantedChange| wanted.by.as_ref().is_some_and(|by| *by.user == *user);
        let edits = self.first.iter().filter(|wanted| wanted.act.is_edit());
        self.waiting.iter().chain(edits).filter(is_theirs).count()
    }
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
        let of_lane = |lane: &Lane| 1 + lane.first.len() + lane.waiting.len() + lane.rests.len();
        self.lanes.values().map(of_lane).sum()
    }
}

impl Engine {
    /// Has a room changed, after what is on its way there.
    pub(super) fn change(&mut self, room: &Arc<str>, wanted: WantedChange, now: Now) {
        if !self.lanes.lanes.contains_key(room) {
            self.begin_change(room, wanted, now);
            return;
        }
        let moderates = self.moderates(room, wanted.by.as_ref(), now);
        let settings = &self.config.rooms;
        let Some(lane) = self.lanes.lanes.get_mut(room) else {
            return;
        };
        let own = match &wanted.by {
            Some(by) if !moderates || wanted.act.is_edit() => lane.own_waiting(&by.user),
            _ => 0,
        };
        let queue = if moderates {
            &mut lane.first
        } else {
            &mut lane.waiting
        };
        let places = settings.changes_waiting_max;
        // Those that have begun wait beside the queues.
        let is_one_too_many = wanted.act.is_purge() && lane.rests.len() >= places;
        let reached = if own >= settings.own_changes_waiting_max {
            Some(["own_changes_waiting_max", "member"])
        } else if queue.len() >= places || is_one_too_many {
            Some(["changes_waiting_max", "room"])
        } else {
            None
        };
        if let Some(limit) = reached {
            self.counters.limited.count_pair(limit);
            return self.turn_down(wanted.requester, RoomRefusal::Busy(BUSY_RETRY), now);
        }
        if let Requester::Call(id) = wanted.requester
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.awaited = Awaited::Queued;
        }
        queue.push_back(wanted);
    }

    /// Whether somebody's changes of the room come first.
    fn moderates(&self, room: &str, by: Option<&By>, now: Now) -> bool {
        let room = self.rooms.find(room);
        room.is_some_and(|room| self.actor(room, by, now).has_say())
    }

    fn actor(&self, room: RoomKey, by: Option<&By>, now: Now) -> Actor {
        let Some(by) = by else {
            return Actor::operator();
        };
        let found = self.rooms.room(room);
        let asker = Asker {
            user: &by.user,
            claims: by.claims.as_deref(),
        };
        Actor {
            user: Arc::clone(&by.user),
            capabilities: capabilities(found.name(), &found.lasting, asker, now.wall),
            authority: Authority::Room,
        }
    }

    /// Judges a change, and asks the store for it. Whether it is on its way; if not, whoever wanted it is told.
    fn begin_change(&mut self, room: &Arc<str>, wanted: WantedChange, now: Now) -> bool {
        let WantedChange { requester, by, act } = wanted;
        let knocking = by.as_ref().filter(|_| act == Act::Knock);
        let knock = knocking.and_then(|by| Some((self.rooms.find(room)?, Arc::clone(&by.user))));
        let judged = self
            .expect_still_speaking(room, &requester, &act, now)
            .and_then(|()| {
                let judged = self.judge_change(room, by.as_ref(), &act, now);
                self.count_room_limit(judged)
            })
            .and_then(|planned| match &knock {
                Some((key, user)) => self.check_knock(*key, user, now).map(|()| planned),
                None => Ok(planned),
            });
        let judged = judged.and_then(|planned| match &planned.change.settings {
            Some(settings) => self
                .forget_before_keeping_more(room, settings, now)
                .map(|()| planned),
            None => Ok(planned),
        });
        let planned = match judged {
            Ok(planned) => planned,
            Err(refusal) => {
                self.turn_down(requester, refusal, now);
                return false;
            }
        };
        let mut change = planned.change;
        if let Some(key) = self.rooms.find(room) {
            change.floor = self.floor(key, now);
        }
        let settings = change.settings.as_ref();
        let in_flight = InFlight {
            room: Arc::clone(room),
            looks: settings.map_or_else(Vec::new, |settings| settings.looks(room)),
        };
        let question = RoomQuestion::Change(Box::new(change));
        if !self.ask_of_room(requester, Asked::Change(in_flight), question, now) {
            return false;
        }
        if let Some((key, user)) = knock {
            self.charge_knock(key, &user, now);
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
        let actor = self.actor(key, by, now);
        let ceilings = self.ceilings();
        let planned = judge(room, lasting, &actor, act, &ceilings, now.wall)?;
        let settings = planned.change.settings.as_ref();
        match settings.and_then(|settings| self.rooms.new_name(key, settings)) {
            Some(name) if self.is_taken(name, Some(key)) => Err(RoomRefusal::RoomExists("name")),
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
                self.put_off(&in_flight.room, requester, changed.change);
            }
            Ok(RoomAnswer::Changed(changed)) => {
                self.put_in_force(&changed, now);
                self.acknowledge(requester, &changed, now);
            }
            Ok(RoomAnswer::Spared) => self.turn_down(requester, RoomRefusal::Outranked, now),
            Ok(RoomAnswer::Foreign) => self.turn_down(requester, RoomRefusal::NotYours, now),
            // Deleted between two steps.
            Ok(_) if self.rooms.find(&in_flight.room).is_none() => {
                self.turn_down(requester, RoomRefusal::UnknownRoom, now);
            }
            // Only what a message said can be missing otherwise: whoever may change a room knows that there is one.
            Ok(_) => self.turn_down(requester, RoomRefusal::UnknownMessage, now),
            Err(refusal) => self.turn_down(requester, refusal, now),
        }
        self.next_change(&in_flight.room, now);
    }

    /// Lets those who moderate go before the rest of a change that is too large for one step.
    fn put_off(&mut self, room: &Arc<str>, requester: Requester, done: Change) {
        let mut messages = done.messages;
        if let Some(MessageChange::DeleteAllOf { is_rest, .. }) = &mut messages {
            *is_rest = true;
        }
        let rest = Change {
            settings: None,
            standings: Vec::new(),
            entry: None,
            messages,
            ..done
        };
        let lane = self.lanes.lanes.entry(Arc::clone(room)).or_default();
        lane.rests.push_back((requester, rest));
    }

    fn ask_for_rest(
        &mut self,
        room: &Arc<str>,
        requester: Requester,
        rest: Change,
        now: Now,
    ) -> bool {
        let asked = Asked::Change(InFlight {
            room: Arc::clone(room),
            looks: Vec::new(),
        });
        self.ask_of_room(requester, asked, RoomQuestion::Change(Box::new(rest)), now)
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
            Requester::Call(id) => self.bring_call(id, Come::Kept(Ok(changed.head.number))),
            Requester::Join(id, request, since) => {
                self.invitation_accepted(id, request, (&room, since), now);
            }
            Requester::Server => {}
        }
    }

    /// Begins the first of the waiting changes of a room that comes to something.
    fn next_change(&mut self, room: &Arc<str>, now: Now) {
        loop {
            let Some(lane) = self.lanes.lanes.get_mut(room) else {
                return;
            };
            let has_begun = if let Some(next) = lane.first.pop_front() {
                self.begin_change(room, next, now)
            } else if let Some((requester, rest)) = lane.rests.pop_front() {
                self.ask_for_rest(room, requester, rest, now)
            } else if let Some(next) = lane.waiting.pop_front() {
                self.begin_change(room, next, now)
            } else {
                self.lanes.lanes.remove(room);
                return;
            };
            if has_begun {
                return;
            }
        }
    }
}
