//! Who comes: people, herds, and strangers in crowds.

use std::time::Duration;

use super::asking::REQUEST_BYTES_MAX;
use super::client::{Link, Seat};
use super::oracle::Violation;
use super::pace::{BYTES_OF_ADDRESS, FAILURES, HANDSHAKES};
use super::run::{Run, Stray};
use super::script::{Asking, CREW, Flood, HONEST, Manner, PEOPLE, ROOMS, TABS, Tab, Way};
use crate::id::ConnectionId;
use crate::protocol::client::upgrade_request;
use crate::protocol::response::Refusal;

/// How long the credential of a stranger is good who has one.
const LIFE: Duration = Duration::from_secs(30);

/// Where somebody connects from. Those who are hostile share an address.
fn address(who: usize) -> String {
    if who < HONEST + CREW {
        format!("10.1.{who}.1")
    } else {
        "10.2.0.7".to_owned()
    }
}

fn request(who: usize, is_tutorial: bool, life_s: u16) -> String {
    let life = match life_s {
        0 => String::new(),
        life_s => format!("@{life_s}"),
    };
    let path = format!("/ws/chat?token={}{life}", PEOPLE[who]);
    upgrade_request(&path, protocol_field(is_tutorial))
}

fn protocol_field(is_tutorial: bool) -> &'static str {
    match is_tutorial {
        true => "",
        false => "Sec-WebSocket-Protocol: wardroom.v1\r\n",
    }
}

/// What a stranger with a good credential asks.
pub(super) fn stranger_request(number: u64, is_tutorial: bool) -> String {
    let path = format!("/ws/chat?token=stranger{number}@{}", LIFE.as_secs());
    upgrade_request(&path, protocol_field(is_tutorial))
}

