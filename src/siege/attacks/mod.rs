//! Every attack there is, by family. To add one: a row in the table of its family.

mod connecting;
mod credentials;
mod crowds;
mod frames;
mod heads;
mod narrow;
mod rooms;
mod texts;
mod tls;

use super::SiegeError;
use super::attack::{Attack, From, Outcome, STRANGERS};
use super::bounds::{NETWORKS_BETWEEN_TRIES, TRIES_MAX};

/// Its sockets and connections of each attack when all come at once: so many times fewer.
const SHARE: usize = 8;

/// A measure of the measure: what the figures are when nobody attacks.
const NOBODY: Attack = Attack {
    name: "nobody",
    what: "No attack: how much the figures differ between two calms",
    sockets: 0,
    ..STRANGERS
};

const EVERYTHING: Attack = Attack {
    name: "everything",
    what: "All the others at once, those over TLS where the server speaks it, each with an eighth of its sockets and the settings as they are",
    from: From::Network,
    // Besides what each expects: they fill the same tables.
    expect: &[
        Outcome::Held,
        Outcome::Status(429),
        Outcome::Status(503),
        Outcome::Close(1008),
        Outcome::Close(1013),
        // Whoever is not signed in makes room for the next.
        Outcome::Ended,
        Outcome::Reset,
    ],
    slowdown_max: 5.0,
    ..STRANGERS
};

const FAMILIES: [&[Attack]; 11] = [
    &[NOBODY],
    &connecting::ATTACKS,
    &tls::ATTACKS,
    &heads::ATTACKS,
    &credentials::ATTACKS,
    &frames::ATTACKS,
    &texts::ATTACKS,
    &rooms::ATTACKS,
    &crowds::ATTACKS,
    &narrow::ATTACKS,
    &[EVERYTHING],
];

/// All of them, in the order in which they are made.
pub(super) fn all() -> impl Iterator<Item = &'static Attack> {
    FAMILIES.into_iter().flatten()
}

/// Those that are to reach this limit: who has it first, and where nobody does, who has it at all.
pub(super) fn on(limit: &str) -> impl Iterator<Item = &'static Attack> {
    let has_first = |attack: &Attack| attack.limits.first() == Some(&limit);
    let is_any_first = all().any(has_first);
    all().filter(move |attack| match attack.limits {
        [first, ..] if is_any_first => *first == limit,
        limits => !is_any_first && limits.contains(&limit),
    })
}

/// Which one it is of all.
pub(super) fn number(attack: &Attack) -> u8 {
    let before = all().take_while(|other| other.name != attack.name);
    before.count() as u8
}

/// Which it is in a round of those that are made to see what stays: none of another attack's, nor of another try.
pub(super) fn number_in_round(round: u8) -> u8 {
    TRIES_MAX * NETWORKS_BETWEEN_TRIES + round
}

/// Whether it is all the others at once.
pub(super) fn is_everything(attack: &Attack) -> bool {
    attack.name == EVERYTHING.name
}

