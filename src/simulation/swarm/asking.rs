//! Requests of the virtual clients, in the words of the protocol, and what they remember of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Request, Seat};
use super::pace::{BYTES_OF_ADDRESS, COMMANDS, MESSAGES, MESSAGES_OF_ADDRESS};
use super::run::Run;
use super::script::{Asking, HONEST, PEOPLE, ROOMS, TABS, Tab, Verdict, Way};
use crate::protocol::client::{frame, text};
use crate::protocol::frame::CONTROL_PAYLOAD_BYTES_MAX;
use crate::protocol::vocabulary::RoomKind;

/// Settings that an `update` may set: bounds, and none again.
const UPDATES: [&str; 10] = [
    r#"{"slow_mode_ms":2000}"#,
    r#"{"slow_mode_ms":0}"#,
    r#"{"locked":true}"#,
    r#"{"locked":false}"#,
    r#"{"messages_per_minute":20}"#,
    r#"{"messages_per_minute":0,"joins_per_minute":0,"members_max":0}"#,
    r#"{"join_rule":"knock"}"#,
    r#"{"kind":"members","join_rule":"invite"}"#,
    r#"{"retention_messages":3}"#,
    r#"{"members_max":4,"joins_per_minute":5}"#,
];

/// What anybody asks for is no longer than this, but for what is filled up.
pub(super) const REQUEST_BYTES_MAX: u64 = 800;
const MASK_BYTES: usize = 4;

fn room_name(room: u8) -> &'static str {
    ROOMS[usize::from(room) % ROOMS.len()]
}

impl Run<'_> {
    /// Somebody says something.
    pub(super) fn say(&mut self, tab: Tab, room: u8, characters: u16, key: u8, way: Way) {
        let Some(number) = self
            .link(tab)
            .filter(|number| self.links[*number].is_usable())
        else {
            return;
        };
        let room = room_name(room);
        if !self.is_fit(number, Some(room), true) {
            return;
        }
        let length = usize::from(characters).clamp(12, 480) / 4 * 4;
        let said = format!("m{}x", self.next_number);
        let said = format!("{said:A<length$}");
        if self.links[number].is_tutorial {
            self.next_number += 1;
            self.oracle.will_say(&said, &self.links[number]);
            self.links[number].last_said = self.now().instant;
            let spoken = self.links[number].spoken.entry(room.to_owned());
            spoken.or_default().insert(said.clone());
            let words = json!({"message": said, "room_id": room}).to_string();
            self.speak(number, &words, way);
            return;
        }
        self.oracle.will_say(&said, &self.links[number]);
        let is_private = self
            .oracle
            .books()
            .room(room)
            .is_some_and(|room| room.settings.kind == RoomKind::Private);
        let field = if is_private { "body" } else { "message" };
        let mut request = json!({"type": "send", "room": room, field: said});
        let key = (key > 0).then(|| format!("k{key}"));
        if let Some(key) = &key {
            request["key"] = key.as_str().into();
        }
        let memory = Request {
            kind: "send",
            room: room.to_owned(),
            text: said,
            key,
            since: None,
            asked: self.now().instant,
        };
        self.request(number, request, (memory, None), way);
    }

    /// Somebody asks for something.
    pub(super) fn ask(&mut self, tab: Tab, room: u8, what: Asking, way: Way) {
        let Some(number) = self
            .link(tab)
            .filter(|number| self.links[*number].is_usable())
        else {
            return;
        };
        let is_message = what == Asking::Edit;
        if self.links[number].is_tutorial || !self.is_fit(number, None, is_message) {
            return;
        }
        let filled = (what == Asking::Fill).then(|| self.bytes_left(number));
        let room = room_name(room);
        let known = self.heard.get(&(tab.who, room.to_owned())).copied();
        let (kind, mut request) = asked(what, known.unwrap_or_default());
        let is_about_room = !matches!(kind, "ping" | "rooms");
        if is_about_room {
            request["room"] = room.into();
        }
        request["type"] = kind.into();
        let memory = Request {
            kind,
            room: room.to_owned(),
            text: String::new(),
            key: None,
            since: request["since"].as_u64(),
            asked: self.now().instant,
        };
        self.request(number, request, (memory, filled), way);
    }

    /// Somebody decides something about somebody.
    pub(super) fn judge_somebody(
        &mut self,
        tab: Tab,
        room: u8,
        verdict: Verdict,
        (about, for_ms): (u8, u32),
        way: Way,
    ) {
        let Some(number) = self
            .link(tab)
            .filter(|number| self.links[*number].is_usable())
        else {
            return;
        };
        if self.links[number].is_tutorial || !self.is_fit(number, None, false) {
            return;
        }
        let room = room_name(room);
        let user = PEOPLE[usize::from(about) % PEOPLE.len()];
        let mut request = json!({"type": verdict.word(), "room": room, "user": user});
        if let Some(affiliation) = verdict.affiliation() {
            request["affiliation"] = affiliation.into();
        }
        if for_ms > 0 && matches!(verdict, Verdict::Ban | Verdict::Mute) {
            request["for_ms"] = for_ms.into();
            let end = self.now().instant + Duration::from_millis(u64::from(for_ms));
            self.edges.insert(end);
            self.sanction_end = Some(end);
        }
        let memory = Request {
            kind: verdict.word(),
            room: room.to_owned(),
            text: user.to_owned(),
            key: None,
            since: None,
            asked: self.now().instant,
        };
        self.request(number, request, (memory, None), way);
    }

    /// Whether somebody does this now: those who are honest heed their rates, wait after errors, and speak where they are.
    fn is_fit(&mut self, number: usize, speaks_in: Option<&str>, is_message: bool) -> bool {
        let now = self.now().instant;
        let link = &self.links[number];
        let who = usize::from(link.tab.who);
        if who >= HONEST {
            return true;
        }
        let is_there = |room| matches!(link.seats.get(room), Some(Seat::In { .. }));
        let has_place = link.is_tutorial || speaks_in.is_none_or(is_there);
        if link.is_tutorial && has_place {
            // There is no reply: any of them may be an error.
            let link = &mut self.links[number];
            if link.errors.take(1, now).is_err() {
                return false;
            }
        }
        let link = &self.links[number];
        let outstanding = link.pending.len() as u64 + 1;
        let is_patient = link.errors.check(outstanding, now).is_ok();
        has_place && is_patient && self.is_in_pace(number, who, is_message)
    }

    /// Takes what it costs somebody honest to say one thing more, if they have all of it.
    fn is_in_pace(&mut self, number: usize, who: usize, is_message: bool) -> bool {
        let now = self.now().instant;
        let link = &mut self.links[number];
        let bytes = link.bytes.check(REQUEST_BYTES_MAX, now).err();
        let message = link.messages.check(1, now).err().filter(|_| is_message);
        let paces = &self.paces[who];
        let of_address = paces[BYTES_OF_ADDRESS].check(REQUEST_BYTES_MAX, now).err();
        if let Some(at) = bytes.max(message).max(of_address) {
            self.edges.insert(at);
            return false;
        }
        let paced: &[usize] = if is_message {
            &[COMMANDS, MESSAGES, MESSAGES_OF_ADDRESS]
        } else {
            &[COMMANDS]
        };
        let is_in_pace = self.may_pace(who, paced);
        if is_in_pace && is_message {
            self.links[number].messages.charge(1, now);
        }
        is_in_pace
    }

    /// Bytes that a request may have so that nothing is left of what may be sent but for what the server may ask for in the same moment: a pong of
    /// this tab, and of the others, which share its address, an answer to a close; and no more than a message may have.
    fn bytes_left(&self, number: usize) -> usize {
        let now = self.now().instant;
        let link = &self.links[number];
        let pong = frame(0x8A, 0, true).len() + MASK_BYTES;
        let close = frame(0x88, CONTROL_PAYLOAD_BYTES_MAX, true).len()
            + MASK_BYTES
            + CONTROL_PAYLOAD_BYTES_MAX as usize;
        let own = (link.bytes.tokens(now) as usize).saturating_sub(pong);
        let of_address = self.paces.get(usize::from(link.tab.who));
        let of_address = of_address.map_or(u64::MAX, |paces| paces[BYTES_OF_ADDRESS].tokens(now));
        let left = own.min((of_address as usize).saturating_sub(pong + (TABS - 1) * close));
        let header = frame(0x81, REQUEST_BYTES_MAX, true).len() + MASK_BYTES;
        left.saturating_sub(header)
            .min(self.config.limits.message_bytes_max)
    }

    /// `filled`: with spaces, to so many bytes.
    fn request(
        &mut self,
        number: usize,
        mut request: Value,
        (memory, filled): (Request, Option<usize>),
        way: Way,
    ) {
        let id = self.next_number;
        self.next_number += 1;
        self.counts.requests += 1;
        request["id"] = id.into();
        let link = &mut self.links[number];
        if memory.kind == "join" && !matches!(link.seats.get(&memory.room), Some(Seat::In { .. })) {
            // From now on it may be told of the room before the reply.
            link.seats
                .entry(memory.room.clone())
                .or_insert(Seat::Out { from: 0 });
        }
        link.pending.insert(id, memory);
        let mut words = request.to_string();
        let missing = filled.unwrap_or_default().saturating_sub(words.len());
        words.extend(std::iter::repeat_n(' ', missing));
        self.speak(number, &words, way);
    }

    fn speak(&mut self, number: usize, words: &str, way: Way) {
        let now = self.now();
        let link = &self.links[number];
        self.trace
            .line(now, || format!("  {}#{number} -> {words}", link.user));
        self.send_bytes(number, &text(words), way);
    }
}

