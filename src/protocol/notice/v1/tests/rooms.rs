use super::*;
use crate::protocol::notice::rooms::{
    Changed, Crowd, Description, ExplainReply, Gap, HistoryReply, Invited, JoinReply, Knocked,
    LogEntry, LogHead, LogReply, Moderated, Removed, Right, RoomReply, RoomsReply, Yours,
};
use crate::protocol::vocabulary::{Capabilities, Capability, JoinRule, Removal, RoomKind};

const PLAIN: Description<'static> = Description {
    room: "general",
    name: "",
    topic: "",
    kind: RoomKind::Public,
    join_rule: JoinRule::Open,
    created_by: "",
    created: AT,
    is_ephemeral: false,
    is_locked: false,
    is_archived: false,
    raid_until: None,
    slow_mode_ms: 0,
    cooldown_ms: 0,
    message_characters_max: 0,
    members_max: 0,
    retention_messages: 0,
    retention_ms: 0,
    messages_per_minute: 0,
    messages_per_minute_per_member: 0,
    bytes_per_second: 0,
    joins_per_minute: 0,
    count: Some(3),
    last_seq: Some(0),
    yours: None,
};

const HEAD: LogHead = LogHead {
    number: 1,
    hash: [0x0f; 32],
};

#[test]
fn replies_about_rooms_have_the_published_shape() {
    let one = RequestId::Integer(1);
    let id = Some(&one);
    let hash = "0f".repeat(32);
    let mine = Description {
        yours: Some(Yours {
            affiliation: Affiliation::Member,
            can: Capabilities::of(&[Capability::Send, Capability::Join]),
            is_invited: false,
            is_knocking: false,
            unread: Some(2),
        }),
        ..PLAIN
    };
    let message = Message {
        room: "general",
        seq: 4,
        sender: ALICE,
        content: Content::Deleted(AT),
        timestamp: AT,
        edited: None,
    };
    let entry = LogEntry {
        head: HEAD,
        at: AT,
        actor: "alice",
        authority: "room",
        action: "mute",
        target: "b",
        seq: None,
        until: Some(AT),
        reason: "",
        details: "",
    };
    let table = [
        (
            Notice::Described(RoomReply {
                id,
                description: &PLAIN,
            }),
            r#"{"type":"ok","id":1,"room":"general","kind":"public","join_rule":"open","created":1764000000.123,"count":3,"last_seq":0}"#.to_owned(),
        ),
        (
            Notice::Rooms(RoomsReply {
                id,
                rooms: &[mine],
                next: Some("general"),
            }),
            r#"{"type":"ok","id":1,"rooms":[{"room":"general","kind":"public","join_rule":"open","created":1764000000.123,"count":3,"last_seq":0,"affiliation":"member","can":["join","send"],"unread":2}],"truncated":true,"next":"general"}"#.to_owned(),
        ),
        (
            Notice::Rooms(RoomsReply {
                id: None,
                rooms: &[],
                next: None,
            }),
            r#"{"type":"ok","rooms":[],"truncated":false}"#.to_owned(),
        ),
        (
            Notice::History(HistoryReply {
                id,
                room: "general",
                messages: &[
                    message,
                    Message {
                        seq: 5,
                        content: Content::Body("eA"),
                        edited: Some(AT),
                        ..message
                    },
                ],
                first_seq: 4,
                last_seq: 9,
                is_truncated: true,
            }),
            r#"{"type":"ok","id":1,"room":"general","messages":[{"seq":4,"sender":"alice","name":"Alice","deleted":1764000000.123,"timestamp":1764000000.123},{"seq":5,"sender":"alice","name":"Alice","body":"eA","timestamp":1764000000.123,"edited":1764000000.123}],"first_seq":4,"last_seq":9,"truncated":true}"#.to_owned(),
        ),
        (
            Notice::Entered(JoinReply {
                id,
                room: "general",
                last_seq: 9,
                gap: Some(Gap { from: 2, to: 3 }),
            }),
            r#"{"type":"ok","id":1,"room":"general","last_seq":9,"gap":{"from":2,"to":3}}"#.to_owned(),
        ),
        (
            Notice::Log(LogReply {
                id,
                room: "general",
                entries: &[entry],
                head: HEAD,
            }),
            format!(r#"{{"type":"ok","id":1,"room":"general","entries":[{{"number":1,"hash":"{hash}","timestamp":1764000000.123,"actor":"alice","authority":"room","action":"mute","user":"b","until":1764000000.123}}],"head":{{"number":1,"hash":"{hash}"}}}}"#),
        ),
        (
            Notice::Explained(ExplainReply {
                id,
                room: "general",
                user: "b",
                affiliation: Affiliation::Banned,
                rights: &[Right {
                    capability: Capability::See,
                    is_allowed: false,
                    reason: "banned",
                }],
            }),
            r#"{"type":"ok","id":1,"room":"general","user":"b","affiliation":"banned","rights":[{"capability":"see","allowed":false,"reason":"banned"}]}"#.to_owned(),
        ),
    ];
    for (notice, expected) in table {
        assert_eq!(v1(notice), expected);
        assert_eq!(notice.kind(), "ok");
    }
}

#[test]
fn notices_about_rooms_have_the_published_shape() {
    let full = Description {
        name: "General",
        topic: "All of it",
        created_by: "alice",
        is_ephemeral: true,
        is_locked: true,
        is_archived: true,
        raid_until: Some(AT),
        slow_mode_ms: 1,
        cooldown_ms: 2,
        message_characters_max: 3,
        members_max: 4,
        retention_messages: 5,
        retention_ms: 6,
        messages_per_minute: 7,
        messages_per_minute_per_member: 8,
        bytes_per_second: 9,
        joins_per_minute: 10,
        ..PLAIN
    };
    let changed = Changed {
        room: "general",
        seqs: &[7],
        content: Content::Text("hi"),
        user: "alice",
        timestamp: AT,
    };
    let banned = Moderated {
        room: "general",
        number: 2,
        action: "ban",
        actor: "",
        user: "b",
        seq: None,
        until: Some(AT),
        reason: "noise",
        details: "",
        timestamp: AT,
    };
    let table = [
        (
            Notice::Room(&full),
            "room",
            r#"{"type":"room","room":"general","name":"General","topic":"All of it","kind":"public","join_rule":"open","created_by":"alice","created":1764000000.123,"ephemeral":true,"locked":true,"archived":true,"raid_until":1764000000.123,"slow_mode_ms":1,"cooldown_ms":2,"message_characters_max":3,"members_max":4,"retention_messages":5,"retention_ms":6,"messages_per_minute":7,"messages_per_minute_per_member":8,"bytes_per_second":9,"joins_per_minute":10,"count":3,"last_seq":0}"#,
        ),
        (
            Notice::Changed(changed),
            "changed",
            r#"{"type":"changed","room":"general","seq":7,"message":"hi","user":"alice","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Changed(Changed {
                seqs: &[7, 9],
                content: Content::Deleted(AT),
                user: "",
                ..changed
            }),
            "changed",
            r#"{"type":"changed","room":"general","seqs":[7,9],"deleted":1764000000.123,"timestamp":1764000000.123}"#,
        ),
        (
            Notice::Moderation(banned),
            "moderation",
            r#"{"type":"moderation","room":"general","number":2,"action":"ban","user":"b","until":1764000000.123,"reason":"noise","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Removed(Removed {
                room: "general",
                code: Removal::Banned,
                reason: "noise",
                until: None,
                timestamp: AT,
            }),
            "removed",
            r#"{"type":"removed","room":"general","code":"banned","reason":"noise","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Invited(Invited {
                room: "general",
                by: "alice",
                timestamp: AT,
            }),
            "invited",
            r#"{"type":"invited","room":"general","by":"alice","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Knock(Knocked {
                room: "general",
                person: BOB,
                timestamp: AT,
            }),
            "knock",
            r#"{"type":"knock","room":"general","user":"b","name":"B","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Presence(Crowd {
                room: "general",
                count: 900,
                joined: 2,
                left: 0,
                timestamp: AT,
            }),
            "presence",
            r#"{"type":"presence","room":"general","count":900,"joined":2,"timestamp":1764000000.123}"#,
        ),
    ];
    for (notice, kind, expected) in table {
        assert_eq!(v1(notice), expected);
        assert_eq!(notice.kind(), kind);
    }
}
