//! The key of the private listener: read, judged, and never shown. Comparing it is not done here.

use std::path::Path;

use super::error::{ConfigError, Place};
use super::secret::{self, Fault, Readers};

/// Shortest key, in bytes: 128 bits even when it is written in hexadecimal.
const BYTES_MIN: usize = 32;
/// Longest key, in bytes: it travels in a request head.
const BYTES_MAX: usize = 512;

/// What a program shows to the private listener, as its file holds it without the newline.
#[derive(Clone)]
pub struct PrivateKey(Box<str>);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

impl PrivateKey {
    /// The key in the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, others may read it, or its key is short, weak or no bearer token.
    pub fn from_file(path: &Path) -> Result<PrivateKey, ConfigError> {
        PrivateKey::read(path).map_err(|fault| {
            let place = Place::File {
                path: path.to_owned(),
                line: None,
            };
            ConfigError::new(place, "private key", fault.found, fault.allowed)
        })
    }

    pub(super) fn read(path: &Path) -> Result<PrivateKey, Fault> {
        let bytes = secret::without_newline(secret::read_file(path, Readers::OwnerAlone)?);
        secret::judge(&bytes, BYTES_MIN, "a bearer key")?;
        let is_sendable = bytes.len() <= BYTES_MAX && is_token68(&bytes);
        let text = String::from_utf8(bytes).ok().filter(|_| is_sendable);
        text.map(|text| PrivateKey(text.into())).ok_or_else(|| {
            Fault::new(
                "a key that no header can carry (***)",
                format!("{BYTES_MIN} to {BYTES_MAX} letters, digits or -._~+/=, as from: openssl rand -hex 32"),
            )
        })
    }

    /// The key itself, to be compared or shown to a server. **Never to be logged.**
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// RFC 9110 §11.2: what a bearer token is made of.
fn is_token68(key: &[u8]) -> bool {
    let padding = key.iter().rev().take_while(|byte| **byte == b'=').count();
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
    key.iter().take(key.len() - padding).all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], mode: u32) -> Result<PrivateKey, String> {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        PrivateKey::from_file(&path).map_err(|error| error.to_string())
    }

    const GOOD: &str = "f3a9c07e51d24b86e8f10c3d95a7b264";

    #[test]
    fn a_key_is_taken_without_its_newline_and_never_shown() {
        let key = read(format!("{GOOD}\n").as_bytes(), 0o600).unwrap();
        assert_eq!(key.expose(), GOOD);
        assert_eq!(format!("{key:?}"), "PrivateKey(***)");
    }

    #[test]
    fn a_key_that_can_be_guessed_read_or_not_be_sent_is_refused() {
        for (bytes, mode, told) in [
            (&GOOD[1..], 0o600, "a secret of 31 bytes (***)"),
            (GOOD, 0o640, "mode 0640"),
            (
                "f3a9c07e51d24b86 e8f10c3d95a7b264",
                0o600,
                "no header can carry",
            ),
            (
                "f3a9c07e51d24b86\ne8f10c3d95a7b264",
                0o600,
                "no header can carry",
            ),
            (&GOOD.repeat(17), 0o600, ""),
            (
                "changeme-f3a9c07e51d24b86e8f10c3d95a7b264",
                0o600,
                "typed secret",
            ),
        ] {
            let error = read(bytes.as_bytes(), mode).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("f3a9"), "{error}");
        }
    }
}
