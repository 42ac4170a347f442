//! How often honest people say something: as often as a conversation has it, and never so often that a configured limit is theirs.
//! Where no pace is slow enough, it says which setting that is.

use std::time::Duration;

use super::attack::NEIGHBOURS;
use super::bounds::{
    ASK_EVERY, ASK_EVERY_MAX, NEIGHBOUR_EVERY, NEWCOMER_EVERY, TALK_EVERY, TALK_EVERY_MAX, TALKERS,
};
use super::clock::Clock;
use super::{Mint, Setting, SiegeError, TOKEN_TIME, limits};
use crate::config::{Config, Rate};

/// What they take of a limit: the rest is for what comes late and then too close to what follows.
const SHARE: f64 = 0.8;
/// Characters of their longest message.
const CHARACTERS: usize = 24;
/// Bytes of one message or question on the wire, more than any has.
const BYTES: f64 = 256.0;
/// The name of an honest person who is called by more than any other is.
const LONGEST_NAME: &str = "newcomer-255-99999";
/// How long a newcomer may be there.
const VISIT: Duration = Duration::from_secs(4);

/// The pace of honest people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// From one message of a talker to the next.
    pub(super) talk_every: Duration,
    /// From one question of a talker to the next.
    pub(super) ask_every: Duration,
}

