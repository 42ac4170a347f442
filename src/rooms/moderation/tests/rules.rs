//! The rules one by one, as the issue names them.

use super::*;
use crate::rooms::record::{Deleter, MessageChange};

const NOW: Wall = Wall::from_millis(5000);

fn act(text: &str) -> Act {
    let text = format!("{{\"room\":\"room\",{text}}}");
    let request = v1::parse(&text, &Bounds::default()).expect("a request");
    let Command::Room { command, .. } = &request.command else {
        panic!("{text}");
    };
    Act::of(command).expect("a change")
}

fn wanted(lasting: &Lasting, who: &str, text: &str) -> Result<Planned, RoomRefusal> {
    judge(
        "room",
        lasting,
        &actor(lasting, who, NOW),
        &act(text),
        &CEILINGS,
        NOW,
    )
}

fn code(lasting: &Lasting, who: &str, text: &str) -> &'static str {
    wanted(lasting, who, text)
        .err()
        .map_or("done", |refusal| refusal.code())
}

fn done(lasting: &mut Lasting, who: &str, text: &str) -> Planned {
    let planned =
        wanted(lasting, who, text).unwrap_or_else(|refusal| panic!("{who} {text}: {refusal:?}"));
    apply(lasting, &planned.change, NOW);
    planned
}

