//! What happens to a server between its turns: signals, reloads, and its end.

use mio::Events;

use super::hook::HookWorkers;
use super::reload::{Outcome, Ready};
use super::signals::Asked;
use super::workers::Workers;
use super::{RunError, Server};
use crate::config::Changed;
use crate::engine::Share;
use crate::time::Instant;

/// Connections taken out of a listener's queue before it is closed: the longest queue that is asked for.
const BACKLOG_MAX: usize = super::listener::BACKLOG as usize;

impl Server {
    /// Serves until it is stopped, then drains: nobody new is let in, everybody is told when to come back, and the
    /// function returns when all have gone, after `drain.time_max` at the latest, or at once when it is asked again.
    ///
    /// # Errors
    /// [`RunError`] when the kernel refuses to be polled.
    pub fn run(mut self) -> Result<(), RunError> {
        self.start_workers().map_err(RunError::Thread)?;
        if let Some(asker) = self.asker.take() {
            let hook = HookWorkers::start(asker, self.stop.waker());
            self.hook = Some(hook.map_err(RunError::Thread)?);
        }
        let mut events = Events::with_capacity(super::EVENTS_MAX);
        self.engine.start(self.clock.now());
        self.service
            .ready(&format!("listening on {}", self.address));
        while !self.stop.is_asked() {
            self.turn(&mut events, None)?;
            self.take_handed_over();
        }
        self.drain(&mut events)
    }

    pub(super) fn handle_signals(&mut self) {
        let asked = self.signals.as_mut().map(|signals| signals.asked());
        match asked.unwrap_or_default() {
            Asked { stop: true, .. } if self.stop.is_asked() => self.is_cut_short = true,
            Asked { stop: true, .. } => self.stop.ask(),
            Asked { reload: true, .. } if !self.stop.is_asked() => {
                if let Some(reload) = &self.reload {
                    self.service.reloading();
                    reload.ask();
                }
            }
            Asked { .. } => {}
        }
    }

    /// What other threads handed over before they woke the loop: certificates, or everything that was read again.
    fn take_handed_over(&mut self) {
        if !std::mem::take(&mut self.is_woken) {
            return;
        }
        if let Some(acceptor) = self.tls.take() {
            self.replace_tls(acceptor);
        }
        while let Some(outcome) = self.reload.as_ref().and_then(|reload| reload.outcome()) {
            // A file that was moved away is begun anew whatever else came of it.
            self.reopen_logs();
            match outcome {
                Outcome::Ok(ready) => self.reconfigure(ready),
                Outcome::Err(errors) => {
                    for error in &errors {
                        log::error!("not reloaded: {error}");
                    }
                    log::error!("not reloaded: nothing has changed");
                    if let Some(first) = errors.first() {
                        self.engine.reload_refused(first, self.now);
                    }
                    self.service
                        .ready("the last reload was refused, see the log");
                }
            }
        }
        // The next turn may be far away.
        self.write_security_log();
    }

    fn reconfigure(&mut self, ready: Ready) {
        for change in &ready.changed {
            tell(change);
        }
        let config = &ready.reconfiguration.config;
        self.drain_time_max = config.drain.time_max;
        if self.budget.read_bytes_per_connection_max != config.turn.read_bytes_per_connection_max {
            self.read_buffer = super::setup::read_buffer(&config.turn);
        }
        self.budget = config.turn.clone();
        let keys = config.auth.keys.len();
        if let Some(acceptor) = ready.acceptor {
            self.replace_tls(acceptor);
        }
        if let Some(hook) = ready.hook {
            self.hook = Some(hook);
        }
        self.engine.reconfigure(ready.reconfiguration, self.now);
        log::info!(
            "reloaded: {} settings changed, {keys} keys read",
            ready.changed.len()
        );
        self.service
            .ready(&format!("listening on {}", self.address));
    }

    fn drain(mut self, events: &mut Events) -> Result<(), RunError> {
        let now = self.clock.now();
        let until = now.instant + self.drain_time_max;
        let status = format!(
            "stopping: {} connections are told, within {:?}",
            self.sockets.len(),
            self.drain_time_max
        );
        log::info!("{status}");
        self.service.stopping(&status);
        // Whoever has been let in by the kernel is told like the others; a queue that others share is left to them.
        self.listeners.leave_shared(self.poll.registry());
        self.listeners.expect_more();
        for _ in 0..BACKLOG_MAX {
            if !self.accept_one(now) {
                break;
            }
        }
        self.listeners.close_to_strangers(self.poll.registry());
        self.engine.drain(now);
        self.engine.end_turn(now);
        self.carry_out(Share::Strangers, until, now);
        while self.sockets.len() > 0 && self.now.instant < until && !self.is_cut_short {
            self.turn(events, Some(until))?;
        }
        match self.sockets.reset_all() {
            0 => log::info!("stopped: everybody has gone"),
            left => log::warn!("stopped: {left} connections were cut off"),
        }
        self.finish_work(events, until)?;
        self.hook = None;
        self.engine.end_security_log(self.now);
        self.write_security_log();
        self.security_log.flush(super::log_queue::FLUSH_TIME_MAX);
        Ok(())
    }

    /// What was acknowledged is stored; what was only asked for is finished, if there is time for it.
    fn finish_work(&mut self, events: &mut Events, until: Instant) -> Result<(), RunError> {
        if let Some(workers) = &mut self.workers {
            workers.ask_no_more();
        }
        let is_at_work = |workers: &Option<Workers>| {
            workers
                .as_ref()
                .is_some_and(|workers| !workers.have_ended())
        };
        while is_at_work(&self.workers) {
            if self.now.instant >= until || self.is_cut_short {
                log::warn!("stopped: the store has not answered, what waited for it is not done");
                break;
            }
            self.turn(events, Some(until))?;
        }
        Ok(())
    }
}

fn tell(change: &Changed) {
    let Changed { key, from, to, .. } = change;
    if change.needs_restart {
        log::warn!("{key} = {to} needs a restart: it stays {from}");
    } else {
        log::info!("{key} = {to}; it was {from}");
    }
}
