//! `[[auth.key]]`: from the file's tables to key material. Reads files and variables; looks inside no PEM or
//! JWK Set beyond what shows that a key is in the wrong place.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::algorithm::{self, Family, family, fits};
use super::document::Document;
use super::environment::Environment;
use super::error::{ConfigError, Place};
use super::secret::{self, Fault, Readers};
use super::settings::KEY_LIST;
use super::suggest::closest;
use super::text;
use super::{Effective, KeyMaterial, KeySource};

const SOURCES: [&str; 4] = ["secret_file", "secret_env", "pem_file", "jwks_file"];
const FIELDS: [&str; 6] = [
    "algorithms",
    "id",
    "secret_file",
    "secret_env",
    "pem_file",
    "jwks_file",
];
const KEYS_MAX: usize = 64;

/// What the tables refer to.
pub(super) struct Scope<'a> {
    pub(super) document: &'a Document<'a>,
    /// Where relative paths start.
    pub(super) base: &'a Path,
    pub(super) environment: &'a Environment,
}

/// Everything that the list of keys said.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) sources: Vec<KeySource>,
    pub(super) effective: Vec<Effective>,
    /// The ids of all tables, those that could not become keys included.
    ids: Vec<String>,
    /// Variables that hold secrets, and are no settings.
    pub(super) variables: Vec<String>,
}

/// Reads the list of keys; each thing wrong with it is an error.
pub(super) fn read(
    list: &DeValue<'_>,
    place: &Place,
    scope: &Scope<'_>,
    errors: &mut Vec<ConfigError>,
) -> Keys {
    let mut keys = Keys::default();
    let wrong = |found: String| {
        ConfigError::new(
            place.clone(),
            KEY_LIST,
            found,
            format!("1 to {KEYS_MAX} tables [[auth.key]]"),
        )
    };
    let Some(list) = list
        .as_array()
        .filter(|list| (1..=KEYS_MAX).contains(&list.len()))
    else {
        let found = list.as_array().map_or_else(
            || list.type_str().to_owned(),
            |list| format!("{} entries", list.len()),
        );
        errors.push(wrong(found));
        return keys;
    };
    for (at, entry) in list.iter().enumerate() {
        let Some(table) = entry.get_ref().as_table() else {
            errors.push(wrong(format!("a list with {}", entry.get_ref().type_str())));
            continue;
        };
        let mut reader = Reader {
            key: format!("{KEY_LIST}[{at}]"),
            table,
            place: scope.document.place(entry.span()),
            scope,
            errors,
        };
        reader.read(&mut keys);
    }
    keys
}

/// One table of the list.
struct Reader<'a, 'e> {
    key: String,
    table: &'a DeTable<'a>,
    place: Place,
    scope: &'a Scope<'a>,
    errors: &'e mut Vec<ConfigError>,
}

/// The table cannot become a key, and an error says why.
struct Reported;

impl Reader<'_, '_> {
    fn read(&mut self, keys: &mut Keys) {
        self.refuse_unknown_fields();
        let id = self.id(keys);
        let Ok(source) = self.source() else { return };
        if source == "secret_env" {
            keys.variables
                .extend(self.text_of(source).map(str::to_owned));
        }
        let algorithms = self.algorithms(source);
        let (Ok(id), Ok(algorithms)) = (id, algorithms) else {
            return;
        };
        let Ok(material) = self.material(source, &algorithms) else {
            return;
        };
        if self.is_repeated(source, &material, keys) {
            return;
        }
        keys.effective
            .push(self.effective(id.as_deref(), &algorithms, source));
        let origin = format!("{}.{source}", self.key);
        let file = (source != "secret_env").then(|| self.path(source));
        keys.sources.push(KeySource {
            id,
            algorithms,
            material,
            file,
            origin,
        });
    }

    fn refuse_unknown_fields(&mut self) {
        for name in self.table.keys() {
            if FIELDS.contains(&name.get_ref().as_ref()) {
                continue;
            }
            let allowed = match closest(name.get_ref(), FIELDS.into_iter()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => FIELDS.join(", "),
            };
            let key = text::cut(format!("{}.{}", self.key, name.get_ref().escape_debug()));
            let place = self.scope.document.place(name.span());
            self.errors
                .push(ConfigError::new(place, key, "an unknown key", allowed));
        }
    }

