//! Signals as readiness: SIGINT and SIGTERM to stop, SIGHUP to reload.

use std::io;

use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The signals that the server obeys.
pub(super) struct Signals(signal_hook_mio::v1_0::Signals);

/// What was asked since the last look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    pub(super) stop: bool,
    pub(super) reload: bool,
}

impl Signals {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let mut signals = signal_hook_mio::v1_0::Signals::new([SIGINT, SIGTERM])?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        Ok(Signals(signals))
    }

    /// Obeys SIGHUP too, which ends a process that does not.
    pub(super) fn add_hangup(&self) -> io::Result<()> {
        self.0.add_signal(SIGHUP)
    }

    pub(super) fn asked(&mut self) -> Asked {
        let mut asked = Asked::default();
        for signal in self.0.pending() {
            if signal == SIGHUP {
                asked.reload = true;
            } else {
                asked.stop = true;
            }
        }
        asked
    }
}
