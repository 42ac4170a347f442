//! From a file, the environment and flags to a checked [`Config`], with every error at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use toml::de::DeValue;

use super::contradictions::{RULES, Rule};
use super::document::{self, Document};
use super::environment::Environment;
use super::error::{ConfigError, Place};
use super::keys::{self, Keys, Scope};
use super::private_key::PrivateKey;
use super::settings::{self, KEY_LIST, SETTINGS, Setting, VARIABLE_PREFIX};
use super::suggest::closest;
use super::{Config, hook, text};

const FILE_BYTES_MAX: u64 = 1 << 20;

/// A configuration, and how it came to be.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// Every setting in force, in the order of the reference, then the keys.
    pub settings: Vec<Effective>,
}

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Full dotted key.
    pub key: String,
    /// As it would stand in the file; `not set`, or `***` in place of anything secret.
    pub value: String,
    /// What the value counts.
    pub unit: &'static str,
    /// Who gave it.
    pub place: Place,
}

impl Config {
    /// Loads `file`, then `environment` (`WARDROOM_SECTION_KEY`), then `flags` (`section.key=value`); a later one wins.
    ///
    /// Without a file there need be no `[[auth.key]]`. Relative paths start at the file's directory, wherever they
    /// were given; without a file, at the working directory.
    ///
    /// # Errors
    /// Everything that is wrong, at least one [`ConfigError`], first the file's in the order of its lines.
    pub fn load(
        file: Option<&Path>,
        flags: &[String],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Loaded, Vec<ConfigError>> {
        let environment = Environment::new(environment);
        let mut loading = Loading::default();
        if let Some(path) = file {
            loading.read_file(path, &environment);
        }
        loading.read_environment(&environment);
        loading.read_flags(flags);
        loading.finish(file.and_then(Path::parent))
    }
}

#[derive(Default)]
struct Loading {
    config: Config,
    /// Who gave the value in force; a key that is not in here has its default.
    places: BTreeMap<&'static str, Place>,
    /// Settings whose value was not allowed; what they contradict is not known.
    refused: Vec<&'static str>,
    keys: Keys,
    /// There is a file, and what it says is not known: which variables hold secrets is not known either.
    is_unread: bool,
    /// The file that has no key, when there is one.
    keyless: Option<Place>,
    errors: Vec<ConfigError>,
}

impl Loading {
    fn read_file(&mut self, path: &Path, environment: &Environment) {
        match read_text(path) {
            Ok(text) => self.read_document(&Document { path, text: &text }, environment),
            Err(found) => {
                self.is_unread = true;
                let place = Place::File {
                    path: path.to_owned(),
                    line: None,
                };
                let allowed = format!("a UTF-8 file of at most {FILE_BYTES_MAX} bytes");
                self.errors.push(ConfigError::new(
                    place,
                    "configuration file",
                    found,
                    allowed,
                ));
            }
        }
        self.errors.sort_by(|a, b| a.place.cmp(&b.place));
    }

    fn read_document(&mut self, document: &Document<'_>, environment: &Environment) {
        let table = match document.parse() {
            Ok(table) => table,
            Err(mut errors) => {
                self.is_unread = true;
                return self.errors.append(&mut errors);
            }
        };
        let base = document.path.parent().unwrap_or(Path::new(""));
        let scope = Scope {
            document,
            base,
            environment,
        };
        let mut has_keys = false;
        for given in document.given(&table, "", &mut self.errors) {
            if let Some(setting) = settings::find(&given.key) {
                self.set(setting, given.value, given.place);
            } else {
                has_keys = true;
                self.keys = keys::read(given.value, &given.place, &scope, &mut self.errors);
            }
        }
        if !has_keys {
            self.keyless = Some(Place::File {
                path: document.path.to_owned(),
                line: None,
            });
        }
    }

    fn read_environment(&mut self, environment: &Environment) {
        for (name, value) in environment.beginning_with(VARIABLE_PREFIX) {
            if self.keys.variables.iter().any(|secret| secret == name) {
                continue;
            }
            let place = Place::Environment(text::cut(name.escape_debug().to_string()));
            match (
                SETTINGS.iter().find(|setting| setting.variable() == name),
                value,
            ) {
                (Some(setting), Some(value)) => {
                    self.set(setting, &setting.form.value_of(value), place)
                }
                (Some(setting), None) => {
                    let found = "bytes that are not UTF-8".to_owned();
                    self.refuse(setting, found, setting.form.allowed(), place);
                }
                (None, _) if self.is_unread => {}
                (None, _) => self.errors.push(unknown_variable(name, place)),
            }
        }
    }

    fn read_flags(&mut self, flags: &[String]) {
        for flag in flags {
            let Some((key, value)) = flag.split_once('=') else {
                self.errors.push(ConfigError::new(
                    Place::Flag,
                    text::named(flag),
                    "no value",
                    "section.key=value",
                ));
                continue;
            };
            match settings::find(key.trim()) {
                Some(setting) => self.set(setting, &setting.form.value_of(value), Place::Flag),
                None if key.trim() == KEY_LIST => {
                    self.errors.push(ConfigError::new(
                        Place::Flag,
                        KEY_LIST,
                        "a flag",
                        KEYS_IN_FILE,
                    ));
                }
                None => self.errors.push(document::unknown(Place::Flag, key.trim())),
            }
        }
    }

