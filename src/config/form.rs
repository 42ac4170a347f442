//! What a setting may be: reading a TOML value into its field of [`Config`], and saying what is allowed.
//!
//! One setting at a time: what two settings may be together stands in `contradictions`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use toml::de::{DeArray, DeTable, DeValue};

use super::proxy::networks;
use super::quantity::{parse_duration, parse_size, show_duration};
use super::text;
use super::{Config, LogFormat, Rate, RefuseWith, Sandbox, Shadow, shadow};

/// The place in a [`Config`] that a setting fills.
pub(super) type Field<T> = fn(&mut Config) -> &mut T;

pub(super) const RATE_PER_MIN: Duration = Duration::from_millis(1);
pub(super) const RATE_PER_MAX: Duration = Duration::from_secs(60 * 60);
/// Most entries of a list of origins or rooms.
pub(super) const LIST_ENTRIES_MAX: usize = 1024;
/// Most files of one setting: a certificate for each of many names.
pub(super) const FILES_MAX: usize = 64;

/// Type, unit and range of a setting, and the field it fills. Ranges include both ends.
pub(super) enum Form {
    Flag {
        field: Field<bool>,
    },
    Count {
        field: Field<usize>,
        unit: &'static str,
        min: u64,
        max: u64,
    },
    SmallCount {
        field: Field<u32>,
        unit: &'static str,
        min: u64,
        max: u64,
    },
    Size {
        field: Field<usize>,
        min: u64,
        max: u64,
    },
    /// In milliseconds; `zero` says what 0 means, where it is allowed.
    Time {
        field: Field<Duration>,
        min: u64,
        max: u64,
        zero: Option<&'static str>,
    },
    Rate {
        field: Field<Rate>,
        unit: &'static str,
        min: u64,
        max: u64,
    },
    Address {
        field: Field<SocketAddr>,
    },
    Refusal {
        field: Field<RefuseWith>,
    },
    CookieName {
        field: Field<Option<String>>,
    },
    Text {
        field: Field<Option<String>>,
    },
    Origins {
        field: Field<Vec<String>>,
    },
    Networks {
        field: Field<Vec<IpNet>>,
    },
    Room {
        field: Field<String>,
    },
    Rooms {
        field: Field<Vec<String>>,
    },
    Directory {
        field: Field<PathBuf>,
    },
    /// One of a few words.
    Choice {
        field: Field<dyn Choice>,
    },
    File {
        field: Field<Option<PathBuf>>,
    },
    /// One file, or a list.
    Files {
        field: Field<Vec<PathBuf>>,
    },
    MaybeAddress {
        field: Field<Option<SocketAddr>>,
    },
    MaybePort {
        field: Field<Option<u16>>,
    },
    Hosts {
        field: Field<Vec<String>>,
    },
    Url {
        field: Field<Option<String>>,
    },
    Shadow {
        field: Field<Shadow>,
    },
}

/// A type that is one of a few words.
pub(super) trait Choice {
    fn words(&self) -> &'static [&'static str];
    fn word(&self) -> &'static str;
    /// Becomes the choice called `word`; `None` when there is none.
    fn choose(&mut self, word: &str) -> Option<()>;
}

impl Choice for Sandbox {
    fn words(&self) -> &'static [&'static str] {
        &["off", "on", "require"]
    }

    fn word(&self) -> &'static str {
        match self {
            Sandbox::Off => "off",
            Sandbox::On => "on",
            Sandbox::Require => "require",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "off" => Sandbox::Off,
            "on" => Sandbox::On,
            "require" => Sandbox::Require,
            _ => return None,
        };
        Some(())
    }
}

impl Choice for LogFormat {
    fn words(&self) -> &'static [&'static str] {
        &["text", "json"]
    }

    fn word(&self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return None,
        };
        Some(())
    }
}