    /// The `kid`; two keys with one id would leave it to chance which is asked.
    fn id(&mut self, keys: &mut Keys) -> Result<Option<String>, Reported> {
        let Some(value) = self.table.get("id") else {
            return Ok(None);
        };
        let id = value
            .get_ref()
            .as_str()
            .filter(|id| id.len() <= 128 && text::is_plain(id));
        let Some(id) = id else {
            return Err(self.report(
                "id",
                text::found(value.get_ref()),
                "1 to 128 bytes without control characters",
            ));
        };
        if keys.ids.iter().any(|other| other == id) {
            return Err(self.report(
                "id",
                format!("{} once more", text::quoted(id)),
                "an id that no other key has",
            ));
        }
        keys.ids.push(id.to_owned());
        Ok(Some(id.to_owned()))
    }

    /// The one field that says where the material is.
    fn source(&mut self) -> Result<&'static str, Reported> {
        let present: Vec<&'static str> = SOURCES
            .into_iter()
            .filter(|name| self.table.contains_key(*name))
            .collect();
        let allowed = "exactly one of secret_file, secret_env, pem_file, jwks_file";
        match present.as_slice() {
            [source] if self.text_of(source).is_some_and(text::is_path) => Ok(source),
            [source] => Err(self.report(source, "*** (not a text of 1 to 4096 bytes)", "a string")),
            [] => Err(self.report("", "none of them", allowed)),
            several => Err(self.report("", several.join(" and "), allowed)),
        }
    }

    /// The algorithms that the key is pinned to: known, of the kind that `source` can hold, and of one kind.
    fn algorithms(&mut self, source: &str) -> Result<Vec<String>, Reported> {
        let allowed = algorithm::allowed(source);
        let Some(value) = self.table.get("algorithms") else {
            return match source {
                "jwks_file" => Ok(Vec::new()),
                _ => Err(self.report("algorithms", "nothing", allowed)),
            };
        };
        let names = string_list(value.get_ref()).filter(|names| !names.is_empty());
        let Some(names) = names else {
            return Err(self.report("algorithms", text::found(value.get_ref()), allowed));
        };
        for (at, name) in names.iter().enumerate() {
            if !family(name).is_some_and(|family| fits(family, source)) {
                return Err(self.report("algorithms", text::quoted(name), allowed));
            }
            if names.iter().take(at).any(|earlier| earlier == name) {
                return Err(self.report(
                    "algorithms",
                    format!("{} twice", text::quoted(name)),
                    allowed,
                ));
            }
        }
        let mut families = names.iter().map(|name| family(name));
        let first = families.next().flatten();
        if source == "pem_file" && families.any(|other| other != first) {
            return Err(self.report(
                "algorithms",
                text::found(value.get_ref()),
                "algorithms of one kind of key",
            ));
        }
        Ok(names)
    }

    fn material(
        &mut self,
        source: &'static str,
        algorithms: &[String],
    ) -> Result<KeyMaterial, Reported> {
        let material = match source {
            "secret_env" => self.secret_variable(),
            "secret_file" => self.file(source, Readers::OwnerAlone),
            _ => self.file(source, Readers::Anybody),
        };
        let checked = material.and_then(|bytes| check(source, bytes, algorithms));
        checked.map_err(|fault| self.report(source, fault.found, fault.allowed))
    }

    fn file(&self, source: &str, readers: Readers) -> Result<Vec<u8>, Fault> {
        secret::read_file(&self.path(source), readers)
    }

    fn path(&self, source: &str) -> PathBuf {
        let path = self.text_of(source).unwrap_or_default();
        self.scope.base.join(path)
    }

    /// The message does not repeat the name: a secret may stand there by mistake.
    fn secret_variable(&self) -> Result<Vec<u8>, Fault> {
        let name = self.text_of("secret_env").unwrap_or_default();
        let value = self.scope.environment.get(name);
        let value = value.ok_or_else(|| {
            Fault::new(
                "a variable that is not set",
                "the name of a variable that is set",
            )
        })?;
        value
            .map(|text| text.as_bytes().to_vec())
            .ok_or_else(|| Fault::new("*** (not UTF-8)", "UTF-8 text"))
    }

    fn is_repeated(&mut self, source: &str, material: &KeyMaterial, keys: &Keys) -> bool {
        let same = keys
            .sources
            .iter()
            .find(|key| key.material.bytes() == material.bytes());
        if let Some(same) = same {
            let found = format!("the same material as {} (***)", same.origin);
            self.report(source, found, "material that no other key has");
        }
        same.is_some()
    }

    fn effective(&self, id: Option<&str>, algorithms: &[String], source: &str) -> Effective {
        let id = id.map_or_else(String::new, |id| format!("id = {}, ", text::quoted(id)));
        let value = format!(
            "algorithms = {}, {id}{source} = ***",
            text::quoted_list(algorithms)
        );
        Effective {
            key: self.key.clone(),
            value,
            unit: "key",
            place: self.place.clone(),
        }
    }

    fn text_of(&self, field: &str) -> Option<&str> {
        self.table
            .get(field)
            .and_then(|value| value.get_ref().as_str())
    }

    /// Adds an error about `field`, or about the whole table when it is empty.
    fn report(
        &mut self,
        field: &str,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Reported {
        let value = self.table.get(field);
        let place = value.map_or_else(
            || self.place.clone(),
            |value| self.scope.document.place(value.span()),
        );
        let key = if field.is_empty() {
            self.key.clone()
        } else {
            format!("{}.{field}", self.key)
        };
        self.errors
            .push(ConfigError::new(place, key, found, allowed));
        Reported
    }
}

