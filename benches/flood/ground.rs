//! What attackers and honest people stand on: one server, its language, and who signs their tokens.

use std::net::SocketAddr;

use serde_json::json;

use crate::language::Language;
use crate::shared::credentials::Secret;
use crate::shared::failure::Failure;

pub struct Ground<'a> {
    pub address: SocketAddr,
    pub language: Language,
    pub secret: &'a Secret,
    pub sockets_max: usize,
}

impl Ground<'_> {
    /// A good token of `user`.
    ///
    /// # Errors
    /// When it can not be signed.
    pub fn token(&self, user: &str) -> Result<String, Failure> {
        self.secret.token(&json!({ "sub": user }))
    }
}
