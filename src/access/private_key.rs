//! Whether the key of the private listener was shown.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::AuthError;
use super::credentials::bearer;
use crate::config::PrivateKey;

/// Whether one of the Authorization fields, of which there may be one, shows `key` as a bearer token (RFC 6750 §2.1).
///
/// Takes as long for a wrong key as for another wrong key: digests are compared, and those to the last byte.
///
/// # Errors
/// [`AuthError::Missing`], [`AuthError::Invalid`].
pub fn check(key: &PrivateKey, authorization: &[&[u8]]) -> Result<(), AuthError> {
    let shown = bearer(authorization)?.ok_or(AuthError::Missing)?;
    let (shown, key) = (
        digest(&SHA256, shown.as_bytes()),
        digest(&SHA256, key.expose().as_bytes()),
    );
    verify_slices_are_equal(shown.as_ref(), key.as_ref()).map_err(|_| AuthError::Invalid)
}