impl Run<'_> {
    /// A stranger who has come just now, of whom nothing more is known. Watched, they do not stay for ever.
    pub(super) fn stray(&self, id: ConnectionId, address: &str, has_credential: bool) -> Stray {
        let now = self.now().instant;
        Stray {
            id,
            watched: now,
            last_taken: now,
            life: has_credential.then_some(LIFE),
            jumps: self.jumps,
            came: now,
            address: address.to_owned(),
            fails: false,
            honest: None,
            is_answered: false,
            is_raw: false,
        }
    }

    /// Somebody opens the chat.
    pub(super) fn open(
        &mut self,
        tab: Tab,
        (is_tutorial, life_s, manner): (bool, u16, Manner),
        way: Way,
    ) -> Result<(), Violation> {
        let who = usize::from(tab.who) % PEOPLE.len();
        let tab = Tab {
            who: who as u8,
            tab: tab.tab % TABS as u8,
        };
        let is_honest = who < HONEST;
        if self.link(tab).is_some() || !self.may_come(who) {
            return Ok(());
        }
        let id = match self.world.connect(&address(who)) {
            Ok(id) => id,
            Err(refusal) if is_honest => {
                let words = format!("{} is not let in: {refusal:?}", PEOPLE[who]);
                return Err(Violation::new("not stingy", words));
            }
            Err(_) => return Ok(()),
        };
        let number = self.links.len();
        let whose = (tab, PEOPLE[who], address(who));
        let mut link = Link::new(number, id, whose, &self.config.limits, self.now().instant);
        link.is_tutorial = is_tutorial;
        link.manner = manner;
        link.is_exact = is_honest && manner == Manner::Good && !self.has_impostor;
        link.jumps = self.jumps;
        link.life = Duration::from_secs(u64::from(life_s));
        if self.revoked.contains(&tab.who) {
            link.revoked_from = Some(usize::MAX);
        }
        if manner == Manner::Slow {
            link.is_free = false;
            self.world.client(id).set_window(4096);
        }
        self.links.push(link);
        self.active.push(number);
        self.tabs.insert(tab, number);
        self.counts.opened += 1;
        self.send_bytes(number, request(who, is_tutorial, life_s).as_bytes(), way);
        Ok(())
    }

    /// Whether somebody honest may do one more of each of these, and they have then; of everybody else nothing is counted.
    pub(super) fn may_pace(&mut self, who: usize, what: &[usize]) -> bool {
        let now = self.now().instant;
        let Some(paces) = self.paces.get_mut(who) else {
            return true;
        };
        let missing = what
            .iter()
            .filter_map(|what| paces[*what].check(1, now).err());
        if let Some(at) = missing.max() {
            self.edges.insert(at);
            return false;
        }
        what.iter().all(|what| paces[*what].take(1, now).is_ok())
    }

    /// Whether somebody honest may ask for the chat: where one mistake more would be too many, no credential is looked at.
    fn may_come(&mut self, who: usize) -> bool {
        let now = self.now().instant;
        let Some(paces) = self.paces.get(who) else {
            return true;
        };
        let mistake = paces[FAILURES].check(1, now).err();
        let bytes = paces[BYTES_OF_ADDRESS].check(REQUEST_BYTES_MAX, now).err();
        if let Some(at) = mistake.max(bytes) {
            self.edges.insert(at);
            return false;
        }
        self.may_pace(who, &[HANDSHAKES])
    }

    /// Somebody asks for the chat with a credential that is no good.
    pub(super) fn mistake(&mut self, who: u8) -> Result<(), Violation> {
        let who = usize::from(who) % PEOPLE.len();
        let honest = Some(who).filter(|who| *who < HONEST);
        // In which order a good credential and a bad one of the same moment are looked at nobody knows.
        let is_coming = |number: &usize| {
            let link = &self.links[*number];
            usize::from(link.tab.who) == who && !link.is_upgraded
        };
        let is_at_the_door = honest.is_some() && self.active.iter().any(is_coming);
        if is_at_the_door || !self.may_come(who) || !self.may_pace(who, &[FAILURES]) {
            return Ok(());
        }
        match self.come_alone(&address(who), Flood::BadCredential, honest) {
            Err(refusal) if honest.is_some() => {
                let words = format!("{} is not let in: {refusal:?}", PEOPLE[who]);
                Err(Violation::new("not stingy", words))
            }
            _ => Ok(()),
        }
    }

    /// Everybody's connections break, and those who are honest are back.
    pub(super) fn herd(&mut self, way: Way) -> Result<(), Violation> {
        let mut back = Vec::new();
        for number in self.active.clone() {
            let link = &self.links[number];
            let is_in = |(_, seat): &(&String, &Seat)| matches!(seat, Seat::In { .. });
            let rooms = link
                .seats
                .iter()
                .filter(is_in)
                .map(|(room, _)| room.clone());
            if usize::from(link.tab.who) < HONEST {
                back.push((link.tab, link.is_tutorial, rooms.collect::<Vec<_>>()));
            }
            self.world.break_off(link.id);
        }
        self.network.lose_all();
        self.settle()?;
        for (tab, is_tutorial, rooms) in back {
            self.open(tab, (is_tutorial, 0, Manner::Good), way)?;
            self.settle()?;
            for room in rooms.iter().filter(|_| !is_tutorial) {
                let index = ROOMS.iter().position(|known| known == room);
                if let Some(index) = index {
                    self.ask(tab, index as u8, Asking::JoinSince, way);
                }
            }
        }
        Ok(())
    }

    /// Strangers come.
    pub(super) fn flood(
        &mut self,
        kind: Flood,
        times: u8,
        is_spread: bool,
    ) -> Result<(), Violation> {
        for _ in 0..times {
            let number = self.next_number;
            self.next_number += 1;
            let peer = match is_spread {
                true => format!("10.66.{}.{}", number / 250 % 4, number % 250),
                false => "10.67.0.1".to_owned(),
            };
            let came = self.come_alone(&peer, kind, None);
            if let Ok(id) = came
                && kind == Flood::CutHead
            {
                self.turn()?;
                self.world.break_off(id);
            }
        }
        Ok(())
    }

    fn come_alone(
        &mut self,
        peer: &str,
        kind: Flood,
        honest: Option<usize>,
    ) -> Result<ConnectionId, Refusal> {
        let id = self.world.connect(peer)?;
        let now = self.now().instant;
        let stray = Stray {
            fails: kind == Flood::BadCredential,
            honest,
            ..self.stray(id, peer, kind == Flood::NewName)
        };
        self.strays.push(stray);
        let head = |credential: &str| upgrade_request(&format!("/ws/chat?token={credential}"), "");
        let bytes = match kind {
            Flood::Silent => String::new(),
            Flood::HalfHead => head("bad")[..60].to_owned(),
            Flood::BadCredential => head("bad"),
            Flood::NewName => {
                let number = self.next_number;
                self.next_number += 1;
                stranger_request(number, true)
            }
            Flood::Noise => "\u{16}\u{3}\u{1}nothing that is HTTP\r\n\r\n".to_owned(),
            Flood::CutHead => head("bad")[..40].to_owned(),
        };
        if let Some(paces) = honest.and_then(|who| self.paces.get_mut(who)) {
            paces[BYTES_OF_ADDRESS].charge(bytes.len() as u64, now);
        }
        self.world.queue(id, bytes.as_bytes());
        Ok(id)
    }
}
