//! One text to one flat JSON object, strictly (RFC 8259).
//!
//! Knows nothing of commands. It must not keep nested values: they are read and checked, to the last
//! byte, and forgotten.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

#[cfg(test)]
mod tests;

/// Deepest nesting of arrays and objects, the outermost object counted as 1 (RFC 8259 §9 allows a limit).
pub const DEPTH_MAX: usize = 16;

/// Most fields of one object, at every level. Also what bounds the search for duplicate names.
pub const FIELDS_MAX: usize = 32;

/// Fields of an ordinary message: one allocation holds them.
const FIELDS_USUAL: usize = 4;

/// The depth at which the values of the outermost object's fields stand.
const FIELD_DEPTH: usize = 2;

/// The value of a field of the outermost object, as far as anybody looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string; borrowed from the text unless it holds an escape.
    Str(Cow<'a, str>),
    /// A number written as an integer that an `i64` holds; `-0` is not one.
    Int(i64),
    /// Any other finite number.
    Number,
    Bool(bool),
    Null,
    Array,
    Object,
    /// The name came more than once, so there is no one value. Only found in what was [`Rejected`].
    Repeated,
}

/// The fields of the outermost object, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<'a> {
    fields: Vec<(Cow<'a, str>, Scalar<'a>)>,
}

impl<'a> Object<'a> {
    /// Removes the field called `name` and gives its value.
    pub fn take(&mut self, name: &str) -> Option<Scalar<'a>> {
        let at = self.fields.iter().position(|(key, _)| key == name)?;
        Some(self.fields.remove(at).1)
    }

    /// The fields not taken yet.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Scalar<'a>)> {
        self.fields.iter().map(|(key, value)| (&**key, value))
    }
}

/// Why a text is not a JSON object that we take.
///
/// [`Syntax`](JsonError::Syntax) and [`TooDeep`](JsonError::TooDeep) end the reading where they are met;
/// the others are only told once the whole text has been read and found to be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or a lone surrogate, or a number no double holds.
    #[error("not valid JSON")]
    Syntax,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// JSON, but something else than an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object, at any level, has more than [`FIELDS_MAX`] fields.
    #[error("an object has more than {FIELDS_MAX} fields")]
    TooManyFields,
    /// An object, at any level, has two fields of the same name once escapes are resolved.
    #[error("an object has two fields of the same name")]
    DuplicateField,
}

/// A text that was not taken, and what could be read of it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected<'a> {
    pub error: JsonError,
    /// Up to [`FIELDS_MAX`] fields; none when the text is not JSON.
    pub read: Object<'a>,
}

/// Reads `text` as exactly one JSON object.
///
/// # Errors
/// [`Rejected`] with the first [`JsonError`] in the order of the text, where one that ends the reading
/// wins over one that does not.
pub fn parse_object(text: &str) -> Result<Object<'_>, Rejected<'_>> {
    let mut reading = Reading {
        fields: Vec::new(),
        nested_names: Vec::new(),
        fault: None,
        too_deep: false,
    };
    match reading.read(text) {
        Err(error) => Err(Rejected {
            error,
            read: Object { fields: Vec::new() },
        }),
        Ok(()) => {
            let read = Object {
                fields: reading.fields,
            };
            match reading.fault {
                Some(error) => Err(Rejected { error, read }),
                None => Ok(read),
            }
        }
    }
}

/// What has been read so far.
struct Reading<'a> {
    fields: Vec<(Cow<'a, str>, Scalar<'a>)>,
    /// The names of every nested object that is open, innermost last.
    nested_names: Vec<Cow<'a, str>>,
    fault: Option<JsonError>,
    too_deep: bool,
}

