use super::super::attacks;
use super::*;
use crate::config::Config;

/// Every setting, with these changed.
fn settings(changes: &[&str]) -> Vec<Setting> {
    let flags: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    let loaded = Config::load(None, &flags, Vec::new()).expect("allowed settings");
    let none = Config::load(None, &[], Vec::new()).expect("the defaults");
    let default = |key: &str| {
        let found = none.settings.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.value.clone())
    };
    let all = loaded.settings.into_iter();
    all.map(|setting| Setting {
        default: default(&setting.key),
        key: setting.key,
        value: setting.value,
    })
    .collect()
}

fn attack(name: &str) -> &'static Attack {
    attacks::all().find(|one| one.name == name).expect(name)
}

fn given<'a>(settings: &'a [Setting], attack: &'a Attack) -> Given<'a> {
    Given {
        settings,
        attack,
        time: Duration::from_secs(2).max(attack.time_min),
        sockets_max: super::super::bounds::SOCKETS_MAX,
        has_other_room: true,
        exempting: &[],
    }
}

#[test]
fn with_the_default_settings_no_attack_is_kept_from_what_it_is_made_for() {
    let settings = settings(&[]);
    for attack in attacks::all() {
        let given = given(&settings, attack);
        assert_eq!(given.hindrance(), None, "{}", attack.name);
        assert!(!given.is_void(), "{}", attack.name);
        if let Some(first) = attack.limits.first() {
            assert_eq!(given.beyond(first), None, "{}", attack.name);
        }
    }
}

#[test]
fn a_setting_that_an_attack_does_not_go_to_is_named_with_what_it_does_and_what_would_be_needed() {
    for (name, change, told) in [
        (
            "endless-requests",
            "limits.requests_per_connection_max=10000",
            "limits.requests_per_connection_max = 10000: the attack goes to 150, more than 10000 would be needed",
        ),
        (
            "never-signs-in",
            "limits.requests_per_connection_max=5",
            "limits.requests_per_connection_max = 5 says no first: the attack needs 15",
        ),
        (
            "long-message",
            "limits.message_characters_max=510",
            "limits.message_characters_max = 510: the attack goes to 501, more than 510 would be needed",
        ),
        (
            "scattered-flood",
            "limits.unauthenticated_max=5000",
            "limits.unauthenticated_max = 5000: 5000 connections at most, more than 5000 would be needed",
        ),
        (
            "users-of-one-prefix",
            "limits.connections_per_address=6",
            "limits.connections_per_address = 6: 6 connections at most, more than 6 would be needed",
        ),
        (
            "many-frames",
            "limits.fragments_per_message_max=99",
            "limits.fragments_per_message_max = 99 says no first: the attack needs 100",
        ),
        (
            "mute-people",
            "deadlines.idle=4s",
            "deadlines.idle = \"4s\" says no first: the attack is silent for 5 s",
        ),
    ] {
        let (settings, attack) = (settings(&[change]), attack(name));
        let given = given(&settings, attack);
        let first = attack.limits.first().expect("a limit");
        assert_eq!(given.beyond(first).as_deref(), Some(told), "{name}");
        assert!(given.is_void(), "{name}");
    }
}

#[test]
fn what_lies_beyond_one_limit_of_two_can_still_be_held_by_the_other() {
    let settings = settings(&["deadlines.head=1m"]);
    let given = given(&settings, attack("slow-head"));
    assert!(given.beyond("deadlines.head").is_some());
    assert_eq!(given.beyond("limits.unauthenticated_max"), None);
    assert!(!given.is_void());
}

#[test]
fn a_room_and_addresses_that_are_not_spared_are_needed_where_that_is_what_is_limited() {
    let settings = settings(&[]);
    let mut alone = given(&settings, attack("join-too-many"));
    alone.has_other_room = false;
    let told = alone.hindrance().expect("no room");
    assert!(told.starts_with("rooms.public: "), "{told}");
    for (key, name, is_spared) in [
        ("limits.exempt", "bad-token", true),
        ("limits.exempt", "ping-flood", false),
        ("limits.penalty_exempt", "bad-token", false),
        ("limits.penalty_exempt", "old-offender", true),
        ("proxy.trusted", "forged-proxy", true),
        ("proxy.trusted", "cross-site", false),
    ] {
        let mut spared = given(&settings, attack(name));
        let exempting = [key.to_owned()];
        spared.exempting = &exempting;
        let told = spared.hindrance();
        assert_eq!(told.is_some(), is_spared, "{key} {name}: {told:?}");
    }
}

#[test]
fn a_rate_is_beyond_an_attack_when_no_one_did_more_than_it_allows_in_that_time() {
    let settings = settings(&["limits.commands_per_user={ burst = 100, per = \"1s\" }"]);
    let given = given(&settings, attack("history-scraping"));
    let done = |shots| Done {
        connections: 100,
        shots,
        bytes: 0,
    };
    let why = given.not_passed("limits.commands_per_user", done(50 * 300));
    assert_eq!(
        why.as_deref(),
        Some(
            "limits.commands_per_user = { burst = 100, per = \"1s\" }: 300 shots of each user in 2 s, more than 300 would be needed"
        )
    );
    let few = self::given(&settings, attack("connect-flood"));
    let why = few.not_passed("limits.unauthenticated_max", done(0));
    assert!(
        why.as_deref()
            .is_some_and(|why| why.contains(": 100 connections at most")),
        "{why:?}"
    );
    let more = given.not_passed("limits.commands_per_user", done(50 * 300 + 1));
    assert_eq!(more, None);
}

#[test]
fn an_attack_that_came_from_fewer_networks_than_there_is_room_for_has_not_filled_it() {
    let settings = settings(&[]);
    let many = given(&settings, attack("many-networks"));
    assert_eq!(
        many.not_filled(6144).as_deref(),
        Some(
            "limits.prefixes_max = 6144: 6144 connections, each of another /24, more than 6144 would be needed"
        )
    );
    assert_eq!(many.not_filled(6145), None);
    let other = given(&settings, attack("bad-token"));
    assert_eq!(other.not_filled(0), None);
}

#[test]
fn another_limit_excuses_one_only_where_the_operator_has_lowered_it_or_raised_that_one() {
    let first = ["limits.frames_per_connection".to_owned()];
    let limit = "limits.control_frames_per_connection";
    let frames = "limits.frames_per_connection={ burst = 5, per = \"10s\" }";
    let control = "limits.control_frames_per_connection={ burst = 99, per = \"10s\" }";
    // Whoever writes the default down, or sets one so that it says no sooner, or another so that it does later, excuses nothing.
    let same = "limits.glitches_per_connection={ burst = 2000, per = \"10s\" }";
    let lower = "limits.control_frames_per_connection={ burst = 9, per = \"10s\" }";
    let higher = "limits.frames_per_connection={ burst = 3000, per = \"10s\" }";
    for (change, is_excused) in [
        (&[][..], false),
        (&[frames], true),
        (&[control], true),
        (&["limits.pauses_max=7"], false),
        (&[same, lower, higher], false),
    ] {
        let settings = settings(change);
        let given = given(&settings, attack("ping-flood"));
        let told = given.others_first(limit, &first);
        assert_eq!(told.is_some(), is_excused, "{change:?}: {told:?}");
    }
    let mute = ["deadlines.first_message".to_owned()];
    for (change, is_excused) in [("3s", true), ("0", false)] {
        let settings = settings(&[&format!("deadlines.first_message={change}")]);
        let told = given(&settings, attack("idle-people")).others_first("deadlines.idle", &mute);
        assert_eq!(told.is_some(), is_excused, "{change}: {told:?}");
    }
}