impl Form {
    /// Fills the field from `value`; `None`, and the field as it was, when the value is not allowed.
    pub(super) fn fill(&self, config: &mut Config, value: &DeValue<'_>) -> Option<()> {
        match *self {
            Form::Flag { field } => *field(config) = value.as_bool()?,
            Form::Count {
                field, min, max, ..
            } => {
                *field(config) = usize::try_from(integer(value, min, max)?).ok()?;
            }
            Form::SmallCount {
                field, min, max, ..
            } => {
                *field(config) = u32::try_from(integer(value, min, max)?).ok()?;
            }
            Form::Size { field, min, max } => {
                *field(config) = usize::try_from(size(value, min, max)?).ok()?;
            }
            Form::Time {
                field,
                min,
                max,
                zero,
            } => {
                *field(config) = time(value, min, max, zero.is_some())?;
            }
            Form::Rate {
                field,
                unit,
                min,
                max,
            } => *field(config) = rate(value, unit, min, max)?,
            Form::Address { field } => *field(config) = value.as_str()?.parse().ok()?,
            Form::Refusal { field } => {
                *field(config) = match value.as_str()? {
                    "close" => RefuseWith::Close,
                    "http" => RefuseWith::Http,
                    _ => return None,
                };
            }
            Form::CookieName { field } => *field(config) = Some(word(value, text::is_cookie_name)?),
            Form::Text { field } => *field(config) = Some(word(value, text::is_plain)?),
            Form::Origins { field } => *field(config) = words(value, text::is_origin)?,
            Form::Networks { field } => *field(config) = networks(value)?,
            Form::Room { field } => *field(config) = word(value, text::is_room_id)?,
            Form::Rooms { field } => *field(config) = words(value, text::is_room_id)?,
            Form::Directory { field } => *field(config) = word(value, text::is_path)?.into(),
            Form::Choice { field } => field(config).choose(value.as_str()?)?,
            Form::File { field } => *field(config) = Some(word(value, text::is_path)?.into()),
            Form::Files { field } => *field(config) = files(value)?,
            Form::MaybeAddress { field } => *field(config) = Some(value.as_str()?.parse().ok()?),
            Form::MaybePort { field } => {
                let port = integer(value, 1, u64::from(u16::MAX))?;
                *field(config) = Some(u16::try_from(port).ok()?);
            }
            Form::Hosts { field } => *field(config) = words(value, text::is_host)?,
            Form::Url { field } => *field(config) = Some(word(value, text::is_url)?),
            Form::Shadow { field } => *field(config) = shadow::read(value)?,
        }
        Some(())
    }

    /// Puts the value of `from` into `to`.
    pub(super) fn copy(&self, from: &mut Config, to: &mut Config) {
        fn put<T: Clone>(field: Field<T>, from: &mut Config, to: &mut Config) {
            field(to).clone_from(field(from));
        }
        match *self {
            Form::Flag { field } => put(field, from, to),
            Form::Count { field, .. } | Form::Size { field, .. } => put(field, from, to),
            Form::SmallCount { field, .. } => put(field, from, to),
            Form::Time { field, .. } => put(field, from, to),
            Form::Rate { field, .. } => put(field, from, to),
            Form::Address { field } => put(field, from, to),
            Form::Refusal { field } => put(field, from, to),
            Form::CookieName { field } | Form::Text { field } => put(field, from, to),
            Form::Origins { field } | Form::Rooms { field } | Form::Hosts { field } => {
                put(field, from, to);
            }
            Form::Room { field } => put(field, from, to),
            Form::Directory { field } => put(field, from, to),
            Form::Choice { field } => {
                // A word of the same type is one of its words.
                let _ = field(to).choose(field(from).word());
            }
            Form::File { field } => put(field, from, to),
            Form::Files { field } => put(field, from, to),
            Form::MaybeAddress { field } => put(field, from, to),
            Form::MaybePort { field } => put(field, from, to),
            Form::Url { field } => put(field, from, to),
            Form::Networks { field } => put(field, from, to),
            Form::Shadow { field } => put(field, from, to),
        }
    }

    /// The value of an environment variable or a flag as TOML: strings need no quotes, lists no brackets.
    pub(super) fn value_of<'t>(&self, text: &'t str) -> DeValue<'t> {
        let text = text.trim();
        let quoted = text.starts_with(['"', '\'']);
        if self.is_list() && !text.starts_with('[') {
            return DeValue::Array(split(text));
        }
        if self.is_string() && !quoted {
            return DeValue::String(text.into());
        }
        DeValue::parse(text)
            .map_or_else(|_| DeValue::String(text.into()), |value| value.into_inner())
    }

    /// A value that is not allowed, as an error message repeats it.
    pub(super) fn found(&self, value: &DeValue<'_>) -> String {
        match self {
            Form::Url { .. } => text::found_url(value),
            _ => text::found(value),
        }
    }

    /// The value in force, written as it would stand in the file.
    pub(super) fn show(&self, config: &mut Config) -> String {
        match *self {
            Form::Flag { field } => field(config).to_string(),
            Form::Count { field, .. } | Form::Size { field, .. } => field(config).to_string(),
            Form::SmallCount { field, .. } => field(config).to_string(),
            Form::Time { field, .. } => quoted_duration(*field(config)),
            Form::Rate { field, .. } => {
                let Rate { burst, per } = *field(config);
                format!("{{ burst = {burst}, per = {} }}", quoted_duration(per))
            }
            Form::Address { field } => format!("\"{}\"", field(config)),
            Form::Refusal { field } => match field(config) {
                RefuseWith::Close => "\"close\"".to_owned(),
                RefuseWith::Http => "\"http\"".to_owned(),
            },
            Form::CookieName { field } | Form::Text { field } | Form::Url { field } => {
                field(config).as_deref().map_or_else(not_set, text::quoted)
            }
            Form::Origins { field } | Form::Rooms { field } | Form::Hosts { field } => {
                text::quoted_list(field(config))
            }
            Form::Networks { field } => {
                let shown: Vec<String> = field(config).iter().map(IpNet::to_string).collect();
                text::quoted_list(&shown)
            }
            Form::Shadow { field } => shadow::show(field(config)),
            Form::Room { field } => text::quoted(field(config)),
            Form::Directory { field } => text::quoted(&field(config).to_string_lossy()),
            Form::Choice { field } => text::quoted(field(config).word()),
            Form::File { field } => {
                let path = field(config).as_ref();
                path.map_or_else(not_set, |path| text::quoted(&path.to_string_lossy()))
            }
            Form::Files { field } if field(config).is_empty() => not_set(),
            Form::Files { field } => {
                let paths = field(config).iter();
                let paths: Vec<String> = paths
                    .map(|path| path.to_string_lossy().into_owned())
                    .collect();
                text::quoted_list(&paths)
            }
            Form::MaybeAddress { field } => {
                field(config).map_or_else(not_set, |address| format!("\"{address}\""))
            }
            Form::MaybePort { field } => {
                field(config).map_or_else(not_set, |port| port.to_string())
            }
        }
    }
}

