//! Numbers and dates as they stand in rows.

use std::time::Duration;

use rusqlite::{Error, Result, Row};

use crate::time::Wall;

/// A first column that counts rows.
pub(super) fn count(row: &Row<'_>) -> Result<usize> {
    let count: i64 = row.get(0)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

pub(super) fn date(wall: Wall) -> i64 {
    signed(wall.as_millis())
}

pub(super) fn wall(date: i64) -> Wall {
    Wall::from_millis(unsigned(date))
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// One that does not fit is the largest there is.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// A column that holds a text.
pub(super) fn text<T: From<String>>(row: &Row<'_>, column: &str) -> Result<T> {
    row.get::<_, String>(column).map(Into::into)
}

/// A column that holds a word of ours. Another word was not written by this program.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: &str,
    from_word: impl FnOnce(&str) -> Option<T>,
) -> Result<T> {
    let word: String = row.get(column)?;
    from_word(&word).ok_or(Error::InvalidQuery)
}

pub(super) fn optional_date(row: &Row<'_>, column: &str) -> Result<Option<Wall>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(wall))
}
