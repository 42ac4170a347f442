//! Strings of a configuration: which are allowed where, and how values are quoted in messages.

use toml::de::DeValue;

/// Bytes of an offending value that a message repeats.
const QUOTED_BYTES_MAX: usize = 80;

/// A cookie name is a token (RFC 6265 §4.1.1, RFC 9110 §5.6.2).
pub(super) fn is_cookie_name(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_token)
}

/// Text that is compared whole, such as an issuer.
pub(super) fn is_plain(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.chars().any(char::is_control)
}

pub(super) fn is_path(text: &str) -> bool {
    (1..=4096).contains(&text.len()) && !text.contains('\0')
}

/// `[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}`
pub(super) fn is_room_id(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    text.len() <= 64
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(is_inner)
}

/// `http` or `https`, a host, and perhaps a port (RFC 6454 §6.2): the shape only. Comparing origins is not
/// done here.
pub(super) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    is_http && is_host(host) && port.is_none_or(is_port)
}

/// `http` or `https`, a host, perhaps a port and a path (RFC 9110 §4.2), of at most 1024 bytes. No user and no query, in
/// which secrets would stand, and no fragment, which is never sent.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_path = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?\\^`{|}".contains(&byte);
    matches!(scheme, "http" | "https")
        && text.len() <= 1024
        && is_origin(&format!("{scheme}://{authority}"))
        && path.bytes().all(is_path)
}

/// A name or an address without port; an IPv6 address in brackets.
pub(super) fn is_host(host: &str) -> bool {
    match host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
    {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            host.len() <= 253
                && host.bytes().all(is_inner)
                && host.split('.').all(|label| (1..=63).contains(&label.len()))
        }
    }
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|number| number > 0)
}

/// `text` in quotes, cut short, with control and direction characters written as escapes.
pub(super) fn quoted(text: &str) -> String {
    let head = head(text);
    let more = if head.len() < text.len() { "…" } else { "" };
    format!("{head:?}{more}")
}

/// `["a", "b"]`
pub(super) fn quoted_list(entries: &[String]) -> String {
    let quoted: Vec<String> = entries.iter().map(|entry| format!("{entry:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

/// The same for an address, of which nothing is repeated when a password may stand in it.
pub(super) fn found_url(value: &DeValue<'_>) -> String {
    match value.as_str() {
        Some(url) if url.contains(['@', '?']) => {
            "an address with a user or a query (***)".to_owned()
        }
        Some(url) if !is_colon_of_port(url) => {
            "an address with something other than a port behind a colon (***)".to_owned()
        }
        _ => found(value),
    }
}

/// Whether no colon but the scheme's and a port's is in `url`: behind another stands a password whose `@` was forgotten.
fn is_colon_of_port(url: &str) -> bool {
    match url.split_once("://") {
        None => !url.contains(':'),
        Some((_, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            !rest.contains(':') || is_origin(&format!("http://{authority}"))
        }
    }
}

/// A value as an error message repeats it.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => cut(number.to_string()),
        DeValue::Float(number) => cut(number.to_string()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(list) => {
            let entries: Vec<String> = list
                .iter()
                .take(8)
                .map(|entry| found(entry.get_ref()))
                .collect();
            let more = if list.len() > entries.len() {
                ", …"
            } else {
                ""
            };
            format!("[{}{more}]", entries.join(", "))
        }
        DeValue::Table(table) => {
            let entry = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                format!("{} = {}", name.escape_debug(), found(value.get_ref()))
            };
            let entries: Vec<String> = table.iter().take(8).map(entry).collect();
            let more = if table.len() > entries.len() {
                ", …"
            } else {
                ""
            };
            format!("{{ {}{more} }}", entries.join(", "))
        }
    }
}

/// A key that nobody knows as a message names it, which says so where it is empty.
pub(super) fn named(key: &str) -> String {
    match key {
        "" => "\"\"".to_owned(),
        key => cut(key.escape_debug().to_string()),
    }
}

/// `text`, short enough for a message.
pub(super) fn cut(text: String) -> String {
    let head = head(&text);
    if head.len() < text.len() {
        format!("{head}…")
    } else {
        text
    }
}

/// The whole characters among the first [`QUOTED_BYTES_MAX`] bytes.
fn head(text: &str) -> &str {
    let ends = text
        .char_indices()
        .map(|(at, character)| at + character.len_utf8());
    let end = ends
        .take_while(|&end| end <= QUOTED_BYTES_MAX)
        .last()
        .unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for text in [
            "https://chat.example",
            "http://localhost:3000",
            "HTTPS://Chat.Example:443",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "http://build_box:8080",
        ] {
            assert!(is_origin(text), "{text}");
        }
        for text in [
            "",
            "*",
            "null",
            "chat.example",
            "https://",
            "https://*",
            "https://*.example",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://u:p@a",
            "https://a:",
            "https://a:0",
            "https://a:65536",
            "https://a:+1",
            "https://a b",
            "https://bücher.example",
            "https://a..b",
            "https://a.",
            "https://.a",
            "ftp://a",
            "file://",
            "https://[::1",
            "https://::1",
            "https://[::g]",
            "https://a,https://b",
            " https://a",
            "https://a\n",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn a_room_id_begins_with_a_letter_or_digit_and_has_at_most_64_bytes() {
        for text in ["lobby", "A", "0", "a_.:-", &"x".repeat(64)] {
            assert!(is_room_id(text), "{text}");
        }
        for text in ["", "_a", ".a", "-", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(!is_room_id(text), "{text}");
        }
    }

    #[test]
    fn what_a_message_repeats_is_escaped_and_cut_short() {
        assert_eq!(quoted("a\u{1b}[2J\u{202e}\n"), r#""a\u{1b}[2J\u{202e}\n""#);
        assert_eq!(quoted(&"ä".repeat(100)), format!("\"{}\"…", "ä".repeat(40)));
        let long = format!("[{}1]", "1, ".repeat(5000));
        let value = DeValue::parse(&long).map(toml::Spanned::into_inner);
        assert_eq!(
            value.as_ref().map(found).unwrap_or_default(),
            "[1, 1, 1, 1, 1, 1, 1, 1, …]"
        );
    }
}
