use super::*;

#[test]
fn alone_it_serves_the_defaults_and_prints_two_links_that_expire_soon() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = wardroom(&["--set", &store(&directory)]);
    assert_eq!(outcome.told(), "");
    let lines: Vec<&str> = outcome.output.lines().collect();
    assert_eq!(lines.len(), 3, "{}", outcome.output);
    for (line, label, sub, name) in [
        (lines[0], "Alice: ", "alice", "Alice"),
        (lines[1], "Bob:   ", "bob", "Bob"),
    ] {
        let link = line.strip_prefix(label).unwrap();
        let token = link.strip_prefix("http://127.0.0.1:8080/#token=").unwrap();
        let (_, claims) = verified(token, secret_of(&directory).trim_end(), Algorithm::HS256);
        let expected = serde_json::json!({
            "sub": sub, "name": name, "iat": 1_764_000_000_u64, "exp": 1_764_000_900_u64,
        });
        assert_eq!(claims, expected);
    }
    assert_eq!(
        lines[2],
        "More:  wardroom token --sub ID --name NAME, then http://127.0.0.1:8080/#token=TOKEN"
    );
    let config = outcome.served.unwrap();
    assert_eq!(config.auth.keys.len(), 1);
    assert_eq!(config.auth.keys[0].algorithms, ["HS256"]);
    assert_eq!(config.limits.connections_max, 10_000);
}

#[test]
fn the_links_name_an_address_that_a_browser_can_open() {
    let directory = tempfile::tempdir().unwrap();
    for (address, link) in [
        ("0.0.0.0:9000", "http://127.0.0.1:9000/#token="),
        ("[::]:9000", "http://[::1]:9000/#token="),
        ("[::1]:9000", "http://[::1]:9000/#token="),
    ] {
        let address = format!("listen.address={address}");
        let flags = [
            "--set",
            &store(&directory),
            "--set",
            &address,
            "--set",
            "listen.insecure_public=true",
        ];
        let outcome = wardroom(&flags);
        assert!(outcome.output.contains(link), "{}", outcome.output);
    }
}

#[test]
fn the_secret_is_made_once_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let flag = store(&directory);
    wardroom(&["--set", &flag]).result.unwrap();
    let first = secret_of(&directory);
    assert_eq!(first.trim_end().len(), 64);
    assert!(
        first
            .trim_end()
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
    );
    wardroom(&["--set", &flag]).result.unwrap();
    assert_eq!(secret_of(&directory), first);
    let mut names: Vec<_> = fs::read_dir(directory.path().join("kept"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["private.key", "secret"], "no draft is left");
    let key = fs::read_to_string(directory.path().join("kept/private.key")).unwrap();
    assert_eq!(key.trim_end().len(), 64);
    assert_ne!(key, first);

    let other = tempfile::tempdir().unwrap();
    wardroom(&["--set", &store(&other)]).result.unwrap();
    assert_ne!(secret_of(&other), first);
}

#[cfg(unix)]
#[test]
fn the_secret_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let flag = store(&directory);
    wardroom(&["--set", &flag]).result.unwrap();
    let kept = directory.path().join("kept");
    assert_eq!(mode(&kept), 0o700);
    assert_eq!(mode(&kept.join("secret")), 0o600);

    set_mode(&kept.join("secret"), 0o640);
    let outcome = wardroom(&["--set", &flag]);
    assert_eq!(outcome.exit_code(), 2);
    let expected = format!(
        "{}: secret: found a secret that others can get at (mode 0640); allowed: mode 0600 or 0400 (chmod 600)",
        kept.join("secret").display()
    );
    assert_eq!(outcome.told(), expected);
    assert_eq!(outcome.output, "");
}

#[test]
fn a_secret_that_was_spoilt_is_not_used_and_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("kept")).unwrap();
    write_private(&directory.path().join("kept/secret"), "");
    let outcome = wardroom(&["--set", &store(&directory)]);
    assert_eq!(outcome.exit_code(), 2);
    assert!(
        outcome.told().contains("found a secret of 0 bytes (***)"),
        "{}",
        outcome.told()
    );
    assert_eq!(secret_of(&directory), "");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("kept"), "a file").unwrap();
    let outcome = wardroom(&["--set", &store(&directory)]);
    assert_eq!(outcome.exit_code(), 1);
    assert!(
        outcome.told().starts_with("cannot look for the secret "),
        "{}",
        outcome.told()
    );
}

#[test]
fn the_private_key_is_not_made_where_another_is_named_or_nobody_is_asked() {
    let (directory, _) = configured("");
    let named = format!(
        "private.key_file={}",
        directory.path().join("secret").display()
    );
    for flag in [named.as_str(), "private.enabled=false"] {
        let outcome = wardroom(&["--set", &store(&directory), "--set", flag]);
        assert_eq!(outcome.told(), "");
        assert!(
            !directory.path().join("kept/private.key").exists(),
            "{flag}"
        );
        let private = outcome.served.unwrap().private;
        assert_eq!(private.key.is_some(), private.enabled, "{flag}");
    }
}
