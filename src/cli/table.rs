//! Results as aligned columns. Names come from strangers: nothing in a cell may act on the terminal.

use std::io::{self, Write};

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Writes a line of headings and one line for each row. The last column is not padded.
pub(super) fn print<const N: usize>(
    headings: [&str; N],
    rows: &[[String; N]],
    output: &mut dyn Write,
) -> io::Result<()> {
    let headings = headings.map(str::to_owned);
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| escaped(cell)))
        .collect();
    let mut widths = headings.each_ref().map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&headings).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        writeln!(output, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Tables one below the other, with a line between two.
pub(super) struct Below<'o> {
    output: &'o mut dyn Write,
    is_below: bool,
}

impl<'o> Below<'o> {
    /// Below what is printed already, if `is_below`.
    pub(super) fn new(output: &'o mut dyn Write, is_below: bool) -> Self {
        Below { output, is_below }
    }

    /// Prints one more, unless there is nothing in it.
    pub(super) fn print<const N: usize>(
        &mut self,
        headings: [&str; N],
        rows: &[[String; N]],
    ) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        if std::mem::replace(&mut self.is_below, true) {
            writeln!(self.output)?;
        }
        print(headings, rows, self.output)
    }
}

/// `text` with every character that is not seen, or that changes what is, as `\u{…}`.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character.general_category() {
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator => {
                escaped.extend(character.escape_unicode());
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed<const N: usize>(headings: [&str; N], rows: &[[&str; N]]) -> String {
        let rows: Vec<[String; N]> = rows.iter().map(|row| row.map(str::to_owned)).collect();
        let mut output = Vec::new();
        print(headings, &rows, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_in_characters() {
        assert_eq!(
            printed(["USER", "NAME"], &[["a", "Ünal"], ["longer", "B"]]),
            "USER    NAME\na       Ünal\nlonger  B\n"
        );
        assert_eq!(printed(["USER"], &[]), "USER\n");
    }

    #[test]
    fn a_name_can_neither_clear_the_screen_nor_turn_the_line_around() {
        let told = printed(["NAME"], &[["\u{1b}[2J\u{202e}eve\n\u{9b}"]]);
        assert_eq!(told, "NAME\n\\u{1b}[2J\\u{202e}eve\\u{a}\\u{9b}\n");
    }
}
