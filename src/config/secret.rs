//! Reading key material, and judging whether a secret is worth the name. No secret enters a message.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Longest file of key material that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Fewer different bytes than this are no random text, whatever its length: 32 random hexadecimal digits
/// fall short once in 25 million.
const DISTINCT_BYTES_MIN: usize = 8;

/// Parts of secrets that people type or copy, in lower case without separators.
const TYPED: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "changeme",
    "changethis",
    "yourkey",
    "mykey",
    "example",
    "qwerty",
    "letmein",
    "wardroom",
];

/// Whole secrets that look random and stand in widely copied tutorials, in lower case without separators.
const PUBLISHED: [&str; 2] = [
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970",
];

/// What is wrong with key material.
pub(super) struct Fault {
    pub(super) found: String,
    pub(super) allowed: String,
}

impl Fault {
    pub(super) fn new(found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Fault {
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}

/// Who may read a file of key material.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Anybody,
    /// And a group that may read but not write: how keys of certificates are commonly shared out.
    OwnerAndGroup,
    OwnerAlone,
}

/// The bytes of the file at `path`. The message does not repeat the path: a secret may stand there by mistake.
pub(super) fn read_file(path: &Path, readers: Readers) -> Result<Vec<u8>, Fault> {
    let unreadable = |error: io::Error| unreadable(&error, path);
    // Before opening, since opening a pipe would wait for its writer.
    check_metadata(&fs::metadata(path).map_err(unreadable)?, readers)?;
    let file = File::open(path).map_err(unreadable)?;
    // And after, since the name may mean another file by now.
    check_metadata(&file.metadata().map_err(unreadable)?, readers)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Fault::new(
            "a longer file",
            format!("a file of at most {FILE_BYTES_MAX} bytes"),
        ));
    }
    Ok(bytes)
}

fn unreadable(error: &io::Error, path: &Path) -> Fault {
    let found = match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "a file that may not be read".to_owned(),
        kind => format!("an unreadable file ({kind})"),
    };
    let allowed = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => {
            format!(
                "a file that this program may read (looked for in {})",
                directory.display()
            )
        }
        _ => "a file that this program may read (looked for in the working directory)".to_owned(),
    };
    Fault::new(found, allowed)
}

fn check_metadata(metadata: &Metadata, readers: Readers) -> Result<(), Fault> {
    if !metadata.is_file() {
        return Err(Fault::new("something that is not a file", "a regular file"));
    }
    match readers {
        Readers::Anybody => Ok(()),
        Readers::OwnerAndGroup => check_mode(metadata, 0o037, "mode 0640, 0600 or 0400"),
        Readers::OwnerAlone => check_mode(metadata, 0o077, "mode 0600 or 0400 (chmod 600)"),
    }
}

#[cfg(unix)]
fn check_mode(metadata: &Metadata, forbidden: u32, allowed: &str) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = metadata.mode() & 0o7777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(Fault::new(
        format!("a secret that others can get at (mode {mode:04o})"),
        allowed,
    ))
}

#[cfg(not(unix))]
fn check_mode(_: &Metadata, _: u32, _: &str) -> Result<(), Fault> {
    Ok(())
}

/// `secret` without the one newline that an editor leaves.
pub(super) fn without_newline(mut secret: Vec<u8>) -> Vec<u8> {
    if secret.last() == Some(&b'\n') {
        secret.pop();
        if secret.last() == Some(&b'\r') {
            secret.pop();
        }
    }
    secret
}

/// Whether `secret` is at least `bytes_min` bytes of something that cannot be guessed.
///
/// RFC 7518 §3.2: an HMAC key has at least the size of the hash.
pub(super) fn judge(secret: &[u8], bytes_min: usize, algorithm: &str) -> Result<(), Fault> {
    let allowed = "a random secret, as from: openssl rand -hex 32";
    if is_known(secret) {
        return Err(Fault::new("a well-known or typed secret (***)", allowed));
    }
    if secret.len() < bytes_min {
        let found = format!("a secret of {} bytes (***)", secret.len());
        return Err(Fault::new(
            found,
            format!("at least {bytes_min} bytes for {algorithm}"),
        ));
    }
    if is_monotonous(secret) {
        return Err(Fault::new("a secret that repeats itself (***)", allowed));
    }
    Ok(())
}

fn is_known(secret: &[u8]) -> bool {
    let plain: String = secret
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    TYPED.iter().any(|part| plain.contains(part)) || PUBLISHED.contains(&plain.as_str())
}

fn is_monotonous(secret: &[u8]) -> bool {
    let mut distinct = secret.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let repeats = |period: usize| {
        secret
            .iter()
            .zip(secret.iter().skip(period))
            .all(|(a, b)| a == b)
    };
    distinct.len() < DISTINCT_BYTES_MIN || (1..=secret.len() / 2).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &[u8] = b"f3a9c07e51d24b86e8f10c3d95a7b264";

    fn fault(secret: &[u8], bytes_min: usize) -> String {
        judge(secret, bytes_min, "HS256")
            .err()
            .map_or_else(String::new, |fault| fault.found)
    }

    #[test]
    fn a_random_secret_as_long_as_its_hash_is_taken() {
        assert_eq!(fault(RANDOM, 32), "");
        assert_eq!(fault(&(0..=31).map(|n| n * 7).collect::<Vec<u8>>(), 32), "");
    }

    #[test]
    fn a_secret_shorter_than_its_hash_is_refused() {
        assert_eq!(fault(&RANDOM[..31], 32), "a secret of 31 bytes (***)");
        assert_eq!(fault(RANDOM, 48), "a secret of 32 bytes (***)");
        assert_eq!(fault(b"", 32), "a secret of 0 bytes (***)");
    }

    #[test]
    fn secrets_that_people_type_or_copy_are_refused() {
        for secret in [
            "secret",
            "your-secret-key",
            "changeme",
            "CHANGE_ME_change_me_CHANGE_ME_0123456789",
            "a-string-secret-at-least-256-bits-long",
            "My Super Se-cret Key 0123456789 abcdefgh",
            "correct-horse-battery-pass-word-staple-9",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
        ] {
            assert_eq!(
                fault(secret.as_bytes(), 32),
                "a well-known or typed secret (***)",
                "{secret}"
            );
        }
    }

    #[test]
    fn secrets_that_repeat_themselves_are_refused() {
        for secret in [
            "a".repeat(64),
            "0123456789abcdef".repeat(2),
            "abcdefghi".repeat(5),
            "01".repeat(32),
            "1234567".repeat(3) + "77665544332211",
        ] {
            assert_eq!(
                fault(secret.as_bytes(), 32),
                "a secret that repeats itself (***)",
                "{secret}"
            );
        }
    }

    #[test]
    fn exactly_one_newline_is_removed() {
        for (given, left) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a", "a"),
            ("\n", ""),
            ("a\r", "a\r"),
        ] {
            assert_eq!(without_newline(given.into()), left.as_bytes());
        }
    }
}
