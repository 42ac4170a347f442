//! One JSON object, read so strictly that two readers cannot disagree about it. Knows no claim.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Most members of a header or claims set; duplicates are sought by comparing each with each.
const MEMBERS_MAX: usize = 64;

/// Deepest nesting below the object; what nobody looks at must not cost much either.
const DEPTH_MAX: u8 = 16;

/// Why bytes are not such an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::access) enum JsonFault {
    #[error("not one JSON object, or nested too deeply")]
    Syntax,
    #[error("a member stands twice")]
    Duplicate,
    #[error("too many members")]
    Members,
}

/// A member's value, as far as anybody asks.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::access) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Array(Vec<Value<'a>>),
    /// Names may stand twice in it: whoever looks at it looks for that.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
    /// `null` or a boolean.
    Other,
}

/// The members of an object, each name once.
pub(in crate::access) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Members<'a> {
    /// Reads `json` whole: every string must be Unicode, every number finite, also in members that nobody knows.
    ///
    /// # Errors
    /// [`JsonFault`].
    pub(in crate::access) fn parse(json: &'a [u8]) -> Result<Self, JsonFault> {
        let Object(members) = serde_json::from_slice(json).map_err(|_| JsonFault::Syntax)?;
        if members.len() > MEMBERS_MAX {
            return Err(JsonFault::Members);
        }
        let mut rest = members.as_slice();
        while let Some(((name, _), others)) = rest.split_first() {
            if others.iter().any(|(other, _)| other == name) {
                return Err(JsonFault::Duplicate);
            }
            rest = others;
        }
        Ok(Members(members))
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Not derived: a derived struct would also be read from an array.
impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value_seed(Nested(DEPTH_MAX))?));
        }
        Ok(Object(members))
    }
}

struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Nested(0).deserialize(deserializer)? {
            Value::Text(name) => Ok(Name(name)),
            _ => Err(D::Error::custom("a name is a string")),
        }
    }
}

/// Reads one value with this much nesting left.
#[derive(Clone, Copy)]
struct Nested(u8);

impl Nested {
    fn deeper<E: Error>(self) -> Result<Nested, E> {
        self.0
            .checked_sub(1)
            .map(Nested)
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value<'de>, A::Error> {
        let nested = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = array.next_element_seed(nested)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let nested = self.deeper()?;
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value_seed(nested)?));
        }
        Ok(Value::Object(members))
    }
}
