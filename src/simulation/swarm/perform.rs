//! What each step of a script does to the clients and their connections.

use std::time::Duration;

use super::oracle::Violation;
use super::pace::{BYTES_OF_ADDRESS, Paces};
use super::run::Run;
use super::script::{Act, Going, HONEST, Lie, Manner, Tab, Way};
use crate::protocol::client::{frame, masked, text};
use crate::simulation::client::Ending;
use crate::time::Instant;

/// What a ping holds, and how long it is with it.
pub(super) const BEAT: &[u8] = b"beat";
const BEAT_BYTES: u64 = 10;

impl Run<'_> {
    /// Does what a step says.
    pub(super) fn act(&mut self, act: Act, way: Way) -> Result<(), Violation> {
        match act {
            Act::Open {
                tab,
                is_tutorial,
                life_s,
                manner,
            } => return self.open(tab, (is_tutorial, life_s, manner), way),
            Act::Herd => return self.herd(way),
            Act::Say {
                tab,
                room,
                characters,
                key,
            } => self.say(tab, room, characters, key, way),
            Act::Ask { tab, room, what } => self.ask(tab, room, what, way),
            Act::Judge {
                tab,
                room,
                verdict,
                about,
                for_ms,
            } => self.judge_somebody(tab, room, verdict, (about, for_ms), way),
            Act::Mistake { who } => return self.mistake(who),
            Act::Beat { tab } => self.beat(tab, way),
            Act::Lie { tab, lie, times } => self.lie(tab, lie, times, way),
            Act::Take { tab, bytes } => self.let_take(tab, bytes),
            Act::Sever { tab, bytes, is_end } => self.sever(tab, bytes, is_end),
            Act::Part { tab, for_ms } => self.part(tab, for_ms),
            Act::Go { tab, how } => self.go(tab, how, way),
            Act::Flood {
                kind,
                times,
                is_spread,
            } => return self.flood(kind, times, is_spread),
            Act::Raw {
                stranger,
                opening,
                from,
                length,
                is_framed,
            } => return self.send_raw(stranger, opening, (from, length, is_framed), way),
            _ => return self.act_on_server(act),
        }
        Ok(())
    }

    fn sever(&mut self, tab: Tab, bytes: u16, is_end: bool) {
        if let Some(link) = self.link(tab) {
            let link = &mut self.links[link];
            link.is_exact = false;
            link.severed_at = Some((link.sent + u64::from(bytes), is_end));
        }
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

    /// Somebody sends a ping.
    fn beat(&mut self, tab: Tab, way: Way) {
        let now = self.now().instant;
        let Some(number) = self
            .link(tab)
            .filter(|number| self.links[*number].is_usable())
        else {
            return;
        };
        let link = &mut self.links[number];
        if link.heeds_rates() {
            let of_address = self.paces.get(usize::from(link.tab.who));
            let has_bytes = link.bytes.check(BEAT_BYTES, now).is_ok()
                && of_address
                    .is_none_or(|paces| paces[BYTES_OF_ADDRESS].check(BEAT_BYTES, now).is_ok());
            // Answers to the server's own pings cost nothing.
            if let Err(at) = link.control.check(1, now) {
                self.edges.insert(at);
                return;
            }
            if !has_bytes {
                return;
            }
            link.control.charge(1, now);
        }
        let is_prompt = !self.network.carries(number);
        link.pinged = Some((now, is_prompt));
        let way = Way { late_ms: 0, ..way };
        self.send_bytes(number, &masked(0x89, BEAT), way);
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
                if self.network.carries(*number) {
                    link.spend_all(now);
                    late_for(self.paces.get_mut(usize::from(link.tab.who)), now);
                }
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
        // What honest people send is cut like everything, and not late: their pace would not be theirs any more.
        let link = &mut self.links[number];
        let paces = self.paces.get_mut(usize::from(link.tab.who));
        let late_ms = if paces.is_some() { 0 } else { way.late_ms };
        if let Some(paces) = paces {
            paces[BYTES_OF_ADDRESS].charge(bytes.len() as u64, now);
            if link.is_open {
                link.bytes.charge(bytes.len() as u64, now);
            }
        }
        self.network
            .send(number, bytes, Way { late_ms, ..way }, now);
    }
}

/// What somebody said was held up: the server may count it at this moment, whenever it was said.
pub(super) fn late_for(paces: Option<&mut Paces>, now: Instant) {
    for pace in paces.into_iter().flatten() {
        pace.spend_all(now);
    }
}
