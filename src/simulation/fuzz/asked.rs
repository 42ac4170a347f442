//! Typed commands back to the fields that they were read from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::protocol::api::{
    Author, Disconnect, NewRoom, Pardon, Publish, Revoke, RoomChange, SessionRequest, TicketRequest,
};
use crate::protocol::command::rooms::{Place, RoomCommand, RoomPatch};
use crate::protocol::command::tutorial::TutorialMessage;
use crate::protocol::command::v1::{Command, Request, RequestId, Said};
use crate::simulation::reference::commands::Asked;

pub(super) fn v1(request: Request<'_>) -> Asked {
    let mut asked = Asked {
        kind: String::new(),
        id: request.id.map(|id| match id {
            RequestId::Integer(id) => Value::from(id),
            RequestId::Text(id) => Value::from(id.into_owned()),
        }),
        fields: Default::default(),
    };
    asked.kind = command(&mut asked, request.command).to_owned();
    asked
}

pub(super) fn tutorial(said: TutorialMessage<'_>) -> Asked {
    let mut asked = Asked {
        kind: "send".to_owned(),
        id: None,
        fields: Default::default(),
    };
    asked.put("message", said.message);
    asked.maybe("room_id", said.room);
    asked
}

pub(super) fn change(change: RoomChange<'_>) -> Asked {
    let mut asked = Asked {
        kind: change.action.to_owned(),
        id: None,
        fields: Default::default(),
    };
    let kind = room_command(&mut asked, change.command);
    assert_eq!(kind, change.action, "what is asked for is done");
    asked
}

pub(super) fn new_room(new: NewRoom<'_>) -> Asked {
    let mut asked = Asked {
        kind: "create".to_owned(),
        id: None,
        fields: Default::default(),
    };
    asked.put("room", new.room);
    asked.put("owner", new.owner);
    put_patch(&mut asked, *new.settings);
    asked
}

/// The fields of a call of the operator's.
type Fields = BTreeMap<String, Value>;

pub(super) fn publish(publish: Publish) -> Fields {
    let author = publish.author.map(author);
    let author = author.map(|author| author.into_iter().collect::<Value>());
    fields([("message", Some(publish.message.into())), ("as", author)])
}

pub(super) fn disconnect(disconnect: Disconnect) -> Fields {
    fields([
        ("user", Some(disconnect.user.into())),
        ("reason", disconnect.reason.map(Value::from)),
    ])
}

pub(super) fn pardon(pardon: Pardon) -> Fields {
    fields([("address", Some(pardon.address.to_string().into()))])
}

pub(super) fn ticket(ticket: TicketRequest) -> Fields {
    let mut all = author(ticket.author);
    all.extend(fields([("origin", ticket.origin.map(Value::from))]));
    all
}

pub(super) fn session(session: SessionRequest) -> Fields {
    let lifetime = session.lifetime.map(|time| time.as_millis() as u64);
    let mut all = author(session.author);
    all.extend(fields([
        ("label", session.label.map(Value::from)),
        ("lifetime_ms", lifetime.map(Value::from)),
    ]));
    all
}

pub(super) fn revoke(revoke: Revoke) -> Fields {
    let (name, subject) = match revoke {
        Revoke::User(user) => ("user", user),
        Revoke::Token(token) => ("token_id", token),
        Revoke::Session(session) => ("session", session),
    };
    fields([(name, Some(subject.into()))])
}

fn author(author: Author) -> Fields {
    fields([
        ("user", Some(author.user.into())),
        ("name", author.name.map(Value::from)),
    ])
}

