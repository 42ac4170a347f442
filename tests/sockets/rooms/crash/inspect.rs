//! Looks at a server that was killed and started again: is everything there that anybody was told of?

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use wardroom::rooms::audit::{Digest, Entry};
use wardroom::rooms::standing::Authority;
use wardroom::time::Wall;

use super::crew::{DEN, VISITOR};
use super::ledger::Ledger;
use super::staff::{BANNED, CLUB, HOST, Host, MUTED, Moderator, NEWCOMER, OWNER, Standing};
use crate::line::Caller;
use crate::rooms::{act, hexadecimal, join, patiently};
use crate::server::{Server, wardroom};

/// How far back a quick look goes.
const QUICK_MESSAGES: u64 = 1500;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    Quick,
    Whole,
}

pub struct Inspection<'a> {
    pub server: &'a Server,
    pub ledger: &'a mut Ledger,
    pub depth: Depth,
}

impl Inspection<'_> {
    pub fn run(mut self, moderator: &mut Moderator, host: &mut Host) {
        let mut owner = Caller::of(self.server, OWNER);
        assert_eq!(patiently(&mut owner, join(DEN)), "ok");
        self.look_at_messages(&mut owner);
        self.look_at_log(&mut owner);
        self.look_at_sanctions(&mut owner, moderator);
        self.look_at_marks();
        self.look_at_club(host);
        if self.depth == Depth::Whole {
            check_file(&self.server.folder().join("data/wardroom.sqlite"));
            self.check_by_commands();
        }
    }

    /// What the program's own commands say of the store, beside the server that uses it.
    fn check_by_commands(&self) {
        for arguments in [["store", "check"], ["audit", "verify"]] {
            let output = wardroom(self.server.folder())
                .args(arguments)
                .args(["--config", "wardroom.toml"])
                .output()
                .expect("the program starts");
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        }
    }

    /// Every number is there once, and so is everything that was acknowledged or delivered, under its number.
    pub fn look_at_messages(&mut self, owner: &mut Caller) {
        let described = owner.done(json!({"type": "describe", "room": DEN}));
        let last_seq = described["last_seq"].as_u64().expect("a number");
        let known = self.ledger.said.last_key_value().map_or(0, |(seq, _)| *seq);
        assert!(
            known <= last_seq,
            "{known} was told of, {last_seq} is the last"
        );
        let mut before = match self.depth {
            Depth::Quick => last_seq.saturating_sub(QUICK_MESSAGES),
            Depth::Whole => 0,
        };
        while before < last_seq {
            let request = json!({"type": "history", "room": DEN, "after": before, "limit": 1000});
            let page = owner.done(request);
            assert_eq!(page["last_seq"], last_seq, "nobody talks");
            let messages = page["messages"].as_array().expect("messages");
            assert!(!messages.is_empty(), "nothing after {before} of {last_seq}");
            for message in messages {
                assert_eq!(message["seq"], before + 1, "no hole and no repeat");
                before += 1;
                self.look_at_message(before, message);
            }
        }
    }

    fn look_at_message(&mut self, seq: u64, message: &Value) {
        let sender = message["sender"].as_str().expect("somebody");
        match message["message"].as_str() {
            Some(text) => {
                let is_gone = self.ledger.deleted.contains(&seq);
                assert!(!is_gone, "{seq} is back, which was deleted: {message}");
                self.ledger.take_message(seq, sender, text);
            }
            None => {
                assert!(message["deleted"].is_number(), "{message}");
                let is_allowed = self.ledger.may_be_deleted(seq, sender);
                assert!(is_allowed, "nobody deleted {message}");
                self.ledger.deleted.insert(seq);
            }
        }
    }

    /// The chain holds from the beginning, or from an entry whose hash was seen before; and it names what was done.
    fn look_at_log(&mut self, owner: &mut Caller) {
        let mut number = match self.depth {
            Depth::Quick => self
                .ledger
                .hashes
                .last_key_value()
                .map_or(0, |(number, _)| *number),
            Depth::Whole => 0,
        };
        let mut previous = match self.ledger.hashes.get(&number) {
            Some(hash) => digest_of(hash),
            None => [0; 32],
        };
        loop {
            let request = json!({"type": "log", "room": DEN, "after": number, "limit": 1000});
            let page = owner.done(request);
            let entries = page["entries"].as_array().expect("entries");
            for entry in entries {
                number += 1;
                assert_eq!(entry["number"], number, "no hole and no repeat");
                previous = entry_of(entry).digest(DEN, number, &previous);
                assert_eq!(entry["hash"], hexadecimal(&previous), "{entry}");
                self.look_at_entry(number, entry, &previous);
            }
            if entries.is_empty() {
                assert_eq!(page["head"]["number"], number, "{page}");
                assert_eq!(page["head"]["hash"], hexadecimal(&previous));
                break;
            }
        }
        let told = self.ledger.moderated.last_key_value();
        assert!(told.is_none_or(|(told, _)| *told <= number), "{told:?}");
        for (reason, (action, is_done)) in &self.ledger.reasons {
            let is_found = self.ledger.reasons_found.contains(reason);
            assert!(
                is_found || !is_done,
                "{action} for {reason} is not in the log"
            );
            self.ledger.counts.open_done += u64::from(is_found && !is_done);
        }
        self.ledger.reasons.clear();
    }

    fn look_at_entry(&mut self, number: u64, entry: &Value, hash: &Digest) {
        let action = entry["action"].as_str().expect("a word");
        let told = self.ledger.moderated.get(&number);
        assert!(told.is_none_or(|told| told == action), "{entry}: {told:?}");
        let hash = hexadecimal(hash);
        let known = self.ledger.hashes.insert(number, hash.clone());
        let is_new = known.is_none();
        assert!(
            known.is_none_or(|known| known == hash),
            "{entry} was another"
        );
        if is_new && let Some(reason) = entry["reason"].as_str() {
            let asked = self.ledger.reasons.get(reason).map(|(action, _)| *action);
            assert_eq!(asked, Some(action), "{entry}");
            let is_first = self.ledger.reasons_found.insert(reason.to_owned());
            assert!(is_first, "twice in the log: {entry}");
        }
    }

    fn look_at_sanctions(&mut self, owner: &mut Caller, moderator: &mut Moderator) {
        let ledger = &mut self.ledger;
        for (user, (was, or)) in &mut ledger.sanctions {
            let explained = owner.done(act("explain", DEN, user));
            let is_banned = explained["affiliation"] == "banned";
            let rights = explained["rights"].as_array().expect("rights").iter();
            let is_muted = rights
                .filter(|right| right["capability"] == "send")
                .any(|right| right["reason"] == "muted");
            let found = if BANNED.contains(user) {
                is_banned
            } else {
                is_muted
            };
            assert!(found == *was || found == *or, "{user}: {explained}");
            (*was, *or) = (found, found);
            moderator.is_sanctioned.insert(user, found);
        }
        // Not only by the server's own account.
        let is = |user: &str| ledger.sanctions.get(user).is_some_and(|(is, _)| *is);
        let mut banned = Caller::of(self.server, BANNED[0]);
        let expected = if is(BANNED[0]) { "banned" } else { "ok" };
        assert_eq!(patiently(&mut banned, join(DEN)), expected);
        let mut muted = Caller::of(self.server, MUTED[0]);
        assert_eq!(patiently(&mut muted, join(DEN)), "ok");
        if is(MUTED[0]) {
            let said = json!({"type": "send", "room": DEN, "message": "nothing"});
            assert_eq!(muted.verdict(said), "muted");
        }
    }

    /// The visitor has read what they were told is noted.
    fn look_at_marks(&mut self) {
        let mut visitor = Caller::of(self.server, VISITOR);
        let described = visitor.done(json!({"type": "describe", "room": DEN}));
        let [last_seq, unread] =
            ["last_seq", "unread"].map(|name| described[name].as_u64().expect("a number"));
        assert!(unread <= last_seq - self.ledger.read, "{described}");
    }

    fn look_at_club(&mut self, host: &mut Host) {
        let mut caller = Caller::of(self.server, HOST);
        let explained = caller.done(act("explain", CLUB, NEWCOMER));
        let is_invited = explained.to_string().contains("\"invited\"");
        let found = match explained["affiliation"].as_str() {
            Some("moderator") => Standing::Moderator,
            Some("member") => Standing::Member,
            Some("none") if is_invited => Standing::Invited,
            _ => Standing::Stranger,
        };
        assert!(
            host.newcomer.allows(found),
            "{:?}: {explained}",
            host.newcomer
        );
        host.newcomer.settle(found);
        let exists = match caller.verdict(json!({"type": "describe", "room": host.room()})) {
            code if code == "ok" => true,
            code => {
                assert_eq!(code, "unknown_room");
                false
            }
        };
        assert!(
            host.exists.allows(exists),
            "{}: {:?}",
            host.room(),
            host.exists
        );
        host.exists.settle(exists);
    }
}

fn digest_of(hash: &str) -> Digest {
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().enumerate() {
        let two = &hash[2 * place..2 * place + 2];
        *byte = u8::from_str_radix(two, 16).expect("hexadecimal digits");
    }
    digest
}

/// What a member makes of an entry that they were told.
fn entry_of(told: &Value) -> Entry {
    let text = |name: &str| told[name].as_str().unwrap_or_default();
    let date = |name: &str| {
        let seconds = told[name].as_f64()?;
        Some(Wall::from_millis((seconds * 1000.0).round() as u64))
    };
    Entry {
        at: date("timestamp").expect("a date"),
        actor: text("actor").into(),
        authority: Authority::from_word(text("authority")).expect("a word"),
        action: text("action").into(),
        target: text("user").into(),
        seq: told["seq"].as_u64(),
        until: date("until"),
        reason: text("reason").into(),
        details: text("details").into(),
    }
}

/// What the database itself says of its file, beside the server.
pub fn check_file(path: &Path) {
    let connection = Connection::open(path).expect("a database");
    let checked = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(checked.as_deref(), Ok("ok"));
}
