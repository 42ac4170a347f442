//! Notices of use for a moment only: whoever is behind with reading may go without them, and is told later how many there are.

use super::Notice;

/// What such notices tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passing {
    pub joined: u64,
    pub left: u64,
}

impl Passing {
    /// Takes in what others tell of.
    pub fn add(&mut self, other: Passing) {
        self.joined += other.joined;
        self.left += other.left;
    }
}

impl Notice<'_> {
    /// What it tells of, if it is of use for a moment only; `None`: nobody may go without it.
    pub fn passing(&self) -> Option<Passing> {
        let (joined, left) = match self {
            Notice::Typing(_) => (0, 0),
            Notice::Joined(_) => (1, 0),
            Notice::Left(_) => (0, 1),
            Notice::Presence(crowd) => (crowd.joined, crowd.left),
            _ => return None,
        };
        Some(Passing { joined, left })
    }
}
