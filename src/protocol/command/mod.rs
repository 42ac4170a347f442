//! What clients ask: one text to a typed command or a typed refusal, in either protocol.
//!
//! Looks at shape, bytes and bounds only: whether a room exists, who may speak and how often is decided elsewhere.

use std::borrow::Cow;

use super::json::{DEPTH_MAX, FIELDS_MAX, JsonError};

pub mod rooms;
pub mod tutorial;
pub mod v1;

#[cfg(test)]
mod tests;

/// Longest room id, in bytes.
pub const ROOM_ID_BYTES_MAX: usize = 64;

/// Longest request id that is a string, in bytes once escapes are resolved.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// The bounds of a message that the operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest message, in Unicode scalar values.
    pub message_characters_max: usize,
    /// Longest body of a message of a private room, in bytes of base64url.
    pub body_bytes_max: usize,
}

impl Default for Bounds {
    /// The tutorial's 500 characters, and room for as many enciphered ones.
    fn default() -> Self {
        Bounds {
            message_characters_max: 500,
            body_bytes_max: 4096,
        }
    }
}

super::vocabulary::words! {
    /// A name of a field that one of the protocols knows. Other names are never repeated to the client.
    Field {
        Type = "type",
        Id = "id",
        Room = "room",
        Message = "message",
        /// Opaque bytes instead of a message.
        Body = "body",
        /// The client's own name for a message.
        Key = "key",
        /// A newer credential.
        Token = "token",
        /// The tutorial protocol's name for the room.
        RoomId = "room_id",
        Since = "since",
        After = "after",
        Before = "before",
        Limit = "limit",
        Seq = "seq",
        User = "user",
        Affiliation = "affiliation",
        ForMs = "for_ms",
        Reason = "reason",
        Name = "name",
        Topic = "topic",
        Kind = "kind",
        JoinRule = "join_rule",
        Ephemeral = "ephemeral",
        Locked = "locked",
        Archived = "archived",
        SlowModeMs = "slow_mode_ms",
        CooldownMs = "cooldown_ms",
        MessageCharactersMax = "message_characters_max",
        MembersMax = "members_max",
        RetentionMessages = "retention_messages",
        RetentionMs = "retention_ms",
        MessagesPerMinute = "messages_per_minute",
        MessagesPerMinutePerMember = "messages_per_minute_per_member",
        BytesPerSecond = "bytes_per_second",
        JoinsPerMinute = "joins_per_minute",
    }
}

impl Field {
    /// As it stands in the JSON object.
    pub const fn name(self) -> &'static str {
        self.word()
    }

    fn named(name: &str) -> Option<Field> {
        Field::from_word(name)
    }
}

/// Why a text is not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandError {
    InvalidJson,
    TooDeep,
    NotAnObject,
    TooManyFields,
    /// `None`: the name is not one of ours, or stands in a nested object.
    DuplicateField(Option<Field>),
    InvalidId,
    MissingType,
    UnknownType,
    MissingField(Field),
    /// `None`: the name is not one of ours.
    UnknownField(Option<Field>),
    WrongType(Field),
    /// The field is [`Field::Room`], [`Field::RoomId`] or the [`Field::After`] of `rooms`.
    InvalidRoom(Field),
    MessageEmpty,
    MessageTooLong {
        /// The bound, in Unicode scalar values.
        characters_max: usize,
    },
    /// Control characters.
    InvalidCharacters(Field),
    /// Something that this field can not be; [`CommandError::text`] says what it can.
    InvalidValue(Field),
    TooLong {
        field: Field,
        bytes_max: usize,
    },
    /// Two fields of which a command has one; this is the second.
    ConflictingFields(Field),
}

impl CommandError {
    /// Every code that [`CommandError::code`] gives.
    pub const CODES: [&'static str; 18] = [
        "invalid_json",
        "too_deep",
        "not_an_object",
        "too_many_fields",
        "duplicate_field",
        "invalid_id",
        "missing_type",
        "unknown_type",
        "missing_field",
        "unknown_field",
        "wrong_type",
        "invalid_room",
        "message_empty",
        "message_too_long",
        "invalid_characters",
        "invalid_value",
        "too_long",
        "conflicting_fields",
    ];

