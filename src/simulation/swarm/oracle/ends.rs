//! How long something may take: no timer is lost, no connection forgotten, and nobody sent away before their time.

use std::time::Duration;

use super::{Judged, Oracle, Violation};
use crate::simulation::swarm::client::Link;
use crate::simulation::swarm::script::{CREW, HONEST, Manner, PEOPLE, TABS};
use crate::time::Now;

/// A credential ends at a date, in whole milliseconds.
const ROUNDED: Duration = Duration::from_millis(1);
/// Turns begin at deadlines, and what a turn does takes no time here.
const FORGIVEN: Duration = Duration::from_millis(5);

impl Oracle {
    /// Judges a link that is still connected, with nothing more to happen at this moment.
    pub fn judge_link(&self, link: &Link, jumps: u64, now: Now) -> Judged {
        self.judge_death(link, now)?;
        self.judge_end(link, now)?;
        self.judge_reader(link, now)?;
        self.judge_expiry(link, jumps, now)
    }

    fn late(link: &Link, rule: &'static str, words: String) -> Violation {
        Violation::new(rule, format!("{}#{} {words}", link.user, link.number))
    }

    /// Somebody who gives no sign of life is found out.
    fn judge_death(&self, link: &Link, now: Now) -> Judged {
        let deadlines = &self.config.deadlines;
        if link.manner != Manner::Dead || !link.is_upgraded {
            return Ok(());
        }
        let silent = now.instant.since(link.last_taken);
        let most =
            deadlines.ping + deadlines.pong + deadlines.close * 2 + deadlines.linger + FORGIVEN;
        // What was taken of them last may lie until they are read from again, and counts as heard then.
        if silent <= most + self.unread_max(link) {
            return Ok(());
        }
        let words = format!("has been silent for {silent:?}, and is connected");
        Err(Oracle::late(link, "no timer lost", words))
    }

    /// Whoever was told that it is over, or who has no session, is not connected for long.
    fn judge_end(&self, link: &Link, now: Now) -> Judged {
        let deadlines = &self.config.deadlines;
        let ending = deadlines.close + deadlines.linger + FORGIVEN;
        if let Some(since) = link.ended_since {
            let waited = now.instant.since(since);
            // Their own end is not read either.
            let pauses = match link.told_close {
                Some(_) => Duration::ZERO,
                None => self.unread_max(link),
            };
            // What ends while bytes are on their way has the time of a close twice: once for its last words, once for the peer's.
            if waited > pauses + ending + deadlines.close {
                let words = format!("ended {waited:?} ago, and is connected");
                return Err(Oracle::late(link, "no connection leaked", words));
            }
        }
        let waited = now.instant.since(link.watched);
        let is_plain = !link.is_upgraded && link.is_free;
        if is_plain && waited > deadlines.head.max(deadlines.keep_alive) + ending {
            let words = format!("has asked for nothing in {waited:?}, and is connected");
            return Err(Oracle::late(link, "no timer lost", words));
        }
        Ok(())
    }

    /// How long somebody may not be read from: who is told of errors without end is not for a while, so many times in a row, nor is anybody
    /// whose address owes for what others there have sent.
    fn unread_max(&self, link: &Link) -> Duration {
        if link.heeds_rates() {
            return Duration::ZERO;
        }
        self.config.deadlines.pause * self.config.limits.pauses_max + self.debt_max()
    }

    /// How long an address pays for one read of each connection of those who share it.
    fn debt_max(&self) -> Duration {
        const READ_BYTES: u32 = 64 * 1024;
        let rate = self.config.limits.bytes_per_address;
        let sharing = PEOPLE.len() - HONEST - CREW;
        let bytes = (sharing * TABS) as u32 * READ_BYTES;
        rate.per * bytes / (rate.burst as u32).max(1)
    }

    /// Whoever leaves something unread is closed.
    fn judge_reader(&self, link: &Link, now: Now) -> Judged {
        let deadlines = &self.config.deadlines;
        let stuck = link.stuck.as_ref();
        let Some((since, _)) = stuck.filter(|_| !deadlines.unread.is_zero()) else {
            return Ok(());
        };
        let waited = now.instant.since(*since);
        let most = deadlines.unread * 2 + deadlines.close * 2 + deadlines.linger + FORGIVEN;
        if waited > most {
            let words = format!("has read nothing of what waits for {waited:?}, and is connected");
            return Err(Oracle::late(link, "no timer lost", words));
        }
        Ok(())
    }

    /// A session ends with its credential, to the millisecond as long as nobody sets the date. The server knows the date in whole milliseconds, and
    /// so how long is left: it may be late by as much as its clock had gone on beyond one, and never into the next.
    fn judge_expiry(&self, link: &Link, jumps: u64, now: Now) -> Judged {
        let is_over = link.expires.is_some_and(|expires| now.wall > expires);
        let is_known = jumps == link.jumps && link.is_free && link.is_usable();
        if is_over && is_known {
            let words = format!(
                "is open at {:?} with a credential until {:?}",
                now.wall, link.expires
            );
            return Err(Oracle::late(link, "expiry", words));
        }
        Ok(())
    }

    /// A session of somebody honest was ended by the server.
    pub fn closed(&self, link: &Link, jumps: u64, may_be_crowded: bool, now: Now) -> Judged {
        let Some((code, reason)) = link.told_close.as_ref().filter(|_| link.is_exact) else {
            return Ok(());
        };
        let has_reason = match reason.as_str() {
            "token expired" => {
                // Whoever reads late may never be told how long it is: that is taken back with all that waits.
                let may_be = !link.is_free
                    && !link.life.is_zero()
                    && now.instant.since(link.opened) + ROUNDED >= link.life;
                let is_over = link.expires.map_or(may_be, |expires| now.wall >= expires);
                is_over || jumps != link.jumps
            }
            "revoked" => link.revoked_from.is_some(),
            // Whoever reads late may have been one too many when they came.
            "too many connections for this user" => may_be_crowded || !link.is_free,
            "server is going away" => true,
            "reading too slowly" | "overloaded, try again later" => {
                !link.is_free || link.manner != Manner::Good
            }
            "no answer to ping" => link.manner == Manner::Dead || !link.is_free,
            // Whoever has closed first is answered in their own words.
            _ => link.has_gone,
        };
        if has_reason {
            return Ok(());
        }
        let words = format!("was closed with {code} {reason:?}");
        Err(Oracle::late(link, "not stingy", words))
    }
}
