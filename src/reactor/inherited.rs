//! Listening sockets that whoever started the process has bound already (`LISTEN_FDS`, sd_listen_fds(3)).
//!
//! Such a socket outlives the process: what waits in its queue is for the next one, so it is never emptied or closed for
//! others.

use std::net::TcpListener;

use listenfd::ListenFd;

use crate::engine::Door;

/// The most that are looked at: one for each door, and some to complain about.
const INHERITED_MAX: usize = 16;

/// Sockets by the name that the unit gave them.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(String, TcpListener)>,
}

impl Inherited {
    /// Takes those that the environment names, once: a second call finds none. To be called before there are threads.
    ///
    /// A socket without a name is `public`: `FileDescriptorName=` names the others.
    ///
    /// # Errors
    /// What is wrong with one of them, such as not being a TCP socket.
    pub fn take() -> std::io::Result<Inherited> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut fds = ListenFd::from_env();
        let mut sockets = Vec::new();
        for at in 0..fds.len().min(INHERITED_MAX) {
            let name = match names.next().unwrap_or_default() {
                // What systemd calls a socket that nobody named: after its unit, or not at all.
                "" | "unknown" => Door::Public.socket_name(),
                unit if unit.ends_with(".socket") => Door::Public.socket_name(),
                name => name,
            };
            if let Some(socket) = fds.take_tcp_listener(at)? {
                socket.set_nonblocking(true)?;
                sockets.push((name.to_owned(), socket));
            }
        }
        Ok(Inherited { sockets })
    }

    /// The sockets called `name`.
    pub(super) fn named(&mut self, name: &str) -> Vec<TcpListener> {
        let taken = self.sockets.extract_if(.., |(own, _)| own == name);
        taken.map(|(_, socket)| socket).collect()
    }

    /// Names of the sockets that nobody asked for.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.sockets.iter().map(|(name, _)| name.as_str())
    }
}
