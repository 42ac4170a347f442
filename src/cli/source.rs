//! Where a server's configuration comes from, so that it can be read again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Failure, embedded};
use crate::access::certificate::WithCertificates;
use crate::access::token::TokenAuthenticator;
use crate::config::Config;
use crate::reactor::Fresh;

/// File, flags and environment as they were typed. The file's content may change; flags and environment can't.
#[derive(Clone)]
pub struct Source {
    /// `None`: the embedded default.
    pub(super) file: Option<PathBuf>,
    pub(super) flags: Vec<String>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Source {
    /// The configuration file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads everything.
    ///
    /// # Errors
    /// [`Failure`] with everything that is wrong.
    pub fn load(&self) -> Result<Config, Failure> {
        let environment = self.environment.clone();
        match &self.file {
            Some(file) => Ok(super::load(file, &self.flags, environment)?.config),
            None => embedded::load(&self.flags, environment),
        }
    }

    /// Reads everything again, for a server that runs.
    ///
    /// # Errors
    /// What is wrong, one text for each.
    pub fn load_again(&self) -> Result<Fresh, Vec<String>> {
        let told = |failure: Failure| {
            let text = failure.to_string();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let config = self.load().map_err(told)?;
        let authenticator = TokenAuthenticator::new(&config.auth)
            .map_err(|error| told(Failure::Key(error.to_string())))?;
        Ok(Fresh {
            config,
            authenticator: Box::new(WithCertificates(authenticator)),
        })
    }
}
