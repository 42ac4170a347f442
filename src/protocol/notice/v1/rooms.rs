//! What is told of rooms themselves, in `wardroom.v1`.

use super::{ObjectText, push_string, write_content, write_id, write_message, write_person};
use crate::protocol::notice::encode::push_unsigned;
use crate::protocol::notice::rooms::{
    Changed, Crowd, Description, ExplainReply, HistoryReply, Invited, JoinReply, Knocked, LogEntry,
    LogHead, LogReply, Moderated, Removed, RoomReply, RoomsReply, Yours,
};

pub(super) fn write_description(text: &mut ObjectText<'_>, room: &Description<'_>) {
    text.string("room", room.room)
        .words("name", room.name)
        .words("topic", room.topic)
        .string("kind", room.kind.word())
        .string("join_rule", room.join_rule.word())
        .words("created_by", room.created_by)
        .date("created", room.created)
        .flag("ephemeral", room.is_ephemeral)
        .flag("locked", room.is_locked)
        .flag("archived", room.is_archived)
        .optional_date("raid_until", room.raid_until)
        .positive("slow_mode_ms", room.slow_mode_ms)
        .positive("cooldown_ms", room.cooldown_ms)
        .positive("message_characters_max", room.message_characters_max)
        .positive("members_max", room.members_max)
        .positive("retention_messages", room.retention_messages)
        .positive("retention_ms", room.retention_ms)
        .positive("messages_per_minute", room.messages_per_minute)
        .positive(
            "messages_per_minute_per_member",
            room.messages_per_minute_per_member,
        )
        .positive("bytes_per_second", room.bytes_per_second)
        .positive("joins_per_minute", room.joins_per_minute)
        .optional_unsigned("count", room.count)
        .optional_unsigned("last_seq", room.last_seq);
    if let Some(yours) = &room.yours {
        write_yours(text, yours);
    }
}

fn write_yours(text: &mut ObjectText<'_>, yours: &Yours) {
    text.string("affiliation", yours.affiliation.word())
        .array("can", yours.can.iter(), |out, capability| {
            push_string(out, capability.word());
        })
        .flag("invited", yours.is_invited)
        .flag("knocking", yours.is_knocking)
        .optional_unsigned("unread", yours.unread);
}

pub(super) fn write_rooms(text: &mut ObjectText<'_>, reply: &RoomsReply<'_>) {
    write_id(text, reply.id);
    text.array("rooms", reply.rooms, |out, room| {
        let mut text = ObjectText::begin(out);
        write_description(&mut text, room);
        text.end();
    })
    .boolean("truncated", reply.next.is_some())
    .optional_string("next", reply.next);
}

pub(super) fn write_room(text: &mut ObjectText<'_>, reply: &RoomReply<'_>) {
    write_id(text, reply.id);
    write_description(text, reply.description);
}

pub(super) fn write_history(text: &mut ObjectText<'_>, reply: &HistoryReply<'_>) {
    write_id(text, reply.id);
    text.string("room", reply.room)
        .array("messages", reply.messages, |out, message| {
            let mut text = ObjectText::begin(out);
            write_message(&mut text, message);
            text.end();
        })
        .unsigned("first_seq", reply.first_seq)
        .unsigned("last_seq", reply.last_seq)
        .boolean("truncated", reply.is_truncated);
}

pub(super) fn write_join(text: &mut ObjectText<'_>, reply: &JoinReply<'_>) {
    write_id(text, reply.id);
    text.string("room", reply.room)
        .unsigned("last_seq", reply.last_seq);
    if let Some(gap) = reply.gap {
        text.object("gap", |text| {
            text.unsigned("from", gap.from).unsigned("to", gap.to);
        });
    }
}

pub(super) fn write_log(text: &mut ObjectText<'_>, reply: &LogReply<'_>) {
    write_id(text, reply.id);
    text.string("room", reply.room)
        .array("entries", reply.entries, |out, entry| {
            let mut text = ObjectText::begin(out);
            write_entry(&mut text, entry);
            text.end();
        })
        .object("head", |text| write_head(text, &reply.head));
}

fn write_head(text: &mut ObjectText<'_>, head: &LogHead) {
    text.unsigned("number", head.number).hex("hash", &head.hash);
}

fn write_entry(text: &mut ObjectText<'_>, entry: &LogEntry<'_>) {
    write_head(text, &entry.head);
    text.timestamp(entry.at)
        .words("actor", entry.actor)
        .string("authority", entry.authority)
        .string("action", entry.action)
        .words("user", entry.target)
        .optional_unsigned("seq", entry.seq)
        .optional_date("until", entry.until)
        .words("reason", entry.reason)
        .words("details", entry.details);
}

pub(super) fn write_explained(text: &mut ObjectText<'_>, reply: &ExplainReply<'_>) {
    write_id(text, reply.id);
    text.string("room", reply.room)
        .string("user", reply.user)
        .string("affiliation", reply.affiliation.word())
        .array("rights", reply.rights, |out, right| {
            let mut text = ObjectText::begin(out);
            text.string("capability", right.capability.word())
                .boolean("allowed", right.is_allowed)
                .string("reason", right.reason);
            text.end();
        });
}

pub(super) fn write_changed(text: &mut ObjectText<'_>, changed: &Changed<'_>) {
    text.string("room", changed.room);
    match changed.seqs {
        [seq] => text.unsigned("seq", *seq),
        seqs => text.array("seqs", seqs, |out, seq| push_unsigned(out, *seq)),
    };
    write_content(text, changed.content)
        .words("user", changed.user)
        .timestamp(changed.timestamp);
}

pub(super) fn write_moderation(text: &mut ObjectText<'_>, moderated: &Moderated<'_>) {
    text.string("room", moderated.room)
        .unsigned("number", moderated.number)
        .string("action", moderated.action)
        .words("actor", moderated.actor)
        .words("user", moderated.user)
        .optional_unsigned("seq", moderated.seq)
        .optional_date("until", moderated.until)
        .words("reason", moderated.reason)
        .words("details", moderated.details)
        .timestamp(moderated.timestamp);
}

pub(super) fn write_removed(text: &mut ObjectText<'_>, removed: &Removed<'_>) {
    text.string("room", removed.room)
        .string("code", removed.code.word())
        .words("reason", removed.reason)
        .optional_date("until", removed.until)
        .timestamp(removed.timestamp);
}

pub(super) fn write_invited(text: &mut ObjectText<'_>, invited: &Invited<'_>) {
    text.string("room", invited.room)
        .words("by", invited.by)
        .timestamp(invited.timestamp);
}

pub(super) fn write_knock(text: &mut ObjectText<'_>, knocked: &Knocked<'_>) {
    text.string("room", knocked.room);
    write_person(text, knocked.person).timestamp(knocked.timestamp);
}

pub(super) fn write_crowd(text: &mut ObjectText<'_>, crowd: &Crowd<'_>) {
    text.string("room", crowd.room)
        .unsigned("count", crowd.count)
        .positive("joined", crowd.joined)
        .positive("left", crowd.left)
        .timestamp(crowd.timestamp);
}
