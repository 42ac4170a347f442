//! The settings in force that are numbers, for programs that ask. Neither texts nor paths: those may say more than a
//! caller needs.

use super::form::Form;
use super::settings::SETTINGS;
use super::{Config, Rate};

/// How much, how long or how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// So many of the unit.
    Number(u64),
    /// Of the unit, at most so many in so long.
    Rate(Rate),
}

/// One setting that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Full dotted key.
    pub key: &'static str,
    /// What is counted; `ms` for times.
    pub unit: &'static str,
    pub quantity: Quantity,
}

impl Config {
    /// Every setting that is a number, in the order of the reference.
    pub fn quantities(&self) -> Vec<Measured> {
        let mut config = self.clone();
        SETTINGS
            .iter()
            .filter_map(|setting| {
                let (unit, quantity) = measure(&setting.form, &mut config)?;
                Some(Measured {
                    key: setting.key,
                    unit,
                    quantity,
                })
            })
            .collect()
    }
}

fn measure(form: &Form, config: &mut Config) -> Option<(&'static str, Quantity)> {
    let number =
        |number| u64::try_from(number).map_or(Quantity::Number(u64::MAX), Quantity::Number);
    match *form {
        Form::Count { field, unit, .. } => Some((unit, number(*field(config)))),
        Form::Size { field, .. } => Some(("bytes", number(*field(config)))),
        Form::SmallCount { field, unit, .. } => {
            Some((unit, Quantity::Number(u64::from(*field(config)))))
        }
        Form::Time { field, .. } => {
            let millis = u64::try_from(field(config).as_millis()).unwrap_or(u64::MAX);
            Some(("ms", Quantity::Number(millis)))
        }
        Form::Rate { field, unit, .. } => Some((unit, Quantity::Rate(*field(config)))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_rates_are_told_with_their_unit_and_nothing_else_is() {
        let quantities = Config::default().quantities();
        let find = |key: &str| quantities.iter().find(|measured| measured.key == key);
        for (key, unit, quantity) in [
            (
                "limits.connections_max",
                "connections",
                Quantity::Number(10_000),
            ),
            ("limits.pauses_max", "pauses", Quantity::Number(5)),
            ("limits.head_bytes_max", "bytes", Quantity::Number(8192)),
            ("deadlines.head", "ms", Quantity::Number(10_000)),
            (
                "limits.messages_per_user",
                "messages",
                Quantity::Rate(Config::default().limits.messages_per_user),
            ),
        ] {
            let found = find(key).map(|measured| (measured.unit, measured.quantity));
            assert_eq!(found, Some((unit, quantity)), "{key}");
        }
        for key in [
            "listen.address",
            "private.key_file",
            "store.directory",
            "auth.cookie",
        ] {
            assert_eq!(find(key), None, "{key}");
        }
    }
}
