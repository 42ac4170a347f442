//! What the fuzz targets and the replay of their corpora run: each reads made-up bytes twice, quickly and slowly,
//! and panics when the two disagree.

mod asked;
mod config;
mod credentials;
mod forwarded;
mod frame;
mod json;
mod origin;
mod session;
mod store;
mod tickets;
mod token;
mod upgrade;

pub use config::config;
pub use forwarded::forwarded;
pub use frame::{canary, frame};
pub use json::json;
pub use origin::origin;
pub use session::session;
pub use store::store;
pub use token::token;
pub use upgrade::upgrade;

/// A choice, how to cut, and the bytes proper.
struct Input<'a> {
    choice: usize,
    lengths: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// The first byte chooses, the second says how many lengths follow.
    fn new(input: &'a [u8]) -> Option<Self> {
        let [choice, cuts, rest @ ..] = input else {
            return None;
        };
        let (lengths, bytes) = rest.split_at_checked(usize::from(*cuts))?;
        Some(Input {
            choice: usize::from(*choice),
            lengths,
            bytes,
        })
    }

    /// The bytes in pieces of these lengths, over and over; whole when there are none.
    fn pieces(&self) -> Vec<&'a [u8]> {
        let mut lengths = self.lengths.iter().cycle();
        let mut rest = self.bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let length = lengths.next().map_or(rest.len(), |length| {
                usize::from(*length).clamp(1, rest.len())
            });
            let (piece, after) = rest.split_at(length);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}
