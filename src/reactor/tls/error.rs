//! What is wrong with certificates and keys. Never holds any of a key.

use crate::time::Wall;

/// TLS can not be spoken with what the configuration names; the message names the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Put the server's certificate into the file, then the authorities between it and a root.
    #[error(
        "tls.certificate[{0}]: found no certificate; allowed: a chain as PEM, the server's own first"
    )]
    NoCertificate(usize),
    /// Something in the file is not PEM or not X.509.
    #[error(
        "tls.certificate[{0}]: found a certificate that can not be read; allowed: a chain as PEM"
    )]
    BadCertificate(usize),
    /// Renew it, or put the renewed one there.
    #[error(
        "tls.certificate[{at}]: found a certificate that ended {days} days ago; allowed: one that is good today"
    )]
    Expired { at: usize, days: u64 },
    /// Wait, or set the clock.
    #[error(
        "tls.certificate[{at}]: found a certificate that begins in {days} days; allowed: one that is good today"
    )]
    NotYet { at: usize, days: u64 },
    /// The file holds none, or one in an unknown form.
    #[error(
        "tls.key[{0}]: found no private key (***); allowed: an unencrypted key as PEM (PKCS#8, SEC1 or PKCS#1)"
    )]
    NoKey(usize),
    /// A kind of key that no client verifies, or a broken one.
    #[error(
        "tls.key[{0}]: found a key that can not be used (***); allowed: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
    )]
    BadKey(usize),
    /// Give the key that the certificate was made for.
    #[error(
        "tls.key[{0}]: found the key of another certificate (***); allowed: the key of tls.certificate[{0}]"
    )]
    Mismatch(usize),
    /// The file must hold at least one authority's certificate.
    #[error(
        "tls.client_ca: found no authority that can be used; allowed: certificates of authorities as PEM"
    )]
    ClientAuthority,
    /// The library refuses; nothing in the configuration is known to be wrong.
    #[error("tls: {0}")]
    Library(#[source] rustls::Error),
}

/// Whole days from one date to a later one, begun ones counted.
pub(super) fn days_between(earlier: Wall, later: Wall) -> u64 {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    later
        .as_millis()
        .saturating_sub(earlier.as_millis())
        .div_ceil(DAY_MS)
}