/// The command's name and its fields but for the room.
fn asked(what: Asking, known: u64) -> (&'static str, Value) {
    match what {
        Asking::Join => ("join", json!({})),
        Asking::JoinSince => ("join", json!({"since": known})),
        Asking::Leave => ("leave", json!({})),
        Asking::Members => ("members", json!({})),
        Asking::Typing => ("typing", json!({})),
        Asking::Ping | Asking::Fill => ("ping", json!({})),
        Asking::Rooms => ("rooms", json!({})),
        Asking::Describe => ("describe", json!({})),
        Asking::History => ("history", json!({"after": known.saturating_sub(5)})),
        Asking::Seen => ("seen", json!({"seq": known.max(1)})),
        Asking::Edit => {
            let words = format!("edited{:A<16}", known);
            ("edit", json!({"seq": known.max(1), "message": words}))
        }
        Asking::DeleteOwn => ("delete_message", json!({"seq": known.max(1)})),
        Asking::Knock => ("knock", json!({})),
        Asking::Resign => ("resign", json!({})),
        Asking::Delete => ("delete", json!({})),
        Asking::Log => ("log", json!({})),
        Asking::Explain => ("explain", json!({})),
        Asking::Create(kind) => {
            let word = ["public", "members", "private"][usize::from(kind / 2) % 3];
            ("create", json!({"kind": word, "ephemeral": kind % 2 == 1}))
        }
        Asking::Update(which) => {
            let settings = UPDATES[usize::from(which) % UPDATES.len()];
            let settings = serde_json::from_str(settings).unwrap_or_default();
            ("update", settings)
        }
        Asking::Archive(archived) => ("archive", json!({"archived": archived})),
        Asking::Raid => ("raid", json!({"for_ms": 3000})),
    }
}
