//! A siege that is told to end: its server goes at once, what was found is written, and then its directory goes too.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// As shells have it for a program that SIGINT ended.
const EXIT_STATUS: i32 = 130;

/// What a siege leaves when it ends in its middle.
#[derive(Debug)]
pub(super) struct Belongings {
    directory: Option<PathBuf>,
    is_told: AtomicBool,
    server: Mutex<Option<Pid>>,
}

impl Belongings {
    /// From now on the first SIGINT, SIGTERM or SIGHUP ends the server that was started, and lets the siege write what it has found. Another ends
    /// the process after it has cleared this directory.
    ///
    /// # Errors
    /// Without a thread or descriptors for it.
    pub(super) fn watched(directory: Option<PathBuf>) -> io::Result<Arc<Self>> {
        let (mut told, teller) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            pipe::register(signal, teller.try_clone()?)?;
        }
        let belongings = Arc::new(Belongings {
            directory,
            is_told: AtomicBool::new(false),
            server: Mutex::new(None),
        });
        let own = Arc::clone(&belongings);
        std::thread::Builder::new().spawn(move || {
            if told.read_exact(&mut [0]).is_ok() {
                own.is_told.store(true, Ordering::SeqCst);
                drop(own.kill());
            }
            if told.read_exact(&mut [0]).is_ok() {
                own.clear();
                std::process::exit(EXIT_STATUS);
            }
        })?;
        Ok(belongings)
    }

    /// Starts the server of the directory.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Child> {
        let mut server = self.server();
        if self.told().load(Ordering::SeqCst) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.spawn()?;
        *server = Some(Pid::from_child(&child));
        Ok(child)
    }

    /// Whether the siege is to end.
    pub(super) fn told(&self) -> &AtomicBool {
        &self.is_told
    }

    /// The server has ended.
    pub(super) fn has_ended(&self) {
        *self.server() = None;
    }

    fn server(&self) -> MutexGuard<'_, Option<Pid>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self) -> MutexGuard<'_, Option<Pid>> {
        let server = self.server();
        if let Some(server) = *server {
            // It has nothing that anybody wants to keep. It fails only for one that has ended.
            let _ = kill_process(server, Signal::KILL);
        }
        server
    }

    fn clear(&self) {
        // Held to the end of the process: no other server is started meanwhile.
        let server = self.kill();
        // What can not be removed is a few kilobytes in a directory for such things.
        let _ = self.directory.as_ref().map(fs::remove_dir_all);
        std::mem::forget(server);
    }
}
