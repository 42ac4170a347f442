//! The request-target. It must not decode or normalise anything: a route is compared with what was sent.

use crate::protocol::response::Refusal;

/// A target in origin form (RFC 9112 §3.2.1).
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub whole: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Splits `whole` at its first `?` and checks both parts.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for any other form, a byte that does not belong, or a bad percent-encoding.
    pub fn parse(whole: &'a str) -> Result<Self, Refusal> {
        if !whole.starts_with('/') {
            return Err(Refusal::Malformed("request target is not in origin form"));
        }
        let (path, query) = match whole.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (whole, None),
        };
        check(path, is_path_byte, is_path_encoding)?;
        check(query.unwrap_or_default(), is_query_byte, |_| true)?;
        Ok(Target { whole, path, query })
    }
}

fn check(
    part: &str,
    is_allowed: fn(u8) -> bool,
    is_allowed_encoding: fn(u8) -> bool,
) -> Result<(), Refusal> {
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let encoded = percent_encoded(bytes.next(), bytes.next());
            if !encoded.is_some_and(is_allowed_encoding) {
                return Err(Refusal::Malformed("invalid percent-encoding"));
            }
        } else if !is_allowed(byte) {
            return Err(Refusal::Malformed("invalid byte in request target"));
        }
    }
    Ok(())
}

/// RFC 3986 §3.3: `pchar` or `/`.
const fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte) || is_sub_delim(byte) || matches!(byte, b':' | b'@' | b'/')
}

/// RFC 3986 §3.4, and besides it what browsers leave as it is in a query: `[ \ ] ^ { | }` and the grave accent.
const fn is_query_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>')
}

/// An encoded separator, dot or control has no honest use in a path, and others may decode it before they compare.
const fn is_path_encoding(byte: u8) -> bool {
    !byte.is_ascii_control() && !matches!(byte, b'/' | b'\\' | b'.')
}

/// RFC 3986 §2.3.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 §2.2.
pub(super) const fn is_sub_delim(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
    )
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn percent_encoded(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let high = char::from(high?).to_digit(16)?;
    let low = char::from(low?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}
