use super::*;
use crate::config::reference;

#[test]
fn every_limit_there_is_is_attacked_or_has_a_reason_why_not() {
    let reference = reference();
    let (_, section) = reference.split_once("`[limits]`").expect("the section");
    let rows = section.lines().skip_while(|line| !line.starts_with("| `"));
    let names = rows.map_while(|line| line.strip_prefix("| `")?.split('`').next());
    let mut count = 0;
    for name in names {
        count += 1;
        let name = format!("limits.{name}");
        let is_beyond = matches!(proof(&name), Some(Proof::Never(_)));
        assert!(is_beyond || attacks::on(&name).next().is_some(), "{name}");
    }
    assert!(count > 30, "{count}");
}

#[test]
fn a_limit_that_was_to_be_reached_and_was_not_has_failed() {
    let mut limit = Limit::new(
        "limits.connections_per_user".to_owned(),
        "3".to_owned(),
        &[],
    );
    limit.note("ping-flood", None, None);
    assert_eq!(limit.verdict(), Standing::NotTried);
    assert!(
        limit.line().starts_with(
            "-            limits.connections_per_user = 3 [says no to one-user-everywhere] not tried"
        ),
        "{}",
        limit.line()
    );
    limit.note("one-user-everywhere", None, None);
    assert_eq!(limit.verdict(), Standing::Failed);
    assert!(
        limit
            .line()
            .ends_with(" not reached by one-user-everywhere")
    );
    limit.note(
        "everything",
        Some(&Shown {
            said_no: 7,
            is_rehearsed: false,
            most: None,
        }),
        None,
    );
    assert_eq!(limit.verdict(), Standing::Held);
    assert!(limit.line().ends_with(" said no 7 times: everything"));
}

#[test]
fn a_limit_that_is_rehearsed_is_judged_by_its_being_counted() {
    let shown = Shown {
        said_no: 7,
        is_rehearsed: false,
        most: Some(30),
    };
    for (name, rehearsed) in [
        ("limits.messages_per_user", "messages_per_user"),
        ("limits.penalty_max", "offences_per_address"),
    ] {
        let [by, ..] = attacks::on(name).map(|on| on.name).collect::<Vec<_>>()[..] else {
            panic!("{name} is attacked");
        };
        let mut limit = Limit::new(name.to_owned(), "3".to_owned(), &[rehearsed]);
        limit.note(by, None, None);
        assert!(limit.line().starts_with("FAILED "), "{}", limit.line());
        limit.note(by, Some(&shown), None);
        let line = limit.line();
        assert!(line.starts_with("held "), "{line}");
        assert!(
            line.contains(&format!(
                "[rehearsed: counts {by} and lets it pass] counted 7 times, not enforced: "
            )),
            "{line}"
        );
    }
    let mut other = Limit::new(
        "limits.commands_per_user".to_owned(),
        "3".to_owned(),
        &["messages_per_user"],
    );
    assert!(other.line().contains("[says no to "), "{}", other.line());
    // A server that runs says itself that it only counts.
    let counted = Shown {
        is_rehearsed: true,
        ..shown
    };
    other.note("room-join-storm", Some(&counted), None);
    assert!(
        other.line().contains(" counted 7 times, not enforced: "),
        "{}",
        other.line()
    );
}

#[test]
fn a_limit_that_was_passed_has_failed_however_often_it_said_no() {
    let line = |most| {
        let mut limit = Limit::new("limits.connections_max".to_owned(), "10000".to_owned(), &[]);
        limit.note(
            "full-house",
            Some(&Shown {
                said_no: 9,
                is_rehearsed: false,
                most: Some(most),
            }),
            None,
        );
        limit.line()
    };
    assert!(line(300).starts_with("held         "), "{}", line(300));
    assert!(line(300).ends_with("said no 9 times, 300 at most: full-house at 300"));
    assert!(line(301).starts_with("FAILED       "), "{}", line(301));
}

#[test]
fn whose_a_limit_is_does_not_pass_for_a_limit_that_said_no() {
    let attack = super::super::attacks::all()
        .find(|attack| attack.name == "byte-flood")
        .expect("an attack");
    let line = "wardroom_limited_total{limit=\"commands_per_user\",scope=\"user\"} 7";
    let (before, after) = (Counters::default(), Counters::read(line));
    assert_eq!(risen(&before, &after, attack), ["limits.commands_per_user"]);
    let line = "wardroom_limited_total{limit=\"deadlines.idle\",scope=\"connection\"} 7";
    let after = Counters::read(line);
    assert_eq!(risen(&before, &after, attack), ["deadlines.idle"]);
}

#[test]
fn whatever_says_no_in_an_attack_is_told_by_its_name_though_the_attack_is_on_another() {
    let attack = attacks::all().find(|attack| attack.name == "never-pong");
    let attack = attack.expect("an attack");
    let after = Counters::read(
        "wardroom_limited_total{limit=\"deadlines.idle\",scope=\"connection\"} 22\n\
         wardroom_limited_total{limit=\"requests_per_connection_max\",scope=\"connection\"} 9\n",
    );
    let found = shown(
        attack,
        &Evidence {
            before: &Counters::default(),
            height: &after,
            after: &after,
            told: &BTreeMap::new(),
            connections: 50,
        },
    );
    let told = |name: &str| {
        let one = found.iter().find(|(shown, _)| shown == name);
        one.map(|(_, shown)| shown.said_no)
    };
    assert_eq!(told("deadlines.idle"), Some(22));
    assert_eq!(told("limits.requests_per_connection_max"), Some(9));
    assert_eq!(told("deadlines.pong"), None);
}

