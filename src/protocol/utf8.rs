//! UTF-8 that arrives in pieces, cut anywhere (RFC 6455 §8.1): a wrong byte is noticed when it comes, not when the
//! message is complete.

/// Longest beginning of a character that may still become one.
const TAIL_BYTES_MAX: usize = 3;
/// Masked bytes unmasked at a time, on the stack; a multiple of the mask's length.
const CHUNK_BYTES: usize = 1024;

/// What has been read is a prefix of valid UTF-8.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8Prefix {
    tail: [u8; TAIL_BYTES_MAX],
    tail_bytes: u8,
}

/// The bytes can not become UTF-8 any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotUtf8;

impl Utf8Prefix {
    /// Reads on. After an error nothing may be read.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), NotUtf8> {
        let rest = self.complete_character(bytes)?;
        match std::str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NotUtf8),
            Err(error) => self.keep(rest.get(error.valid_up_to()..).unwrap_or_default()),
        }
    }

    /// Reads on in a frame's masked payload, of which `bytes` begin at `offset` (RFC 6455 §5.3).
    pub(super) fn push_masked(
        &mut self,
        bytes: &[u8],
        mask: [u8; 4],
        offset: u64,
    ) -> Result<(), NotUtf8> {
        let mut mask = mask;
        mask.rotate_left((offset % 4) as usize);
        let mut plain = [0; CHUNK_BYTES];
        for chunk in bytes.chunks(CHUNK_BYTES) {
            for (four, masked) in plain.chunks_mut(4).zip(chunk.chunks(4)) {
                for ((plain, masked), mask) in four.iter_mut().zip(masked).zip(mask) {
                    *plain = masked ^ mask;
                }
            }
            self.push(plain.get(..chunk.len()).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Finishes the character that was cut, if one was; gives what follows it.
    fn complete_character<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], NotUtf8> {
        while self.tail_bytes > 0 {
            let [next, rest @ ..] = bytes else {
                break;
            };
            bytes = rest;
            let mut character = [0; TAIL_BYTES_MAX + 1];
            let kept = usize::from(self.tail_bytes);
            for (place, byte) in character
                .iter_mut()
                .zip(self.tail.iter().take(kept).chain([next]))
            {
                *place = *byte;
            }
            let so_far = character.get(..=kept).unwrap_or_default();
            match std::str::from_utf8(so_far) {
                Ok(_) => self.tail_bytes = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                Err(_) => self.keep(so_far)?,
            }
        }
        Ok(bytes)
    }

    fn keep(&mut self, tail: &[u8]) -> Result<(), NotUtf8> {
        let kept = self.tail.get_mut(..tail.len()).ok_or(NotUtf8)?;
        kept.copy_from_slice(tail);
        self.tail_bytes = tail.len() as u8;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// Where the first byte stands that can not continue what came before it.
    fn noticed_at(bytes: &[u8]) -> Option<usize> {
        let mut prefix = Utf8Prefix::default();
        bytes.iter().position(|byte| prefix.push(&[*byte]).is_err())
    }

    #[test]
    fn a_wrong_byte_is_noticed_when_it_comes() {
        let cases: [(&[u8], Option<usize>); 12] = [
            ("κόσμε𐀀".as_bytes(), None),
            (b"ab\xFF", Some(2)),
            (b"\x80", Some(0)),
            (b"\xC0", Some(0)),
            (b"\xC3(", Some(1)),
            (b"\xE0\x9F", Some(1)),
            (b"\xED\xA0\x80", Some(1)),
            (b"\xF0\x8F", Some(1)),
            (b"\xF4\x90\x80\x80", Some(1)),
            (b"\xF5", Some(0)),
            (b"\xE2\x82", None),
            (b"\xF0\x9F\x98a", Some(3)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(noticed_at(bytes), expected, "{bytes:x?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_cut_and_any_mask_phase_gives_the_same_verdict(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
            text in ".{0,20}",
            cut in 0usize..60,
        ) {
            let bytes = [text.as_bytes(), &bytes].concat();
            let is_prefix = match std::str::from_utf8(&bytes) {
                Ok(_) => true,
                Err(error) => error.error_len().is_none(),
            };
            let masked: Vec<u8> = bytes.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m).collect();
            let cut = cut.min(masked.len());
            let mut prefix = Utf8Prefix::default();
            let verdict = prefix
                .push_masked(&masked[..cut], MASK, 0)
                .and_then(|()| prefix.push_masked(&masked[cut..], MASK, cut as u64));
            proptest::prop_assert_eq!(verdict.is_ok(), is_prefix);
        }
    }
}
