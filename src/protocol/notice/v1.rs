//! Notices in `wardroom.v1`: an object with a `type`, absent options left out.

use super::encode::{ObjectText, push_string};
use super::{
    Announcement, Bye, Content, ErrorReply, Hello, HelloLimits, Member, MembersReply, Message,
    Notice, OkReply, Person, Presence, Typing,
};
use crate::config::Rate;
use crate::protocol::command::v1::RequestId;

mod rooms;
#[cfg(test)]
mod tests;

pub(super) fn write(notice: &Notice<'_>, out: &mut Vec<u8>) {
    let mut text = ObjectText::begin(out);
    text.string("type", notice.kind());
    match notice {
        Notice::Ok(reply) => write_ok(&mut text, reply),
        Notice::Members(reply) => write_members(&mut text, reply),
        Notice::Entered(reply) => rooms::write_join(&mut text, reply),
        Notice::Rooms(reply) => rooms::write_rooms(&mut text, reply),
        Notice::Described(reply) => rooms::write_room(&mut text, reply),
        Notice::History(reply) => rooms::write_history(&mut text, reply),
        Notice::Log(reply) => rooms::write_log(&mut text, reply),
        Notice::Explained(reply) => rooms::write_explained(&mut text, reply),
        Notice::Error(reply) => write_error(&mut text, reply),
        Notice::Message(message) => {
            text.string("room", message.room);
            write_message(&mut text, message);
        }
        Notice::Joined(presence) | Notice::Left(presence) => write_presence(&mut text, presence),
        Notice::Typing(typing) => write_typing(&mut text, typing),
        Notice::Changed(changed) => rooms::write_changed(&mut text, changed),
        Notice::Room(description) => rooms::write_description(&mut text, description),
        Notice::Moderation(moderated) => rooms::write_moderation(&mut text, moderated),
        Notice::Removed(removed) => rooms::write_removed(&mut text, removed),
        Notice::Invited(invited) => rooms::write_invited(&mut text, invited),
        Notice::Knock(knocked) => rooms::write_knock(&mut text, knocked),
        Notice::Presence(crowd) => rooms::write_crowd(&mut text, crowd),
        Notice::Announcement(announcement) => write_announcement(&mut text, announcement),
        Notice::Hello(hello) => write_hello(&mut text, hello),
        Notice::Bye(bye) => write_bye(&mut text, bye),
    }
    text.end();
}

fn write_ok(text: &mut ObjectText<'_>, reply: &OkReply<'_>) {
    write_id(text, reply.id);
    text.optional_string("room", reply.room)
        .optional_unsigned("seq", reply.seq);
    if let Some(timestamp) = reply.timestamp {
        text.timestamp(timestamp);
    }
    text.optional_unsigned("expires_in_ms", reply.expires_in_ms);
}

fn write_members(text: &mut ObjectText<'_>, reply: &MembersReply<'_>) {
    write_id(text, reply.id);
    text.string("room", reply.room)
        .array("members", reply.members, |out, member| {
            let mut text = ObjectText::begin(out);
            write_member(&mut text, member);
            text.end();
        })
        .unsigned("count", reply.count)
        .boolean("truncated", (reply.members.len() as u64) < reply.count);
}

fn write_member(text: &mut ObjectText<'_>, member: &Member<'_>) {
    write_person(text, member.person)
        .string("affiliation", member.affiliation.word())
        .unsigned("connections", u64::from(member.connections))
        .flag("muted", member.is_muted)
        .flag("invited", member.is_invited)
        .flag("knocking", member.is_knocking);
}

fn write_error(text: &mut ObjectText<'_>, reply: &ErrorReply<'_>) {
    write_id(text, reply.id);
    text.string("code", reply.code)
        .string("error", reply.error)
        .optional_string("field", reply.field)
        .optional_string("limit", reply.limit)
        .optional_string("scope", reply.scope)
        .optional_unsigned("retry_after_ms", reply.retry_after_ms)
        .optional_date("until", reply.until)
        .optional_string("reason", reply.reason);
}

/// All of it but its room.
fn write_message(text: &mut ObjectText<'_>, message: &Message<'_>) {
    text.unsigned("seq", message.seq)
        .string("sender", message.sender.user)
        .string("name", message.sender.name);
    write_content(text, message.content)
        .timestamp(message.timestamp)
        .optional_date("edited", message.edited);
}

fn write_content<'t, 'o>(
    text: &'t mut ObjectText<'o>,
    content: Content<'_>,
) -> &'t mut ObjectText<'o> {
    match content {
        Content::Text(message) => text.string("message", message),
        Content::Body(body) => text.string("body", body),
        Content::Deleted(at) => text.date("deleted", at),
    }
}

fn write_presence(text: &mut ObjectText<'_>, presence: &Presence<'_>) {
    text.string("room", presence.room);
    write_person(text, presence.person).timestamp(presence.timestamp);
}

fn write_typing(text: &mut ObjectText<'_>, typing: &Typing<'_>) {
    text.string("room", typing.room);
    write_person(text, typing.person);
}

fn write_announcement(text: &mut ObjectText<'_>, announcement: &Announcement<'_>) {
    text.optional_string("room", announcement.room)
        .string("message", announcement.message)
        .timestamp(announcement.timestamp);
}

fn write_hello(text: &mut ObjectText<'_>, hello: &Hello<'_>) {
    write_person(text, hello.person)
        .string("lobby", hello.lobby)
        .array("rooms", hello.rooms, |out, room| push_string(out, room))
        .object("limits", |text| write_limits(text, &hello.limits))
        .timestamp(hello.timestamp)
        .optional_unsigned("expires_in_ms", hello.expires_in_ms);
}

fn write_limits(text: &mut ObjectText<'_>, limits: &HelloLimits) {
    text.object("messages", |text| write_rate(text, limits.messages))
        .unsigned(
            "message_characters_max",
            limits.message_characters_max as u64,
        )
        .unsigned("message_bytes_max", limits.message_bytes_max as u64)
        .unsigned("connections_per_user", limits.connections_per_user as u64)
        .unsigned(
            "rooms_per_connection_max",
            limits.rooms_per_connection_max as u64,
        );
}

fn write_rate(text: &mut ObjectText<'_>, rate: Rate) {
    let per_ms = u64::try_from(rate.per.as_millis()).unwrap_or(u64::MAX);
    text.unsigned("burst", rate.burst)
        .unsigned("per_ms", per_ms);
}

fn write_bye(text: &mut ObjectText<'_>, bye: &Bye<'_>) {
    text.unsigned("code", u64::from(bye.code))
        .string("reason", bye.reason)
        .optional_unsigned("reconnect_after_ms", bye.reconnect_after_ms);
}

fn write_id(text: &mut ObjectText<'_>, id: Option<&RequestId<'_>>) {
    match id {
        Some(RequestId::Integer(id)) => text.integer("id", *id),
        Some(RequestId::Text(id)) => text.string("id", id),
        None => text,
    };
}

fn write_person<'t, 'o>(
    text: &'t mut ObjectText<'o>,
    person: Person<'_>,
) -> &'t mut ObjectText<'o> {
    text.string("user", person.user).string("name", person.name)
}
