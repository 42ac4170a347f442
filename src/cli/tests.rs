use std::fs;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tempfile::TempDir;

use super::*;

mod asking;
mod documented;
mod embedded;
mod lint;
mod store;

const NOW: Wall = Wall::from_millis(1_764_000_000_500);
const SECRET: &str = "f3a9c07e51d24b86e8f10c3d95a7b264";

/// What a run left behind.
struct Outcome {
    result: Result<(), Failure>,
    output: String,
    /// The configuration that was to be served.
    served: Option<Config>,
}

impl Outcome {
    fn exit_code(&self) -> u8 {
        self.result.as_ref().err().map_or(0, Failure::exit_code)
    }

    fn told(&self) -> String {
        self.result
            .as_ref()
            .err()
            .map_or_else(String::new, Failure::to_string)
    }
}

fn wardroom(arguments: &[&str]) -> Outcome {
    wardroom_told(arguments, b"")
}

/// The same with something on standard input.
fn wardroom_told(arguments: &[&str], mut input: &[u8]) -> Outcome {
    let mut output = Vec::new();
    let mut served = None;
    let surroundings = Surroundings {
        arguments: ["wardroom"]
            .iter()
            .chain(arguments)
            .map(Into::into)
            .collect(),
        environment: Vec::new(),
        now: NOW,
        input: &mut input,
        output: &mut output,
    };
    let result = run(surroundings, |config, _source, announce| {
        let bound = config.listen.address;
        served = Some(config);
        announce(bound)
    });
    Outcome {
        result,
        output: String::from_utf8(output).unwrap(),
        served,
    }
}

fn store(directory: &TempDir) -> String {
    format!(
        "store.directory={}",
        directory.path().join("kept").display()
    )
}

fn secret_of(directory: &TempDir) -> String {
    fs::read_to_string(directory.path().join("kept/secret")).unwrap()
}

/// A directory with a configuration that has `keys`, a secret and a public key.
fn configured(keys: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.toml");
    fs::write(&file, keys).unwrap();
    write_private(&directory.path().join("secret"), SECRET);
    write_private(
        &directory.path().join("key.pem"),
        "-----BEGIN PUBLIC KEY-----\n",
    );
    let file = file.display().to_string();
    (directory, file)
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The header and claims of `token`, whose signature is checked; its times are not.
fn verified(token: &str, secret: &str, algorithm: Algorithm) -> (jsonwebtoken::Header, Value) {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
    (token.header, token.claims)
}

const KEY: &str = "[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n";

#[test]
fn serve_serves_the_file_and_prints_no_link() {
    let (_directory, file) = configured(KEY);
    let outcome = wardroom(&[
        "serve",
        "--config",
        &file,
        "--set",
        "limits.connections_max=77",
        "--set",
        "limits.unauthenticated_max=7",
    ]);
    assert_eq!(outcome.told(), "");
    assert_eq!(outcome.output, "");
    assert_eq!(outcome.served.unwrap().limits.connections_max, 77);
}

#[test]
fn a_token_is_signed_with_the_first_secret_of_the_file() {
    let (_directory, file) = configured(
        "[[auth.key]]\nalgorithms = [\"RS256\"]\npem_file = \"key.pem\"\n\
         [[auth.key]]\nid = \"k\"\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n\
         [auth.jwt]\nissuer = \"me\"\naudience = \"chat\"\n",
    );
    let outcome = wardroom(&["token", "--sub", "u1", "--ttl", "90s", "--config", &file]);
    assert_eq!(outcome.told(), "");
    let token = outcome.output.strip_suffix('\n').unwrap();
    let (header, claims) = verified(token, SECRET, Algorithm::HS256);
    assert_eq!(header.kid.as_deref(), Some("k"));
    let expected = serde_json::json!({
        "sub": "u1", "iss": "me", "aud": "chat", "iat": 1_764_000_000_u64, "exp": 1_764_000_090_u64,
    });
    assert_eq!(claims, expected);
}

#[test]
fn a_token_says_what_its_holder_may_do_in_rooms() {
    let (_directory, file) =
        configured("[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n");
    let token = |rooms: &[&str]| {
        let mut typed = vec!["token", "--sub", "u1", "--config", &file];
        rooms
            .iter()
            .for_each(|right| typed.extend(["--rooms", right]));
        wardroom(&typed)
    };
    let outcome = token(&["team-*=join,send", "audit=read", "*="]);
    assert_eq!(outcome.told(), "");
    let (_, claims) = verified(outcome.output.trim_end(), SECRET, Algorithm::HS256);
    let expected = serde_json::json!({"team-*": ["join", "send"], "audit": ["read"], "*": []});
    assert_eq!(claims["rooms"], expected);
    for (wrong, told) in [
        (&["team"][..], "allowed: PATTERN=WORDS"),
        (&["team=jion"], "found \"jion\"; allowed: see, join"),
        (&["te*m=join"], "--rooms: allowed: at most 64 patterns"),
        (&["a=join", "a=send"], "each once"),
    ] {
        let outcome = token(wrong);
        assert_eq!(outcome.output, "", "{wrong:?}");
        assert!(
            outcome.told().contains(told),
            "{wrong:?}: {}",
            outcome.told()
        );
    }
}

#[test]
fn without_a_file_a_token_is_signed_with_the_embedded_secret() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = wardroom(&[
        "token",
        "--sub",
        "u1",
        "--name",
        "Ünal",
        "--set",
        &store(&directory),
    ]);
    let secret = secret_of(&directory);
    let (header, claims) = verified(
        outcome.output.trim_end(),
        secret.trim_end(),
        Algorithm::HS256,
    );
    assert_eq!(header.kid, None);
    assert_eq!(claims["name"], "Ünal");
    assert_eq!(claims["exp"], 1_764_003_600_u64);
    assert!(outcome.served.is_none());
}

