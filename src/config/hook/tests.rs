use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::super::{Config, text};
use super::*;

const SECRET: &str = "f3a9c07e51d24b86e8f10c3d95a7b264";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

/// Loads a file of `[auth.hook]` with `lines`, beside a secret and a bundle; gives its settings or its errors.
fn load(lines: &str) -> Result<HookSettings, Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory");
    load_in(&directory, lines)
}

fn load_in(directory: &TempDir, lines: &str) -> Result<HookSettings, Vec<String>> {
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: &str, mode: u32| {
        fs::write(path(name), text).expect("written");
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    write("secret", &format!("{SECRET}\n"), 0o600);
    write("open", SECRET, 0o644);
    write("short", "a8f3", 0o600);
    write("spaced", "f3a9c07e51d24b86 e8f10c3d95a7b264", 0o600);
    write("ca.pem", CERTIFICATE, 0o644);
    write("c.toml", &format!("[auth.hook]\n{lines}"), 0o644);
    Config::load(Some(&path("c.toml")), &[], [])
        .map(|loaded| loaded.config.auth.hook)
        .map_err(|errors| errors.iter().map(|error| error.to_string()).collect())
}

#[test]
fn an_address_leads_where_it_says() {
    for (url, is_encrypted, host, port, is_loopback) in [
        ("https://users.example/w", true, "users.example", 443, false),
        ("http://127.0.0.1:9000/who", false, "127.0.0.1", 9000, true),
        ("http://127.8.9.1", false, "127.8.9.1", 80, true),
        ("http://[::1]:80/", false, "::1", 80, true),
        (
            "http://[::ffff:127.0.0.1]/",
            false,
            "::ffff:127.0.0.1",
            80,
            true,
        ),
        ("http://LocalHost:1", false, "LocalHost", 1, true),
        (
            "http://localhost.example/",
            false,
            "localhost.example",
            80,
            false,
        ),
        (
            "http://127.0.0.1.example/",
            false,
            "127.0.0.1.example",
            80,
            false,
        ),
        ("http://10.0.0.1/127.0.0.1", false, "10.0.0.1", 80, false),
        ("http://[2001:db8::1]:9/", false, "2001:db8::1", 9, false),
    ] {
        assert!(text::is_url(url), "{url}");
        let found = HookUrl::parse(url).expect(url);
        let expected = HookUrl {
            is_encrypted,
            host,
            port,
        };
        assert_eq!(found, expected, "{url}");
        assert_eq!(found.is_loopback(), is_loopback, "{url}");
    }
}

#[test]
fn what_is_no_plain_address_is_refused_and_no_password_repeated() {
    for url in [
        "",
        "users.example",
        "ftp://users.example/",
        "HTTPS://users.example/",
        "https://",
        "https:///who",
        "https://users.example:0/",
        "https://users.example/#who",
        "https://users.example/a b",
        "https://us\\ners.example/",
    ] {
        assert!(!text::is_url(url), "{url}");
    }
    let with_user = "found an address with a user or a query (***)";
    let with_port = "found an address with something other than a port behind a colon (***)";
    for (url, found) in [
        ("https://me:hunter2@users.example/", with_user),
        ("https://users.example/?key=hunter2", with_user),
        ("https://me:hunter2users.example/", with_port),
        ("https://me:hunter2:8443/", with_port),
        ("https://:hunter2/", with_port),
        ("https:/me:hunter2/", with_port),
        ("me:hunter2/", with_port),
    ] {
        let errors = load(&format!("url = \"{url}\"\nsecret_file = \"secret\"\n"));
        let errors = errors.expect_err(url).join("\n");
        assert!(errors.contains(found), "{errors}");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    for url in [
        "users.example/who",
        "ftp://users.example:21/a:b",
        "https://users.example/a b",
    ] {
        let errors = load(&format!("url = \"{url}\"\nsecret_file = \"secret\"\n"));
        let errors = errors.expect_err(url).join("\n");
        assert!(errors.contains(&format!("found {url:?}")), "{errors}");
    }
}

#[test]
fn a_hook_needs_no_key_beside_it() {
    let settings = load("url = \"http://127.0.0.1:9000/who\"\nsecret_file = \"secret\"\n");
    let settings = settings.expect("allowed");
    assert_eq!(settings.secret.expose(), SECRET);
    assert!(settings.secret_file.is_some_and(|file| file.is_absolute()));
    assert!(settings.ca.is_empty(), "plain HTTP needs no certificates");
    assert_eq!(format!("{:?}", settings.secret), "HookSecret(***)");
}

#[test]
fn the_certificates_are_read_for_https() {
    let settings = load(
        "url = \"https://users.example/who\"\nsecret_file = \"secret\"\nca_file = \"ca.pem\"\n",
    );
    assert_eq!(settings.expect("allowed").ca, CERTIFICATE.as_bytes());
}

#[test]
fn an_unsafe_hook_does_not_start() {
    let https = "url = \"https://users.example/who\"\n";
    let http = "url = \"http://users.example/who\"\nsecret_file = \"secret\"\n";
    for (lines, key, found) in [
        (https.to_owned(), "auth.hook.url", "secret_file = not set"),
        (http.to_owned(), "auth.hook.url", "insecure_http = false"),
        (
            format!("{https}secret_file = \"secret\"\nca_file = \"secret\"\n"),
            "auth.hook.ca_file",
            "a file without a certificate",
        ),
        (
            format!("{https}secret_file = \"secret\"\nca_file = \"none\"\n"),
            "auth.hook.ca_file",
            "an unreadable file",
        ),
        (
            format!("{http}insecure_http = true\ntimeout = \"5s\"\n"),
            "auth.hook.timeout",
            "deadlines.head",
        ),
    ] {
        let errors = load(&lines).expect_err(&lines);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains(key) && errors[0].contains(found),
            "{errors:?}"
        );
    }
    for (file, found) in [
        ("none", "no such file"),
        ("open", "mode 0644"),
        ("short", "a secret of 4 bytes"),
        ("spaced", "not one line of visible ASCII"),
    ] {
        let lines = format!("{https}ca_file = \"ca.pem\"\nsecret_file = \"{file}\"\n");
        let errors = load(&lines).expect_err(file);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("auth.hook.secret_file"), "{errors:?}");
        assert!(errors[0].contains(found), "{errors:?}");
        assert!(!errors[0].contains("f3a9"), "{errors:?}");
    }
    let allowed = format!("{http}insecure_http = true\n");
    assert!(load(&allowed).is_ok());
}

#[test]
fn without_an_address_nothing_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let errors = load_in(&directory, "secret_file = \"none\"\n").expect_err("no way in");
    assert!(errors[0].contains("auth.key"), "{errors:?}");
    assert_eq!(errors.len(), 1, "{errors:?}");
}
