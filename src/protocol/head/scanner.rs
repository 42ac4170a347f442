//! Finds where a head ends while its bytes still come in. It must not look at a byte twice.

use crate::protocol::response::Refusal;

/// Looks for the empty line that ends a request head, and refuses what can't become one as soon as it is seen.
///
/// **A verdict depends on the bytes alone, not on the pieces they came in.** One scanner serves one head.
#[derive(Debug, Clone)]
pub struct HeadScanner {
    bytes_max: usize,
    seen: usize,
    place: Place,
}

/// Where in the head the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nothing,
    NothingCr,
    RequestLine,
    Text,
    TextCr,
    Line,
    LineCr,
    End,
}

impl HeadScanner {
    /// A scanner that lets a head be `bytes_max` bytes long, its empty line included.
    pub const fn new(bytes_max: usize) -> Self {
        HeadScanner {
            bytes_max,
            seen: 0,
            place: Place::Nothing,
        }
    }

    /// The index just past the head in `all`, the bytes of this head so far from its first; `None` while it goes on.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for a first byte that begins no method, a CR or LF without the other, or a control character;
    /// [`Refusal::TOO_MANY_BYTES`] once the head can no longer end in time.
    pub fn find_end(&mut self, all: &[u8]) -> Result<Option<usize>, Refusal> {
        let allowed = all.get(..self.bytes_max).unwrap_or(all);
        while self.place != Place::End {
            self.skip_text(allowed);
            let Some(&byte) = allowed.get(self.seen) else {
                break;
            };
            self.place = self.place.after(byte)?;
            self.seen += 1;
        }
        match self.place {
            Place::End => Ok(Some(self.seen)),
            _ if all.len() >= self.bytes_max => Err(Refusal::TOO_MANY_BYTES),
            _ => Ok(None),
        }
    }

    fn skip_text(&mut self, allowed: &[u8]) {
        if self.place == Place::Text {
            let rest = allowed.get(self.seen..).unwrap_or_default();
            self.seen += rest
                .iter()
                .position(u8::is_ascii_control)
                .unwrap_or(rest.len());
        }
    }
}

impl Place {
    fn after(self, byte: u8) -> Result<Place, Refusal> {
        match (self, byte) {
            (Place::Nothing, b'\r') => Ok(Place::NothingCr),
            // RFC 9112 §2.2: one empty line before the request line is forgiven, a second is not.
            (Place::NothingCr, b'\n') => Ok(Place::RequestLine),
            (Place::Nothing | Place::RequestLine, _) if is_tchar(byte) => Ok(Place::Text),
            (Place::Nothing | Place::RequestLine, _) => Err(Refusal::Malformed("no request line")),

            (Place::Text, b'\r') => Ok(Place::TextCr),
            (Place::TextCr, b'\n') => Ok(Place::Line),
            (Place::Line, b'\r') => Ok(Place::LineCr),
            (Place::LineCr, b'\n') => Ok(Place::End),
            (Place::NothingCr | Place::TextCr | Place::LineCr, _) => {
                Err(Refusal::Malformed("a CR without LF"))
            }
            (Place::Text | Place::Line, b'\n') => Err(Refusal::Malformed("a LF without CR")),

            // RFC 9112 §5.2, and §2.2 for the line after the request line.
            (Place::Line, b' ' | b'\t') => {
                Err(Refusal::Malformed("a line begins with white space"))
            }
            (Place::Text, b'\t') => Ok(Place::Text),
            (Place::Text | Place::Line, _) if byte.is_ascii_control() => {
                Err(Refusal::Malformed("a control character"))
            }
            (Place::Text | Place::Line, _) => Ok(Place::Text),
            (Place::End, _) => Ok(Place::End),
        }
    }
}

/// RFC 9110 §5.6.2.
pub(in crate::protocol) const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
