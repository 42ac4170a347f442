//! Parameters in the address: decoded strictly, none unknown, none twice.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{PAGE_ENTRIES, PAGE_ENTRIES_MAX};
use crate::protocol::command::rooms::{NUMBER_MAX, Place};
use crate::protocol::problem::Problem;

/// Longest text of one parameter, decoded: a user identifier has at most 128 bytes.
const VALUE_BYTES_MAX: usize = 128;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Entries wanted: 1 to [`PAGE_ENTRIES_MAX`].
    pub entries_max: usize,
    /// Where to go on, as the page before has said it; zero: from the start.
    pub cursor: u64,
}

/// Which connections are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionQuery {
    pub page: Page,
    /// Those of this user alone.
    pub user: Option<String>,
    /// Those in this room alone.
    pub room: Option<String>,
}

/// Whose buckets are asked for; of nobody: those that are least full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsQuery {
    pub user: Option<String>,
    pub address: Option<IpAddr>,
}

/// Which sessions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionQuery {
    pub entries_max: usize,
    /// Those of this user alone.
    pub user: Option<String>,
}

/// Which people of a room are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleQuery {
    pub entries_max: usize,
    /// The last user of the page before, as it has said; empty: from the start.
    pub after: String,
}

/// Which messages of a room, or entries of its log, are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceQuery {
    pub limit: u64,
    pub place: Place,
}

impl PeopleQuery {
    /// The parameters of the list of people.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<PeopleQuery, Problem> {
        let [limit, cursor] = values(query, ["limit", "cursor"])?;
        let Page { entries_max, .. } = Page::of(limit, None)?;
        let after = cursor.unwrap_or_default();
        Ok(PeopleQuery { entries_max, after })
    }
}

impl PlaceQuery {
    /// The parameters of history and log.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<PlaceQuery, Problem> {
        let [limit, after, before] = values(query, ["limit", "after", "before"])?;
        let Page { entries_max, .. } = Page::of(limit, None)?;
        let place = match (after, before) {
            (None, None) => Place::End,
            (Some(after), None) => Place::After(place("after", &after)?),
            (None, Some(before)) => Place::Before(place("before", &before)?),
            (Some(_), Some(_)) => return Err(Problem::field("before", "without after")),
        };
        Ok(PlaceQuery {
            limit: entries_max as u64,
            place,
        })
    }
}

fn place(name: &'static str, text: &str) -> Result<u64, Problem> {
    let number = number(text).filter(|number| *number <= NUMBER_MAX);
    number.ok_or_else(|| Problem::field(name, format!("0 to {NUMBER_MAX}")))
}

impl LimitsQuery {
    /// The parameters of the limits.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<LimitsQuery, Problem> {
        let [user, address] = values(query, ["user", "address"])?;
        let address = address.map(|text| text.parse::<IpAddr>());
        let address = address
            .transpose()
            .map_err(|_| Problem::field("address", "an IP address, without port or prefix"))?;
        Ok(LimitsQuery { user, address })
    }

    /// Whether nobody in particular is asked about.
    pub fn is_about_all(&self) -> bool {
        self.user.is_none() && self.address.is_none()
    }
}

impl SessionQuery {
    /// The parameters of the list of sessions, which has no pages.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<SessionQuery, Problem> {
        let [limit, user] = values(query, ["limit", "user"])?;
        let Page { entries_max, .. } = Page::of(limit, None)?;
        Ok(SessionQuery { entries_max, user })
    }
}

impl Page {
    /// The parameters of a list.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<Page, Problem> {
        let [limit, cursor] = values(query, ["limit", "cursor"])?;
        Page::of(limit, cursor)
    }

    fn of(limit: Option<String>, cursor: Option<String>) -> Result<Page, Problem> {
        let entries_max = match limit {
            None => PAGE_ENTRIES,
            Some(text) => number(&text)
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| (1..=PAGE_ENTRIES_MAX).contains(limit))
                .ok_or_else(|| Problem::field("limit", format!("1 to {PAGE_ENTRIES_MAX}")))?,
        };
        let cursor = match cursor {
            None => 0,
            Some(text) => number(&text).ok_or_else(|| {
                Problem::field("cursor", "what `next` of the page before held, as it was")
            })?,
        };
        Ok(Page {
            entries_max,
            cursor,
        })
    }
}

impl ConnectionQuery {
    /// The parameters of the list of connections.
    ///
    /// # Errors
    /// [`Problem::InvalidField`] names the parameter.
    pub fn parse(query: Option<&str>) -> Result<ConnectionQuery, Problem> {
        let [limit, cursor, user, room] = values(query, ["limit", "cursor", "user", "room"])?;
        let page = Page::of(limit, cursor)?;
        Ok(ConnectionQuery { page, user, room })
    }
}

/// Refuses every parameter.
///
/// # Errors
/// [`Problem::InvalidField`].
pub fn expect_none(query: Option<&str>) -> Result<(), Problem> {
    values(query, []).map(|[]| ())
}

/// The values of the parameters `names`, in that order.
fn values<const N: usize>(
    query: Option<&str>,
    names: [&'static str; N],
) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for pair in query.unwrap_or_default().split('&') {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = names
            .iter()
            .zip(&mut values)
            .find(|(known, _)| **known == name);
        let Some((name, slot)) = slot else {
            return Err(Problem::InvalidField {
                field: None,
                detail: unknown_parameter(&names).into(),
            });
        };
        if slot.is_some() {
            return Err(Problem::field(name, "once only"));
        }
        let value = decode(value, true).filter(|value| value.len() <= VALUE_BYTES_MAX);
        let value = value.ok_or_else(|| {
            Problem::field(name, format!("UTF-8 of at most {VALUE_BYTES_MAX} bytes"))
        })?;
        *slot = Some(value.into_owned());
    }
    Ok(values)
}

fn unknown_parameter(names: &[&str]) -> String {
    match names {
        [] => "this route has no parameters".to_owned(),
        names => format!("the parameters of this route are {}", names.join(", ")),
    }
}

/// Decimal digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// Percent-decodes `text` (RFC 3986 §2.1), and with `plus` as forms write it: `+` is a space. `None`: a stray `%`,
/// or bytes that are no UTF-8.
pub(super) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}