fn not_set() -> String {
    "not set".to_owned()
}

fn files(value: &DeValue<'_>) -> Option<Vec<PathBuf>> {
    if value.as_str().is_some() {
        return Some(vec![word(value, text::is_path)?.into()]);
    }
    let list = value.as_array()?;
    let path =
        |entry: &toml::Spanned<DeValue<'_>>| Some(word(entry.get_ref(), text::is_path)?.into());
    let paths: Vec<PathBuf> = list.iter().map(path).collect::<Option<_>>()?;
    (1..=FILES_MAX).contains(&paths.len()).then_some(paths)
}

fn quoted_duration(duration: Duration) -> String {
    match show_duration(duration).as_str() {
        "0" => "0".to_owned(),
        text => format!("\"{text}\""),
    }
}

fn split(list: &str) -> DeArray<'_> {
    let entries = list
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    entries
        .map(|entry| toml::Spanned::new(0..0, DeValue::String(entry.into())))
        .collect()
}

fn integer(value: &DeValue<'_>, min: u64, max: u64) -> Option<u64> {
    let integer = value.as_integer()?;
    let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    (min..=max).contains(&number).then_some(number)
}

fn size(value: &DeValue<'_>, min: u64, max: u64) -> Option<u64> {
    match value.as_str() {
        Some(text) => parse_size(text).filter(|bytes| (min..=max).contains(bytes)),
        None => integer(value, min, max),
    }
}

fn time(value: &DeValue<'_>, min: u64, max: u64, zero_allowed: bool) -> Option<Duration> {
    let duration = match value.as_str() {
        Some(text) => parse_duration(text)?,
        None => integer(value, 0, 0).map(Duration::from_millis)?,
    };
    let in_range = Duration::from_millis(min) <= duration && duration <= Duration::from_millis(max);
    (in_range || (duration.is_zero() && zero_allowed)).then_some(duration)
}

fn rate(value: &DeValue<'_>, unit: &str, min: u64, max: u64) -> Option<Rate> {
    let table = value.as_table()?;
    let burst = entry(table, "burst")?;
    let burst = if unit == "bytes" {
        size(burst, min, max)?
    } else {
        integer(burst, min, max)?
    };
    let per = time(
        entry(table, "per")?,
        millis(RATE_PER_MIN),
        millis(RATE_PER_MAX),
        false,
    )?;
    (table.len() == 2).then_some(Rate { burst, per })
}

const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

fn entry<'v, 'i>(table: &'v DeTable<'i>, name: &str) -> Option<&'v DeValue<'i>> {
    table.get(name).map(toml::Spanned::get_ref)
}

fn word(value: &DeValue<'_>, is_allowed: fn(&str) -> bool) -> Option<String> {
    value
        .as_str()
        .filter(|word| is_allowed(word))
        .map(str::to_owned)
}

fn words(value: &DeValue<'_>, is_allowed: fn(&str) -> bool) -> Option<Vec<String>> {
    let list = value.as_array()?;
    let words: Vec<String> = list
        .iter()
        .map(|entry| word(entry.get_ref(), is_allowed))
        .collect::<Option<_>>()?;
    let all_differ = words
        .iter()
        .enumerate()
        .all(|(at, word)| !words.iter().skip(at + 1).any(|w| w == word));
    (words.len() <= LIST_ENTRIES_MAX && all_differ).then_some(words)
}
