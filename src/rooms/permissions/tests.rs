use std::time::Duration;

use super::*;
use crate::rooms::settings::Settings;
use crate::rooms::standing::{Authority, Sanction, Standing};

const NOW: Wall = Wall::from_millis(1_000_000);

fn sanction(ms: u64) -> Sanction {
    Sanction {
        until: Some(NOW.after(Duration::from_millis(ms))),
        reason: "noise".into(),
        by: "olga".into(),
        authority: Authority::Room,
    }
}

/// Everything that a decision looks at.
#[derive(Debug, Clone, Copy)]
struct Case {
    kind: RoomKind,
    rule: JoinRule,
    affiliation: Affiliation,
    is_invited: bool,
    is_muted: bool,
    is_locked: bool,
    is_archived: bool,
    is_raided: bool,
    /// `None`: the credential says nothing of the room.
    claimed: Option<Capabilities>,
}

impl Case {
    fn lasting(&self) -> Lasting {
        let mut settings = Settings::new(self.kind, true);
        settings.join_rule = self.rule;
        settings.is_locked = self.is_locked;
        settings.is_archived = self.is_archived;
        settings.raid_until = self.is_raided.then(|| NOW.after(Duration::from_millis(1)));
        let is_banned = self.affiliation == Affiliation::Banned;
        let standing = Standing {
            held: if is_banned {
                Affiliation::None
            } else {
                self.affiliation
            },
            ban: is_banned.then(|| sanction(1)),
            mute: self.is_muted.then(|| sanction(1)),
            is_invited: self.is_invited,
            ..Standing::default()
        };
        let mut lasting = Lasting::configured(settings);
        lasting.standings = [("ann".into(), standing)].into_iter().collect();
        lasting
    }

    fn decide(&self, capability: Capability) -> Decision {
        let patterns = self.claimed.map(|claimed| ("room".into(), claimed));
        let claims = RoomClaims::new(patterns).expect("one pattern");
        let asker = Asker {
            user: "ann",
            claims: Some(&claims),
        };
        decide("room", &self.lasting(), asker, capability, NOW)
    }

    /// The page's table of precedence, read slowly: the first opinion counts.
    fn reference(&self, capability: Capability) -> (bool, &'static str) {
        use Affiliation as A;
        let word = capability.word();
        let is_sending = word == "send";
        let listed: Option<Vec<&str>> = self
            .claimed
            .map(|claimed| claimed.iter().map(Capability::word).collect());
        let moderates = self.affiliation >= A::Moderator
            || listed
                .as_ref()
                .is_some_and(|listed| listed.contains(&"moderate"));
        let brought: &[&str] = match self.affiliation {
            A::Banned | A::None => &[],
            A::Member => &["see", "join", "read", "send"],
            A::Moderator => &["see", "join", "read", "send", "invite", "moderate"],
            A::Owner => &[
                "see",
                "join",
                "read",
                "send",
                "invite",
                "moderate",
                "configure",
            ],
        };
        let is_open = self.kind == RoomKind::Public && self.rule == JoinRule::Open;
        let defaults: &[&str] = match (self.kind, self.rule) {
            (RoomKind::Public, JoinRule::Open) => &["see", "join", "read", "send"],
            (RoomKind::Public, _) => &["see", "send"],
            (RoomKind::Members, JoinRule::Knock) => &["see"],
            _ => &[],
        };
        let opinions = [
            (self.affiliation == A::Banned).then_some((false, "banned")),
            (is_sending && self.is_muted).then_some((false, "muted")),
            (is_sending && self.is_archived).then_some((false, "archived")),
            (is_sending && self.is_locked && !moderates).then_some((false, "locked")),
            listed
                .as_ref()
                .is_some_and(|listed| {
                    listed.contains(&word) || (word == "see" && !listed.is_empty())
                })
                .then_some((true, "claimed")),
            brought
                .contains(&word)
                .then(|| (true, self.affiliation.word())),
            (self.is_invited && ["see", "join"].contains(&word)).then_some((true, "invited")),
            listed.is_some().then_some((false, "not_claimed")),
            self.is_archived.then_some((false, "archived")),
            (is_open && self.is_raided && word == "join").then_some((false, "raid")),
        ];
        let said = opinions.into_iter().flatten().next();
        said.unwrap_or((defaults.contains(&word), "default"))
    }
}

/// Every case there is.
fn cases() -> impl Iterator<Item = Case> {
    let claims = std::iter::once(None).chain([
        Some(Capabilities::NONE),
        Some(Capabilities::of(&[Capability::Read])),
        Some(Capabilities::of(&[Capability::Join, Capability::Send])),
        Some(Capabilities::of(&[Capability::Moderate])),
        Some(Capabilities::of(Capability::ALL)),
    ]);
    let claims: Vec<_> = claims.collect();
    let mut all = Vec::new();
    for kind in RoomKind::ALL {
        for rule in JoinRule::ALL {
            for affiliation in Affiliation::ALL {
                for claimed in &claims {
                    for bits in 0..32_u8 {
                        let is = |bit: u8| bits & 1 << bit != 0;
                        all.push(Case {
                            kind: *kind,
                            rule: *rule,
                            affiliation: *affiliation,
                            is_invited: is(0),
                            is_muted: is(1),
                            is_locked: is(2),
                            is_archived: is(3),
                            is_raided: is(4),
                            claimed: *claimed,
                        });
                    }
                }
            }
        }
    }
    all.into_iter()
}

