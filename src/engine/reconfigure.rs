//! A new configuration for an engine that runs: everything it holds is made to fit, and nobody is sent away for it.
//!
//! A limit below what is in use refuses only what comes next. What is owed to a rate stays owed, at the new rate.

use super::connection::Phase;
use super::{Engine, configured};
use crate::access::Authenticator;
use crate::access::origin::OriginList;
use crate::config::{Config, Limits, Rate};
use crate::limit::{Kept, Penalty, TokenBucket};
use crate::telemetry::{Event, Party};
use crate::time::{Instant, Now};

/// What a running engine can be given anew, already checked.
pub struct Reconfiguration {
    pub config: Config,
    pub authenticator: Box<dyn Authenticator>,
    /// Made of `config.origins`, for the address that the listener has.
    pub origins: OriginList,
}

impl Engine {
    /// Goes on with another configuration. To be called between turns.
    ///
    /// Settings that need a restart must be as they were: `Config::reloaded` sees to it. Rooms that are not in the
    /// list any more let nobody in; who is there stays and can speak.
    pub fn reconfigure(&mut self, new: Reconfiguration, now: Now) {
        let Reconfiguration {
            mut config,
            authenticator,
            origins,
        } = new;
        config.listen.address = self.config.listen.address;
        if self.stopping {
            // It goes with the deadlines that it had: another file is for the next process.
            config.deadlines = self.config.deadlines.clone();
        }
        let old = std::mem::replace(&mut self.config, config);
        self.replace_authenticator(authenticator, now);
        self.origins = origins;
        self.strict_transport = super::secure::strict_transport(&self.config.tls);
        self.security.reconfigure(&self.config.log);
        self.reconfigure_hook(self.config.auth.hook.clone());
        self.tickets.reconfigure(self.config.auth.ticket.clone());
        self.outbound
            .reconfigure(&self.config.limits, &self.config.deadlines);
        self.users.reconfigure(&self.config.limits);
        self.stock.reconfigure(&self.config);
        self.reopen_rooms(now);
        self.retention.begin_anew();
        self.rerate(&old.limits, now.instant);
        if old.limits.exempt != self.config.limits.exempt {
            self.recount_exempt(now);
        }
        // A proxy that is still not named is told of once more.
        self.has_met_crowd = false;
        self.inner_forwarders.forget();
        self.outer_forwarders.forget();
        self.report(&Event::Reloaded { fault: None }, Party::default(), now);
        if old.deadlines != self.config.deadlines {
            // An entry of the table may be early, never late.
            for id in self.connections.ids() {
                self.arm(id, now);
            }
        }
    }

    /// Takes note of a configuration that was read again and can't be used, for this reason.
    pub fn reload_refused(&mut self, fault: &str, now: Now) {
        let fault = Some(fault);
        self.report(&Event::Reloaded { fault }, Party::default(), now);
    }

    fn reopen_rooms(&mut self, now: Now) {
        let names = &self.config.rooms;
        let public = names.public.iter();
        self.rooms
            .open_only(public.map(|name| configured(names, name)));
        self.fan_out.make_room_for(self.rooms.len());
        self.store_configured_rooms(now);
    }

    /// Lets every bucket owe as many tokens as it did.
    fn rerate(&mut self, old: &Limits, now: Instant) {
        let new = &self.config.limits;
        let of = |select: fn(&Limits) -> Rate| Rerating {
            old: select(old),
            new: select(new),
            now,
        };
        let bytes = of(|limits| limits.bytes_per_connection);
        let frames = of(|limits| limits.frames_per_connection);
        let control_frames = of(|limits| limits.control_frames_per_connection);
        let glitches = of(|limits| limits.glitches_per_connection);
        let messages = of(|limits| limits.messages_per_connection);
        let error_replies = of(|limits| limits.error_replies_per_connection);
        let refreshes = of(|limits| limits.refreshes_per_connection);
        let of_session = [
            bytes,
            frames,
            control_frames,
            glitches,
            messages,
            error_replies,
            refreshes,
        ];
        if of_session.iter().any(Rerating::changes) {
            for connection in self.connections.iter_mut() {
                if let Phase::Open(session) = &mut connection.phase {
                    bytes.apply(&mut session.bytes);
                    frames.apply(&mut session.frames);
                    control_frames.apply(&mut session.control_frames);
                    glitches.apply(&mut session.glitches);
                    messages.apply(&mut session.messages);
                    error_replies.apply(&mut session.error_replies);
                    refreshes.apply(&mut session.refreshes);
                }
            }
        }
        let messages = of(|limits| limits.messages_per_user);
        let commands = of(|limits| limits.commands_per_user);
        for user in self.users.iter_mut() {
            messages.apply(&mut user.messages);
            commands.apply(&mut user.commands);
        }
        let handshakes = of(|limits| limits.handshakes_per_address);
        let failures = of(|limits| limits.failed_authentications_per_address);
        let messages = of(|limits| limits.messages_per_address);
        let bytes = of(|limits| limits.bytes_per_address);
        let offences = of(|limits| limits.offences_per_address);
        self.prefixes.kept = Kept::of(&self.config.limits);
        for entry in self.prefixes.entries_mut() {
            handshakes.apply(&mut entry.handshakes);
            failures.apply(&mut entry.failed_authentications);
            messages.apply(&mut entry.messages);
            bytes.apply(&mut entry.bytes);
            offences.apply(&mut entry.offences);
            // Whoever was kept out by mistake has waited for this.
            entry.penalty = Penalty::default();
        }
    }
}

/// One rate's change.
#[derive(Clone, Copy)]
struct Rerating {
    old: Rate,
    new: Rate,
    now: Instant,
}

impl Rerating {
    fn changes(&self) -> bool {
        self.old != self.new
    }

    fn apply(&self, bucket: &mut TokenBucket) {
        if self.changes() {
            bucket.rerate(self.old, self.new, self.now);
        }
    }
}
