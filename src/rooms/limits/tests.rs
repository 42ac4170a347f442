use proptest::prelude::*;

use super::*;
use crate::protocol::vocabulary::RoomKind;

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn settings(set: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::new(RoomKind::Public, false);
    set(&mut settings);
    settings
}

fn user(name: &str) -> Arc<str> {
    name.into()
}

fn plain(user: &Arc<str>) -> Speaker<'_> {
    Speaker {
        user,
        is_moderator: false,
        is_new: true,
    }
}

/// Says a byte, or gives the limit, its scope and the milliseconds to wait.
fn say(
    limits: &mut RoomLimits,
    settings: &Settings,
    speaker: Speaker<'_>,
    millis: u64,
) -> Result<(), (&'static str, &'static str, u64)> {
    let checked = limits.check_message(speaker, settings, at(millis));
    checked.map_err(|refusal| {
        let told = refusal.told();
        let limit = told.limit.expect("a limit");
        (
            limit,
            told.scope.expect("a scope"),
            told.retry_after_ms.expect("a wait"),
        )
    })?;
    limits.charge_message(speaker, 1, settings, at(millis));
    Ok(())
}

#[test]
fn a_room_without_limits_of_its_own_has_none_and_remembers_nobody() {
    let settings = settings(|_| {});
    let mut limits = RoomLimits::default();
    let ann = user("ann");
    for _ in 0..10_000 {
        limits.check_join(&ann, &settings, at(0)).unwrap();
        limits.charge_join(&ann, &settings, at(0));
        say(&mut limits, &settings, plain(&ann), 0).unwrap();
    }
    assert_eq!(limits.paces(), 0);
}

#[test]
fn the_room_and_each_member_have_their_own_rate() {
    let settings = settings(|settings| {
        settings.messages_per_minute = 3;
        settings.messages_per_minute_per_member = 2;
    });
    let mut limits = RoomLimits::default();
    let (ann, bob) = (user("ann"), user("bob"));
    for _ in 0..2 {
        say(&mut limits, &settings, plain(&ann), 0).unwrap();
    }
    let own = Err(("messages_per_minute_per_member", "member", 30_000));
    assert_eq!(say(&mut limits, &settings, plain(&ann), 0), own);
    say(&mut limits, &settings, plain(&bob), 0).unwrap();
    let room = Err(("messages_per_minute", "room", 20_000));
    assert_eq!(say(&mut limits, &settings, plain(&bob), 0), room);
    assert_eq!(
        say(&mut limits, &settings, plain(&ann), 0),
        own,
        "the longer wait is told"
    );
    say(&mut limits, &settings, plain(&bob), 20_000).unwrap();
}

#[test]
fn slow_mode_is_for_everybody_but_moderators_and_they_keep_the_rest() {
    let settings = settings(|settings| {
        settings.slow_mode = Duration::from_secs(10);
        settings.messages_per_minute = 3;
    });
    let mut limits = RoomLimits::default();
    let (ann, mia) = (user("ann"), user("mia"));
    say(&mut limits, &settings, plain(&ann), 0).unwrap();
    let slow = Err(("slow_mode_ms", "member", 9999));
    assert_eq!(say(&mut limits, &settings, plain(&ann), 1), slow);
    let moderator = Speaker {
        is_moderator: true,
        ..plain(&mia)
    };
    for _ in 0..2 {
        say(&mut limits, &settings, moderator, 1).unwrap();
    }
    let room = say(&mut limits, &settings, moderator, 2).unwrap_err();
    assert_eq!((room.0, room.1), ("messages_per_minute", "room"));
}

#[test]
fn somebody_new_listens_first_and_coming_again_is_not_coming_anew() {
    let settings = settings(|settings| settings.cooldown = Duration::from_secs(5));
    let mut limits = RoomLimits::default();
    let ann = user("ann");
    limits.charge_join(&ann, &settings, at(0));
    let wait = Err(("cooldown_ms", "member", 4000));
    assert_eq!(say(&mut limits, &settings, plain(&ann), 1000), wait);
    limits.charge_join(&ann, &settings, at(4000));
    say(&mut limits, &settings, plain(&ann), 5000).unwrap();
    let bob = user("bob");
    limits.charge_join(&bob, &settings, at(5000));
    let member = Speaker {
        is_new: false,
        ..plain(&bob)
    };
    say(&mut limits, &settings, member, 5000).unwrap();
}

