//! A setting in words: its unit, its type and its range, for error messages and the reference alike. Reads no value.

use std::time::Duration;

use super::form::{FILES_MAX, Form, LIST_ENTRIES_MAX, RATE_PER_MAX, RATE_PER_MIN};
use super::quantity::show_duration;
use toml::de::DeValue;

use super::{Config, proxy, shadow, text};

const ROOM_ALLOWED: &str = "1 to 64 of A-Z a-z 0-9 _ . : - beginning with a letter or digit";

impl Form {
    /// What one unit of the value counts.
    pub(super) fn unit(&self) -> &'static str {
        match *self {
            Form::Flag { .. } => "true or false",
            Form::Count { unit, .. } | Form::SmallCount { unit, .. } | Form::Rate { unit, .. } => {
                unit
            }
            Form::Size { .. } => "bytes",
            Form::Time { .. } => "time",
            Form::Address { .. } => "IP address and port",
            Form::Refusal { .. } => "word",
            Form::CookieName { .. } => "cookie name",
            Form::Text { .. } => "text",
            Form::Origins { .. } => "origins",
            Form::Networks { .. } => "networks",
            Form::Room { .. } => "room id",
            Form::Rooms { .. } => "room ids",
            Form::Directory { .. } | Form::File { .. } => "path",
            Form::Files { .. } => "paths",
            Form::Choice { .. } => "word",
            Form::MaybeAddress { .. } => "IP address and port",
            Form::MaybePort { .. } => "port",
            Form::Hosts { .. } => "host names",
            Form::Url { .. } => "URL",
            Form::Shadow { .. } => "limits",
        }
    }

    /// The TOML type, or types, of the value.
    pub(super) fn toml_type(&self) -> &'static str {
        match self {
            Form::Flag { .. } => "boolean",
            Form::Count { .. } | Form::SmallCount { .. } | Form::MaybePort { .. } => "integer",
            Form::Size { .. } => "integer or string",
            Form::Rate { .. } => "table",
            Form::Origins { .. }
            | Form::Networks { .. }
            | Form::Rooms { .. }
            | Form::Hosts { .. }
            | Form::Shadow { .. } => "array of strings",
            Form::Files { .. } => "string or array of strings",
            Form::Time { .. }
            | Form::Address { .. }
            | Form::Refusal { .. }
            | Form::CookieName { .. }
            | Form::Text { .. }
            | Form::Room { .. }
            | Form::Choice { .. }
            | Form::File { .. }
            | Form::MaybeAddress { .. }
            | Form::Url { .. }
            | Form::Directory { .. } => "string",
        }
    }

    /// The range, in words that an error message and the reference share.
    pub(super) fn allowed(&self) -> String {
        match *self {
            Form::Flag { .. } => "true or false".to_owned(),
            Form::Count { unit, min, max, .. } | Form::SmallCount { unit, min, max, .. } => {
                format!("{min} to {max} {unit}")
            }
            Form::Size { min, max, .. } => format!("{min} to {max} bytes, or as \"64KiB\""),
            Form::Time { min, max, zero, .. } => allowed_time(min, max, zero),
            Form::Rate { unit, min, max, .. } => format!(
                "{{ burst = {min} to {max} {unit}, per = \"{}\" to \"{}\" }}",
                show_duration(RATE_PER_MIN),
                show_duration(RATE_PER_MAX)
            ),
            Form::Address { .. } => "an IP address and port, as \"127.0.0.1:8080\"".to_owned(),
            Form::Refusal { .. } => "\"close\" or \"http\"".to_owned(),
            Form::CookieName { .. } => {
                "a cookie name: 1 to 128 letters, digits or !#$%&'*+-.^_`|~".to_owned()
            }
            Form::Text { .. } => "1 to 256 bytes without control characters".to_owned(),
            Form::Origins { .. } => format!(
                "up to {LIST_ENTRIES_MAX} exact origins, each as \"https://chat.example\" or \
                 \"http://localhost:3000\"; never \"*\" or \"null\""
            ),
            Form::Networks { .. } => proxy::networks_allowed(),
            Form::Room { .. } => ROOM_ALLOWED.to_owned(),
            Form::Rooms { .. } => {
                format!("up to {LIST_ENTRIES_MAX} different room ids, each {ROOM_ALLOWED}")
            }
            Form::Directory { .. } | Form::File { .. } => "a path of 1 to 4096 bytes".to_owned(),
            Form::Files { .. } => {
                format!("a path of 1 to 4096 bytes, or up to {FILES_MAX} of them in brackets")
            }
            Form::Choice { field } => {
                let words = field(&mut Config::default()).words();
                words
                    .iter()
                    .map(|word| text::quoted(word))
                    .collect::<Vec<_>>()
                    .join(" or ")
            }
            Form::MaybeAddress { .. } => "an IP address and port, as \"0.0.0.0:80\"".to_owned(),
            Form::MaybePort { .. } => "1 to 65535".to_owned(),
            Form::Hosts { .. } => format!(
                "up to {LIST_ENTRIES_MAX} different names without port, each as \"chat.internal\""
            ),
            Form::Url { .. } => {
                "an address, as \"https://users.example/wardroom\", without user, query or fragment"
                    .to_owned()
            }
            Form::Shadow { .. } => shadow::allowed(),
        }
    }

    /// The range, for somebody who gave `value`, which does not lie in it.
    pub(super) fn allowed_instead(&self, value: &DeValue<'_>) -> String {
        match self {
            Form::Shadow { .. } => shadow::allowed_instead(value),
            _ => self.allowed(),
        }
    }

    pub(super) fn is_string(&self) -> bool {
        self.toml_type() == "string"
    }

    pub(super) fn is_list(&self) -> bool {
        self.toml_type().ends_with("array of strings")
    }
}

fn allowed_time(min: u64, max: u64, zero: Option<&str>) -> String {
    let range = format!(
        "\"{}\" to \"{}\"",
        show_duration(Duration::from_millis(min)),
        show_duration(Duration::from_millis(max))
    );
    zero.map_or_else(
        || range.clone(),
        |meaning| format!("{range}, or 0: {meaning}"),
    )
}
