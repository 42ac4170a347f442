//! JSON text written straight into a caller's buffer (RFC 8259 §§4, 6, 7).
//!
//! Cannot fail. It must not allocate but to grow that buffer, nor format a float.

use crate::time::Wall;

#[cfg(test)]
mod tests;

/// Bytes of a string that are looked at together.
const ESCAPE_CHUNK: usize = 64;

/// An object being written: `{` on [`ObjectText::begin`], `}` on [`ObjectText::end`].
pub(super) struct ObjectText<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> ObjectText<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        ObjectText { out, empty: true }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    pub(super) fn string(&mut self, name: &'static str, value: &str) -> &mut Self {
        push_string(self.name(name), value);
        self
    }

    /// One string made of `parts` in a row.
    pub(super) fn strings(&mut self, name: &'static str, parts: &[&str]) -> &mut Self {
        let out = self.name(name);
        out.push(b'"');
        for part in parts {
            push_escaped(out, part);
        }
        out.push(b'"');
        self
    }

    pub(super) fn optional_string(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.string(name, value);
        }
        self
    }

    pub(super) fn optional_unsigned(
        &mut self,
        name: &'static str,
        value: Option<u64>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.unsigned(name, value);
        }
        self
    }

    pub(super) fn unsigned(&mut self, name: &'static str, value: u64) -> &mut Self {
        push_unsigned(self.name(name), value);
        self
    }

    pub(super) fn integer(&mut self, name: &'static str, value: i64) -> &mut Self {
        let out = self.name(name);
        if value < 0 {
            out.push(b'-');
        }
        push_unsigned(out, value.unsigned_abs());
        self
    }

    pub(super) fn boolean(&mut self, name: &'static str, value: bool) -> &mut Self {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.name(name).extend_from_slice(word);
        self
    }

    pub(super) fn timestamp(&mut self, value: Wall) -> &mut Self {
        self.date("timestamp", value)
    }

    pub(super) fn optional_date(&mut self, name: &'static str, value: Option<Wall>) -> &mut Self {
        if let Some(value) = value {
            self.date(name, value);
        }
        self
    }

    /// A string that is left out when it says nothing.
    pub(super) fn words(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.optional_string(name, Some(value).filter(|value| !value.is_empty()))
    }

    /// A number that is left out when it is zero.
    pub(super) fn positive(&mut self, name: &'static str, value: u64) -> &mut Self {
        self.optional_unsigned(name, Some(value).filter(|value| *value > 0))
    }

    /// A flag that is left out when it is not set.
    pub(super) fn flag(&mut self, name: &'static str, value: bool) -> &mut Self {
        if value {
            self.boolean(name, true);
        }
        self
    }

    /// Bytes as lower-case hexadecimal digits.
    pub(super) fn hex(&mut self, name: &'static str, value: &[u8]) -> &mut Self {
        let out = self.name(name);
        out.push(b'"');
        for byte in value {
            out.extend([hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        out.push(b'"');
        self
    }

    /// Seconds since the epoch with exactly three decimals.
    pub(super) fn date(&mut self, name: &'static str, value: Wall) -> &mut Self {
        let out = self.name(name);
        push_unsigned(out, value.as_seconds());
        out.push(b'.');
        let millis = value.as_millis() % 1000;
        for place in [100, 10, 1] {
            out.push(digit(millis / place));
        }
        self
    }

    /// A nested object, which `write` fills.
    pub(super) fn object(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut ObjectText<'_>),
    ) -> &mut Self {
        let mut nested = ObjectText::begin(self.name(name));
        write(&mut nested);
        nested.end();
        self
    }

    /// An array with one element per item, each written by `write`.
    pub(super) fn array<I: IntoIterator>(
        &mut self,
        name: &'static str,
        items: I,
        mut write: impl FnMut(&mut Vec<u8>, I::Item),
    ) -> &mut Self {
        let out = self.name(name);
        out.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(out, item);
        }
        out.push(b']');
        self
    }

    /// `name` is one of ours and needs no escape.
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// A string in quotes; only what RFC 8259 §7 says must be escaped is.
pub(super) fn push_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    push_escaped(out, value);
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, value: &str) {
    for chunk in value.as_bytes().chunks(ESCAPE_CHUNK) {
        // Without an early exit the compiler looks at the whole chunk at once; few chunks hold anything to escape.
        let plain = !chunk
            .iter()
            .fold(false, |found, byte| found | must_escape(*byte));
        if plain {
            out.extend_from_slice(chunk);
        } else {
            push_chunk_escaped(out, chunk);
        }
    }
}

fn push_chunk_escaped(out: &mut Vec<u8>, chunk: &[u8]) {
    for byte in chunk {
        if must_escape(*byte) {
            push_escape(out, *byte);
        } else {
            out.push(*byte);
        }
    }
}

const fn must_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        8 => b'b',
        12 => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 15));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

/// The last decimal digit of `number`.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

pub(super) fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    let begin = out.len();
    let mut rest = value;
    loop {
        out.push(digit(rest));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(begin..) {
        digits.reverse();
    }
}
