//! One field of a request to a typed value.

use std::borrow::Cow;

use super::{CLIENT_KEY_BYTES_MAX, Said};
use crate::protocol::command::rooms::{NUMBER_MAX, REASON_BYTES_MAX};
use crate::protocol::command::{
    Bounds, CommandError, Field, check_message, holds_control_characters, is_room_id,
};
use crate::protocol::json::{Object, Scalar};
use crate::protocol::name;

/// The fields of a request that nobody has looked at yet.
pub(super) struct Fields<'a, 'b> {
    object: &'b mut Object<'a>,
    pub(super) bounds: &'b Bounds,
}

type Taken<T> = Result<T, CommandError>;

/// A field that must be there.
pub(super) fn required<T>(found: Option<T>, field: Field) -> Taken<T> {
    found.ok_or(CommandError::MissingField(field))
}

impl<'a, 'b> Fields<'a, 'b> {
    pub(super) fn new(object: &'b mut Object<'a>, bounds: &'b Bounds) -> Self {
        Fields { object, bounds }
    }

    pub(super) fn string(&mut self, field: Field) -> Taken<Option<Cow<'a, str>>> {
        match self.object.take(field.name()) {
            Some(Scalar::Str(value)) => Ok(Some(value)),
            Some(_) => Err(CommandError::WrongType(field)),
            None => Ok(None),
        }
    }

    /// The room that a command is about.
    pub(super) fn room(&mut self) -> Taken<Cow<'a, str>> {
        required(self.room_id(Field::Room)?, Field::Room)
    }

    pub(super) fn room_id(&mut self, field: Field) -> Taken<Option<Cow<'a, str>>> {
        match self.string(field)? {
            Some(room) if !is_room_id(&room) => Err(CommandError::InvalidRoom(field)),
            room => Ok(room),
        }
    }

    /// `message`, or `body` instead.
    pub(super) fn said(&mut self) -> Taken<Said<'a>> {
        let message = self.string(Field::Message)?;
        let body = self.string(Field::Body)?;
        match (message, body) {
            (Some(_), Some(_)) => Err(CommandError::ConflictingFields(Field::Body)),
            (Some(message), None) => {
                check_message(&message, self.bounds)?;
                Ok(Said::Message(message))
            }
            (None, Some(body)) => {
                check_body(&body, self.bounds)?;
                Ok(Said::Body(body))
            }
            (None, None) => Err(CommandError::MissingField(Field::Message)),
        }
    }

    pub(super) fn key(&mut self) -> Taken<Option<Cow<'a, str>>> {
        match self.words(Field::Key, CLIENT_KEY_BYTES_MAX)? {
            Some(key) if key.is_empty() => Err(CommandError::InvalidValue(Field::Key)),
            key => Ok(key),
        }
    }

    pub(super) fn user(&mut self) -> Taken<Cow<'a, str>> {
        required(self.optional_user()?, Field::User)
    }

    pub(super) fn optional_user(&mut self) -> Taken<Option<Cow<'a, str>>> {
        match self.string(Field::User)? {
            Some(user) if !name::is_user(&user) => Err(CommandError::InvalidValue(Field::User)),
            user => Ok(user),
        }
    }

    pub(super) fn reason(&mut self) -> Taken<Option<Cow<'a, str>>> {
        self.words(Field::Reason, REASON_BYTES_MAX)
    }

    /// Text for people, or nothing, of a bounded length.
    pub(super) fn words(&mut self, field: Field, bytes_max: usize) -> Taken<Option<Cow<'a, str>>> {
        match self.string(field)? {
            Some(text) if text.len() > bytes_max => Err(CommandError::TooLong { field, bytes_max }),
            Some(text) if holds_control_characters(&text) => {
                Err(CommandError::InvalidCharacters(field))
            }
            text => Ok(text),
        }
    }

    /// One of a few words.
    pub(super) fn word<T>(
        &mut self,
        field: Field,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Taken<Option<T>> {
        let Some(word) = self.string(field)? else {
            return Ok(None);
        };
        let value = read(&word).ok_or(CommandError::InvalidValue(field))?;
        Ok(Some(value))
    }

    /// An integer in a range.
    pub(super) fn number(&mut self, field: Field, min: u64, max: u64) -> Taken<Option<u64>> {
        let invalid = CommandError::InvalidValue(field);
        match self.object.take(field.name()) {
            None => Ok(None),
            Some(Scalar::Int(number)) => {
                let number = u64::try_from(number).map_err(|_| invalid)?;
                let is_fine = (min..=max).contains(&number);
                is_fine.then_some(Some(number)).ok_or(invalid)
            }
            Some(Scalar::Number) => Err(invalid),
            Some(_) => Err(CommandError::WrongType(field)),
        }
    }

    /// The same for numbers that fit a smaller type.
    pub(super) fn small(&mut self, field: Field) -> Taken<Option<u32>> {
        let number = self.number(field, 0, u64::from(u32::MAX))?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// The number of a message that there can be.
    pub(super) fn seq(&mut self) -> Taken<u64> {
        required(self.number(Field::Seq, 1, NUMBER_MAX)?, Field::Seq)
    }

    pub(super) fn boolean(&mut self, field: Field) -> Taken<Option<bool>> {
        match self.object.take(field.name()) {
            None => Ok(None),
            Some(Scalar::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(CommandError::WrongType(field)),
        }
    }
}

fn check_body(body: &str, bounds: &Bounds) -> Result<(), CommandError> {
    let bytes_max = bounds.body_bytes_max;
    if body.len() > bytes_max {
        let field = Field::Body;
        return Err(CommandError::TooLong { field, bytes_max });
    }
    // RFC 4648 §5; one character alone holds no byte.
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if body.is_empty() || body.len() % 4 == 1 || !body.bytes().all(is_fine) {
        return Err(CommandError::InvalidValue(Field::Body));
    }
    Ok(())
}
