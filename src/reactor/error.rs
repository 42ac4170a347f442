//! Why the server does not start, or can not go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::hook::HookError;
use super::tls::TlsError;
use crate::access::origin::OriginError;

/// The server can not start; the message names the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Choose another address, or stop what listens there.
    #[error("{setting} = \"{address}\": {source}")]
    Listen {
        /// The setting that names the address.
        setting: &'static str,
        address: SocketAddr,
        source: io::Error,
    },
    /// Correct the socket unit: it must hand over a listening TCP socket.
    #[error("the listening socket that was handed over: {0}")]
    Inherited(#[source] io::Error),
    /// Correct the entry of the allow-list.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// Correct the certificate, key or authority that it names.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The kernel gives no poll instance: raise the limit on open files.
    #[error("no poll instance: {0}")]
    Poll(#[source] io::Error),
    /// Take fewer connections, or raise the limit.
    #[error(
        "limits.connections_max = {connections_max}: with {reserve} descriptors for everything else that makes {}, and \
         the process may open {limit}; allowed: at most {fitting}, or a higher limit on open files (ulimit -Hn, \
         LimitNOFILE=)",
        connections_max + reserve
    )]
    Descriptors {
        connections_max: usize,
        reserve: usize,
        limit: usize,
        fitting: usize,
    },
    /// The process may have no more threads.
    #[error("no thread: {0}")]
    Thread(#[source] io::Error),
    #[error("no signal handler: {0}")]
    Signals(#[source] io::Error),
    /// Choose another file, or make its directory writable.
    #[error("log.security_file = {path:?}: {source}")]
    SecurityLog { path: PathBuf, source: io::Error },
    #[error("the system gives no random bytes")]
    Random,
    /// Correct the setting that it names.
    #[error(transparent)]
    Hook(#[from] HookError),
}

/// The server can not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing to be done but to start again.
    #[error("waiting for sockets: {0}")]
    Poll(#[source] io::Error),
    #[error("no thread for the store: {0}")]
    Thread(#[source] io::Error),
}
