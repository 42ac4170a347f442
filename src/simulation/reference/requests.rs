//! A whole request head by its lines: what was asked, or the status that refuses it (RFC 9110, RFC 9112).

use super::addresses;
use super::heads::is_token;

/// Lines that are read, whatever is allowed.
const LINES_MAX: usize = 128;

/// What stands at most once.
const ONCE: &str = "host content-length content-type origin authorization cookie sec-websocket-key \
                    sec-websocket-version sec-fetch-site";

/// A head that is taken, field by field.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub path: String,
    pub query: Option<String>,
    pub host: String,
    pub content_length: u64,
    pub keeps_alive: bool,
    /// There is a Transfer-Encoding.
    pub is_coded: bool,
    /// `None`, or whether it is the one expectation that a server can meet.
    pub expects: Option<bool>,
    /// Names as they stand, values without the white space around.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// Reads a head that [`super::heads::end`] has found, of at most `fields_max` lines.
///
/// Where more than one status would be right, the bytes are judged first, then the number of lines, then what they say.
///
/// # Errors
/// 400, or 431 for too many lines.
pub fn read(head: &[u8], fields_max: usize) -> Result<Request, u16> {
    let text: String = head.iter().copied().map(char::from).collect();
    let text = text.strip_prefix("\r\n").unwrap_or(&text);
    let text = text.strip_suffix("\r\n\r\n").ok_or(400_u16)?;
    let mut lines = text.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else {
        return Err(400);
    };
    let is_line = !method.is_empty()
        && method.bytes_all(is_token)
        && !target.is_empty()
        && is_utf8(target)
        && target.chars().all(|c| c > ' ' && c != '\u{7F}')
        && ["HTTP/1.0", "HTTP/1.1"].contains(&version);
    if !is_line {
        return Err(400);
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(400_u16)?;
        let is_text = |c: char| c == '\t' || (c >= ' ' && c != '\u{7F}');
        if name.is_empty() || !name.bytes_all(is_token) || !value.chars().all(is_text) {
            return Err(400);
        }
        if fields.len() == LINES_MAX {
            return Err(431);
        }
        let value = value.trim_matches([' ', '\t']);
        fields.push((name.to_owned(), value.chars().map(|c| c as u8).collect()));
    }
    let (path, query) = split_target(target)
        .filter(|_| version == "HTTP/1.1")
        .ok_or(400_u16)?;
    if fields.len() > fields_max {
        return Err(431);
    }
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        path,
        query,
        host: String::new(),
        content_length: 0,
        keeps_alive: true,
        is_coded: false,
        expects: None,
        fields,
    };
    request.frame()?;
    Ok(request)
}

/// Texts here hold one character for each byte.
trait Bytes {
    fn bytes_all(&self, is_allowed: fn(u8) -> bool) -> bool;
}

impl Bytes for str {
    fn bytes_all(&self, is_allowed: fn(u8) -> bool) -> bool {
        self.chars().all(|c| c.is_ascii() && is_allowed(c as u8))
    }
}

fn is_utf8(text: &str) -> bool {
    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
    String::from_utf8(bytes).is_ok()
}

impl Request {
    /// The values of all fields of this name.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let of_name = |(known, _): &&(String, Vec<u8>)| known.eq_ignore_ascii_case(name);
        let found = self.fields.iter().filter(of_name);
        found.map(|(_, value)| value.as_slice()).collect()
    }

    /// The members of the list that they make together, empty ones left out (RFC 9110 §5.6.1).
    pub fn members(&self, name: &str) -> Vec<String> {
        let mut members = Vec::new();
        for value in self.values(name) {
            let text: String = value.iter().copied().map(char::from).collect();
            let parts = text.split(',').map(|part| part.trim_matches([' ', '\t']));
            members.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
        }
        members
    }

    /// Whether this word is one of them, in any case.
    pub fn has(&self, name: &str, word: &str) -> bool {
        self.members(name)
            .iter()
            .any(|member| member.eq_ignore_ascii_case(word))
    }

    fn frame(&mut self) -> Result<(), u16> {
        for name in ONCE.split_whitespace() {
            if self.values(name).len() > 1 {
                return Err(400);
            }
        }
        let [host] = self.values("host")[..] else {
            return Err(400);
        };
        self.host = host_of(host).ok_or(400_u16)?;
        if let [length] = self.values("content-length")[..] {
            self.content_length = number(length).ok_or(400_u16)?;
        }
        self.keeps_alive = !self.has("connection", "close");
        self.is_coded = !self.values("transfer-encoding").is_empty();
        self.expects = match self.values("expect")[..] {
            [] => None,
            [one] => Some(one.eq_ignore_ascii_case(b"100-continue")),
            _ => Some(false),
        };
        Ok(())
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let mut number: Option<u64> = (!digits.is_empty()).then_some(0);
    for digit in digits {
        let digit = u64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        number = number?.checked_mul(10)?.checked_add(digit);
    }
    number
}

