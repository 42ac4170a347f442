//! What people do to each other in a room, and who may do it to whom.

/// A type whose values each have one word; the log and the wire use it.
macro_rules! actions {
    ($($(#[$about:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// Something that is written into a room's moderation log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action { $($(#[$about])* $variant),* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// As the log and notices name it.
            pub const fn word(self) -> &'static str {
                match self { $(Action::$variant => $word),* }
            }
        }
    };
}

actions! {
    Create = "create",
    /// Settings were changed.
    Update = "update",
    Archive = "archive",
    Unarchive = "unarchive",
    Delete = "delete",
    /// Another affiliation was given.
    Affiliate = "affiliate",
    /// An owner made somebody owner and stepped down.
    Transfer = "transfer",
    /// Somebody gave up their own affiliation.
    Resign = "resign",
    Invite = "invite",
    /// An invitation was taken back, or a knock turned down.
    Withdraw = "withdraw",
    /// Somebody asked to be let in.
    Knock = "knock",
    /// Somebody who asked was let in.
    Approve = "approve",
    Kick = "kick",
    Ban = "ban",
    Unban = "unban",
    Mute = "mute",
    Unmute = "unmute",
    DeleteMessage = "delete_message",
    /// Everything that a user said was deleted.
    Purge = "purge",
    /// Joins become knocks for a time, or no longer.
    Raid = "raid",
}
