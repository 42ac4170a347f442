//! Every notice with everything that it can hold.

use std::time::Duration;

use wardroom::config::Rate;
use wardroom::protocol::command::v1::RequestId;
use wardroom::protocol::notice::rooms::{
    Changed, Crowd, Description, ExplainReply, Gap, HistoryReply, Invited, JoinReply, Knocked,
    LogEntry, LogHead, LogReply, Moderated, Removed, Right, RoomReply, RoomsReply, Yours,
};
use wardroom::protocol::notice::{
    Announcement, Bye, Content, ErrorReply, Hello, HelloLimits, Member, MembersReply, Message,
    Notice, OkReply, Person, Presence, Typing,
};
use wardroom::protocol::vocabulary::{
    Affiliation, Capabilities, Capability, JoinRule, Removal, RoomKind,
};
use wardroom::time::Wall;

/// Every kind of notice with everything that it can hold.
pub fn notices(write: impl Fn(Notice<'_>)) {
    let id = RequestId::Integer(1);
    let (id, timestamp) = (Some(&id), Wall::from_millis(1_764_000_000_123));
    let person = Person {
        user: "alice",
        name: "Alice",
    };
    let presence = Presence {
        room: "lobby",
        person,
        timestamp,
    };
    let limits = HelloLimits {
        messages: Rate::new(5, Duration::from_secs(5)),
        message_characters_max: 500,
        message_bytes_max: 4096,
        connections_per_user: 3,
        rooms_per_connection_max: 32,
    };
    for notice in [
        Notice::Ok(OkReply {
            id,
            room: Some("lobby"),
            seq: Some(1),
            timestamp: Some(timestamp),
            expires_in_ms: Some(1),
        }),
        Notice::Members(MembersReply {
            id,
            room: "lobby",
            members: &[Member {
                is_muted: true,
                is_invited: true,
                is_knocking: true,
                ..Member::present(person, Affiliation::Member, 1)
            }],
            count: 1,
        }),
        Notice::Error(ErrorReply {
            id,
            code: "c",
            error: "e",
            field: Some("room"),
            limit: Some("l"),
            scope: Some("user"),
            retry_after_ms: Some(1),
            until: Some(timestamp),
            reason: Some("r"),
        }),
        Notice::Joined(presence),
        Notice::Left(presence),
        Notice::Typing(Typing {
            room: "lobby",
            person,
        }),
        Notice::Announcement(Announcement {
            room: Some("lobby"),
            message: "hi",
            timestamp,
        }),
        Notice::Hello(Hello {
            person,
            lobby: "lobby",
            rooms: &["lobby"],
            limits,
            timestamp,
            expires_in_ms: Some(1),
        }),
        Notice::Bye(Bye {
            code: 1001,
            reason: "going away",
            reconnect_after_ms: Some(1),
        }),
    ] {
        write(notice);
    }
    of_rooms(id, person, timestamp, write);
}

/// Messages in every form, replies about rooms, and what rooms are told of themselves.
fn of_rooms(
    id: Option<&RequestId<'_>>,
    person: Person<'_>,
    timestamp: Wall,
    write: impl Fn(Notice<'_>),
) {
    let text = Message {
        room: "lobby",
        seq: 1,
        sender: person,
        content: Content::Text("hi"),
        timestamp,
        edited: Some(timestamp),
    };
    let body = Message {
        content: Content::Body("eA"),
        ..text
    };
    let deleted = Message {
        content: Content::Deleted(timestamp),
        ..text
    };
    let messages = [text, body, deleted];
    for message in messages {
        write(Notice::Message(message));
    }
    let description = description(timestamp);
    let head = LogHead {
        number: 1,
        hash: [0; 32],
    };
    let entry = LogEntry {
        head,
        at: timestamp,
        actor: "alice",
        authority: "room",
        action: "ban",
        target: "bob",
        seq: Some(1),
        until: Some(timestamp),
        reason: "r",
        details: "d",
    };
    let right = Right {
        capability: Capability::See,
        is_allowed: true,
        reason: "default",
    };
    let changed = Changed {
        room: "lobby",
        seqs: &[1],
        content: Content::Text("hi"),
        user: "alice",
        timestamp,
    };
    for notice in [
        Notice::Rooms(RoomsReply {
            id,
            rooms: &[description],
            next: Some("lobby"),
        }),
        Notice::Described(RoomReply {
            id,
            description: &description,
        }),
        Notice::History(HistoryReply {
            id,
            room: "lobby",
            messages: &messages,
            first_seq: 1,
            last_seq: 2,
            is_truncated: true,
        }),
        Notice::Entered(JoinReply {
            id,
            room: "lobby",
            last_seq: 2,
            gap: Some(Gap { from: 1, to: 1 }),
        }),
        Notice::Log(LogReply {
            id,
            room: "lobby",
            entries: &[entry],
            head,
        }),
        Notice::Explained(ExplainReply {
            id,
            room: "lobby",
            user: "alice",
            affiliation: Affiliation::Owner,
            rights: &[right],
        }),
        Notice::Changed(changed),
        Notice::Changed(Changed {
            seqs: &[1, 2],
            content: Content::Deleted(timestamp),
            ..changed
        }),
        Notice::Changed(Changed {
            content: Content::Body("eA"),
            ..changed
        }),
        Notice::Room(&description),
        Notice::Moderation(Moderated {
            room: "lobby",
            number: 1,
            action: "ban",
            actor: "alice",
            user: "bob",
            seq: Some(1),
            until: Some(timestamp),
            reason: "r",
            details: "d",
            timestamp,
        }),
        Notice::Removed(Removed {
            room: "lobby",
            code: Removal::Kicked,
            reason: "r",
            until: Some(timestamp),
            timestamp,
        }),
        Notice::Invited(Invited {
            room: "lobby",
            by: "alice",
            timestamp,
        }),
        Notice::Knock(Knocked {
            room: "lobby",
            person,
            timestamp,
        }),
        Notice::Presence(Crowd {
            room: "lobby",
            count: 9,
            joined: 1,
            left: 1,
            timestamp,
        }),
    ] {
        write(notice);
    }
}

fn description(timestamp: Wall) -> Description<'static> {
    Description {
        room: "lobby",
        name: "n",
        topic: "t",
        kind: RoomKind::Public,
        join_rule: JoinRule::Open,
        created_by: "alice",
        created: timestamp,
        is_ephemeral: true,
        is_locked: true,
        is_archived: true,
        raid_until: Some(timestamp),
        slow_mode_ms: 1,
        cooldown_ms: 1,
        message_characters_max: 1,
        members_max: 1,
        retention_messages: 1,
        retention_ms: 1,
        messages_per_minute: 1,
        messages_per_minute_per_member: 1,
        bytes_per_second: 1,
        joins_per_minute: 1,
        count: Some(1),
        last_seq: Some(1),
        yours: Some(Yours {
            affiliation: Affiliation::Owner,
            can: Capabilities::of(&[Capability::See]),
            is_invited: true,
            is_knocking: true,
            unread: Some(1),
        }),
    }
}
