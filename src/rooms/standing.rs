//! How a user stands to a room, present or not.

use std::sync::Arc;

use crate::protocol::vocabulary::Affiliation;
use crate::time::Wall;

/// What the allocator and a shared text's own counts add to a text.
const ALLOCATION: usize = 16;

/// Who decided something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authority {
    /// Somebody of the room.
    Room,
    /// The operator; nobody of the room lifts it.
    Operator,
}

impl Authority {
    /// As it is stored, and told to people.
    pub const fn word(self) -> &'static str {
        match self {
            Authority::Room => "room",
            Authority::Operator => "operator",
        }
    }

    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Authority> {
        [Authority::Room, Authority::Operator]
            .into_iter()
            .find(|authority| authority.word() == word)
    }
}

/// A ban or a mute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanction {
    /// `None`: until it is lifted.
    pub until: Option<Wall>,
    pub reason: Box<str>,
    /// The user who decided it; empty: the operator.
    pub by: Arc<str>,
    pub authority: Authority,
}

impl Sanction {
    /// Whether it is in force at `now`.
    pub fn is_in_force(&self, now: Wall) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A user's standing: lasting, and told to the store. One that says nothing is not kept ([`Standing::is_blank`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Never [`Affiliation::Banned`]: that is what [`Standing::affiliation`] says while `ban` is in force.
    pub held: Affiliation,
    pub ban: Option<Sanction>,
    pub mute: Option<Sanction>,
    /// May join although the join rule says otherwise; ends when they do.
    pub is_invited: bool,
    /// Has asked to be let in, then.
    pub knocked: Option<Wall>,
    /// Of the latest message read; 0: none.
    pub read: u64,
}

impl Default for Standing {
    fn default() -> Self {
        Standing {
            held: Affiliation::None,
            ban: None,
            mute: None,
            is_invited: false,
            knocked: None,
            read: 0,
        }
    }
}

impl Standing {
    /// The same, read no less far than is known: what somebody has read goes on while a change of how they stand is on its way.
    #[must_use]
    pub fn read_at_least(&self, known: u64) -> Standing {
        Standing {
            read: self.read.max(known),
            ..self.clone()
        }
    }

    /// The affiliation at `now`.
    pub fn affiliation(&self, now: Wall) -> Affiliation {
        match &self.ban {
            Some(ban) if ban.is_in_force(now) => Affiliation::Banned,
            _ => self.held,
        }
    }

    /// The mute in force at `now`.
    pub fn mute(&self, now: Wall) -> Option<&Sanction> {
        self.mute.as_ref().filter(|mute| mute.is_in_force(now))
    }

    /// Whether one of the room's places is theirs, there or not: they belong to it, or are invited.
    pub fn has_place(&self) -> bool {
        self.held > Affiliation::None || self.is_invited
    }

    /// Bytes that it and the id of its user take, beside its place in a table.
    pub(super) fn text_bytes(&self, user: &str) -> usize {
        let sanctions = self.ban.iter().chain(&self.mute);
        let sanctions = sanctions.map(|found| found.reason.len() + found.by.len() + 4 * ALLOCATION);
        user.len() + sanctions.sum::<usize>()
    }

    /// Whether it says nothing at `now`, and need not be kept.
    pub fn is_blank(&self, now: Wall) -> bool {
        self.affiliation(now) == Affiliation::None
            && self.mute(now).is_none()
            && !self.is_invited
            && self.knocked.is_none()
            && self.read == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sanction(reason: &str, by: &str) -> Option<Sanction> {
        Some(Sanction {
            until: None,
            reason: reason.into(),
            by: by.into(),
            authority: Authority::Room,
        })
    }

    #[test]
    fn what_a_standing_takes_is_its_texts_and_a_little_for_each() {
        let blank = Standing::default();
        assert_eq!(blank.text_bytes("alice"), "alice".len());
        let sanctioned = Standing {
            ban: sanction(&"r".repeat(100), "bob"),
            mute: sanction("noise", "olga"),
            ..blank
        };
        let texts = "alice".len() + 100 + "bob".len() + "noise".len() + "olga".len();
        let (least, most) = (texts + 4 * ALLOCATION, texts + 16 * ALLOCATION);
        assert!((least..=most).contains(&sanctioned.text_bytes("alice")));
    }
}
