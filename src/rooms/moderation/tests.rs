use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::protocol::command::Bounds;
use crate::protocol::command::v1::{self, Command};
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::{JoinRule, RoomClaims, RoomKind};
use crate::rooms::lasting::Lasting;
use crate::rooms::permissions::{self, Asker, capabilities};
use crate::rooms::settings::Ceilings;
use crate::rooms::standing::{Sanction, Standing};
use crate::time::Wall;

use naive::{BANNED, Naive, OPERATOR, PEOPLE_MAX, Person, TOKEN_MODERATOR, TOKEN_OWNER};

mod naive;
mod rules;

const CEILINGS: Ceilings = Ceilings {
    message_characters_max: 500,
    people_max: PEOPLE_MAX,
    retention_messages_max: 1000,
    retention_max: Duration::from_secs(3600),
};

const USERS: [&str; 8] = [
    "olga",
    "mia",
    "ned",
    "ann",
    "bob",
    "cid",
    TOKEN_MODERATOR,
    TOKEN_OWNER,
];

fn claims(user: &str) -> Option<RoomClaims> {
    let capability = match user {
        TOKEN_MODERATOR => Capability::Moderate,
        TOKEN_OWNER => Capability::Configure,
        _ => return None,
    };
    RoomClaims::new([("room".into(), Capabilities::of(&[capability]))])
}

fn rights(lasting: &Lasting, user: &str, now: Wall) -> Capabilities {
    let claims = claims(user);
    let asker = Asker {
        user,
        claims: claims.as_ref(),
    };
    capabilities("room", lasting, asker, now)
}

fn actor(lasting: &Lasting, user: &str, now: Wall) -> Actor {
    if user == OPERATOR {
        return Actor::operator();
    }
    Actor {
        user: user.into(),
        capabilities: rights(lasting, user, now),
        authority: Authority::Room,
    }
}

/// A room of `kind` that olga owns.
fn founded(kind: RoomKind, is_durable: bool) -> Lasting {
    let patch = RoomPatch {
        kind: Some(kind),
        ephemeral: Some(!is_durable),
        ..RoomPatch::default()
    };
    let founder = "olga".into();
    let (record, _) =
        plan_room("room", &patch, &founder, &CEILINGS, Wall::default()).expect("a room");
    Lasting::of(&record)
}

/// What is in force once the change is kept.
fn apply(lasting: &mut Lasting, change: &Change, now: Wall) {
    if let Some(settings) = &change.settings {
        lasting.settings = (**settings).clone();
    }
    for (user, standing) in &change.standings {
        lasting.standings.set(user, standing.clone(), now);
    }
}

fn acts() -> impl Strategy<Value = Act> {
    let user = || prop::sample::select(&USERS[..]).prop_map(Arc::<str>::from);
    let for_ms = || prop_oneof![Just(None), (1..50_u64).prop_map(Some)];
    let reason = || Just(Box::<str>::from("noise"));
    let affiliation = prop::sample::select(&Affiliation::ALL[1..]);
    let patch = (
        prop::option::weighted(0.3, prop::sample::select(RoomKind::ALL)),
        prop::option::weighted(0.4, prop::sample::select(JoinRule::ALL)),
        prop::option::weighted(0.5, any::<bool>()),
        prop::option::weighted(0.2, 0..3_u64),
        prop::option::weighted(0.2, 0..7_u32),
    )
        .prop_map(
            |(kind, join_rule, locked, slow_mode_ms, members_max)| RoomPatch {
                kind,
                join_rule,
                locked,
                slow_mode_ms,
                members_max,
                ..RoomPatch::default()
            },
        );
    prop_oneof![
        3 => patch.prop_map(|patch| Act::Update(Box::new(patch))),
        1 => any::<bool>().prop_map(Act::Archive),
        1 => Just(Act::Edit { seq: 1, text: "x".into() }),
        1 => reason().prop_map(|reason| Act::DeleteMessage { seq: 1, reason }),
        1 => (user(), reason()).prop_map(|(user, reason)| Act::Purge { user, reason }),
        3 => user().prop_map(|user| Act::Invite { user }),
        1 => user().prop_map(|user| Act::Withdraw { user }),
        3 => Just(Act::Knock),
        2 => user().prop_map(|user| Act::Approve { user }),
        2 => Just(Act::Accept),
        6 => (user(), affiliation).prop_map(|(user, affiliation)| Act::Affiliate { user, affiliation }),
        1 => user().prop_map(|user| Act::Transfer { user }),
        1 => Just(Act::Resign),
        1 => (user(), reason()).prop_map(|(user, reason)| Act::Kick { user, reason }),
        3 => (user(), for_ms(), reason()).prop_map(|(user, for_ms, reason)| Act::Ban { user, for_ms, reason }),
        2 => user().prop_map(|user| Act::Unban { user }),
        3 => (user(), for_ms(), reason()).prop_map(|(user, for_ms, reason)| Act::Mute { user, for_ms, reason }),
        2 => user().prop_map(|user| Act::Unmute { user }),
        1 => (0..50_u64).prop_map(|for_ms| Act::Raid { for_ms }),
    ]
}

/// Who acts: mostly those who may.
fn actors() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("olga"),
        2 => Just(TOKEN_MODERATOR),
        1 => Just(OPERATOR),
        6 => prop::sample::select(&USERS[..]),
    ]
}

fn until(sanction: &Option<Sanction>) -> Option<naive::Until> {
    sanction.as_ref().map(|sanction| {
        let end = sanction.until.map_or(u64::MAX, Wall::as_millis);
        (end, sanction.authority == Authority::Operator)
    })
}