/// Olga owns it, Mia and Ned moderate, Ann is a member.
fn peopled() -> Lasting {
    let mut lasting = founded(RoomKind::Public, true);
    for (user, affiliation) in [
        ("mia", "moderator"),
        ("ned", "moderator"),
        ("ann", "member"),
    ] {
        let text = format!(r#""type":"affiliate","user":"{user}","affiliation":"{affiliation}""#);
        done(&mut lasting, "olga", &text);
    }
    lasting
}

#[test]
fn no_one_acts_on_somebody_of_an_equal_or_higher_affiliation() {
    let lasting = peopled();
    for kind in ["kick", "ban", "mute", "purge", "unban", "unmute"] {
        for (who, user, expected) in [
            ("mia", "olga", "outranked"),
            ("mia", "ned", "outranked"),
            ("ann", "bob", "forbidden"),
            (
                "ann",
                "ann",
                if matches!(kind, "purge") { "done" } else { "" },
            ),
            ("bob", "ann", "forbidden"),
            (TOKEN_MODERATOR, "mia", "outranked"),
        ] {
            let text = format!(r#""type":"{kind}","user":"{user}""#);
            if !expected.is_empty() {
                assert_eq!(code(&lasting, who, &text), expected, "{who} {text}");
            }
        }
    }
    assert_eq!(
        code(&lasting, "olga", r#""type":"kick","user":"mia""#),
        "done"
    );
    assert_eq!(
        code(&lasting, "mia", r#""type":"kick","user":"nobody here""#),
        "done"
    );
}

/// What each word of a credential that lists it alone lets its holder do, whom the room knows nothing of.
#[test]
fn a_word_of_a_credential_allows_what_it_says_and_nothing_else() {
    use Capability::{Configure, Invite, Moderate, Send};
    let mut lasting = peopled();
    done(&mut lasting, "mia", r#""type":"mute","user":"ann""#);
    let acts: [(&str, &[Capability]); 21] = [
        (r#""type":"update","topic":"x""#, &[Configure]),
        (r#""type":"update","kind":"members""#, &[Configure]),
        (r#""type":"update","locked":true"#, &[Moderate, Configure]),
        (
            r#""type":"update","slow_mode_ms":5"#,
            &[Moderate, Configure],
        ),
        (r#""type":"raid","for_ms":5"#, &[Moderate, Configure]),
        (r#""type":"archive","archived":true"#, &[Configure]),
        (r#""type":"delete""#, &[Configure]),
        (
            r#""type":"affiliate","user":"dan","affiliation":"member""#,
            &[Moderate, Configure],
        ),
        (
            r#""type":"affiliate","user":"ann","affiliation":"none""#,
            &[Moderate, Configure],
        ),
        (
            r#""type":"affiliate","user":"ann","affiliation":"moderator""#,
            &[Configure],
        ),
        (
            r#""type":"affiliate","user":"ann","affiliation":"owner""#,
            &[Configure],
        ),
        (
            r#""type":"affiliate","user":"mia","affiliation":"member""#,
            &[Configure],
        ),
        (
            r#""type":"affiliate","user":"olga","affiliation":"member""#,
            &[],
        ),
        (r#""type":"transfer","user":"ann""#, &[]),
        (r#""type":"invite","user":"dan""#, &[Invite]),
        (r#""type":"kick","user":"ann""#, &[Moderate]),
        (r#""type":"ban","user":"ann""#, &[Moderate]),
        (r#""type":"mute","user":"ann""#, &[Moderate]),
        (r#""type":"unmute","user":"ann""#, &[Moderate]),
        (r#""type":"purge","user":"ann""#, &[Moderate]),
        (r#""type":"delete_message","seq":1"#, &[Moderate, Send]),
    ];
    for capability in Capability::ALL {
        let claims = RoomClaims::new([("room".into(), Capabilities::of(&[*capability]))]);
        let asker = Asker {
            user: "clerk",
            claims: claims.as_ref(),
        };
        let clerk = Actor {
            user: "clerk".into(),
            capabilities: capabilities("room", &lasting, asker, NOW),
            authority: Authority::Room,
        };
        for (text, allowing) in &acts {
            let judged = judge("room", &lasting, &clerk, &act(text), &CEILINGS, NOW);
            let is_done = judged.is_ok();
            assert_eq!(
                is_done,
                allowing.contains(capability),
                "{capability:?} {text}: {judged:?}"
            );
        }
    }
}

#[test]
fn nobody_bans_mutes_or_kicks_themselves() {
    let lasting = peopled();
    for kind in ["kick", "ban", "mute", "unmute", "invite", "transfer"] {
        let text = format!(r#""type":"{kind}","user":"olga""#);
        assert_eq!(code(&lasting, "olga", &text), "oneself", "{kind}");
    }
}

#[test]
fn a_moderator_does_not_lift_their_own_mute() {
    let mut lasting = peopled();
    done(&mut lasting, "olga", r#""type":"mute","user":"mia""#);
    assert_eq!(
        code(&lasting, "mia", r#""type":"unmute","user":"mia""#),
        "oneself"
    );
    assert_eq!(
        code(&lasting, "ned", r#""type":"unmute","user":"mia""#),
        "outranked"
    );
    done(&mut lasting, "olga", r#""type":"unmute","user":"mia""#);
}

#[test]
fn the_last_owner_goes_when_there_is_a_successor() {
    let mut lasting = peopled();
    assert_eq!(code(&lasting, "olga", r#""type":"resign""#), "last_owner");
    let text = r#""type":"affiliate","user":"olga","affiliation":"member""#;
    assert_eq!(code(&lasting, "olga", text), "last_owner");
    done(
        &mut lasting,
        "olga",
        r#""type":"affiliate","user":"mia","affiliation":"owner""#,
    );
    let text = r#""type":"affiliate","user":"mia","affiliation":"none""#;
    assert_eq!(code(&lasting, "olga", text), "outranked");
    done(&mut lasting, "olga", r#""type":"resign""#);
    done(&mut lasting, "mia", r#""type":"transfer","user":"ned""#);
    assert_eq!(lasting.standing("ned").held, Affiliation::Owner);
    assert_eq!(lasting.standing("mia").held, Affiliation::Moderator);
    assert_eq!(lasting.standing("olga"), Standing::default());
}

#[test]
fn an_owner_neither_lifts_nor_shortens_what_the_operator_decided() {
    let mut lasting = peopled();
    done(&mut lasting, OPERATOR, r#""type":"ban","user":"bob""#);
    done(&mut lasting, OPERATOR, r#""type":"mute","user":"ann""#);
    for text in [
        r#""type":"unban","user":"bob""#,
        r#""type":"ban","user":"bob","for_ms":1"#,
        r#""type":"unmute","user":"ann""#,
        r#""type":"mute","user":"ann","for_ms":1"#,
    ] {
        assert_eq!(code(&lasting, "olga", text), "operator_ban", "{text}");
    }
    for text in [
        r#""type":"invite","user":"bob""#,
        r#""type":"affiliate","user":"bob","affiliation":"member""#,
        r#""type":"transfer","user":"bob""#,
    ] {
        assert_eq!(code(&lasting, "olga", text), "target_banned", "{text}");
    }
    done(&mut lasting, OPERATOR, r#""type":"unban","user":"bob""#);
}

#[test]
fn a_crowd_that_fills_the_room_does_not_keep_anybody_from_banning_it() {
    let mut lasting = peopled();
    done(
        &mut lasting,
        "olga",
        r#""type":"update","join_rule":"knock""#,
    );
    done(&mut lasting, "bob", r#""type":"knock""#);
    assert_eq!(lasting.standings.len(), PEOPLE_MAX);
    assert_eq!(code(&lasting, "cid", r#""type":"knock""#), "room_full");
    done(&mut lasting, "mia", r#""type":"ban","user":"cid""#);
    done(&mut lasting, "mia", r#""type":"mute","user":"dan""#);
}

#[test]
fn an_invitation_and_a_knock_are_taken_back_by_whom_they_concern() {
    let mut lasting = founded(RoomKind::Members, true);
    done(&mut lasting, "olga", r#""type":"invite","user":"ann""#);
    assert!(rights(&lasting, "ann", NOW).contains(Capability::Join));
    done(&mut lasting, "ann", r#""type":"withdraw","user":"ann""#);
    assert_eq!(rights(&lasting, "ann", NOW), Capabilities::NONE);
    done(
        &mut lasting,
        "olga",
        r#""type":"update","join_rule":"knock""#,
    );
    done(&mut lasting, "bob", r#""type":"knock""#);
    assert_eq!(
        code(&lasting, "ann", r#""type":"withdraw","user":"bob""#),
        "forbidden"
    );
    done(&mut lasting, "bob", r#""type":"withdraw","user":"bob""#);
    done(&mut lasting, "bob", r#""type":"knock""#);
    done(&mut lasting, "olga", r#""type":"approve","user":"bob""#);
    assert_eq!(lasting.standing("bob").held, Affiliation::Member);
}

#[test]
fn a_room_that_nobody_sees_is_not_knocked_at() {
    let lasting = founded(RoomKind::Private, true);
    assert_eq!(code(&lasting, "bob", r#""type":"knock""#), "unknown_room");
    let text = r#""type":"update","join_rule":"knock""#;
    assert_eq!(code(&lasting, "olga", text), "fixed");
}

#[test]
fn settings_stay_below_what_the_operator_allows() {
    let lasting = peopled();
    for text in [
        r#""type":"update","members_max":6"#,
        r#""type":"update","message_characters_max":501"#,
        r#""type":"update","retention_messages":1001"#,
        r#""type":"update","retention_ms":3600001"#,
    ] {
        assert_eq!(code(&lasting, "olga", text), "above_ceiling", "{text}");
        assert_eq!(code(&lasting, "mia", text), "forbidden", "{text}");
    }
    assert_eq!(
        code(&lasting, "olga", r#""type":"update","kind":"private""#),
        "fixed"
    );
    assert_eq!(code(&lasting, "olga", r#""type":"update""#), "already");
    // A ceiling that was lowered since keeps nobody from changing what is not above it.
    let mut above = peopled();
    above.settings.members_max = 6;
    above.settings.retention_messages = 1001;
    for (user, text, expected) in [
        ("olga", r#""topic":"x""#, "done"),
        ("mia", r#""locked":true"#, "done"),
        ("olga", r#""topic":"x","members_max":6"#, "done"),
        ("olga", r#""members_max":7"#, "above_ceiling"),
        ("olga", r#""members_max":5"#, "done"),
    ] {
        let text = format!(r#""type":"update",{text}"#);
        assert_eq!(code(&above, user, &text), expected, "{text}");
    }
    let quiet = r#""type":"update","locked":true,"slow_mode_ms":5"#;
    assert_eq!(code(&lasting, "mia", quiet), "done");
    assert_eq!(
        code(&lasting, "mia", r#""type":"update","topic":"x""#),
        "forbidden"
    );
}

#[test]
fn what_the_operator_makes_is_owned_by_nobody() {
    let patch = RoomPatch::default();
    let (record, entry) = plan_room("room", &patch, &"".into(), &CEILINGS, NOW).unwrap();
    assert!(record.standings.is_empty());
    assert_eq!(entry.authority, Authority::Operator);
}

#[test]
fn the_log_of_a_room_begins_with_whoever_made_it() {
    let patch = RoomPatch::default();
    let (record, entry) = plan_room("room", &patch, &"olga".into(), &CEILINGS, NOW).unwrap();
    assert_eq!((&*entry.action, &*entry.actor), ("create", "olga"));
    assert_eq!(&*entry.details, "kind=public");
    assert_eq!(entry.authority, Authority::Room);
    assert_eq!(record.created_by, entry.actor);
}

#[test]
fn whoever_deletes_a_message_spares_those_of_their_own_rank_and_above_and_the_log_says_which() {
    let request = r#""type":"delete_message","seq":7,"reason":"noise""#;
    for (who, expected) in [("mia", &["ned", "olga"][..]), ("olga", &[])] {
        let planned = wanted(&peopled(), who, request).unwrap();
        let Some(MessageChange::Delete {
            seq: 7,
            by: Deleter::Moderator { spared },
        }) = planned.change.messages
        else {
            panic!("{:?}", planned.change);
        };
        let spared: Vec<&str> = spared.iter().map(|user| &**user).collect();
        assert_eq!(spared, expected, "{who}");
        let entry = planned.change.entry.expect("an entry");
        assert_eq!((entry.seq, &*entry.reason), (Some(7), "noise"));
    }
}

#[test]
fn the_log_says_until_when_newcomers_have_to_knock() {
    let mut lasting = peopled();
    for (for_ms, until) in [(1000, Some(Wall::from_millis(6000))), (0, None)] {
        let raid = format!(r#""type":"raid","for_ms":{for_ms}"#);
        let planned = done(&mut lasting, "mia", &raid);
        let entry = planned.change.entry.expect("an entry");
        assert_eq!((&*entry.action, entry.until), ("raid", until));
    }
}

#[test]
fn whoever_comes_in_as_invited_is_logged_as_belonging_to_the_room() {
    let mut lasting = peopled();
    done(&mut lasting, "olga", r#""type":"invite","user":"zoe""#);
    let zoe = actor(&lasting, "zoe", NOW);
    let planned = judge("room", &lasting, &zoe, &Act::Accept, &CEILINGS, NOW).unwrap();
    let entry = planned.change.entry.expect("an entry");
    assert_eq!((&*entry.action, &*entry.target), ("affiliate", "zoe"));
    assert_eq!(&*entry.details, "affiliation=member");
}

#[test]
fn the_log_says_what_was_set_and_for_how_long() {
    let mut lasting = peopled();
    let planned = done(
        &mut lasting,
        "mia",
        r#""type":"ban","user":"bob","for_ms":1000,"reason":"noise""#,
    );
    let entry = planned.change.entry.expect("an entry");
    assert_eq!(
        (&*entry.action, &*entry.target, &*entry.reason),
        ("ban", "bob", "noise")
    );
    assert_eq!(entry.until, Some(Wall::from_millis(6000)));
    let planned = done(
        &mut lasting,
        "olga",
        r#""type":"update","topic":"a\nb","locked":true"#,
    );
    let entry = planned.change.entry.expect("an entry");
    assert_eq!(&*entry.details, "topic=a b\nlocked=true");
    assert_eq!(planned.hold, Hold::Everybody);
}

#[test]
fn a_ban_is_refused_to_those_it_is_about_until_it_ends() {
    let mut lasting = peopled();
    done(
        &mut lasting,
        "mia",
        r#""type":"ban","user":"ann","for_ms":1000"#,
    );
    assert_eq!(rights(&lasting, "ann", NOW), Capabilities::NONE);
    let asker = Asker {
        user: "ann",
        claims: None,
    };
    let decision = permissions::decide("room", &lasting, asker, Capability::See, NOW);
    let told = permissions::refusal(&lasting, "ann", decision, NOW);
    assert_eq!(told.code(), "banned");
    let over = Wall::from_millis(6000);
    assert!(rights(&lasting, "ann", over).contains(Capability::Join));
    assert_eq!(lasting.standing("ann").affiliation(over), Affiliation::None);
}