#[test]
fn every_decision_is_the_one_of_the_documented_order() {
    let mut count = 0;
    for case in cases() {
        for capability in Capability::ALL {
            let decision = case.decide(*capability);
            let found = (decision.is_allowed, decision.reason.word());
            assert_eq!(
                found,
                case.reference(*capability),
                "{capability:?} {case:?}"
            );
            assert_eq!(decision.capability, *capability);
            count += 1;
        }
    }
    assert_eq!(count, 3 * 3 * 5 * 6 * 32 * 8);
}

#[test]
fn whoever_may_do_anything_in_a_room_may_know_of_it() {
    for case in cases() {
        let may = |capability: &Capability| case.decide(*capability).is_allowed;
        if Capability::ALL.iter().any(may) {
            assert!(may(&Capability::See), "{case:?}");
        }
    }
}

#[test]
fn a_higher_affiliation_takes_nothing_away() {
    for case in cases() {
        for capability in Capability::ALL {
            let higher = Affiliation::ALL
                .iter()
                .filter(|affiliation| **affiliation > case.affiliation);
            for affiliation in higher {
                let raised = Case {
                    affiliation: *affiliation,
                    ..case
                };
                let before = case.decide(*capability).is_allowed;
                assert!(!before || raised.decide(*capability).is_allowed, "{case:?}");
            }
        }
    }
}

#[test]
fn a_credential_that_names_the_room_for_nothing_takes_away_what_everybody_may_and_no_affiliation() {
    for case in cases().filter(|case| case.claimed.is_none()) {
        let named = Case {
            claimed: Some(Capabilities::NONE),
            ..case
        };
        for capability in Capability::ALL {
            let (before, after) = (case.decide(*capability), named.decide(*capability));
            let is_by_default = matches!(before.reason, Reason::Default | Reason::Raid);
            assert!(
                before.is_allowed == after.is_allowed || is_by_default,
                "{case:?}"
            );
            assert!(!after.is_allowed || !is_by_default, "{case:?}");
        }
    }
}

const PLAIN: Case = Case {
    kind: RoomKind::Public,
    rule: JoinRule::Open,
    affiliation: Affiliation::None,
    is_invited: false,
    is_muted: false,
    is_locked: false,
    is_archived: false,
    is_raided: false,
    claimed: None,
};

fn told(case: Case, capability: Capability) -> RoomRefusal {
    let decision = case.decide(capability);
    assert!(!decision.is_allowed, "{case:?}");
    refusal(&case.lasting(), "ann", decision, NOW)
}

#[test]
fn who_is_kept_out_is_told_what_helps() {
    let banned = Case {
        affiliation: Affiliation::Banned,
        ..PLAIN
    };
    assert!(matches!(
        told(banned, Capability::Join),
        RoomRefusal::Banned { until: Some(_), reason } if &*reason == "noise"
    ));
    let secret = Case {
        kind: RoomKind::Members,
        rule: JoinRule::Knock,
        ..banned
    };
    assert_eq!(told(secret, Capability::Join), RoomRefusal::UnknownRoom);
    let knocking = Case {
        rule: JoinRule::Knock,
        ..PLAIN
    };
    assert_eq!(told(knocking, Capability::Join), RoomRefusal::KnockRequired);
    assert_eq!(
        told(knocking, Capability::Configure),
        RoomRefusal::Forbidden
    );
    let raided = Case {
        is_raided: true,
        ..PLAIN
    };
    assert_eq!(told(raided, Capability::Join), RoomRefusal::KnockRequired);
    let muted = Case {
        is_muted: true,
        affiliation: Affiliation::Owner,
        ..PLAIN
    };
    assert!(matches!(
        told(muted, Capability::Send),
        RoomRefusal::Muted { until: Some(_), .. }
    ));
    let archived = Case {
        is_archived: true,
        affiliation: Affiliation::Member,
        ..PLAIN
    };
    assert_eq!(told(archived, Capability::Send), RoomRefusal::RoomArchived);
    assert_eq!(told(archived, Capability::Moderate), RoomRefusal::Forbidden);
    let locked = Case {
        is_locked: true,
        ..PLAIN
    };
    assert_eq!(told(locked, Capability::Send), RoomRefusal::RoomLocked);
}

#[test]
fn a_ban_a_mute_and_a_raid_end_by_themselves() {
    let case = Case {
        is_muted: true,
        is_raided: true,
        affiliation: Affiliation::Banned,
        ..PLAIN
    };
    let asker = Asker {
        user: "ann",
        claims: None,
    };
    let lasting = case.lasting();
    let at = |ms| NOW.after(Duration::from_millis(ms));
    let all = |now| capabilities("room", &lasting, asker, now);
    assert_eq!(all(at(0)), Capabilities::NONE);
    use Capability::{Join, Read, See, Send};
    assert_eq!(all(at(1)), Capabilities::of(&[See, Join, Read, Send]));
}
