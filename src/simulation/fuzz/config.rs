//! Configurations from a file, the environment and flags: errors that say what to change, or one that holds what it says.

use std::ffi::OsString;
use std::path::Path;

use crate::access::token::TokenAuthenticator;
use crate::config::{Config, ConfigError, Effective, Loaded};
use crate::engine::Arithmetic;
use crate::simulation::scratch::Scratch;

/// What keys and hooks of the corpus are made of. It may stand in no message and no table.
const SECRET: &str = "f3a9c07e51d24b86e8f10c3d95a7b264";
/// Key material that a configuration may name, by the name of its file.
const FILES: [(&str, &[u8]); 4] = [
    ("secret", SECRET.as_bytes()),
    (
        "p256.public.pem",
        include_bytes!("../../../tests/fixtures/keys/p256.public.pem"),
    ),
    (
        "chain.pem",
        include_bytes!("../../../tests/fixtures/keys/p256.certificate.pem"),
    ),
    (
        "key.pem",
        include_bytes!("../../../tests/fixtures/keys/p256.private.pem"),
    ),
];
/// Where the settings stand that no flag can give.
const KEYS: &str = "auth.key";
/// A message repeats little of what it is about.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Scratch = {
        let scratch = Scratch::new();
        for (name, bytes) in FILES {
            scratch.write(name, bytes);
        }
        scratch
    };
}

/// A file and, behind zero bytes, flags (`--…`) and variables (`NAME=…`) come to a configuration that says of itself what it would load again, or
/// to errors that name what is wrong.
///
/// # Panics
/// When they do not.
pub fn config(input: &[u8]) {
    SCRATCH.with(|scratch| load(scratch, input));
}

fn load(scratch: &Scratch, input: &[u8]) {
    let mut parts = input.split(|byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let (mut flags, mut environment) = (Vec::new(), Vec::new());
    for part in parts {
        match part.strip_prefix(b"--") {
            Some(flag) => flags.push(String::from_utf8_lossy(flag).into_owned()),
            None => environment.push(variable(part)),
        }
    }
    environment.push(("SECRET".into(), SECRET.into()));
    let path = scratch.write("wardroom.toml", text);
    let told = match Config::load(Some(&path), &flags, environment.clone()) {
        Ok(loaded) => accept(&loaded, scratch.path()),
        Err(errors) => refuse(&errors),
    };
    let is_known = || String::from_utf8_lossy(input).lines().all(tells_its_secret);
    assert!(
        !told.contains(SECRET) || !is_known(),
        "a secret is told: {told}"
    );
}

/// Whether a line says of the secret in it that it is one: in the hook's address, as a password or in a query. The same letters as a host's name,
/// say, are none.
fn tells_its_secret(line: &str) -> bool {
    let mut words = line.split('"');
    !line.contains(SECRET)
        || words.next() == Some("url = ")
            && words.next().is_some_and(|url| url.contains(['@', '?']))
            && !words.any(|rest| rest.contains(SECRET))
}

#[cfg(unix)]
fn text_of(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn text_of(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

fn variable(part: &[u8]) -> (OsString, OsString) {
    let end = part.iter().position(|byte| *byte == b'=');
    let (name, value) = part.split_at(end.unwrap_or(part.len()));
    (text_of(name), text_of(value.get(1..).unwrap_or_default()))
}

/// Each error names a key, in one line that no terminal takes for a command. Returns them.
fn refuse(errors: &[ConfigError]) -> String {
    assert!(!errors.is_empty(), "refused without a reason");
    for error in errors {
        let message = error.to_string();
        assert!(!error.key.is_empty() && message.contains(&error.key));
        assert!(!error.found.is_empty() && !error.allowed.is_empty());
        assert!(!message.chars().any(char::is_control), "{message:?}");
        assert!(message.len() <= MESSAGE_BYTES_MAX);
    }
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    messages.join("\n")
}

/// What is in force can be written down and loaded again, is the same then, and can be looked at as a start would. Returns the table of it.
fn accept(loaded: &Loaded, directory: &Path) -> String {
    let shown = |setting: &Effective| format!("{} = {}\n", setting.key, setting.value);
    let table: String = loaded.settings.iter().map(shown).collect();
    assert!(!Arithmetic::of(&loaded.config).to_string().is_empty());
    if let Err(error) = TokenAuthenticator::new(&loaded.config.auth) {
        assert!(error.to_string().contains(KEYS), "{error}");
    }
    let given = loaded.settings.iter().filter(|setting| is_given(setting));
    let mut text = String::new();
    for Effective { key, value, .. } in given.clone() {
        text.push_str(&format!("{key} = {value}\n"));
    }
    // Long values are cut short where they are shown, and odd characters are written as Rust writes them.
    if text.contains(['…', '\u{7f}']) || text.contains("\\u{") {
        return table;
    }
    let path = directory.join("again.toml");
    text.push_str("[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n");
    std::fs::write(&path, &text).expect("a file that can be written");
    let again = Config::load(Some(&path), &[], []).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("what was loaded is refused: {errors:#?}\n{text}")
    });
    let (before, after) = (in_force(&loaded.config), in_force(&again.config));
    assert_eq!(before, after, "{text}");
    let again = again.settings.iter().filter(|setting| is_given(setting));
    let values = |setting: &Effective| (setting.key.clone(), setting.value.clone());
    assert!(given.map(values).eq(again.map(values)), "{text}");
    table
}

/// Everything that is in force but the keys, which no table shows.
fn in_force(config: &Config) -> String {
    let mut config = config.clone();
    config.auth.keys.clear();
    format!("{config:#?}")
}

/// Whether a setting has a value that can be written into a file.
fn is_given(setting: &Effective) -> bool {
    !setting.key.starts_with(KEYS) && setting.value != "not set"
}
