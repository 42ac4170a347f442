//! Why an operation ended, what the operator is told, and the exit code.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;

/// Why the program ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments, or a plain request for help or the version.
    #[error("{}", .0.render())]
    Usage(#[from] clap::Error),
    /// Everything wrong with the configuration, one per line.
    #[error("{}", lines(.0))]
    Config(Vec<ConfigError>),
    /// A key that can be read but not used.
    #[error("{0}")]
    Key(String),
    /// It was rightly asked and could not be done.
    #[error("{0}")]
    Operation(String),
    /// It was told to end.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// 0 fine, 1 the operation failed, 2 wrong usage or configuration, 130 told to end as shells have it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(error) if !error.use_stderr() => 0,
            Failure::Operation(_) => 1,
            Failure::Interrupted(_) => 130,
            Failure::Usage(_) | Failure::Config(_) | Failure::Key(_) => 2,
        }
    }

    /// Whether the text is a result, such as the help that was asked for.
    pub fn is_result(&self) -> bool {
        self.exit_code() == 0
    }

    /// `error` kept the `address` of a setting from being bound. One that is taken gets its remedy.
    pub fn bind(setting: &str, address: SocketAddr, error: &(dyn Error + 'static)) -> Failure {
        let remedy = match io_kind(error) {
            Some(io::ErrorKind::AddrInUse) => {
                let other =
                    SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(0));
                format!(
                    "another program listens there; stop it, or choose another address: --set {setting}={other}"
                )
            }
            Some(io::ErrorKind::AddrNotAvailable) => {
                format!("this machine has no such address: --set {setting}=127.0.0.1:8080")
            }
            Some(io::ErrorKind::PermissionDenied) => {
                format!("ports below 1024 need a privilege: --set {setting}=127.0.0.1:8080")
            }
            _ => error.to_string(),
        };
        Failure::Operation(format!("cannot listen on {address}: {remedy}"))
    }
}

impl From<io::Error> for Failure {
    /// Writing the result failed.
    fn from(error: io::Error) -> Self {
        Failure::Operation(format!("cannot write the result: {error}"))
    }
}

fn lines(errors: &[ConfigError]) -> String {
    let lines: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
    lines.join("\n")
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_said_with_its_remedy() {
        #[derive(Debug, thiserror::Error)]
        #[error("start")]
        struct Start(#[source] io::Error);

        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        for (kind, text) in [
            (
                io::ErrorKind::AddrInUse,
                "cannot listen on 127.0.0.1:8080: another program listens there; stop it, or choose another \
                 address: --set listen.address=127.0.0.1:8081",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "cannot listen on 127.0.0.1:8080: ports below 1024 need a privilege: \
                 --set listen.address=127.0.0.1:8080",
            ),
            (
                io::ErrorKind::AddrNotAvailable,
                "cannot listen on 127.0.0.1:8080: this machine has no such address: \
                 --set listen.address=127.0.0.1:8080",
            ),
            (
                io::ErrorKind::Other,
                "cannot listen on 127.0.0.1:8080: start",
            ),
        ] {
            let failure = Failure::bind("listen.address", address, &Start(kind.into()));
            assert_eq!(failure.to_string(), text);
            assert_eq!(failure.exit_code(), 1);
        }
    }
}