fn string_list(value: &DeValue<'_>) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|entry| entry.get_ref().as_str().map(str::to_owned))
        .collect()
}

fn check(source: &str, bytes: Vec<u8>, algorithms: &[String]) -> Result<KeyMaterial, Fault> {
    match source {
        "pem_file" => check_pem(bytes),
        "jwks_file" => Ok(KeyMaterial::Jwks(bytes)),
        _ => check_secret(bytes, algorithms),
    }
}

fn check_secret(bytes: Vec<u8>, algorithms: &[String]) -> Result<KeyMaterial, Fault> {
    let secret = secret::without_newline(bytes);
    for algorithm in algorithms {
        if let Some(Family::Secret(bytes_min)) = family(algorithm) {
            secret::judge(&secret, bytes_min, algorithm)?;
        }
    }
    Ok(KeyMaterial::Secret(secret))
}

fn check_pem(bytes: Vec<u8>) -> Result<KeyMaterial, Fault> {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    if holds(b"PRIVATE KEY-----") {
        return Err(Fault::new(
            "a private key (***)",
            "the public key: this program only verifies",
        ));
    }
    if !holds(b"-----BEGIN ") {
        return Err(Fault::new("a file that is not PEM", "a public key as PEM"));
    }
    Ok(KeyMaterial::Pem(bytes))
}

impl KeyMaterial {
    fn bytes(&self) -> &[u8] {
        match self {
            KeyMaterial::Secret(bytes) | KeyMaterial::Pem(bytes) | KeyMaterial::Jwks(bytes) => {
                bytes
            }
        }
    }
}

impl KeySource {
    /// The secret in the file at `path`, for HS256, under the rules for `secret_file`.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, others may read it, or its secret is short or weak.
    pub fn from_secret_file(path: &Path) -> Result<KeySource, ConfigError> {
        let algorithms = vec!["HS256".to_owned()];
        let read = secret::read_file(path, Readers::OwnerAlone);
        let material = read
            .and_then(|bytes| check_secret(bytes, &algorithms))
            .map_err(|fault| {
                let place = Place::File {
                    path: path.to_owned(),
                    line: None,
                };
                ConfigError::new(place, "secret", fault.found, fault.allowed)
            })?;
        Ok(KeySource {
            id: None,
            algorithms,
            material,
            file: Some(path.to_owned()),
            origin: path.display().to_string(),
        })
    }
}