#[test]
fn a_token_that_would_be_refused_is_not_made() {
    let (_directory, file) = configured(KEY);
    let (_other, public) =
        configured("[[auth.key]]\nalgorithms = [\"RS256\"]\npem_file = \"key.pem\"\n");
    let cases: &[(&[&str], u8, &str)] = &[
        (
            &["--sub", "u", "--ttl", "32d", "--config", &file],
            2,
            "allowed: at most auth.jwt.lifetime_max = 31d",
        ),
        (
            &["--sub", "u", "--ttl", "0", "--config", &file],
            2,
            "allowed: at least 1s",
        ),
        (
            &["--sub", "u", "--ttl", "999ms", "--config", &file],
            2,
            "allowed: at least 1s",
        ),
        (
            &["--sub", "u", "--ttl", "soon", "--config", &file],
            2,
            "allowed: at least 1s",
        ),
        (&["--sub", "", "--config", &file], 2, "1 to 128 bytes"),
        (&["--sub", "a\nb", "--config", &file], 2, "1 to 128 bytes"),
        (&["--config", &file], 2, "--sub"),
        (&["--sub", "u", "--config", &public], 1, "public keys only"),
        (
            &["--sub", "u", "--config", "absent.toml"],
            2,
            "absent.toml: configuration file: found an unreadable file",
        ),
    ];
    for (arguments, code, text) in cases {
        let outcome = wardroom(&[&["token"], *arguments].concat());
        assert_eq!(
            outcome.exit_code(),
            *code,
            "{arguments:?}: {}",
            outcome.told()
        );
        assert!(
            outcome.told().contains(text),
            "{arguments:?}: {}",
            outcome.told()
        );
        assert_eq!(outcome.output, "");
    }
}

#[test]
fn check_prints_every_setting_in_aligned_columns_and_no_secret() {
    let (_directory, file) = configured(&format!("{KEY}[limits]\nconnections_max = 2000\n"));
    let outcome = wardroom(&["check", &file, "--set", "deadlines.idle=30m"]);
    assert_eq!(outcome.told(), "");
    let lines: Vec<&str> = outcome.output.lines().collect();
    let source = lines[0].find("SOURCE").unwrap();
    let unit = lines[0].find("UNIT").unwrap();
    let row = |key: &str| {
        *lines
            .iter()
            .find(|line| line.starts_with(&format!("{key} ")))
            .unwrap()
    };
    for (key, value, unit_text, source_text) in [
        (
            "limits.connections_max",
            "2000",
            "connections",
            format!("{file}:5"),
        ),
        (
            "limits.messages_per_user",
            "{ burst = 5, per = \"5s\" }",
            "messages",
            "default".to_owned(),
        ),
        ("deadlines.idle", "\"30m\"", "time", "flag --set".to_owned()),
        (
            "auth.cookie",
            "not set",
            "cookie name",
            "default".to_owned(),
        ),
        (
            "auth.key[0]",
            "algorithms = [\"HS256\"], secret_file = ***",
            "key",
            format!("{file}:1"),
        ),
    ] {
        let line = row(key);
        assert_eq!(&line[source..], source_text, "{key}");
        assert_eq!(line[unit..source].trim_end(), unit_text, "{key}");
        assert!(
            line[..unit].trim_end().ends_with(&format!(" {value}")),
            "{line}"
        );
    }
    assert!(!outcome.output.contains(SECRET));
}

#[test]
fn a_wrong_configuration_is_told_line_by_line_and_served_by_nobody() {
    let (_directory, file) = configured(&format!("{KEY}[limits]\nconnections_max = 0\nzzz = 1\n"));
    for command in [
        &["check", &file][..],
        &["serve", "--config", &file],
        &["token", "--sub", "u", "--config", &file],
    ] {
        let outcome = wardroom(command);
        let expected = format!(
            "{file}:5: limits.connections_max: found 0; allowed: 1 to 1000000 connections\n\
             {file}:6: limits.zzz: found an unknown key; allowed: the settings that docs/configuration.md lists"
        );
        assert_eq!(outcome.told(), expected);
        assert_eq!(outcome.exit_code(), 2);
        assert_eq!(outcome.output, "");
        assert!(outcome.served.is_none());
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_help_is_0() {
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["token", "--help"], 0),
        (&["serve"], 2),
        (&["check"], 2),
        (&["fly"], 2),
        (&["--set"], 2),
        (&["--config", "c.toml"], 2),
        (&["--set", "echo.enabled=true", "check", "c.toml"], 2),
        (&["--set", "zzz=1"], 2),
    ] {
        let outcome = wardroom(arguments);
        assert_eq!(outcome.exit_code(), code, "{arguments:?}");
        assert_eq!(outcome.output, "");
        assert!(outcome.result.is_err());
    }
}
