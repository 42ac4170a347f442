//! What each step of a script does to the world.

use std::time::Duration;

use super::client::{Link, Seat};
use super::disk::look;
use super::oracle::Violation;
use super::run::{Run, Stray};
use super::script::{Act, Fault, Flood, Going, HONEST, Lie, Manner, PEOPLE, TABS, Tab, Way};
use crate::access::record::{NewRevocation, Question as RecordQuestion};
use crate::access::revocation::{Revocation, Subject};
use crate::fault::StoreFault;
use crate::protocol::client::{frame, masked, text, upgrade_request};
use crate::simulation::client::Ending;
use crate::store::Question;
use crate::time::{Instant, Wall};

/// How long a revocation is in force.
const REVOKED: Duration = Duration::from_secs(20);
/// An edge that is further away is not waited for.
const EDGE_MAX: Duration = Duration::from_secs(120);
/// A stop takes no longer than this.
const STOP: Duration = Duration::from_secs(8);

impl Run<'_> {
    /// Does what a step says.
    pub(super) fn act(&mut self, act: Act, way: Way) -> Result<(), Violation> {
        match act {
            Act::Open {
                tab,
                is_tutorial,
                life_s,
                manner,
            } => self.open(tab, is_tutorial, life_s, manner, way),
            Act::Herd => self.herd(way),
            Act::Say {
                tab,
                room,
                characters,
                key,
            } => {
                self.say(tab, room, characters, key, way);
                Ok(())
            }
            Act::Ask { tab, room, what } => {
                self.ask(tab, room, what, way);
                Ok(())
            }
            Act::Judge {
                tab,
                room,
                verdict,
                about,
                for_ms,
            } => {
                self.judge_somebody(tab, room, verdict, (about, for_ms), way);
                Ok(())
            }
            Act::Lie { tab, lie, times } => {
                self.lie(tab, lie, times, way);
                Ok(())
            }
            Act::Take { tab, bytes } => {
                self.let_take(tab, bytes);
                Ok(())
            }
            Act::Sever { tab, bytes, is_end } => {
                if let Some(link) = self.link(tab) {
                    let link = &mut self.links[link];
                    link.is_exact = false;
                    link.severed_at = Some((link.sent + u64::from(bytes), is_end));
                }
                Ok(())
            }
            Act::Part { tab, for_ms } => {
                self.part(tab, for_ms);
                Ok(())
            }
            Act::Go { tab, how } => {
                self.go(tab, how, way);
                Ok(())
            }
            Act::Flood {
                kind,
                times,
                is_spread,
            } => {
                self.flood(kind, times, is_spread);
                Ok(())
            }
            _ => self.act_on_server(act),
        }
    }

    fn act_on_server(&mut self, act: Act) -> Result<(), Violation> {
        match act {
            Act::Edge { offset_ms } => self.wait_for_edge(offset_ms),
            Act::Stall { is_stalled } => self.stall(is_stalled),
            Act::Answer { times, is_busy } => self.answer(times, is_busy),
            Act::Fault { fault } => {
                let fault = fault.map(|fault| match fault {
                    Fault::Full => StoreFault::DiskFull,
                    Fault::ReadOnly => StoreFault::ReadOnly,
                    Fault::Broken => StoreFault::Io,
                });
                look(&self.journal).fault = fault;
                self.world.store_is(fault);
                self.oracle.is_troubled = true;
                Ok(())
            }
            Act::Crash { committed } => self.crash(committed),
            Act::Stop => self.stop(),
            Act::Jump { by_ms } => {
                let now = self.now().wall.as_millis();
                let to = now.saturating_add_signed(by_ms);
                self.world.jump_wall(Wall::from_millis(to));
                self.jumps += 1;
                let now = self.now();
                self.oracle.date_set(now);
                Ok(())
            }
            Act::Freeze { for_ms } => {
                let time = Duration::from_millis(u64::from(for_ms));
                self.world.set_instant(self.now().instant + time);
                for number in &self.active {
                    let link = &mut self.links[*number];
                    link.forgive(time);
                    // What it had sent may not have been looked at, and its time is over.
                    link.is_exact &= link.is_open;
                }
                for stray in &mut self.strays {
                    stray.watched = stray.watched + time;
                }
                self.rejoin();
                Ok(())
            }
            Act::Revoke { who } => self.revoke(who),
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        tab: Tab,
        is_tutorial: bool,
        life_s: u16,
        manner: Manner,
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
        let now = self.now();
        // Those who are hostile share an address.
        let peer = if who < HONEST + super::script::CREW {
            format!("10.1.{who}.1")
        } else {
            "10.2.0.7".to_owned()
        };
        let id = match self.world.connect(&peer) {
            Ok(id) => id,
            Err(refusal) if is_honest => {
                let words = format!("{} is not let in: {refusal:?}", PEOPLE[who]);
                return Err(Violation::new("not stingy", words));
            }
            Err(_) => return Ok(()),
        };
        let number = self.links.len();
        let mut link = Link::new(number, id, tab, PEOPLE[who], now.instant);
        link.is_tutorial = is_tutorial;
        link.manner = manner;
        link.is_exact = is_honest && manner == Manner::Good;
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
        let way = if is_honest {
            Way { late_ms: 0, ..way }
        } else {
            way
        };
        let life = if life_s > 0 {
            format!("@{life_s}")
        } else {
            String::new()
        };
        let protocol = if is_tutorial {
            ""
        } else {
            "Sec-WebSocket-Protocol: wardroom.v1\r\n"
        };
        let path = format!("/ws/chat?token={}{life}", PEOPLE[who]);
        let request = upgrade_request(&path, protocol);
        self.send_bytes(number, request.as_bytes(), way);
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

    fn herd(&mut self, way: Way) -> Result<(), Violation> {
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
            self.open(tab, is_tutorial, 0, Manner::Good, way)?;
            self.settle()?;
            for room in rooms.iter().filter(|_| !is_tutorial) {
                let index = super::script::ROOMS.iter().position(|known| known == room);
                if let Some(index) = index {
                    self.ask(tab, index as u8, super::script::Asking::JoinSince, way);
                }
            }
        }
        Ok(())
    }

    fn lie(&mut self, tab: Tab, lie: Lie, times: u8, way: Way) {
        let Some(number) = self.link(tab).filter(|_| usize::from(tab.who) >= HONEST) else {
            return;
        };
        self.links[number].has_lied = true;
        let bytes = match lie {
            Lie::NotJson => text("nonsense"),
            Lie::UnknownType => text(r#"{"type":"open_sesame"}"#),
            Lie::UnknownField => text(r#"{"type":"ping","sesame":1}"#),
            Lie::EmptyMessage => text(r#"{"type":"send","room":"lobby","message":""}"#),
            Lie::LongMessage => text(&"x".repeat(9000)),
            Lie::Ping => masked(0x89, b"?"),
            Lie::Pong => masked(0x8A, b"!"),
            Lie::EmptyFragments => [masked(0x01, b""), masked(0x00, b"").repeat(20)].concat(),
            Lie::BrokenUtf8 => masked(0x81, &[0xC3, 0x28]),
            Lie::Unmasked => frame(0x81, 4, false),
            Lie::Terabyte => frame(0x81, 1 << 40, true),
            Lie::Binary => masked(0x82, b"binary"),
            Lie::Padded => text(&format!("{{\"type\":\"ping\"{:8000}}}", "")),
            Lie::Cut => text(r#"{"type":"ping"}"#)[..9].to_vec(),
        };
        for _ in 0..times.max(1) {
            self.send_bytes(number, &bytes, way);
        }
    }

    fn let_take(&mut self, tab: Tab, bytes: u32) {
        let Some(number) = self.link(tab) else {
            return;
        };
        let link = &mut self.links[number];
        let is_all = bytes == u32::MAX;
        if link.parted_until.is_none() {
            let window = if is_all { usize::MAX } else { bytes as usize };
            link.is_free &= is_all;
            link.is_freed = is_all;
            self.world.client(link.id).set_window(window);
        }
    }

    fn part(&mut self, tab: Tab, for_ms: u32) {
        let Some(number) = self.link(tab) else {
            return;
        };
        let until = self.now().instant + Duration::from_millis(u64::from(for_ms));
        let link = &mut self.links[number];
        link.is_exact = false;
        link.is_free = false;
        link.is_freed = false;
        link.parted_until = Some(until);
        self.world.client(link.id).set_window(0);
        self.network.hold(number, until);
    }

    /// Lets through again what the network held up for long enough.
    pub(super) fn rejoin(&mut self) {
        let now = self.now().instant;
        for number in &self.active {
            let link = &mut self.links[*number];
            if link.parted_until.is_some_and(|until| until <= now) {
                link.parted_until = None;
                link.is_freed = true;
                self.world.client(link.id).set_window(usize::MAX);
            }
        }
    }

    fn go(&mut self, tab: Tab, how: Going, way: Way) {
        let Some(number) = self.link(tab) else {
            return;
        };
        let link = &mut self.links[number];
        match how {
            Going::Close => {
                link.has_gone = true;
                self.send_bytes(number, &masked(0x88, &[0x03, 0xE8]), way);
            }
            Going::HangUp => {
                link.has_gone = true;
                self.world.shut(link.id);
            }
            Going::Reset => self.world.break_off(link.id),
            Going::Vanish => {
                link.is_exact = false;
                link.is_free = false;
                link.is_freed = false;
                link.manner = Manner::Dead;
                self.world.client(link.id).set_window(0);
            }
        }
    }

    fn flood(&mut self, kind: Flood, times: u8, is_spread: bool) {
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
            let watched = self.now().instant;
            self.strays.push(Stray { id, watched });
            let head =
                |credential: &str| upgrade_request(&format!("/ws/chat?token={credential}"), "");
            let bytes = match kind {
                Flood::Silent => String::new(),
                Flood::HalfHead => head("bad")[..60].to_owned(),
                Flood::BadCredential => head("bad"),
                Flood::NewName => head(&format!("stranger{number}@30")),
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

    fn wait_for_edge(&mut self, offset_ms: i8) -> Result<(), Violation> {
        let now = self.now().instant;
        self.edges = self.edges.split_off(&(now + Duration::from_nanos(1)));
        let Some(edge) = self
            .edges
            .pop_first()
            .filter(|edge| edge.since(now) < EDGE_MAX)
        else {
            return Ok(());
        };
        let nanos = i64::from(offset_ms) * 1_000_000;
        let to = Instant::from_nanos(edge.as_nanos().saturating_add_signed(nanos));
        self.pass(to.since(now))
    }

    pub(super) fn stall(&mut self, is_stalled: bool) -> Result<(), Violation> {
        self.is_stalled = is_stalled;
        self.world.answers_held = is_stalled;
        self.oracle.is_troubled = true;
        Ok(())
    }

    fn answer(&mut self, times: u8, is_busy: bool) -> Result<(), Violation> {
        for _ in 0..times {
            if is_busy {
                self.world.turn_one_away();
            } else {
                self.world.answer_one();
            }
            self.turn()?;
        }
        Ok(())
    }

    fn crash(&mut self, committed: u8) -> Result<(), Violation> {
        for _ in 0..committed {
            self.world.commit_unheard();
        }
        self.begin_anew()
    }

    fn begin_anew(&mut self) -> Result<(), Violation> {
        look(&self.journal).fault = None;
        self.stall(false)?;
        self.network.lose_all();
        self.lifetimes += 1;
        self.counts.crashes += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.script.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&self.lifetimes.to_le_bytes());
        self.world.restart(self.config.clone(), seed);
        self.observe()?;
        let now = self.now();
        self.oracle.restarted(now)
    }

    fn stop(&mut self) -> Result<(), Violation> {
        self.world.drain();
        self.settle()?;
        self.pass(STOP)?;
        for number in &self.active {
            let link = &self.links[*number];
            if link.is_free && link.told_close.is_none() && link.is_open {
                let words = format!("{} was not told that the server stops", link.user);
                return Err(Violation::new("everybody is told", words));
            }
        }
        self.begin_anew()
    }

    fn revoke(&mut self, who: u8) -> Result<(), Violation> {
        let now = self.now();
        let who = who % PEOPLE.len() as u8;
        let user = PEOPLE[usize::from(who)];
        let revocation = Revocation {
            subject: Subject::User(user.into()),
            at: now.wall,
            until: now.wall.after(REVOKED),
        };
        // It may be remembered for longer: no credential here is so old that it must be forgotten.
        self.revoked.insert(who);
        // As the store's thread would: first it is kept.
        let kept = NewRevocation {
            revocation: revocation.clone(),
            revocations_max: 1000,
        };
        let question = Question::Record(RecordQuestion::Revoke(Box::new(kept)));
        if look(&self.journal).fault.is_some() {
            return Ok(());
        }
        self.world.store().answer(vec![question]);
        for number in &self.active {
            let link = &mut self.links[*number];
            if link.tab.who == who && link.revoked_from.is_none() {
                link.revoked_from = Some(link.received);
            }
        }
        self.world.apply_revocation(revocation);
        Ok(())
    }

    /// Lets come to the server what is there by now, one piece at a time.
    pub(super) fn receive(&mut self) -> Result<bool, Violation> {
        let now = self.now().instant;
        let Some((number, mut bytes)) = self.network.arrived(now) else {
            return Ok(false);
        };
        let link = &mut self.links[number];
        if !self.active.contains(&number) || self.world.client(link.id).ending() == Ending::Closed {
            return Ok(true);
        }
        let id = link.id;
        let mut is_severed = None;
        if let Some((at, is_end)) = link.severed_at
            && link.sent + bytes.len() as u64 >= at
        {
            bytes.truncate(at.saturating_sub(link.sent) as usize);
            link.has_gone = true;
            is_severed = Some(is_end);
        }
        link.sent += bytes.len() as u64;
        self.world.queue(id, &bytes);
        match is_severed {
            Some(true) => self.world.shut(id),
            Some(false) => {
                self.turn()?;
                if self.active.contains(&number) {
                    self.world.break_off(id);
                }
            }
            None => {}
        }
        Ok(true)
    }

    /// Sends bytes of a link on their way.
    pub(super) fn send_bytes(&mut self, number: usize, bytes: &[u8], way: Way) {
        let now = self.now().instant;
        self.network.send(number, bytes, way, now);
    }
}
