//! Why a measurement, or the whole run, could not be made.

use std::io;

/// Told to the person at the terminal, or shown in the cell of the table that stays empty.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    /// A server, or the client, did not do what its row asks for.
    #[error("{0}")]
    Wrong(String),
    /// This machine lacks something.
    #[error("{0}")]
    Missing(String),
}

/// Says what was being done when the system refused.
pub trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::Io {
            what: what.into(),
            source: error.into(),
        })
    }
}