/// So many a second, and by which setting no more.
type Bound = (f64, &'static str);

impl Manners {
    /// Those that keep within this configuration, in attacks of this length.
    ///
    /// # Errors
    /// [`SiegeError::TooLow`] with each setting that leaves honest people no room.
    pub fn within(config: &Config, time: Duration) -> Result<Self, SiegeError> {
        let limits = &config.limits;
        let messages = tightest([
            (limits.messages_per_user, 1.0, "limits.messages_per_user"),
            (
                limits.messages_per_connection,
                1.0,
                "limits.messages_per_connection",
            ),
            (
                limits.messages_per_address,
                1.0,
                "limits.messages_per_address",
            ),
        ]);
        let texts = tightest([
            (limits.commands_per_user, 1.0, "limits.commands_per_user"),
            (
                limits.frames_per_connection,
                1.0,
                "limits.frames_per_connection",
            ),
            (
                limits.bytes_per_connection,
                BYTES,
                "limits.bytes_per_connection",
            ),
            (limits.bytes_per_address, BYTES, "limits.bytes_per_address"),
        ]);
        let half = (texts.0 / 2.0, texts.1);
        let (talk, by_talk) = lowest([
            (1.0 / seconds(TALK_EVERY), ""),
            shared(messages),
            shared(half),
        ]);
        let left = (shared(texts).0 - talk, texts.1);
        let (ask, by_ask) = lowest([(1.0 / seconds(ASK_EVERY), ""), left]);
        let manners = Manners {
            talk_every: every(talk).max(TALK_EVERY),
            ask_every: every(ask).max(ASK_EVERY),
        };
        let mut low = Vec::new();
        if manners.talk_every > TALK_EVERY_MAX {
            low.push(format!(
                "{by_talk}: they say something at least once in {} s",
                TALK_EVERY_MAX.as_secs()
            ));
        }
        if manners.ask_every > ASK_EVERY_MAX {
            low.push(format!(
                "{by_ask}: they ask something at least once in {} s",
                ASK_EVERY_MAX.as_secs()
            ));
        }
        low.extend(manners.unmet(config, time));
        if low.is_empty() {
            return Ok(manners);
        }
        Err(SiegeError::TooLow(low.join("\n")))
    }

    /// What else does not let them do what they do.
    fn unmet(self, config: &Config, time: Duration) -> Vec<String> {
        let (limits, deadlines) = (&config.limits, &config.deadlines);
        let visitors = VISIT.div_duration_f64(NEWCOMER_EVERY) as usize;
        let silence = self.talk_every.min(self.ask_every);
        // Neighbours take turns within one attack; everybody comes again for the next.
        let turns = NEWCOMER_EVERY * (NEIGHBOUR_EVERY * NEIGHBOURS) as u32;
        let again = turns.min(time * 2);
        let is_short = |deadline: Duration| !deadline.is_zero() && deadline < silence * 2;
        let rows = [
            (
                limits.message_characters_max < CHARACTERS,
                format!("limits.message_characters_max: their messages have up to {CHARACTERS}"),
            ),
            (
                limits.connections_max < TALKERS + visitors,
                format!(
                    "limits.connections_max: they are up to {}",
                    TALKERS + visitors
                ),
            ),
            (
                limits.unauthenticated_max < TALKERS,
                format!("limits.unauthenticated_max: {TALKERS} of them come at once"),
            ),
            (
                of(limits.handshakes_per_address) * SHARE * seconds(again) < 1.0,
                format!(
                    "limits.handshakes_per_address: each of them comes in again after {} s",
                    again.as_secs()
                ),
            ),
            (
                is_short(deadlines.first_message),
                format!(
                    "deadlines.first_message: they say something every {} ms",
                    silence.as_millis()
                ),
            ),
            (
                is_short(deadlines.idle),
                format!(
                    "deadlines.idle: they say something every {} ms",
                    silence.as_millis()
                ),
            ),
        ];
        let unmet = rows.into_iter().filter(|(is_unmet, _)| *is_unmet);
        unmet.map(|(_, told)| told).collect()
    }

    /// In words, where it is less than usual.
    pub(super) fn told(self) -> Option<String> {
        let usual = Manners {
            talk_every: TALK_EVERY,
            ask_every: ASK_EVERY,
        };
        (self != usual).then(|| {
            let [talk, ask] = [self.talk_every, self.ask_every].map(|every| TALKERS as f64 / seconds(every));
            format!("Honest people keep within the configured limits: {talk:.1} messages and {ask:.1} questions a second of all {TALKERS}, fewer than usual")
        })
    }
}

/// Whether a token of an honest person is as short as the settings want it. It has everybody's issuer and audience in it.
///
/// # Errors
/// [`SiegeError::TooLow`] with the setting, [`SiegeError::Token`] when none can be signed.
pub(super) fn expect_short(mint: Mint<'_>, settings: &[Setting]) -> Result<(), SiegeError> {
    const KEY: &str = "auth.jwt.token_bytes_max";
    let token = mint(LONGEST_NAME, TOKEN_TIME, Clock::today()).map_err(SiegeError::Token)?;
    let mut settings = settings.iter();
    let setting = settings.find(|setting| setting.key == KEY);
    match setting.and_then(|setting| limits::bytes(&setting.value)) {
        Some(most) if most < token.len() as u64 => {
            let told = format!("{KEY}: their tokens have up to {}", token.len());
            Err(SiegeError::TooLow(told))
        }
        _ => Ok(()),
    }
}

/// Tokens in a second.
fn of(rate: Rate) -> f64 {
    rate.burst as f64 / seconds(rate.per)
}

fn shared((rate, by): Bound) -> Bound {
    (rate * SHARE, by)
}

/// The lowest of rates, of which one takes so many tokens each.
fn tightest<const N: usize>(rates: [(Rate, f64, &'static str); N]) -> Bound {
    lowest(rates.map(|(rate, tokens, by)| (of(rate) / tokens, by)))
}

fn lowest<const N: usize>(bounds: [Bound; N]) -> Bound {
    let all = bounds.into_iter();
    all.fold((f64::INFINITY, ""), |low, bound| {
        if bound.0 < low.0 { bound } else { low }
    })
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// The time between two of so many in a second; a day when there are none.
fn every(rate: f64) -> Duration {
    const LONG: f64 = 86_400.0;
    let milliseconds = (1.0 / rate.max(1.0 / LONG) * 1000.0).round();
    Duration::from_millis(milliseconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(2);

    fn within(change: impl FnOnce(&mut Config)) -> Result<Manners, String> {
        let mut config = Config::default();
        change(&mut config);
        Manners::within(&config, TIME).map_err(|error| error.to_string())
    }

    fn rate(burst: u64, seconds: u64) -> Rate {
        Rate::new(burst, Duration::from_secs(seconds))
    }

    #[test]
    fn honest_people_talk_as_usual_where_limits_are_the_default_ones_or_higher() {
        let usual = within(|_| {}).expect("there is room");
        assert_eq!((usual.talk_every, usual.ask_every), (TALK_EVERY, ASK_EVERY));
        assert_eq!(usual.told(), None);
        let higher = within(|config| config.limits.commands_per_user = rate(1000, 1));
        assert_eq!(higher, Ok(usual));
    }

    #[test]
    fn honest_people_keep_within_four_fifths_of_every_limit_on_what_they_say() {
        type Change = fn(&mut Config);
        let rows: [(Change, u64, u64); 4] = [
            (
                |config| config.limits.messages_per_user = rate(1, 5),
                6250,
                250,
            ),
            (
                |config| config.limits.messages_per_address = rate(1, 2),
                2500,
                250,
            ),
            (
                |config| config.limits.commands_per_user = rate(20, 10),
                1250,
                1250,
            ),
            (
                |config| config.limits.frames_per_connection = rate(16, 10),
                1562,
                1562,
            ),
        ];
        for (change, talk, ask) in rows {
            let found = within(change).expect("there is room");
            let expected = [talk, ask].map(Duration::from_millis);
            assert_eq!([found.talk_every, found.ask_every], expected);
            assert!(
                found
                    .told()
                    .is_some_and(|told| told.ends_with("fewer than usual"))
            );
        }
    }

    #[test]
    fn honest_people_come_again_no_sooner_than_the_limit_on_handshakes_lets_them() {
        let within = |rate, seconds| {
            let mut config = Config::default();
            config.limits.handshakes_per_address = rate;
            Manners::within(&config, Duration::from_secs(seconds)).is_ok()
        };
        // For the next attack: of two seconds each, with their calm.
        assert!(within(rate(1, 3), 2));
        assert!(!within(rate(1, 4), 2));
        // A neighbour within a long one.
        assert!(within(rate(1, 20), 60));
        assert!(!within(rate(1, 21), 60));
    }

    #[test]
    fn a_token_that_is_longer_than_the_settings_want_is_told_before_anybody_comes() {
        let told = |bytes: &str| {
            let flag = format!("auth.jwt.token_bytes_max={bytes}");
            let loaded = Config::load(None, &[flag], Vec::new()).expect("allowed");
            let settings = loaded.settings.into_iter().map(|setting| Setting {
                key: setting.key,
                value: setting.value,
                default: None,
            });
            let settings: Vec<Setting> = settings.collect();
            let mint: Mint<'_> = &|_, _, _| Ok("t".repeat(300));
            expect_short(mint, &settings).map_err(|error| error.to_string())
        };
        assert_eq!(told("300"), Ok(()));
        assert_eq!(told("4KiB"), Ok(()));
        let low = "too low for the siege's honest people:\nauth.jwt.token_bytes_max: their tokens have up to 300";
        assert_eq!(told("299"), Err(low.to_owned()));
    }

    #[test]
    fn a_setting_that_leaves_honest_people_no_room_is_named() {
        type Change = fn(&mut Config);
        let rows: [(Change, &str); 8] = [
            (
                |config| config.limits.messages_per_user = rate(1, 60),
                "limits.messages_per_user: they say something",
            ),
            (
                |config| config.limits.commands_per_user = rate(1, 10),
                "limits.commands_per_user: they say something",
            ),
            (
                |config| config.limits.commands_per_user = rate(6, 10),
                "limits.commands_per_user: they ask something",
            ),
            (
                |config| config.limits.message_characters_max = 20,
                "limits.message_characters_max: ",
            ),
            (
                |config| config.limits.connections_max = 50,
                "limits.connections_max: they are up to 80",
            ),
            (
                |config| config.limits.unauthenticated_max = 39,
                "limits.unauthenticated_max: 40 of them",
            ),
            (
                |config| config.limits.handshakes_per_address = rate(1, 60),
                "limits.handshakes_per_address: ",
            ),
            (
                |config| config.deadlines.first_message = Duration::from_millis(100),
                "deadlines.first_message: ",
            ),
        ];
        for (change, told) in rows {
            let found = within(change).expect_err("no room");
            assert!(
                found.starts_with("too low for the siege's honest people:\n"),
                "{found}"
            );
            assert!(found.contains(told), "{told}: {found}");
        }
    }
}