impl<'a> Reading<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), JsonError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let is_object = text
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with('{');
        let outcome = if is_object {
            json.deserialize_map(Outermost(self))
        } else {
            let anything = Value {
                reading: self,
                depth: 1,
            };
            let outcome = anything.deserialize(&mut json).map(drop);
            self.fault = Some(JsonError::NotAnObject);
            outcome
        };
        outcome.and_then(|()| json.end()).map_err(|_| {
            if self.too_deep {
                JsonError::TooDeep
            } else {
                JsonError::Syntax
            }
        })
    }

    fn fault(&mut self, error: JsonError) {
        self.fault.get_or_insert(error);
    }

    fn add_field(&mut self, name: Cow<'a, str>, value: Scalar<'a>) {
        if let Some(earlier) = self.fields.iter_mut().find(|(known, _)| *known == name) {
            earlier.1 = Scalar::Repeated;
            self.fault(JsonError::DuplicateField);
        } else if self.fields.len() == FIELDS_MAX {
            self.fault(JsonError::TooManyFields);
        } else {
            self.fields.push((name, value));
        }
    }

    /// `begin`: where the names of the innermost object begin.
    fn add_nested_name(&mut self, begin: usize, name: Cow<'a, str>) {
        let siblings = self.nested_names.get(begin..).unwrap_or_default();
        if siblings.contains(&name) {
            self.fault(JsonError::DuplicateField);
        } else if siblings.len() == FIELDS_MAX {
            self.fault(JsonError::TooManyFields);
        } else {
            self.nested_names.push(name);
        }
    }

    fn enter<E: de::Error>(&mut self, depth: usize) -> Result<(), E> {
        if depth > DEPTH_MAX {
            self.too_deep = true;
            return Err(E::custom(JsonError::TooDeep));
        }
        Ok(())
    }
}

/// The object that is the whole text.
struct Outermost<'r, 'a>(&'r mut Reading<'a>);

impl<'a> Visitor<'a> for Outermost<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.fields.reserve(FIELDS_USUAL);
        while let Some(name) = map.next_key_seed(Name)? {
            let value = map.next_value_seed(Value {
                reading: &mut *self.0,
                depth: FIELD_DEPTH,
            })?;
            self.0.add_field(name, value);
        }
        Ok(())
    }
}

/// Any value. Not `IgnoredAny`: serde_json skips strings and numbers for it that it would refuse to read.
struct Value<'r, 'a> {
    reading: &'r mut Reading<'a>,
    /// How deep this value is nested, should it be an array or object.
    depth: usize,
}

impl<'a> DeserializeSeed<'a> for Value<'_, 'a> {
    type Value = Scalar<'a>;

    fn deserialize<D: de::Deserializer<'a>>(self, json: D) -> Result<Scalar<'a>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Value<'_, 'a> {
    type Value = Scalar<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'a>, E> {
        Ok(i64::try_from(value).map_or(Scalar::Number, Scalar::Int))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Number)
    }

    fn visit_unit<E>(self) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Null)
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Scalar<'a>, E> {
        Ok(Scalar::Str(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar<'a>, E> {
        // A nested string is read for its errors alone: copying each would make thousands of allocations of one text.
        let kept = if self.depth == FIELD_DEPTH { value } else { "" };
        Ok(Scalar::Str(Cow::Owned(kept.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Scalar<'a>, A::Error> {
        self.reading.enter(self.depth)?;
        while let Some(_forgotten) = seq.next_element_seed(Value {
            reading: &mut *self.reading,
            depth: self.depth + 1,
        })? {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Scalar<'a>, A::Error> {
        self.reading.enter(self.depth)?;
        let begin = self.reading.nested_names.len();
        while let Some(name) = map.next_key_seed(Name)? {
            self.reading.add_nested_name(begin, name);
            map.next_value_seed(Value {
                reading: &mut *self.reading,
                depth: self.depth + 1,
            })?;
        }
        self.reading.nested_names.truncate(begin);
        Ok(Scalar::Object)
    }
}

/// The name of a field, borrowed from the text unless it holds an escape.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: de::Deserializer<'a>>(self, json: D) -> Result<Cow<'a, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}
