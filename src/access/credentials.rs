//! Finds the one credential of a request. Does not verify it, and never looks for a second one behind a bad one.

use std::borrow::Cow;

use super::{AuthError, Credential, Source};

#[cfg(test)]
mod tests;

/// What an offered subprotocol that carries a ticket begins with.
pub const TICKET_PROTOCOL_PREFIX: &str = "wardroom.ticket.";

const QUERY_PARAMETER: &str = "token";

/// The parts of a request in which a credential may stand.
#[derive(Clone, Copy)]
pub struct RequestCredentials<'a> {
    /// Values of the `Authorization` fields, in order, surrounding white space removed.
    pub authorization: &'a [&'a [u8]],
    /// Values of the `Cookie` fields, in order.
    pub cookie: &'a [&'a [u8]],
    /// Tokens of the `Sec-WebSocket-Protocol` fields, in order.
    pub protocols: &'a [&'a str],
    /// What follows the first `?` of the request target.
    pub query: Option<&'a str>,
}

/// Which sources the operator has switched on; the bearer header and tickets always are.
#[derive(Debug, Clone, Copy)]
pub struct EnabledSources<'a> {
    /// Name of the cookie whose value is a token (`auth.cookie`).
    pub cookie: Option<&'a str>,
    /// Whether `?token=` counts (`auth.query_token`).
    pub query: bool,
}

/// A credential found, not yet verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    pub source: Source,
    value: Cow<'a, str>,
}

impl Shown<'_> {
    /// As an [`super::Authenticator`] or [`super::ticket::Tickets::redeem`] takes it.
    pub fn credential(&self) -> Credential<'_> {
        Credential {
            source: self.source,
            value: &self.value,
        }
    }
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.credential().fmt(f)
    }
}

/// The credential that decides over the request: the first of [`Source`]'s order that is present. `None`: no source is.
///
/// # Errors
/// [`AuthError::Invalid`] when that source is present but doubled or malformed, whatever stands in the later ones.
pub fn find<'a>(
    request: RequestCredentials<'a>,
    enabled: EnabledSources<'_>,
) -> Result<Option<Shown<'a>>, AuthError> {
    if let Some(value) = bearer(request.authorization)? {
        return Ok(Some(Shown {
            source: Source::Bearer,
            value: value.into(),
        }));
    }
    if let Some(name) = enabled.cookie
        && let Some(value) = cookie(request.cookie, name)?
    {
        return Ok(Some(Shown {
            source: Source::Cookie,
            value: value.into(),
        }));
    }
    if let Some(value) = ticket(request.protocols)? {
        return Ok(Some(Shown {
            source: Source::Ticket,
            value: value.into(),
        }));
    }
    if enabled.query
        && let Some(value) = request.query.map(query_token).transpose()?.flatten()
    {
        return Ok(Some(Shown {
            source: Source::Query,
            value,
        }));
    }
    Ok(None)
}

/// `Bearer` 1*SP b64token (RFC 6750 §2.1). Another scheme is a credential too, and not one of ours.
pub(super) fn bearer<'a>(fields: &[&'a [u8]]) -> Result<Option<&'a str>, AuthError> {
    let field = match fields {
        [] => return Ok(None),
        [field] => *field,
        _ => return Err(AuthError::Invalid),
    };
    let text = std::str::from_utf8(field).map_err(|_| AuthError::Invalid)?;
    let (scheme, rest) = text.split_once(' ').ok_or(AuthError::Invalid)?;
    let value = rest.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || !is_token68(value) {
        return Err(AuthError::Invalid);
    }
    Ok(Some(value))
}

/// RFC 9110 §11.2.
fn is_token68(value: &str) -> bool {
    let body = value.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// The value of the cookie `name` (RFC 6265 §4.2). Other cookies are the page's business, however they look.
fn cookie<'a>(fields: &[&'a [u8]], name: &str) -> Result<Option<&'a str>, AuthError> {
    let mut found = None;
    for pair in fields.iter().flat_map(|field| field.split(|b| *b == b';')) {
        let pair = pair.trim_ascii();
        let Some(value) = pair
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
        else {
            continue;
        };
        if found.replace(cookie_value(value)?).is_some() {
            return Err(AuthError::Invalid);
        }
    }
    Ok(found)
}

/// `*cookie-octet`, or the same in double quotes (RFC 6265 §4.1.1), which are then not part of the token.
fn cookie_value(value: &[u8]) -> Result<&str, AuthError> {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    let octet = |b: &u8| b.is_ascii_graphic() && !b"\",;\\".contains(b);
    if inner.is_empty() || !inner.iter().all(octet) {
        return Err(AuthError::Invalid);
    }
    std::str::from_utf8(inner).map_err(|_| AuthError::Invalid)
}

fn ticket<'a>(protocols: &[&'a str]) -> Result<Option<&'a str>, AuthError> {
    let mut tickets = protocols
        .iter()
        .filter_map(|p| p.strip_prefix(TICKET_PROTOCOL_PREFIX));
    match (tickets.next(), tickets.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if !value.is_empty() => Ok(Some(value)),
        _ => Err(AuthError::Invalid),
    }
}

/// The value of the one parameter whose decoded name is `token`.
fn query_token(query: &str) -> Result<Option<Cow<'_, str>>, AuthError> {
    let mut found = None;
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if percent_decode(name)? != QUERY_PARAMETER.as_bytes() {
            continue;
        }
        if found
            .replace(visible_ascii(percent_decode(value)?)?)
            .is_some()
        {
            return Err(AuthError::Invalid);
        }
    }
    Ok(found)
}

/// RFC 3986 §2.1; `+` stands for itself.
fn percent_decode(text: &str) -> Result<Cow<'_, [u8]>, AuthError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(hex_digit).ok_or(AuthError::Invalid);
        let (high, low) = (digit()?, digit()?);
        decoded.push(high << 4 | low);
    }
    Ok(Cow::Owned(decoded))
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn visible_ascii(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, AuthError> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(AuthError::Invalid);
    }
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|_| AuthError::Invalid),
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|_| AuthError::Invalid),
    }
}
