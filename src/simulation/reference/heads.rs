//! A request head of RFC 9112, by looking at each byte's neighbours.

/// Where the head ends, or the status that refuses it; `None` while it goes on.
///
/// # Errors
/// 400, or 431 once the head can not end within `bytes_max`.
pub fn end(bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, u16> {
    for (at, &byte) in bytes.iter().enumerate().take(bytes_max) {
        let before = &bytes[..at];
        let begins = at == 0 || before == b"\r\n";
        let is_malformed = match byte {
            b'\n' => !before.ends_with(b"\r"),
            _ if before.ends_with(b"\r") => true,
            b'\r' => before == b"\r\n",
            _ if begins => !is_token(byte),
            b' ' | b'\t' => before.ends_with(b"\r\n"),
            _ => byte < 0x20 || byte == 0x7F,
        };
        if is_malformed {
            return Err(400);
        }
        if bytes[..=at].ends_with(b"\r\n\r\n") {
            return Ok(Some(at + 1));
        }
    }
    if bytes.len() < bytes_max {
        Ok(None)
    } else {
        Err(431)
    }
}

/// RFC 9110 §5.6.2.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
