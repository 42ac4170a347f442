//! Everything that a start would look at, without starting; the settings in force as an aligned table.

use std::io::{self, Write};

use super::{Failure, certificates, table};
use crate::access::token::TokenAuthenticator;
use crate::config::{Effective, Loaded};
use crate::engine::Arithmetic;
use crate::reactor::TlsAcceptor;
use crate::time::Wall;

const HEADINGS: [&str; 4] = ["SETTING", "VALUE", "UNIT", "SOURCE"];

/// Checks keys and certificates too, then prints: the settings, and the arithmetic of memory.
///
/// # Errors
/// [`Failure`] names the setting to change.
pub(super) fn run(mut loaded: Loaded, now: Wall, output: &mut dyn Write) -> Result<(), Failure> {
    TokenAuthenticator::new(&loaded.config.auth)
        .map_err(|error| Failure::Key(error.to_string()))?;
    let tls = TlsAcceptor::new(&loaded.config.tls, now)
        .map_err(|error| Failure::Key(error.to_string()))?;
    loaded
        .settings
        .extend(tls.iter().flat_map(|tls| certificates::rows(tls, now)));
    print(&loaded.settings, output)?;
    Ok(writeln!(output, "\n{}", Arithmetic::of(&loaded.config))?)
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