fn people(lasting: &Lasting) -> BTreeMap<String, Person> {
    let plain = |standing: &Standing| Person {
        role: match standing.held {
            Affiliation::Banned | Affiliation::None => 0,
            Affiliation::Member => 1,
            Affiliation::Moderator => 2,
            Affiliation::Owner => 3,
        },
        ban: until(&standing.ban),
        mute: until(&standing.mute),
        is_invited: standing.is_invited,
        knocks: standing.knocked.is_some(),
    };
    let people = lasting.standings.iter();
    people
        .map(|(user, standing)| (user.to_string(), plain(standing)))
        .collect()
}

/// What no act may do, whatever the rules say.
fn hold_what_never_changes(
    before: &Naive,
    after: &Naive,
    actor: &str,
    now: u64,
) -> Result<(), TestCaseError> {
    if actor == OPERATOR {
        return Ok(());
    }
    let owners = |room: &Naive| {
        room.people
            .keys()
            .filter(|user| room.role(user, now) == 3)
            .count()
    };
    prop_assert!(owners(before) == 0 || owners(after) > 0, "an owner is left");
    for user in USERS {
        let (was, is) = (before.people.get(user), after.people.get(user));
        if was == is {
            continue;
        }
        let stood = before.role(user, now);
        let is_below = stood < before.power(actor, now);
        prop_assert!(user == actor || is_below, "{actor} acted on {user}");
        let decided = |person: Option<&Person>| {
            let person = person.cloned().unwrap_or_default();
            let operators =
                |until: Option<naive::Until>| until.filter(|(end, by)| *by && now < *end);
            (operators(person.ban), operators(person.mute))
        };
        let (was, is) = (decided(was), decided(is));
        prop_assert!(was == is, "what the operator decided stays: {was:?} {is:?}");
    }
    Ok(())
}

/// Whoever loses a right must be held to it while the change is on its way.
fn hold_covers_losses(
    before: &Lasting,
    after: &Lasting,
    planned: &Planned,
    now: Wall,
) -> Result<(), TestCaseError> {
    for user in USERS {
        let loses = |capability: &Capability| {
            let had = rights(before, user, now).contains(*capability);
            had && !rights(after, user, now).contains(*capability)
        };
        // A raid keeps people out who are not in, so nothing of theirs can be on its way.
        let is_raid = before.settings.raid_until != after.settings.raid_until;
        let lost: Vec<_> = Capability::ALL
            .iter()
            .filter(|capability| loses(capability))
            .collect();
        let is_held = match &planned.hold {
            Hold::Nobody => false,
            Hold::User(held) => **held == *user,
            Hold::Everybody => true,
        };
        let only_joining = lost == [&Capability::Join];
        prop_assert!(
            lost.is_empty() || is_held || (is_raid && only_joining),
            "{user} loses {lost:?}"
        );
    }
    Ok(())
}

fn expect_entry(planned: &Planned, who: &str, act: &Act) -> Result<(), TestCaseError> {
    let Some(entry) = &planned.change.entry else {
        let is_authors = match act {
            Act::Edit { .. } | Act::DeleteMessage { .. } => true,
            Act::Purge { user, .. } => **user == *who,
            _ => false,
        };
        prop_assert!(is_authors, "{act:?} leaves no trace");
        return Ok(());
    };
    prop_assert_eq!(&*entry.actor, who);
    let is_operators = entry.authority == Authority::Operator;
    prop_assert_eq!(is_operators, who == OPERATOR);
    prop_assert!(Action::from_word(&entry.action).is_some());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn people_can_do_to_each_other_what_a_plain_reading_of_the_rules_lets_them(
        kind in prop::sample::select(RoomKind::ALL),
        keeps_messages in any::<bool>(),
        steps in prop::collection::vec((actors(), acts(), 0..20_u64), 1..40),
    ) {
        let mut lasting = founded(kind, keeps_messages);
        let mut naive = Naive {
            people: people(&lasting),
            kind,
            rule: lasting.settings.join_rule,
            is_locked: false,
            is_archived: false,
            slow_mode_ms: 0,
            members_max: 0,
            raid_until: 0,
            keeps_messages,
        };
        let mut at = 1000;
        for (who, act, later) in steps {
            at += later;
            let now = Wall::from_millis(at);
            let judged = judge("room", &lasting, &actor(&lasting, who, now), &act, &CEILINGS, now);
            let before = naive.clone();
            let expected = naive.act(who, &act, at);
            let found = judged.as_ref().map(drop).map_err(RoomRefusal::code);
            prop_assert_eq!(found, expected, "{} {:?} at {} in {:?}", who, act, at, before);
            let Ok(planned) = judged else {
                continue;
            };
            expect_entry(&planned, who, &act)?;
            let old = lasting.clone();
            apply(&mut lasting, &planned.change, now);
            prop_assert_eq!(&people(&lasting), &naive.people, "{} {:?}", who, act);
            let settings = &lasting.settings;
            prop_assert_eq!((settings.kind, settings.join_rule), (naive.kind, naive.rule));
            prop_assert_eq!((settings.is_locked, settings.is_archived), (naive.is_locked, naive.is_archived));
            let raid = settings.raid_until.map_or(0, Wall::as_millis);
            prop_assert_eq!(raid, naive.raid_until);
            for user in USERS {
                let speaks = rights(&lasting, user, now).contains(Capability::Send);
                prop_assert_eq!(speaks, naive.speaks(user, at), "{}", user);
                let is_banned = rights(&lasting, user, now) == Capabilities::NONE;
                prop_assert!(is_banned || naive.role(user, at) != BANNED);
            }
            hold_what_never_changes(&before, &naive, who, at)?;
            hold_covers_losses(&old, &lasting, &planned, now)?;
        }
    }
}
