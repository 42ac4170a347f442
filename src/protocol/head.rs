//! A request head: from bytes to a [`Head`] whose every field has been checked (RFC 9112).
//!
//! It must not route, decode percent-encodings or judge who may: it only says what was asked, or why
//! the bytes are not a request that any server and proxy would read alike.

mod host;
mod scanner;
mod target;
#[cfg(test)]
mod tests;

pub use scanner::HeadScanner;
pub(super) use scanner::is_tchar;

use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::response::Refusal;
use target::Target;

/// Field lines that a head can hold, whatever the configuration allows.
pub const FIELDS_MAX: usize = 128;

/// Fields that stand at most once. A second one is how two readers of one head come to see two requests.
///
/// Cookie is one because RFC 6265 §5.4 has a user agent send a single line; User-Agent, Referer and the
/// like decide nothing here and are left alone.
pub const SINGLETONS: [&str; 9] = [
    "host",
    "content-length",
    "content-type",
    "origin",
    "authorization",
    "cookie",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-fetch-site",
];

/// What a request asks for; methods that no route here knows are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Options,
    /// A valid token, but none of the above. Methods are case-sensitive (RFC 9110 §9.1).
    Other,
}

impl Method {
    fn from_token(token: &str) -> Self {
        match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }
}

/// A request head that keeps RFC 9112, borrowed from the bytes it was read from.
///
/// **What a `Head` promises:** HTTP/1.1, an origin-form target of printable ASCII, exactly one well-formed Host, at most
/// one Content-Length, no Transfer-Encoding and no Expect, and once only each field that decides something and must not be a list.
#[derive(Clone)]
pub struct Head<'a> {
    method: Method,
    target: Target<'a>,
    host: &'a str,
    content_length: u64,
    keep_alive: bool,
    framing: BodyFraming,
    fields: [Header<'a>; FIELDS_MAX],
    fields_count: usize,
}

impl<'a> Head<'a> {
    /// Reads exactly one head: `bytes` end with its empty line, as [`HeadScanner::find_end`] found it.
    ///
    /// `fields_max` field lines are allowed, and never more than [`FIELDS_MAX`].
    ///
    /// # Errors
    /// [`Refusal::Malformed`], or [`Refusal::TOO_MANY_FIELDS`].
    pub fn parse(bytes: &'a [u8], fields_max: usize) -> Result<Self, Refusal> {
        let head = Head::parse_with_body(bytes, fields_max)?;
        if head.framing.is_coded {
            // RFC 9112 §6.1: nothing here takes a coded body, and beside Content-Length it is an attack.
            return Err(Refusal::Malformed("Transfer-Encoding is not accepted"));
        }
        if head.framing.expectation != Expectation::None {
            return Err(Refusal::Malformed("Expect is not accepted"));
        }
        Ok(head)
    }

    /// The same for a route that takes bodies: Transfer-Encoding and Expect are left for [`Head::body_framing`] to tell.
    ///
    /// # Errors
    /// As [`Head::parse`].
    pub fn parse_with_body(bytes: &'a [u8], fields_max: usize) -> Result<Self, Refusal> {
        let bytes = request_line_first(bytes)?;
        let mut fields = [EMPTY_HEADER; FIELDS_MAX];
        let mut request = Request::new(&mut fields);
        match request.parse(bytes) {
            Ok(Status::Complete(length)) if length == bytes.len() => {}
            Ok(_) => return Err(Refusal::Malformed("head is not complete")),
            Err(error) => return Err(refusal_of(error)),
        }
        if request.version != Some(1) {
            return Err(Refusal::Malformed("HTTP version is not 1.1"));
        }
        let method = Method::from_token(request.method.unwrap_or_default());
        let target = Target::parse(request.path.unwrap_or_default())?;
        let fields_count = request.headers.len();
        if fields_count > fields_max {
            return Err(Refusal::TOO_MANY_FIELDS);
        }
        let checked = Framing::check(request.headers)?;
        Ok(Head {
            method,
            target,
            host: checked.host,
            content_length: checked.content_length,
            keep_alive: checked.keep_alive,
            framing: checked.body,
            fields,
            fields_count,
        })
    }

    /// The request method.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The path as it was sent: begins with `/`, percent-encodings valid and left as they are, none of `/`, `\`, `.` or a control.
    pub const fn path(&self) -> &'a str {
        self.target.path
    }

    /// What follows the first `?`, percent-encodings valid and left as they are.
    pub const fn query(&self) -> Option<&'a str> {
        self.target.query
    }

    /// The whole request-target. **It may hold a token: never log it.**
    pub const fn target(&self) -> &'a str {
        self.target.whole
    }

    /// The Host field: `uri-host [":" port]`, never empty, case as sent.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// Bytes of body that follow the head; zero when the request does not say.
    pub const fn content_length(&self) -> u64 {
        self.content_length
    }

    /// What else the head says about its body.
    pub const fn body_framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether the client means to go on using the connection (RFC 9112 §9.3).
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// The value of the first field line called `name`, without the white space around it.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields(name).next()
    }

    /// The values of all field lines called `name`, in order.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.lines()
            .iter()
            .filter(move |line| is_named(line, name))
            .map(|line| line.value)
    }

    /// The members of the list that all field lines called `name` make together (RFC 9110 §5.6.1); empty ones are left out.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields(name).flat_map(members)
    }

    /// Whether the list field `name` has the member `token`, in whatever case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
    }

    fn lines(&self) -> &[Header<'a>] {
        self.fields.get(..self.fields_count).unwrap_or_default()
    }
}

