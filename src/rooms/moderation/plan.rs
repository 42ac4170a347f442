//! Settings that somebody wants, within what the operator allows.

use std::sync::Arc;
use std::time::Duration;

use super::Action;
use crate::protocol::command::rooms::RoomPatch;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{Affiliation, JoinRule, RoomKind};
use crate::rooms::audit::Entry;
use crate::rooms::record::{Head, RoomRecord};
use crate::rooms::settings::{Ceilings, Settings};
use crate::rooms::standing::{Authority, Standing};
use crate::time::Wall;

/// A room as `creator` wants it, who owns it, and the first entry of its log. The operator (an empty name) owns nothing.
///
/// # Errors
/// [`RoomRefusal::AboveCeiling`] names a setting that the operator does not allow.
pub fn plan_room(
    room: &str,
    patch: &RoomPatch<'_>,
    creator: &Arc<str>,
    ceilings: &Ceilings,
    now: Wall,
) -> Result<(RoomRecord, Entry), RoomRefusal> {
    let kind = patch.kind.unwrap_or(RoomKind::Public);
    let is_durable = !patch.ephemeral.unwrap_or(false);
    let mut settings = Settings::new(kind, is_durable);
    let mut details = format!("kind={}\n", kind.word());
    details.push_str(&apply(patch, &mut settings, ceilings)?);
    let owner = Standing {
        held: Affiliation::Owner,
        ..Standing::default()
    };
    let is_operators = creator.is_empty();
    let record = RoomRecord {
        id: room.into(),
        settings,
        created_by: Arc::clone(creator),
        created: now,
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: if is_operators {
            Vec::new()
        } else {
            vec![(Arc::clone(creator), owner)]
        },
    };
    let entry = Entry {
        actor: Arc::clone(creator),
        authority: if is_operators {
            Authority::Operator
        } else {
            Authority::Room
        },
        details: details.trim_end().into(),
        ..Entry::of_server(Action::Create, now)
    };
    Ok((record, entry))
}

/// Puts `patch` into `settings`; gives what it changed, a line `name=value` for each.
pub(super) fn apply(
    patch: &RoomPatch<'_>,
    settings: &mut Settings,
    ceilings: &Ceilings,
) -> Result<String, RoomRefusal> {
    let before = settings.clone();
    let wanted = |wanted: &Option<u64>| wanted.map(Duration::from_millis);
    set(&mut settings.kind, patch.kind);
    set(&mut settings.join_rule, patch.join_rule);
    set(&mut settings.name, patch.name.as_deref().map(Into::into));
    set(&mut settings.topic, patch.topic.as_deref().map(Into::into));
    set(&mut settings.is_locked, patch.locked);
    set(&mut settings.slow_mode, wanted(&patch.slow_mode_ms));
    set(&mut settings.cooldown, wanted(&patch.cooldown_ms));
    set(
        &mut settings.message_characters_max,
        patch.message_characters_max,
    );
    set(&mut settings.members_max, patch.members_max);
    set(&mut settings.retention_messages, patch.retention_messages);
    set(&mut settings.retention, wanted(&patch.retention_ms));
    set(&mut settings.messages_per_minute, patch.messages_per_minute);
    set(
        &mut settings.messages_per_minute_per_member,
        patch.messages_per_minute_per_member,
    );
    set(&mut settings.bytes_per_second, patch.bytes_per_second);
    set(&mut settings.joins_per_minute, patch.joins_per_minute);
    if before.kind != settings.kind
        && (before.kind == RoomKind::Private || settings.kind == RoomKind::Private)
    {
        // What was said in one is nothing that the other could show.
        return Err(RoomRefusal::Fixed(Some("kind")));
    }
    expect_fitting_rule(patch.join_rule, settings)?;
    expect_allowed(&before, settings, ceilings)?;
    Ok(differences(&before, settings))
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(wanted) = wanted {
        *field = wanted;
    }
}

/// Nobody joins a room for members by joining, and nobody asks to be let into one that nobody sees.
fn expect_fitting_rule(
    wanted: Option<JoinRule>,
    settings: &mut Settings,
) -> Result<(), RoomRefusal> {
    let fits = match settings.kind {
        RoomKind::Public => true,
        RoomKind::Members => settings.join_rule != JoinRule::Open,
        RoomKind::Private => settings.join_rule == JoinRule::Invite,
    };
    if fits {
        return Ok(());
    }
    if wanted.is_some() {
        return Err(RoomRefusal::Fixed(Some("join_rule")));
    }
    settings.join_rule = JoinRule::Invite;
    Ok(())
}

/// The operator may have lowered a ceiling since a setting was made: what stays as it was keeps nobody from changing the rest.
fn expect_allowed(
    before: &Settings,
    settings: &Settings,
    ceilings: &Ceilings,
) -> Result<(), RoomRefusal> {
    let retention_max = match millis(ceilings.retention_max) {
        0 => u64::MAX,
        max => max,
    };
    let maxima = [
        ceilings.message_characters_max as u64,
        ceilings.people_max as u64,
        ceilings.retention_messages_max as u64,
        retention_max,
    ];
    let values = bounded(before).into_iter().zip(bounded(settings));
    let above = values
        .zip(maxima)
        .find(|(((_, before), (_, value)), max)| value > max && value != before);
    match above {
        Some((((field, _), _), max)) => Err(RoomRefusal::AboveCeiling { field, max }),
        None => Ok(()),
    }
}

/// Settings with a ceiling.
fn bounded(settings: &Settings) -> [(&'static str, u64); 4] {
    [
        (
            "message_characters_max",
            settings.message_characters_max.into(),
        ),
        ("members_max", settings.members_max.into()),
        ("retention_messages", settings.retention_messages.into()),
        ("retention_ms", millis(settings.retention)),
    ]
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What is not as it was, for the log: a line for each, under the names that clients use.
fn differences(before: &Settings, after: &Settings) -> String {
    let rows = |settings: &Settings| {
        [
            ("kind", settings.kind.word().to_owned()),
            ("join_rule", settings.join_rule.word().to_owned()),
            ("name", settings.name.to_string()),
            ("topic", settings.topic.to_string()),
            ("locked", settings.is_locked.to_string()),
            ("slow_mode_ms", settings.slow_mode.as_millis().to_string()),
            ("cooldown_ms", settings.cooldown.as_millis().to_string()),
            (
                "message_characters_max",
                settings.message_characters_max.to_string(),
            ),
            ("members_max", settings.members_max.to_string()),
            (
                "retention_messages",
                settings.retention_messages.to_string(),
            ),
            ("retention_ms", settings.retention.as_millis().to_string()),
            (
                "messages_per_minute",
                settings.messages_per_minute.to_string(),
            ),
            (
                "messages_per_minute_per_member",
                settings.messages_per_minute_per_member.to_string(),
            ),
            ("bytes_per_second", settings.bytes_per_second.to_string()),
            ("joins_per_minute", settings.joins_per_minute.to_string()),
        ]
    };
    let changed = rows(before).into_iter().zip(rows(after));
    changed
        .filter(|((_, before), (_, after))| before != after)
        .map(|(_, (name, value))| format!("{name}={}\n", value.replace(['\n', '\r'], " ")))
        .collect()
}
