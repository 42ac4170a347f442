//! A configuration file as a list of dotted keys with their lines. Knows which keys exist, not what they mean.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place};
use super::settings::{self, KEY_LIST, SETTINGS};
use super::suggest::closest;
use super::text;

/// A file that was read, for saying where in it something stands.
pub(super) struct Document<'t> {
    pub(super) path: &'t Path,
    pub(super) text: &'t str,
}

/// A known key with the value that stands there.
pub(super) struct Given<'v, 'i> {
    pub(super) key: String,
    pub(super) value: &'v DeValue<'i>,
    pub(super) place: Place,
}

impl<'t> Document<'t> {
    /// The TOML in the file, or every place where it is none. Messages do not repeat the file's text.
    pub(super) fn parse(&self) -> Result<DeTable<'t>, Vec<ConfigError>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(table.into_inner());
        }
        let explain = |error: &toml::de::Error| {
            let place = self.place(error.span().unwrap_or_default());
            ConfigError::new(
                place,
                "syntax",
                error.message().escape_debug().to_string(),
                "TOML 1.1",
            )
        };
        Err(errors.iter().map(explain).collect())
    }

    /// The line that `span` begins on.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.bytes().take(span.start);
        let line = 1 + before.filter(|&byte| byte == b'\n').count();
        Place::File {
            path: self.path.to_owned(),
            line: Some(line),
        }
    }

    /// The known keys in and below `table`, whose own key is `section`; every other key is an error.
    pub(super) fn given<'v, 'i>(
        &self,
        table: &'v DeTable<'i>,
        section: &str,
        errors: &mut Vec<ConfigError>,
    ) -> Vec<Given<'v, 'i>> {
        let mut given = Vec::new();
        for (name, value) in table {
            let key = if section.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{section}.{}", name.get_ref())
            };
            if settings::find(&key).is_some() || key == KEY_LIST {
                let place = self.place(value_span(name, value));
                given.push(Given {
                    key,
                    value: value.get_ref(),
                    place,
                });
            } else if !settings::is_section(&key) {
                errors.push(unknown(self.place(name.span()), &key));
            } else if let Some(inner) = value.get_ref().as_table() {
                given.append(&mut self.given(inner, &key, errors));
            } else {
                let allowed = format!("the table [{key}]");
                errors.push(ConfigError::new(
                    self.place(name.span()),
                    key,
                    text::found(value.get_ref()),
                    allowed,
                ));
            }
        }
        given
    }
}

/// A value's span; tables and lists of them are where their name is.
fn value_span(name: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    match value.get_ref() {
        DeValue::Table(_) | DeValue::Array(_) => name.span(),
        _ => value.span(),
    }
}

/// The error for a key that no setting has.
pub(super) fn unknown(place: Place, key: &str) -> ConfigError {
    let keys = SETTINGS.iter().map(|setting| setting.key).chain([KEY_LIST]);
    let sections = [
        "listen",
        "proxy",
        "tls",
        "private",
        "origins",
        "auth",
        "limits",
        "deadlines",
        "turn",
        "rooms",
        "echo",
        "store",
        "log",
    ];
    let allowed = match closest(key, keys.chain(sections)) {
        Some(name) => format!("did you mean {name}?"),
        None => "the settings that docs/configuration.md lists".to_owned(),
    };
    ConfigError::new(place, text::named(key), "an unknown key", allowed)
}
