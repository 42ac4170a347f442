//! Requests to a running server's private listener, and what its answers mean for whoever typed the command.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::Failure;
use super::table;
use super::target::Target;

/// From the first byte to the last: the server answers from memory.
const TIME_MAX: Duration = Duration::from_secs(10);
/// The longest answer is one page of a list.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// One server's private listener.
pub(super) struct Client {
    agent: Agent,
    target: Target,
}

impl Client {
    pub(super) fn new(target: Target) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIME_MAX))
            .http_status_as_error(false)
            .max_redirects(0)
            // The key goes to the server alone, whatever the environment says about proxies.
            .proxy(None)
            .user_agent(concat!("wardroom/", env!("CARGO_PKG_VERSION")))
            .build();
        Client {
            agent: config.into(),
            target,
        }
    }

    /// # Errors
    /// [`Failure::Operation`], which says what to do.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.agent.get(self.target.url(path));
        let request = request.header("Authorization", self.target.authorization());
        self.read(request.call())
    }

    /// # Errors
    /// As [`Client::get`].
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self
            .agent
            .post(self.target.url(path))
            .header("Authorization", self.target.authorization())
            .header("Content-Type", "application/json");
        self.read(request.send(body.to_string().as_bytes()))
    }

    fn read(
        &self,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let mut response = answered.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let body = body
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        match status {
            200 if !value.is_null() => Ok(value),
            200 => Err(self.stranger(status)),
            _ => Err(self.refused(status, &value)),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let why = match error {
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                "nothing listens there; is the server running, and is this its private.address?"
                    .to_owned()
            }
            ureq::Error::Timeout(_) => format!("no answer within {} s", TIME_MAX.as_secs()),
            error => error.to_string(),
        };
        Failure::Operation(format!("cannot reach {}: {why}", self.target.base()))
    }

    /// What the server's problem details say (RFC 9457).
    fn refused(&self, status: u16, problem: &Value) -> Failure {
        let text = |name: &str| problem.get(name).and_then(Value::as_str);
        let Some(title) = text("title") else {
            return self.stranger(status);
        };
        let mut told = title.to_owned();
        // Writing to a String does not fail.
        if let Some(field) = text("field") {
            let _ = write!(told, ": {field}");
        }
        if let Some(detail) = text("detail") {
            let _ = write!(told, ": {detail}");
        }
        if status == 401 {
            let _ = write!(told, " (shown was {})", self.target.key_place());
        }
        let told = table::escaped(&told);
        Failure::Operation(format!("{told} ({status} from {})", self.target.base()))
    }

    fn stranger(&self, status: u16) -> Failure {
        Failure::Operation(format!(
            "{} answers {status}, and not as a wardroom does; is this its private.address?",
            self.target.base()
        ))
    }
}

/// `text` as one segment of a path, or one value of a query (RFC 3986 §2.3).
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