/// Those of these names; without names all.
pub(super) fn chosen(names: &[String]) -> Result<Vec<&'static Attack>, SiegeError> {
    if names.is_empty() {
        return Ok(all().collect());
    }
    let find = |name: &String| {
        all().find(|attack| attack.name == name).ok_or_else(|| {
            let there_are: Vec<&str> = all().map(|attack| attack.name).collect();
            SiegeError::Attack(name.clone(), there_are.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Whether all of these are names of attacks.
///
/// # Errors
/// [`SiegeError::Attack`] with the first that is none.
pub fn expect_known(names: &[String]) -> Result<(), SiegeError> {
    chosen(names).map(|_| ())
}

/// What an attack is made of: itself, or a part of all the others.
pub(super) fn parts(attack: &Attack, has_tls: bool) -> Vec<Attack> {
    if !is_everything(attack) {
        return vec![*attack];
    }
    let others = all().filter(|other| other.sockets > 0 && (has_tls || !other.wire.needs_tls()));
    let others = others.filter(|other| !is_everything(other));
    others
        .map(|other| Attack {
            sockets: (other.sockets / SHARE).max(1),
            connects_per_second: (other.connects_per_second / SHARE as u32).max(1),
            ..*other
        })
        .collect()
}

/// How a flood of somebody signed in may end: told, slowed down by not being read, or refused when it comes again.
const SLOWED: &[Outcome] = &[Outcome::Held, Outcome::Close(1008), Outcome::Status(429)];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::attack::{Aim, Entry, Pace};
    use super::super::bounds::{CONNECTS_PER_SECOND_MAX, ROUNDS, SOCKETS_MAX, USERS_MAX};
    use super::super::report;
    use super::*;
    use crate::config::reference;

    #[test]
    fn every_attack_has_a_name_of_its_own_stays_in_bounds_and_names_settings_that_exist() {
        let names: BTreeSet<&str> = all().map(|attack| attack.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(names.len() < 256, "each has a /24 of its own");
        let settings = reference();
        for attack in all() {
            assert!(attack.sockets <= SOCKETS_MAX, "{}", attack.name);
            assert!(
                attack.connects_per_second <= CONNECTS_PER_SECOND_MAX,
                "{}",
                attack.name
            );
            assert!(
                !attack.what.is_empty() && !attack.what.ends_with('.'),
                "{}",
                attack.name
            );
            if let Entry::SignedIn(users) = attack.entry {
                assert!((1..=USERS_MAX).contains(&users), "{}", attack.name);
            }
            for limit in attack.limits {
                let (_, key) = limit.split_once('.').expect("a section and a key");
                assert!(
                    settings.contains(&format!("| `{key}` |")),
                    "{}: {limit}",
                    attack.name
                );
            }
        }
    }

    #[test]
    fn every_shot_sends_something_and_none_too_much() {
        for attack in all().filter(|attack| attack.shots > 0) {
            for connection in 0..8 {
                let mut sent = Vec::new();
                for shot in 0..attack.shots.min(16) {
                    let aim = Aim {
                        shot,
                        connection,
                        token: "aaa.bbb.ccc",
                        expired: "ddd.eee.fff",
                        ticket: "t",
                        lobby: "lobby",
                        room: "general",
                    };
                    (attack.shot)(&aim, &mut sent);
                }
                assert!(
                    attack.sockets == 0 || attack.name == "everything" || !sent.is_empty(),
                    "{}",
                    attack.name
                );
                assert!(sent.len() <= 16 * 128 * 1024, "{}", attack.name);
            }
            assert!(attack.pace == Pace::FlatOut || attack.shots > 0);
        }
    }

    #[test]
    fn no_try_and_no_round_comes_from_where_another_attack_does() {
        let last = all().last().map(number).expect("attacks");
        assert!(last < NETWORKS_BETWEEN_TRIES);
        assert!(last + (TRIES_MAX - 1) * NETWORKS_BETWEEN_TRIES < number_in_round(0));
        assert!(u16::from(number_in_round(0)) + 2 * u16::from(ROUNDS) <= 256);
    }

    #[test]
    fn everything_is_all_the_others_but_those_over_tls_where_there_is_none() {
        let everything = all().find(|attack| attack.name == EVERYTHING.name);
        let everything = everything.expect("the last");
        let names = |has_tls| -> BTreeSet<&str> {
            let parts = parts(everything, has_tls);
            parts.iter().map(|part| part.name).collect()
        };
        let [plain, sealed] = [false, true].map(names);
        assert_eq!(sealed.len(), all().count() - 2, "neither itself nor nobody");
        for name in ["slow-reader", "never-pong", "stalled-reader", "full-house"] {
            assert!(plain.contains(name), "{name}");
        }
        for name in ["half-tls", "slow-tls", "tls-churn"] {
            assert!(sealed.contains(name) && !plain.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_compared_at_the_end_exists() {
        for name in [report::BAD_TOKEN, report::SIGN_IN] {
            assert!(all().any(|attack| attack.name == name), "{name}");
        }
    }

    #[test]
    fn attacks_are_found_by_name_and_strange_names_are_told() {
        let names = ["ping-flood".to_owned(), "nobody".to_owned()];
        let found = chosen(&names).expect("both exist");
        assert_eq!(
            found.iter().map(|attack| attack.name).collect::<Vec<_>>(),
            names
        );
        let told = chosen(&["pong".to_owned()])
            .err()
            .expect("no such attack")
            .to_string();
        assert!(
            told.contains("\"pong\"") && told.contains("pong-flood"),
            "{told}"
        );
        assert_eq!(chosen(&[]).expect("all").len(), all().count());
    }
}