    /// The stable code that programs act on.
    pub const fn code(self) -> &'static str {
        match self {
            CommandError::InvalidJson => "invalid_json",
            CommandError::TooDeep => "too_deep",
            CommandError::NotAnObject => "not_an_object",
            CommandError::TooManyFields => "too_many_fields",
            CommandError::DuplicateField(_) => "duplicate_field",
            CommandError::InvalidId => "invalid_id",
            CommandError::MissingType => "missing_type",
            CommandError::UnknownType => "unknown_type",
            CommandError::MissingField(_) => "missing_field",
            CommandError::UnknownField(_) => "unknown_field",
            CommandError::WrongType(_) => "wrong_type",
            CommandError::InvalidRoom(_) => "invalid_room",
            CommandError::MessageEmpty => "message_empty",
            CommandError::MessageTooLong { .. } => "message_too_long",
            CommandError::InvalidCharacters(_) => "invalid_characters",
            CommandError::InvalidValue(_) => "invalid_value",
            CommandError::TooLong { .. } => "too_long",
            CommandError::ConflictingFields(_) => "conflicting_fields",
        }
    }

    /// The field at fault, when it is one of ours.
    pub const fn field(self) -> Option<&'static str> {
        let field = match self {
            CommandError::InvalidJson
            | CommandError::TooDeep
            | CommandError::NotAnObject
            | CommandError::TooManyFields
            | CommandError::DuplicateField(None)
            | CommandError::UnknownField(None) => return None,
            CommandError::DuplicateField(Some(field))
            | CommandError::UnknownField(Some(field))
            | CommandError::MissingField(field)
            | CommandError::WrongType(field)
            | CommandError::InvalidRoom(field)
            | CommandError::InvalidCharacters(field)
            | CommandError::InvalidValue(field)
            | CommandError::TooLong { field, .. }
            | CommandError::ConflictingFields(field) => field,
            CommandError::InvalidId => Field::Id,
            CommandError::MissingType | CommandError::UnknownType => Field::Type,
            CommandError::MessageEmpty | CommandError::MessageTooLong { .. } => Field::Message,
        };
        Some(field.name())
    }

    /// One sentence for a person, in `wardroom.v1`. Holds nothing that the client sent.
    pub fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            CommandError::InvalidJson => "The message is not valid JSON.",
            CommandError::TooDeep => {
                return format!("The message nests more than {DEPTH_MAX} levels deep.").into();
            }
            CommandError::NotAnObject => "The message is not a JSON object.",
            CommandError::TooManyFields => {
                return format!("An object has more than {FIELDS_MAX} fields.").into();
            }
            CommandError::DuplicateField(_) => "A field is given twice.",
            CommandError::InvalidId => {
                "The id must be a 64-bit integer or a string of at most 64 bytes."
            }
            CommandError::MissingType => "The field type is missing.",
            CommandError::UnknownType => "There is no command of this type.",
            CommandError::MissingField(_) => "A required field is missing.",
            CommandError::UnknownField(_) => "This command has no such field.",
            CommandError::WrongType(_) => "The field must be of another type.",
            CommandError::InvalidRoom(_) => {
                "A room id is 1 to 64 of A-Z a-z 0-9 _ . : - and begins with a letter or digit."
            }
            CommandError::MessageEmpty => "The message is empty.",
            CommandError::MessageTooLong { characters_max } => {
                return format!("The message is longer than {characters_max} characters.").into();
            }
            CommandError::InvalidCharacters(_) => "The text holds control characters.",
            CommandError::InvalidValue(field) => rooms::rule(field),
            CommandError::TooLong { bytes_max, .. } => {
                return format!("The field is longer than {bytes_max} bytes.").into();
            }
            CommandError::ConflictingFields(_) => "Only one of two fields can be given.",
        })
    }
}

impl From<JsonError> for CommandError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Syntax => CommandError::InvalidJson,
            JsonError::TooDeep => CommandError::TooDeep,
            JsonError::NotAnObject => CommandError::NotAnObject,
            JsonError::TooManyFields => CommandError::TooManyFields,
            JsonError::DuplicateField => CommandError::DuplicateField(None),
        }
    }
}

/// Whether `text` is a room id: `[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}`.
pub fn is_room_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= ROOM_ID_BYTES_MAX
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'))
}

/// Checks the text of a chat message.
///
/// Bidi formatting characters pass, since right-to-left languages need them.
pub(in crate::protocol) fn check_message(
    message: &str,
    bounds: &Bounds,
) -> Result<(), CommandError> {
    let characters_max = bounds.message_characters_max;
    if message.chars().all(char::is_whitespace) {
        return Err(CommandError::MessageEmpty);
    }
    // A character is at least one byte, so most messages need no count.
    if message.len() > characters_max && message.chars().count() > characters_max {
        return Err(CommandError::MessageTooLong { characters_max });
    }
    if holds_control_characters(message) {
        return Err(CommandError::InvalidCharacters(Field::Message));
    }
    Ok(())
}

/// Whether `message` holds a character of Unicode category Cc (C0, DEL, C1) but for tab and the two line ends.
///
/// Looks at bytes and has no early exit, so that the compiler looks at many at once.
fn holds_control_characters(message: &str) -> bool {
    let bytes = message.as_bytes();
    let c0_or_del = bytes.iter().fold(false, |found, byte| {
        found | (byte.is_ascii_control() & !matches!(byte, b'\n' | b'\r' | b'\t'))
    });
    // U+0080 to U+009F are C2 80 to C2 9F, and C2 is never but a first byte (RFC 3629 §4).
    let c1 = bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .fold(false, |found, (first, second)| {
            found | ((*first == 0xc2) & matches!(second, 0x80..=0x9f))
        });
    c0_or_del | c1
}
