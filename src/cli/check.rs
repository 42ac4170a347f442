//! Everything that a start would look at, without starting; the settings in force as an aligned table.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::arguments::Settings;
use super::{Failure, certificates, load, table};
use crate::access::token::TokenAuthenticator;
use crate::config::Effective;
use crate::engine::Arithmetic;
use crate::reactor::TlsAcceptor;
use crate::time::Wall;

const HEADINGS: [&str; 4] = ["SETTING", "VALUE", "UNIT", "SOURCE"];

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration file.
    file: PathBuf,
    /// Print what memory is for instead, and how it adds up.
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Check {
    /// Checks keys and certificates too, then prints: the settings, or the arithmetic of memory.
    ///
    /// # Errors
    /// [`Failure`] names the setting to change.
    pub(super) fn run(
        &self,
        environment: Vec<(OsString, OsString)>,
        now: Wall,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut loaded = load(&self.file, &self.settings.flags, environment)?;
        TokenAuthenticator::new(&loaded.config.auth)
            .map_err(|error| Failure::Key(error.to_string()))?;
        let tls = TlsAcceptor::new(&loaded.config.tls, now)
            .map_err(|error| Failure::Key(error.to_string()))?;
        if self.memory {
            return Ok(writeln!(output, "{}", Arithmetic::of(&loaded.config))?);
        }
        loaded
            .settings
            .extend(tls.iter().flat_map(|tls| certificates::rows(tls, now)));
        Ok(print(&loaded.settings, output)?)
    }
}

/// Writes one line per setting: key, value, unit, source.
fn print(settings: &[Effective], output: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = settings
        .iter()
        .map(|setting| {
            [
                setting.key.clone(),
                setting.value.clone(),
                setting.unit.to_owned(),
                setting.place.to_string(),
            ]
        })
        .collect();
    table::print(HEADINGS, &rows, output)
}
