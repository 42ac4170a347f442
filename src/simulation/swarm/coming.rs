//! Who comes: people, herds, and strangers in crowds.

use std::time::Duration;

use super::client::{Link, Seat};
use super::oracle::Violation;
use super::run::{Run, Stray};
use super::script::{Asking, CREW, Flood, HONEST, Manner, PEOPLE, ROOMS, TABS, Tab, Way};
use crate::id::ConnectionId;
use crate::protocol::client::upgrade_request;

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
    /// Sees to it that a stranger does not stay for ever.
    pub(super) fn watch_stray(&mut self, id: ConnectionId, has_credential: bool) {
        let now = self.now().instant;
        self.strays.push(Stray {
            id,
            watched: now,
            last_taken: now,
            life: has_credential.then_some(LIFE),
            jumps: self.jumps,
            is_raw: false,
        });
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
        if self.link(tab).is_some() || (is_honest && !self.may_pace(who, 2)) {
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
        let mut link = Link::new(number, id, tab, PEOPLE[who], self.now().instant);
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

    /// Whether somebody honest may do one more of these: messages (0), commands (1), handshakes (2).
    pub(super) fn may_pace(&mut self, who: usize, what: usize) -> bool {
        let now = self.now().instant;
        let Some(paces) = self.paces.get_mut(who) else {
            return true;
        };
        match paces[what].take(now) {
            Ok(()) => true,
            Err(at) => {
                self.edges.insert(at);
                false
            }
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
    pub(super) fn flood(&mut self, kind: Flood, times: u8, is_spread: bool) {
        for _ in 0..times {
            let number = self.next_number;
            self.next_number += 1;
            let peer = match is_spread {
                true => format!("10.66.{}.{}", number / 250 % 4, number % 250),
                false => "10.67.0.1".to_owned(),
            };
            let Ok(id) = self.world.connect(&peer) else {
                continue;
            };
            self.watch_stray(id, kind == Flood::NewName);
            let head =
                |credential: &str| upgrade_request(&format!("/ws/chat?token={credential}"), "");
            let bytes = match kind {
                Flood::Silent => String::new(),
                Flood::HalfHead => head("bad")[..60].to_owned(),
                Flood::BadCredential => head("bad"),
                Flood::NewName => stranger_request(number, true),
                Flood::Noise => "\u{16}\u{3}\u{1}nothing that is HTTP\r\n\r\n".to_owned(),
                Flood::CutHead => head("bad")[..40].to_owned(),
            };
            self.world.queue(id, bytes.as_bytes());
            if kind == Flood::CutHead {
                self.world.turn();
                self.world.break_off(id);
            }
        }
    }
}
