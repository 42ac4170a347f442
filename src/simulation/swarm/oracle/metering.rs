//! What is counted as it comes: commands, bytes, control frames, handshakes, failed authentications. Of each there is a bucket of the plainest
//! kind for whoever it is counted for, from which is taken what was certainly let through; what has no token there must not be.

use std::collections::BTreeMap;

use super::{Judged, Oracle, Violation};
use crate::config::Rate;
use crate::simulation::swarm::client::{Link, Request};
use crate::simulation::swarm::pace::Pace;
use crate::time::{Instant, Now};

/// Buckets of people and addresses since the server was started.
#[derive(Debug, Default)]
pub(super) struct Metering {
    commands: BTreeMap<String, Pace>,
    bytes: BTreeMap<String, Pace>,
    handshakes: BTreeMap<String, Pace>,
    failures: BTreeMap<String, Pace>,
}

fn bucket<'a>(of: &'a mut BTreeMap<String, Pace>, whose: &str, rate: Rate) -> &'a mut Pace {
    of.entry(whose.to_owned())
        .or_insert_with(|| Pace::generous(rate))
}

/// Takes one token.
fn count(
    of: &mut BTreeMap<String, Pace>,
    whose: &str,
    rate: Rate,
    what: &str,
    now: Instant,
) -> Judged {
    match bucket(of, whose, rate).take(1, now) {
        Ok(()) => Ok(()),
        Err(_) => Err(over(format!(
            "one {what} of {whose} more than {} in {:?} is let through",
            rate.burst, rate.per
        ))),
    }
}

fn over(words: String) -> Violation {
    Violation::new("never over", words)
}

impl Oracle {
    /// A request was looked at: it cost a command. When, is known of those that are answered at once.
    pub(super) fn served(&mut self, link: &Link, request: &Request, now: Now) -> Judged {
        if request.asked != now.instant || !link.is_free {
            return Ok(());
        }
        let rate = self.config.limits.commands_per_user;
        let commands = &mut self.metering.commands;
        count(commands, &link.user, rate, "command", now.instant)
    }

    /// A ping was answered; `is_prompt`: in the moment in which it was sent.
    pub fn ponged(&mut self, link: &mut Link, is_prompt: bool, now: Now) -> Judged {
        if !is_prompt || !link.is_free || link.metered.pongs.take(1, now.instant).is_ok() {
            return Ok(());
        }
        let Rate { burst, per } = self.config.limits.control_frames_per_connection;
        let words = format!(
            "{}#{} has more than {burst} pings in {per:?} answered",
            link.user, link.number
        );
        Err(over(words))
    }

    /// A request for the chat was looked at, and upgraded, if only to be told that its credential is no good (`failed`).
    pub fn shaken(&mut self, address: &str, failed: bool, now: Now) -> Judged {
        if self.is_stopping {
            return Ok(());
        }
        let limits = &self.config.limits;
        let metering = &mut self.metering;
        if failed {
            let rate = limits.failed_authentications_per_address;
            let failures = &mut metering.failures;
            count(
                failures,
                address,
                rate,
                "failed authentication",
                now.instant,
            )?;
        }
        // Otherwise an address may earn more.
        if limits.earned_per_address_max > 0 {
            return Ok(());
        }
        let rate = limits.handshakes_per_address;
        count(
            &mut metering.handshakes,
            address,
            rate,
            "handshake",
            now.instant,
        )
    }

    /// So many bytes, one read after the other, were read of these sessions at this moment, which go on. Reads can not be undone: what is too
    /// much is owed, and until that much time has passed nothing more is read.
    pub fn metered(&mut self, links: &mut [Link], read: &[(usize, Vec<u64>)], now: Now) -> Judged {
        let rate = self.config.limits.bytes_per_address;
        for (number, counts) in read {
            let Some(link) = links.get_mut(*number) else {
                continue;
            };
            // In which order several of an address were read nobody knows: each owes what it would if it had been the only one.
            let mut of_address = *bucket(&mut self.metering.bytes, &link.address, rate);
            for count in counts {
                let metered = &mut link.metered;
                if metered.owes_until > now.instant {
                    let words = format!(
                        "{count} bytes of {}#{} are read, who owes for what was read before until {:?}",
                        link.user, link.number, metered.owes_until
                    );
                    return Err(over(words));
                }
                let own = metered.bytes.charge(*count, now.instant);
                let theirs = of_address.charge(*count, now.instant);
                metered.owes_until = now.instant + own.max(theirs);
            }
        }
        for (number, counts) in read {
            if let Some(link) = links.get(*number) {
                let of_address = bucket(&mut self.metering.bytes, &link.address, rate);
                of_address.charge(counts.iter().sum(), now.instant);
            }
        }
        Ok(())
    }
}
