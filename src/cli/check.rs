//! The settings in force as an aligned table. Decides nothing.

use std::io::{self, Write};

use crate::config::Effective;

const HEADINGS: [&str; 4] = ["SETTING", "VALUE", "UNIT", "SOURCE"];

/// Writes one line per setting: key, value, unit, source.
pub(super) fn print(settings: &[Effective], output: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(settings.iter().map(|setting| {
        [
            setting.key.clone(),
            setting.value.clone(),
            setting.unit.to_owned(),
            setting.place.to_string(),
        ]
    }));
    let width = |column: fn(&[String; 4]) -> &String| {
        rows.iter()
            .map(|row| column(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (keys, values, units) = (
        width(|row| &row[0]),
        width(|row| &row[1]),
        width(|row| &row[2]),
    );
    for [key, value, unit, source] in &rows {
        writeln!(
            output,
            "{key:keys$}  {value:values$}  {unit:units$}  {source}"
        )?;
    }
    Ok(())
}
