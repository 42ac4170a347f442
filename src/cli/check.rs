//! The settings in force as an aligned table. Decides nothing.

use std::io::{self, Write};

use super::table;
use crate::config::Effective;

const HEADINGS: [&str; 4] = ["SETTING", "VALUE", "UNIT", "SOURCE"];

/// Writes one line per setting: key, value, unit, source.
pub(super) fn print(settings: &[Effective], output: &mut dyn Write) -> io::Result<()> {
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
