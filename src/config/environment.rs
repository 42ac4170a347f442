//! The process environment as it was handed in. Reads nothing by itself.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables by name. Names that are not UTF-8 are left out: no setting has one.
pub(super) struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Environment {
            variables: named.collect(),
        }
    }

    /// The value of `name`, inner `None` when it is not UTF-8; outer `None` when it is not set.
    pub(super) fn get(&self, name: &str) -> Option<Option<&str>> {
        self.variables.get(name).map(|value| value.to_str())
    }

    /// Variables whose name begins with `prefix`, by name.
    pub(super) fn beginning_with(
        &self,
        prefix: &str,
    ) -> impl Iterator<Item = (&str, Option<&str>)> {
        let named = self
            .variables
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix));
        named.map(|(name, value)| (name.as_str(), value.to_str()))
    }
}