#[test]
fn a_large_message_is_taken_and_those_after_it_wait() {
    let settings = settings(|settings| settings.bytes_per_second = 100);
    let mut limits = RoomLimits::default();
    let ann = user("ann");
    limits.check_message(plain(&ann), &settings, at(0)).unwrap();
    limits.charge_message(plain(&ann), 1000, &settings, at(0));
    let debt = Err(("bytes_per_second", "room", 9010));
    assert_eq!(say(&mut limits, &settings, plain(&ann), 0), debt);
    let faster = super::Settings {
        bytes_per_second: 1000,
        ..settings
    };
    say(&mut limits, &faster, plain(&ann), 20).expect("another setting is in force at once");
}

#[test]
fn those_who_come_in_are_counted_and_told_when() {
    let settings = settings(|settings| settings.joins_per_minute = 2);
    let mut limits = RoomLimits::default();
    for name in ["ann", "bob"] {
        limits.check_join(name, &settings, at(0)).unwrap();
        limits.charge_join(&user(name), &settings, at(0));
    }
    let told = limits.check_join("cid", &settings, at(0)).unwrap_err();
    assert_eq!(told.told().limit, Some("joins_per_minute"));
    assert_eq!(told.told().retry_after_ms, Some(30_000));
    limits.check_join("cid", &settings, at(30_000)).unwrap();
}

#[test]
fn whoever_comes_again_and_again_uses_up_their_own_and_not_the_rooms() {
    let settings = settings(|settings| settings.joins_per_minute = 3);
    let mut limits = RoomLimits::default();
    let ann = user("ann");
    let mut come = |who: &Arc<str>, millis| {
        let checked = limits.check_join(who, &settings, at(millis));
        let checked = checked.map_err(|refusal| refusal.told().scope);
        if checked.is_ok() {
            limits.charge_join(who, &settings, at(millis));
        }
        checked
    };
    for _ in 0..3 {
        come(&ann, 0).unwrap();
    }
    assert_eq!(come(&ann, 0), Err(Some("member")));
    come(&user("bob"), 0).unwrap();
    come(&user("cid"), 0).unwrap();
    assert_eq!(come(&user("dan"), 0), Err(Some("room")));
    // Once every twenty seconds is what one person may; the others do not feel it.
    for times in 1..=100 {
        come(&ann, times * 20_000).unwrap();
    }
    for name in ["dan", "eve", "fay"] {
        come(&user(name), 2_000_000).unwrap();
    }
}

#[test]
fn a_crowd_does_not_make_the_table_grow_and_does_not_free_who_spoke_last() {
    let settings = settings(|settings| settings.slow_mode = Duration::from_secs(600));
    let mut limits = RoomLimits::default();
    for number in 0..PACES_MAX as u64 + 5000 {
        let name = user(&format!("u{number}"));
        say(&mut limits, &settings, plain(&name), number).unwrap();
        assert!(limits.paces() <= PACES_MAX);
        assert!(say(&mut limits, &settings, plain(&name), number).is_err());
    }
}

proptest! {
    #[test]
    fn whoever_waits_as_long_as_told_is_not_refused_by_the_same_limit(
        bytes_per_second in 0..50_u32,
        messages in 0..5_u32,
        per_member in 0..4_u32,
        slow in 0..5_u64,
        steps in prop::collection::vec((0..3_usize, 1..200_usize, 0..9_000_u64), 1..60),
    ) {
        let settings = settings(|settings| {
            settings.bytes_per_second = bytes_per_second;
            settings.messages_per_minute = messages;
            settings.messages_per_minute_per_member = per_member;
            settings.slow_mode = Duration::from_secs(slow);
        });
        let people = ["ann", "bob", "cid"].map(user);
        let mut limits = RoomLimits::default();
        let mut now = at(0);
        for (who, bytes, later) in steps {
            now = now + Duration::from_millis(later);
            let speaker = plain(&people[who]);
            match limits.check_message(speaker, &settings, now) {
                Ok(()) => limits.charge_message(speaker, bytes, &settings, now),
                Err(RoomRefusal::RoomLimited { retry_after, .. }) => {
                    let then = now + retry_after;
                    prop_assert_eq!(limits.check_message(speaker, &settings, then), Ok(()));
                    let before = now + (retry_after - Duration::from_nanos(1));
                    prop_assert!(limits.check_message(speaker, &settings, before).is_err());
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
