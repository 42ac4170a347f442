//! Stores as older versions wrote them, with somebody's session and a room in which something was said. For tests and fuzzing.

use std::path::Path;

use rusqlite::{Connection, Result};

use super::schema;

const SESSION: &str =
    "INSERT INTO sessions VALUES (zeroblob(32), 'id', 'alice', 'Alice', '', 0, 10, NULL)";
const ROOM: &str = "
    INSERT INTO rooms VALUES (1, 'a', 'public', 'open', '', '', 1, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'alice', 0, 1);
    INSERT INTO messages VALUES (1, 1, 'bob', 'Bob', 'one', 5, NULL, NULL);
";

/// Makes the store of version 1, or of version 2, in a file that is not there; in pages of so many bytes, unless as usual.
///
/// # Errors
/// When it can not be written.
pub fn make(path: &Path, version: u8, page_bytes: Option<u16>) -> Result<()> {
    let connection = Connection::open(path)?;
    if let Some(bytes) = page_bytes {
        connection.pragma_update(None, "page_size", bytes)?;
    }
    connection.execute_batch(schema::SESSIONS)?;
    connection.execute_batch(SESSION)?;
    if version > 1 {
        connection.execute_batch(schema::ROOMS)?;
        connection.execute_batch(ROOM)?;
    }
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", version)
}