fn fields<const N: usize>(all: [(&str, Option<Value>); N]) -> Fields {
    let given = all.into_iter();
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

impl Asked {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn maybe(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn said(&mut self, said: Said<'_>) {
        match said {
            Said::Message(message) => self.put("message", message),
            Said::Body(body) => self.put("body", body),
        }
    }

    fn place(&mut self, place: Place, limit: Option<u64>) {
        match place {
            Place::After(seq) => self.put("after", seq),
            Place::Before(seq) => self.put("before", seq),
            Place::End => {}
        }
        self.maybe("limit", limit);
    }
}

/// Puts the fields of a command, and gives its type.
fn command(asked: &mut Asked, command: Command<'_>) -> &'static str {
    match command {
        Command::Send { room, said, key } => {
            asked.put("room", room);
            asked.said(said);
            asked.maybe("key", key);
            "send"
        }
        Command::Join { room, since } => {
            asked.put("room", room);
            asked.maybe("since", since);
            "join"
        }
        Command::Leave { room } => {
            asked.put("room", room);
            "leave"
        }
        Command::Members { room } => {
            asked.put("room", room);
            "members"
        }
        Command::Typing { room } => {
            asked.put("room", room);
            "typing"
        }
        Command::Refresh { token } => {
            asked.put("token", token);
            "refresh"
        }
        Command::Ping => "ping",
        Command::Rooms { after, limit } => {
            asked.maybe("after", after);
            asked.maybe("limit", limit);
            "rooms"
        }
        Command::Room { room, command } => {
            asked.put("room", room);
            room_command(asked, command)
        }
    }
}

fn room_command(asked: &mut Asked, command: RoomCommand<'_>) -> &'static str {
    match command {
        RoomCommand::Create(patch) => {
            put_patch(asked, *patch);
            "create"
        }
        RoomCommand::Describe => "describe",
        RoomCommand::Update(patch) => {
            put_patch(asked, *patch);
            "update"
        }
        RoomCommand::Archive { archived } => {
            asked.put("archived", archived);
            "archive"
        }
        RoomCommand::Delete => "delete",
        RoomCommand::History { from, limit } => {
            asked.place(from, limit);
            "history"
        }
        RoomCommand::Edit { seq, said } => {
            asked.put("seq", seq);
            asked.said(said);
            "edit"
        }
        RoomCommand::DeleteMessage { seq, reason } => {
            asked.put("seq", seq);
            asked.maybe("reason", reason);
            "delete_message"
        }
        RoomCommand::Seen { seq } => {
            asked.put("seq", seq);
            "seen"
        }
        RoomCommand::Knock => "knock",
        RoomCommand::Resign => "resign",
        RoomCommand::Raid { for_ms } => {
            asked.put("for_ms", for_ms);
            "raid"
        }
        RoomCommand::Explain { user } => {
            asked.maybe("user", user);
            "explain"
        }
        RoomCommand::Log { from, limit } => {
            asked.place(from, limit);
            "log"
        }
        about_somebody => person_command(asked, about_somebody),
    }
}

fn person_command(asked: &mut Asked, command: RoomCommand<'_>) -> &'static str {
    let mut done = |user, for_ms: Option<u64>, reason: Option<_>, kind| {
        let user: std::borrow::Cow<'_, str> = user;
        let reason: Option<std::borrow::Cow<'_, str>> = reason;
        asked.put("user", user);
        asked.maybe("for_ms", for_ms);
        asked.maybe("reason", reason);
        kind
    };
    match command {
        RoomCommand::Purge { user, reason } => done(user, None, reason, "purge"),
        RoomCommand::Invite { user } => done(user, None, None, "invite"),
        RoomCommand::Withdraw { user } => done(user, None, None, "withdraw"),
        RoomCommand::Approve { user } => done(user, None, None, "approve"),
        RoomCommand::Affiliate { user, affiliation } => {
            let kind = done(user, None, None, "affiliate");
            asked.put("affiliation", affiliation.word());
            kind
        }
        RoomCommand::Transfer { user } => done(user, None, None, "transfer"),
        RoomCommand::Kick { user, reason } => done(user, None, reason, "kick"),
        RoomCommand::Ban {
            user,
            for_ms,
            reason,
        } => done(user, for_ms, reason, "ban"),
        RoomCommand::Unban { user } => done(user, None, None, "unban"),
        RoomCommand::Mute {
            user,
            for_ms,
            reason,
        } => done(user, for_ms, reason, "mute"),
        RoomCommand::Unmute { user } => done(user, None, None, "unmute"),
        other => panic!("a command without a user: {other:?}"),
    }
}

fn put_patch(asked: &mut Asked, patch: RoomPatch<'_>) {
    asked.maybe("kind", patch.kind.map(|kind| kind.word()));
    asked.maybe("join_rule", patch.join_rule.map(|rule| rule.word()));
    asked.maybe("name", patch.name);
    asked.maybe("topic", patch.topic);
    asked.maybe("ephemeral", patch.ephemeral);
    asked.maybe("locked", patch.locked);
    asked.maybe("slow_mode_ms", patch.slow_mode_ms);
    asked.maybe("cooldown_ms", patch.cooldown_ms);
    asked.maybe("message_characters_max", patch.message_characters_max);
    asked.maybe("members_max", patch.members_max);
    asked.maybe("retention_messages", patch.retention_messages);
    asked.maybe("retention_ms", patch.retention_ms);
    asked.maybe("messages_per_minute", patch.messages_per_minute);
    asked.maybe(
        "messages_per_minute_per_member",
        patch.messages_per_minute_per_member,
    );
    asked.maybe("bytes_per_second", patch.bytes_per_second);
    asked.maybe("joins_per_minute", patch.joins_per_minute);
}
