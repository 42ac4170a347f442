//! The words that rooms are described in: on the wire, in tokens, in the store. Words only: what they allow stands in `rooms`.

/// A type whose values each have one word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$about])* $variant),* }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Its word.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}

pub(in crate::protocol) use words;

words! {
    /// Whom a room is for.
    RoomKind {
        /// Anyone who is signed in may see and join it.
        Public = "public",
        /// Only those with a permission, an invitation or an affiliation may join; others see that it exists when its join rule lets them ask.
        Members = "members",
        /// Members only, unlisted; messages are opaque to the server.
        Private = "private",
    }
}

words! {
    /// How somebody without an affiliation comes in.
    JoinRule {
        /// By joining.
        Open = "open",
        /// By invitation.
        Invite = "invite",
        /// By asking; a moderator approves.
        Knock = "knock",
    }
}

words! {
    /// The lasting relation of a user to a room (XEP-0045 §5.2), lowest first.
    Affiliation {
        /// Kept out.
        Banned = "banned",
        /// No relation.
        None = "none",
        Member = "member",
        Moderator = "moderator",
        Owner = "owner",
    }
}

words! {
    /// Something that a user may or may not do in a room.
    Capability {
        /// Learn that it exists, and its description.
        See = "see",
        /// Be present.
        Join = "join",
        /// Read its history.
        Read = "read",
        /// Say something.
        Send = "send",
        /// Invite others.
        Invite = "invite",
        /// Kick, ban, mute, delete messages, approve knocks.
        Moderate = "moderate",
        /// Change settings and affiliations, archive, delete.
        Configure = "configure",
        /// Bring the room into being.
        Create = "create",
    }
}

words! {
    /// Why somebody is not in a room any more.
    Removal {
        /// For now: whoever may join may come back.
        Kicked = "kicked",
        Banned = "banned",
        /// The room does not exist any more.
        Deleted = "deleted",
        Archived = "archived",
        /// They may not be there any more.
        Forbidden = "forbidden",
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None at all.
    pub const NONE: Capabilities = Capabilities(0);

    /// Those of `list`.
    pub const fn of(list: &[Capability]) -> Self {
        let mut bits = 0;
        let mut rest = list;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u8;
            rest = others;
        }
        Capabilities(bits)
    }

    /// The same and `capability`.
    pub const fn with(self, capability: Capability) -> Self {
        Capabilities(self.0 | 1 << capability as u8)
    }

    /// Those in it, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        let all = Capability::ALL.iter().copied();
        all.filter(move |capability| self.contains(*capability))
    }

    /// Whether `capability` is one of them.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }
}

/// What a credential says about rooms: the claim `rooms`, an object of patterns to capabilities.
///
/// A pattern is a room id, or the beginning of one followed by `*`, or `*` alone. **The most specific pattern that matches
/// decides**: the whole id before any beginning, a longer beginning before a shorter one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomClaims {
    /// Longest first; the id without `*` before the same with it.
    patterns: Vec<(Box<str>, Capabilities)>,
}

/// Patterns of one credential at most: what a token of 8 KiB can hold with room to spare.
pub const ROOM_PATTERNS_MAX: usize = 64;

impl RoomClaims {
    /// The claim made of these patterns; `None` when there are too many, one stands twice, or one is no pattern.
    pub fn new(patterns: impl IntoIterator<Item = (Box<str>, Capabilities)>) -> Option<RoomClaims> {
        let mut patterns: Vec<_> = patterns.into_iter().take(ROOM_PATTERNS_MAX + 1).collect();
        if patterns.len() > ROOM_PATTERNS_MAX
            || !patterns.iter().all(|(pattern, _)| is_pattern(pattern))
        {
            return None;
        }
        let beginning = |pattern: &str| {
            pattern
                .strip_suffix('*')
                .map_or(pattern.len() + 1, str::len)
        };
        patterns.sort_by(|(a, _), (b, _)| beginning(b).cmp(&beginning(a)).then(a.cmp(b)));
        let is_doubled = patterns
            .windows(2)
            .any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
        (!is_doubled).then_some(RoomClaims { patterns })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let texts = self.patterns.iter().map(|(pattern, _)| pattern.len() + 16);
        let places = self.patterns.capacity() * size_of::<(Box<str>, Capabilities)>();
        size_of::<RoomClaims>() + places + texts.sum::<usize>()
    }

    /// What it says about this room; `None`: nothing.
    pub fn about(&self, room: &str) -> Option<Capabilities> {
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => room.starts_with(beginning),
            None => room == pattern,
        };
        let found = self.patterns.iter().find(|(pattern, _)| matches(pattern));
        found.map(|(_, capabilities)| *capabilities)
    }
}

fn is_pattern(pattern: &str) -> bool {
    let beginning = pattern.strip_suffix('*').unwrap_or(pattern);
    let is_whole = pattern.len() == beginning.len();
    (beginning.is_empty() && !is_whole) || super::command::is_room_id(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(patterns: &[(&str, &[Capability])]) -> Option<RoomClaims> {
        RoomClaims::new(
            patterns
                .iter()
                .map(|(pattern, list)| ((*pattern).into(), Capabilities::of(list))),
        )
    }

    #[test]
    fn every_word_is_its_values_own() {
        for affiliation in Affiliation::ALL {
            assert_eq!(
                Affiliation::from_word(affiliation.word()),
                Some(*affiliation)
            );
        }
        assert_eq!(Capability::from_word("Send"), None);
    }

    #[test]
    fn what_is_added_is_there_even_if_it_was_before() {
        use Capability::{Join, Send};
        let joins = Capabilities::of(&[Join]);
        assert_eq!(joins.with(Send), Capabilities::of(&[Join, Send]));
        assert_eq!(joins.with(Send).with(Send), joins.with(Send));
    }

    #[test]
    fn what_claims_take_is_their_places_and_texts_and_little_more() {
        let patterns = (0..10).map(|n| (format!("room-of-{n}*").into(), Capabilities::NONE));
        let bytes = RoomClaims::new(patterns).map(|claims| claims.bytes());
        let place = size_of::<(Box<str>, Capabilities)>();
        let least = size_of::<RoomClaims>() + 10 * place + 10 * "room-of-0*".len();
        let most = least + 10 * place + 10 * 32;
        assert!(bytes.is_some_and(|bytes| (least..=most).contains(&bytes)));
    }

    #[test]
    fn the_most_specific_pattern_decides() {
        use Capability::{Join, Read, Send};
        let claims = claims(&[
            ("*", &[]),
            ("team-*", &[Join, Send]),
            ("team-a*", &[Join]),
            ("team-a", &[Read]),
        ])
        .expect("patterns");
        let about = |room| claims.about(room).expect("some pattern matches");
        assert_eq!(about("team-a"), Capabilities::of(&[Read]));
        assert_eq!(about("team-ab"), Capabilities::of(&[Join]));
        assert_eq!(about("team-b"), Capabilities::of(&[Join, Send]));
        assert_eq!(about("other"), Capabilities::NONE);
    }

    #[test]
    fn what_is_no_pattern_or_stands_twice_is_no_claim() {
        for pattern in ["", "**", "a*b", "-a", "ä", "a b"] {
            assert_eq!(claims(&[(pattern, &[])]), None, "{pattern}");
        }
        assert_eq!(claims(&[("a", &[]), ("a", &[])]), None);
        let many: Vec<(Box<str>, Capabilities)> = (0..=ROOM_PATTERNS_MAX)
            .map(|number| (format!("r{number}").into(), Capabilities::NONE))
            .collect();
        assert_eq!(RoomClaims::new(many), None);
    }
}
