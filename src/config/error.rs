//! What is wrong with a configuration, and where each setting came from. Never holds a secret.

use std::fmt;
use std::path::PathBuf;

/// Where a value stood. The order is the precedence: a later one wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere: nobody gave one.
    Default,
    /// In the configuration file; `line` counts from 1 and is absent when the whole file is meant.
    File { path: PathBuf, line: Option<usize> },
    /// In the variable of this name.
    Environment(String),
    /// In a `--set` flag.
    Flag,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => write!(f, "default"),
            Place::File {
                path,
                line: Some(line),
            } => write!(f, "{}:{line}", path.display()),
            Place::File { path, line: None } => write!(f, "{}", path.display()),
            Place::Environment(name) => write!(f, "environment {name}"),
            Place::Flag => write!(f, "flag --set"),
        }
    }
}

/// One thing to change before the program starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {key}: found {found}; allowed: {allowed}")]
pub struct ConfigError {
    /// Where it stands.
    pub place: Place,
    /// The full dotted key, or the part of the configuration meant.
    pub key: String,
    /// What stands there; `***` in place of anything secret.
    pub found: String,
    /// What may stand there instead.
    pub allowed: String,
}

impl ConfigError {
    pub(super) fn new(
        place: Place,
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        ConfigError {
            place,
            key: key.into(),
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}