impl std::fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Query and fields hold credentials.
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("path", &self.target.path)
            .finish_non_exhaustive()
    }
}

/// What a head says about its body besides the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BodyFraming {
    /// There is a Transfer-Encoding.
    pub is_coded: bool,
    pub expectation: Expectation,
}

/// What the client waits for before it sends its body (RFC 9110 §10.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expectation {
    #[default]
    None,
    Continue,
    /// Something that this server never meets.
    Other,
}

/// What the fields say about where this request ends and whether another may follow.
struct Framing<'a> {
    host: &'a str,
    content_length: u64,
    keep_alive: bool,
    body: BodyFraming,
}

impl<'a> Framing<'a> {
    fn check(lines: &[Header<'a>]) -> Result<Self, Refusal> {
        let mut framing = Framing {
            host: "",
            content_length: 0,
            keep_alive: true,
            body: BodyFraming::default(),
        };
        let mut seen = [false; SINGLETONS.len()];
        for line in lines {
            refuse_repeated(line, &mut seen)?;
            framing.take(line)?;
        }
        if framing.host.is_empty() {
            return Err(Refusal::Malformed("Host is missing"));
        }
        Ok(framing)
    }

    fn take(&mut self, line: &Header<'a>) -> Result<(), Refusal> {
        if is_named(line, "host") {
            self.host = host::parse(line.value)?;
        } else if is_named(line, "connection") {
            self.keep_alive &=
                !members(line.value).any(|option| option.eq_ignore_ascii_case(b"close"));
        } else if is_named(line, "content-length") {
            self.content_length = decimal(line.value)?;
        } else if is_named(line, "transfer-encoding") {
            self.body.is_coded = true;
        } else if is_named(line, "expect") {
            let wanted = line.value.eq_ignore_ascii_case(b"100-continue");
            let is_first = self.body.expectation == Expectation::None;
            self.body.expectation = match wanted && is_first {
                true => Expectation::Continue,
                false => Expectation::Other,
            };
        }
        Ok(())
    }
}

fn refuse_repeated(line: &Header<'_>, seen: &mut [bool; SINGLETONS.len()]) -> Result<(), Refusal> {
    for (singleton, seen) in SINGLETONS.iter().zip(seen) {
        if is_named(line, singleton) {
            if *seen {
                return Err(Refusal::Malformed(
                    "a field stands twice that may stand once",
                ));
            }
            *seen = true;
        }
    }
    Ok(())
}

/// The head without the one empty line that may precede it (RFC 9112 §2.2), every line ended by CR LF.
fn request_line_first(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    // httparse refuses a CR without LF but takes a LF without CR; with as many of one as of the other there is neither.
    if surplus_of_lf(bytes) != 0 {
        return Err(Refusal::Malformed("a line does not end in CR LF"));
    }
    match bytes.first() {
        Some(b'\r' | b'\n') => Err(Refusal::Malformed("no request line")),
        _ => Ok(bytes),
    }
}

/// LFs less CRs. Pieces that an `i8` can count let the compiler compare 16 bytes at once.
fn surplus_of_lf(bytes: &[u8]) -> isize {
    let of_piece = |piece: &[u8]| {
        piece.iter().fold(0_i8, |surplus, &byte| {
            surplus + i8::from(byte == b'\n') - i8::from(byte == b'\r')
        })
    };
    bytes
        .chunks(64)
        .map(|piece| isize::from(of_piece(piece)))
        .sum()
}

const fn refusal_of(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::TOO_MANY_FIELDS,
        httparse::Error::HeaderName => Refusal::Malformed("invalid field name"),
        httparse::Error::HeaderValue => Refusal::Malformed("invalid field value"),
        httparse::Error::Version => Refusal::Malformed("HTTP version is not 1.1"),
        httparse::Error::Token | httparse::Error::NewLine | httparse::Error::Status => {
            Refusal::Malformed("invalid request line")
        }
    }
}

/// Lengths first and inline: most names differ there, and the comparison proper is a call.
#[inline]
fn is_named(line: &Header<'_>, name: &str) -> bool {
    line.name.len() == name.len() && line.name.eq_ignore_ascii_case(name)
}

fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// RFC 9110 §8.6: digits and nothing else; a list, even of equal numbers, is refused.
fn decimal(value: &[u8]) -> Result<u64, Refusal> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::Malformed("invalid Content-Length"))
}
