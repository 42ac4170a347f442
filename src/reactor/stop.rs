//! Stopping the server from outside its thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token, Waker};

/// Stops the server it came from.
#[derive(Debug, Clone)]
pub struct StopHandle {
    asked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl StopHandle {
    /// Asks the server to say goodbye and to return from `run`. Does not wait for it.
    ///
    /// # Errors
    /// When the server's thread can not be woken; it then stops at its next turn.
    pub fn stop(&self) -> io::Result<()> {
        self.asked.store(true, Ordering::Release);
        self.waker.wake()
    }
}

/// The server's side of it.
#[derive(Debug)]
pub(super) struct Stop(StopHandle);

impl Stop {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Stop(StopHandle {
            asked: Arc::default(),
            waker: Arc::new(Waker::new(registry, token)?),
        }))
    }

    pub(super) fn handle(&self) -> StopHandle {
        self.0.clone()
    }

    /// The poll's one waker (mio allows no second).
    pub(super) fn waker(&self) -> Arc<Waker> {
        self.0.waker.clone()
    }

    /// Lets the next wait end at once.
    pub(super) fn wake(&self) {
        if let Err(error) = self.0.waker.wake() {
            log::warn!("the loop can not be woken: {error}");
        }
    }

    pub(super) fn ask(&self) {
        self.0.asked.store(true, Ordering::Release);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }
}