#[test]
fn a_deadline_that_is_switched_off_has_not_held_whatever_an_attack_with_its_own_showed() {
    let shown = Shown {
        said_no: 16,
        is_rehearsed: false,
        most: None,
    };
    let new = |value: &str| Limit::new("deadlines.unread".to_owned(), value.to_owned(), &[]);
    let mut off = new("0");
    assert_eq!(off.verdict(), Standing::Off, "nothing was tried");
    off.note("stalled-reader", Some(&shown), None);
    assert_eq!(off.verdict(), Standing::Off);
    assert_eq!(
        off.line(),
        "off          deadlines.unread = 0 [off: says no only to stalled-reader, with a value of its own] said no 16 times: stalled-reader at 1s"
    );
    let json = serde_json::to_value(&off).expect("JSON");
    assert_eq!(json["verdict"], "off");
    // It does not work where it is on, either.
    let mut missed = new("0");
    missed.note("stalled-reader", None, None);
    assert_eq!(missed.verdict(), Standing::Failed);
    let mut on = new("\"30s\"");
    on.note("stalled-reader", Some(&shown), None);
    assert_eq!(on.verdict(), Standing::Held);
}

#[test]
fn an_attack_whose_counters_are_not_known_was_made_all_the_same() {
    let mut limit = Limit::new("limits.pauses_max".to_owned(), "5".to_owned(), &[]);
    limit.note_unseen("ping-flood");
    assert!(limit.line().ends_with(" not tried"), "{}", limit.line());
    limit.note_unseen("nonsense-for-ever");
    assert!(
        limit
            .line()
            .ends_with(" not seen without counters: nonsense-for-ever"),
        "{}",
        limit.line()
    );
    assert_eq!(limit.verdict(), Standing::NotTried);
}

#[test]
fn a_limit_that_said_no_at_another_value_alone_has_not_held_at_the_one_that_was_not_reached() {
    let shown = Shown {
        said_no: 7,
        is_rehearsed: false,
        most: None,
    };
    let name = "limits.glitches_per_connection";
    let new = || {
        Limit::new(
            name.to_owned(),
            "{ burst = 9000, per = \"1s\" }".to_owned(),
            &[],
        )
    };
    let mut limit = new();
    limit.note("tiny-fragments", None, Some("why"));
    limit.note("byte-by-byte", Some(&shown), None);
    assert_eq!(limit.verdict(), Standing::NotReached);
    assert!(
        limit.line().ends_with(
            "] not reached by tiny-fragments (why); said no 7 times: byte-by-byte at { burst = 200, per = \"10s\" }"
        ),
        "{}",
        limit.line()
    );
    let mut limit = new();
    limit.note("byte-by-byte", Some(&shown), None);
    assert_eq!(limit.verdict(), Standing::Held, "no other was made");
    limit.note("tiny-fragments", None, None);
    assert_eq!(limit.verdict(), Standing::Failed);
    limit.note("tiny-fragments", Some(&shown), None);
    assert_eq!(limit.verdict(), Standing::Held);
}

#[test]
fn a_limit_that_the_server_counts_by_name_is_shown_by_that_count() {
    let counters = crate::telemetry::Counters::default();
    let counted: Vec<_> = counters
        .limited
        .rows()
        .map(|([limit, _], _)| limit)
        .collect();
    for (name, proof) in PROOFS {
        let own = name.strip_prefix("limits.").unwrap_or(name);
        if let Proof::Shared(counter) = proof
            && counted.contains(&own)
        {
            assert_eq!(counter, format!("limited:{own}"), "{name}");
        }
    }
    // And every count that an attack is judged by there is.
    let signs = attacks::all().flat_map(|attack| attack.signs);
    for limit in signs.filter_map(|sign| sign.strip_prefix("limited:")) {
        assert!(counted.contains(&limit), "{limit}");
    }
}

#[test]
fn every_limit_that_the_server_counts_is_told_by_a_name_that_a_configuration_can_have() {
    let reference = reference();
    let mut section = "";
    let mut settings = Vec::new();
    for line in reference.lines() {
        if let Some(name) = line.strip_prefix("### `[") {
            section = name.trim_end_matches("]`");
        } else if let Some(key) = line.strip_prefix("| `") {
            let key = key.split('`').next().unwrap_or_default();
            settings.push(format!("{section}.{key}"));
        }
    }
    // What the owner of a room sets, what the kernel has none of, and a server that ends.
    let others = [
        "descriptors",
        "stopping",
        "messages_per_minute",
        "messages_per_minute_per_member",
        "bytes_per_second",
        "joins_per_minute",
        "members_max",
        "slow_mode_ms",
        "cooldown_ms",
    ];
    for ([label, _], _) in crate::telemetry::Counters::default().limited.rows() {
        let name = setting(label);
        let is_known = name == "memory" || settings.contains(&name);
        assert_ne!(others.contains(&label), is_known, "{name}");
    }
}
