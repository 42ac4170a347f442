//! Where a credential may stand in a request, looked for character by character.

/// The places, in the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Bearer,
    Cookie,
    Ticket,
    Query,
}

/// The parts of a request; texts hold one character for each byte.
#[derive(Debug, Default)]
pub struct Parts {
    pub authorization: Vec<String>,
    pub cookies: Vec<String>,
    pub protocols: Vec<String>,
    pub query: Option<String>,
}

/// A credential that is there but can not be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The credential of the first place in which one is; `cookie` is its name, if cookies count.
///
/// # Errors
/// [`Unreadable`], whatever stands in later places.
pub fn find(
    parts: &Parts,
    cookie: Option<&str>,
    query_counts: bool,
) -> Result<Option<(Place, String)>, Unreadable> {
    let mut shown: Vec<(Place, Option<String>)> = Vec::new();
    let bearers = parts.authorization.iter();
    shown.extend(bearers.map(|field| (Place::Bearer, bearer(field))));
    if let Some(name) = cookie {
        let pairs = parts.cookies.iter().flat_map(|line| line.split(';'));
        let values = pairs.filter_map(|pair| {
            let (found, value) = trim(pair).split_once('=')?;
            (found == name).then_some(value)
        });
        shown.extend(values.map(|value| (Place::Cookie, octets(value))));
    }
    let tickets = parts
        .protocols
        .iter()
        .filter(|name| name.starts_with("wardroom.ticket."));
    shown.extend(tickets.map(|name| {
        let value = name["wardroom.ticket.".len()..].to_owned();
        (Place::Ticket, (!value.is_empty()).then_some(value))
    }));
    let earlier = shown.first().map(|(place, _)| *place);
    if query_counts && earlier.is_none() {
        for parameter in parts.query.iter().flat_map(|query| query.split('&')) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match decoded(name) {
                None => return Err(Unreadable),
                Some(name) if name != "token" => {}
                Some(_) => {
                    shown.push((Place::Query, decoded(value).filter(|text| is_visible(text))))
                }
            }
        }
    }
    let Some((place, _)) = shown.first() else {
        return Ok(None);
    };
    let here: Vec<&Option<String>> = shown
        .iter()
        .filter(|(other, _)| other == place)
        .map(|(_, value)| value)
        .collect();
    match here[..] {
        [Some(value)] => Ok(Some((*place, value.clone()))),
        _ => Err(Unreadable),
    }
}

/// RFC 6750 §2.1, the scheme in any case (RFC 9110 §11.1).
fn bearer(field: &str) -> Option<String> {
    let scheme: String = field.chars().take(6).collect();
    let rest: String = field.chars().skip(6).collect();
    let value = rest.trim_start_matches(' ');
    let marks = value.chars().rev().take_while(|c| *c == '=').count();
    let digits = &value[..value.len() - marks];
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let is_good = scheme.eq_ignore_ascii_case("bearer")
        && rest.starts_with(' ')
        && !digits.is_empty()
        && digits.chars().all(is_digit);
    is_good.then(|| value.to_owned())
}

/// RFC 6265 §4.1.1, in quotation marks or not.
fn octets(value: &str) -> Option<String> {
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    let inner = if is_quoted {
        &value[1..value.len() - 1]
    } else {
        value
    };
    let is_octet = |c: char| c.is_ascii_graphic() && !"\",;\\".contains(c);
    (!inner.is_empty() && inner.chars().all(is_octet)).then(|| inner.to_owned())
}

/// White space that may stand around a pair.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\u{C}'])
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())
}

/// RFC 3986 §2.1; one character for each byte.
fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits: Vec<u32> = piece
            .chars()
            .take(2)
            .filter_map(|c| c.to_digit(16))
            .collect();
        let [high, low] = digits[..] else {
            return None;
        };
        decoded.push(char::from((high * 16 + low) as u8));
        decoded.extend(piece.chars().skip(2));
    }
    Some(decoded)
}