/// Path and query of a target in origin form, if every byte may stand where it does.
fn split_target(target: &str) -> Option<(String, Option<String>)> {
    let (path, query) = match target.find('?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    };
    let in_path = |c: char| is_unreserved(c) || is_sub_delim(c) || ":@/".contains(c);
    let hides_nothing = |c: char| !c.is_ascii_control() && !"/\\.".contains(c);
    let in_query = |c: char| c.is_ascii_graphic() && !"#\"<>%".contains(c);
    let is_good = path.starts_with('/')
        && is_made_of(path, in_path, hides_nothing)
        && is_made_of(query.unwrap_or_default(), in_query, |_| true);
    is_good.then(|| (path.to_owned(), query.map(str::to_owned)))
}

/// Whether a text is of such characters, and of percent signs before two hexadecimal digits each that stand for such.
fn is_made_of(
    text: &str,
    is_allowed: impl Fn(char) -> bool,
    is_allowed_coded: impl Fn(char) -> bool,
) -> bool {
    let pieces: Vec<&str> = text.split('%').collect();
    let coded = |piece: &str| -> Option<bool> {
        let (high, low) = (piece.chars().next()?, piece.chars().nth(1)?);
        let byte = high.to_digit(16)? * 16 + low.to_digit(16)?;
        Some(is_allowed_coded(char::from(byte as u8)) && piece[2..].chars().all(&is_allowed))
    };
    pieces[0].chars().all(&is_allowed) && pieces[1..].iter().all(|piece| coded(piece) == Some(true))
}

/// A name or an address in brackets, and perhaps a port.
fn host_of(value: &[u8]) -> Option<String> {
    let text = String::from_utf8(value.to_vec()).ok()?;
    let (host, port) = match text.rfind(':') {
        // The last colon of an IPv6 address without a port stands inside its brackets.
        Some(at) if !text.ends_with(']') => (&text[..at], &text[at + 1..]),
        _ => (text.as_str(), ""),
    };
    let is_host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').and_then(addresses::v6).is_some(),
        None => {
            let in_name = |c: char| is_unreserved(c) || is_sub_delim(c);
            !host.is_empty() && is_made_of(host, in_name, |_| true)
        }
    };
    let is_port = port.is_empty() || number(port.as_bytes()).is_some_and(|port| port <= 65535);
    (is_host && is_port).then_some(text)
}

/// RFC 3986 §2.3.
fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// RFC 3986 §2.2.
fn is_sub_delim(c: char) -> bool {
    "!$&'()*+,;=".contains(c)
}

/// The lines of a head as software reads them that forgives much: that ends lines at a LF or at a CR alone, joins those that
/// begin with white space, and takes any white space from around names and values. Names are in lower case.
pub fn readings(head: &[u8]) -> Vec<Vec<(String, String)>> {
    let text: String = head.iter().copied().map(char::from).collect();
    let joined = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    let ways: [(&str, &[char]); 3] = [(&text, &['\n']), (&text, &['\r', '\n']), (&joined, &['\n'])];
    let field = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.trim().to_ascii_lowercase(), value.trim().to_owned())
    };
    ways.map(|(text, ends)| {
        let lines = text
            .split(ends)
            .map(str::trim)
            .filter(|line| !line.is_empty());
        lines.skip(1).map(field).collect()
    })
    .into()
}
