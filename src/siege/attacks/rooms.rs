//! Attacks by what rooms cost: coming, going, asking and not listening.

use std::time::Duration;

use super::super::attack::{Attack, End, Entry, MEMBERS, Outcome, Pace};
use super::SLOWED;
use crate::protocol::client::text;

pub(super) const ATTACKS: [Attack; 3] = [
    Attack {
        name: "room-join-storm",
        what: "Two hundred people who join a room and leave it, as fast as they can",
        limits: &["limits.commands_per_user"],
        signs: &["limited:commands_per_user"],
        sockets: 200,
        connects_per_second: 1000,
        entry: Entry::SignedIn(200),
        shot: |aim, out| {
            let what = if aim.shot % 2 == 0 { "join" } else { "leave" };
            out.extend(text(&format!(
                "{{\"type\":\"{what}\",\"room\":\"{}\"}}",
                aim.room
            )));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "presence-storm",
        what: "People who come, are seen to type, and go again",
        signs: &[],
        sockets: 200,
        connects_per_second: 1000,
        entry: Entry::SignedIn(200),
        pace: Pace::Every(Duration::from_millis(50)),
        shots: 5,
        shot: |aim, out| {
            out.extend(text(&format!(
                "{{\"type\":\"typing\",\"room\":\"{}\"}}",
                aim.lobby
            )))
        },
        end: End::Leave,
        expect: &[
            Outcome::Left,
            Outcome::Held,
            Outcome::Close(1008),
            Outcome::Status(429),
        ],
        ..MEMBERS
    },
    Attack {
        name: "history-scraping",
        what: "People who make a room and read its history again and again",
        limits: &["limits.commands_per_user"],
        signs: &["limited:commands_per_user"],
        prelude: Some(|aim, out| {
            let room = format!("siege-{}", aim.connection);
            out.extend(text(&format!(
                "{{\"type\":\"create\",\"room\":\"{room}\"}}"
            )));
            out.extend(text(&format!("{{\"type\":\"join\",\"room\":\"{room}\"}}")));
            out.extend(text(&format!(
                "{{\"type\":\"send\",\"room\":\"{room}\",\"message\":\"first\"}}"
            )));
        }),
        // It takes a moment until the room is there.
        pace: Pace::Every(Duration::from_millis(20)),
        shot: |aim, out| {
            let room = format!("siege-{}", aim.connection);
            out.extend(text(&format!(
                "{{\"type\":\"history\",\"room\":\"{room}\",\"limit\":100}}"
            )));
        },
        expect: SLOWED,
        ..MEMBERS
    },
];