    fn set(&mut self, setting: &'static Setting, value: &DeValue<'_>, place: Place) {
        match setting.form.fill(&mut self.config, value) {
            Some(()) => {
                self.places.insert(setting.key, place);
            }
            None => {
                let (found, allowed) = (
                    setting.form.found(value),
                    setting.form.allowed_instead(value),
                );
                self.refuse(setting, found, allowed, place);
            }
        }
    }

    fn refuse(&mut self, setting: &'static Setting, found: String, allowed: String, place: Place) {
        self.refused.push(setting.key);
        self.errors
            .push(ConfigError::new(place, setting.key, found, allowed));
    }

    fn finish(mut self, base: Option<&Path>) -> Result<Loaded, Vec<ConfigError>> {
        self.expect_a_way_in();
        for rule in RULES {
            self.check(rule);
        }
        let base = base.unwrap_or(Path::new(""));
        let places = &self.places;
        let place = |key: &str| places.get(key).cloned().unwrap_or(Place::Default);
        hook::read_files(&mut self.config.auth.hook, base, place, &mut self.errors);
        if self.errors.is_empty() {
            self.read_tls_files(base);
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let directory = &mut self.config.store.directory;
        *directory = base.join(&directory);
        self.read_private_key(base)?;
        if let Some(file) = &mut self.config.log.security_file {
            *file = base.join(&file);
        }
        let lobby = self.config.rooms.lobby.clone();
        self.config.rooms.public.retain(|room| *room != lobby);
        self.config.auth.keys = std::mem::take(&mut self.keys.sources);
        let mut effective: Vec<Effective> = SETTINGS
            .iter()
            .map(|setting| self.effective(setting))
            .collect();
        effective.append(&mut self.keys.effective);
        Ok(Loaded {
            config: self.config,
            settings: effective,
        })
    }

    fn read_tls_files(&mut self, base: &Path) {
        for (key, at, fault) in self.config.tls.read_files(base) {
            let place = self.places.get(key).cloned().unwrap_or(Place::Default);
            let key = at.map_or_else(|| key.to_owned(), |at| format!("{key}[{at}]"));
            self.errors
                .push(ConfigError::new(place, key, fault.found, fault.allowed));
        }
    }

    /// Reads `private.key_file`, when there is one.
    fn read_private_key(&mut self, base: &Path) -> Result<(), Vec<ConfigError>> {
        const KEY: &str = "private.key_file";
        let private = &mut self.config.private;
        if let (true, Some(file)) = (private.enabled, &private.key_file) {
            let path = base.join(file);
            let key = PrivateKey::read(&path).map_err(|fault| {
                let place = self.places.get(KEY).cloned().unwrap_or(Place::Default);
                vec![ConfigError::new(place, KEY, fault.found, fault.allowed)]
            })?;
            private.key = Some(key);
            private.key_file = Some(path);
        }
        Ok(())
    }

    /// A file that names no key must name somebody else who knows people.
    fn expect_a_way_in(&mut self) {
        let is_asked =
            self.config.auth.hook.url.is_some() || self.refused.contains(&"auth.hook.url");
        if let Some(place) = self.keyless.take()
            && !is_asked
        {
            let allowed =
                "at least one [[auth.key]] or an auth.hook.url, so that somebody can sign in";
            self.errors
                .insert(0, ConfigError::new(place, KEY_LIST, "none", allowed));
        }
    }

    fn check(&mut self, rule: &Rule) {
        let is_known = |key| !self.refused.contains(&key);
        if !is_known(rule.key) || !is_known(rule.with) || (rule.holds)(&self.config) {
            return;
        }
        let mut show = |key| {
            settings::find(key).map_or_else(String::new, |row| row.form.show(&mut self.config))
        };
        let found = format!(
            "{} while {} = {}",
            show(rule.key),
            rule.with,
            show(rule.with)
        );
        // The default is never to blame: then whoever changed the other setting is told.
        let place = self
            .places
            .get(rule.key)
            .or_else(|| self.places.get(rule.with));
        let place = place.cloned().unwrap_or(Place::Default);
        self.errors
            .push(ConfigError::new(place, rule.key, found, rule.allowed));
    }

    fn effective(&mut self, setting: &Setting) -> Effective {
        Effective {
            key: setting.key.to_owned(),
            value: setting.form.show(&mut self.config),
            unit: setting.form.unit(),
            place: self
                .places
                .get(setting.key)
                .cloned()
                .unwrap_or(Place::Default),
        }
    }
}

const KEYS_IN_FILE: &str = "[[auth.key]] in the configuration file only";

fn unknown_variable(name: &str, place: Place) -> ConfigError {
    let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let allowed = match closest(name, variables.iter().map(String::as_str)) {
        _ if name == "WARDROOM_AUTH_KEY" => KEYS_IN_FILE.to_owned(),
        Some(meant) => format!("did you mean {meant}?"),
        None => "WARDROOM_SECTION_KEY for the settings that docs/configuration.md lists".to_owned(),
    };
    ConfigError::new(
        place,
        text::cut(name.escape_debug().to_string()),
        "an unknown variable",
        allowed,
    )
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("an unreadable file ({})", error.kind());
    // Looked at before it is opened: opening a pipe waits for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("something that is not a file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err("a longer file".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "bytes that are not UTF-8".to_owned())
}
