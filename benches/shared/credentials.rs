//! The secret of a server under test, and tokens signed with it (HS256).

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::failure::{Doing, Failure};

const SECRET_BYTES: usize = 48;
const TOKEN_LIFETIME_SECONDS: u64 = 6 * 3600;

pub struct Secret {
    hex: String,
}

impl Secret {
    /// Draws a secret and writes it to `path`, for its owner alone.
    ///
    /// # Errors
    /// When the file cannot be written or randomness be had.
    pub fn write(path: &Path) -> Result<Self, Failure> {
        let hex = random_hex()?;
        let mut owner_only = fs::OpenOptions::new();
        let file = owner_only
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        file.and_then(|mut file| file.write_all(hex.as_bytes()))
            .doing("writing the secret")?;
        Ok(Secret { hex })
    }

    /// A token with these claims that outlives every run.
    pub fn token(&self, claims: &Value) -> Result<String, Failure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut claims = claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.insert("exp".to_owned(), json!(now + TOKEN_LIFETIME_SECONDS));
        }
        let key = EncodingKey::from_secret(self.hex.as_bytes());
        encode(&Header::new(Algorithm::HS256), &claims, &key)
            .map_err(|error| Failure::Wrong(format!("signing a token: {error}")))
    }
}

fn random_hex() -> Result<String, Failure> {
    let mut bytes = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failure::Missing("randomness".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
