use super::*;

/// Lines that follow the three of [`KEY`], and the one error they make.
#[test]
fn every_wrong_line_is_told_with_file_line_key_found_and_allowed() {
    let times = "\"100ms\" to \"5m\"";
    let rate = "{ burst = 1 to 1000000000 messages, per = \"1ms\" to \"1h\" }";
    let origins = "up to 1024 exact origins, each as \"https://chat.example\" or \"http://localhost:3000\"; \
                   never \"*\" or \"null\"";
    let room = "1 to 64 of A-Z a-z 0-9 _ . : - beginning with a letter or digit";
    let cases: &[(&str, String)] = &[
        ("[echo]\nenabled = 1", "5: echo.enabled: found 1; allowed: true or false".into()),
        ("[echo]\nenabled = \"true\"", "5: echo.enabled: found \"true\"; allowed: true or false".into()),
        ("[echo]\nmessage_bytes_max = 124", "5: echo.message_bytes_max: found 124; allowed: 125 to 67108864 bytes, or as \"64KiB\"".into()),
        ("[echo]\nmessage_bytes_max = \"65MiB\"", "5: echo.message_bytes_max: found \"65MiB\"; allowed: 125 to 67108864 bytes, or as \"64KiB\"".into()),
        ("[limits]\nconnections_max = 0", "5: limits.connections_max: found 0; allowed: 1 to 1000000 connections".into()),
        ("[limits]\n\n\nconnections_max = 1000001", "7: limits.connections_max: found 1000001; allowed: 1 to 1000000 connections".into()),
        ("[limits]\nconnections_max = -1", "5: limits.connections_max: found -1; allowed: 1 to 1000000 connections".into()),
        ("[limits]\nconnections_max = 1e3", "5: limits.connections_max: found 1e3; allowed: 1 to 1000000 connections".into()),
        ("[limits]\nconnections_max = \"10\"", "5: limits.connections_max: found \"10\"; allowed: 1 to 1000000 connections".into()),
        ("[limits]\nconnections_max = 99999999999999999999", "5: limits.connections_max: found 99999999999999999999; allowed: 1 to 1000000 connections".into()),
        ("[limits]\npauses_max = 2024-01-01", "5: limits.pauses_max: found 2024-01-01; allowed: 1 to 1000 pauses".into()),
        ("[limits]\nmessage_bytes_max = 2047", "5: limits.message_bytes_max: found 2047; allowed: 2048 to 1048576 bytes, or as \"64KiB\"".into()),
        ("[limits]\nmessages_per_user = 5", format!("5: limits.messages_per_user: found 5; allowed: {rate}")),
        ("[limits]\nmessages_per_user = { burst = 0, per = \"5s\" }", format!("5: limits.messages_per_user: found {{ burst = 0, per = \"5s\" }}; allowed: {rate}")),
        ("[limits]\nmessages_per_user = { burst = 5, per = 0 }", format!("5: limits.messages_per_user: found {{ burst = 5, per = 0 }}; allowed: {rate}")),
        ("[limits]\nmessages_per_user = { burst = 5, per = \"2h\" }", format!("5: limits.messages_per_user: found {{ burst = 5, per = \"2h\" }}; allowed: {rate}")),
        ("[limits]\nmessages_per_user = { burst = 5 }", format!("5: limits.messages_per_user: found {{ burst = 5 }}; allowed: {rate}")),
        ("[limits]\nmessages_per_user = { burst = 5, per = \"5s\", x = 1 }", format!("5: limits.messages_per_user: found {{ burst = 5, per = \"5s\", x = 1 }}; allowed: {rate}")),
        ("[limits.messages_per_user]\nburst = 5", format!("4: limits.messages_per_user: found {{ burst = 5 }}; allowed: {rate}")),
        ("[deadlines]\nhead = 10", format!("5: deadlines.head: found 10; allowed: {times}")),
        ("[deadlines]\nhead = 0", format!("5: deadlines.head: found 0; allowed: {times}")),
        ("[deadlines]\nhead = \"99ms\"", format!("5: deadlines.head: found \"99ms\"; allowed: {times}")),
        ("[deadlines]\nhead = \"6m\"", format!("5: deadlines.head: found \"6m\"; allowed: {times}")),
        ("[deadlines]\nhead = \"ten\"", format!("5: deadlines.head: found \"ten\"; allowed: {times}")),
        ("[deadlines]\nidle = \"8d\"", "5: deadlines.idle: found \"8d\"; allowed: \"100ms\" to \"7d\", or 0: none".into()),
        ("[listen]\naddress = \"localhost:8080\"", "5: listen.address: found \"localhost:8080\"; allowed: an IP address and port, as \"127.0.0.1:8080\"".into()),
        ("[listen]\naddress = \"127.0.0.1\"", "5: listen.address: found \"127.0.0.1\"; allowed: an IP address and port, as \"127.0.0.1:8080\"".into()),
        ("[auth]\nrefuse_with = \"http\\u001b\"", "5: auth.refuse_with: found \"http\\u{1b}\"; allowed: \"close\" or \"http\"".into()),
        ("[auth]\ncookie = \"a b\"", "5: auth.cookie: found \"a b\"; allowed: a cookie name: 1 to 128 letters, digits or !#$%&'*+-.^_`|~".into()),
        ("[auth.jwt]\nissuer = \"\"", "5: auth.jwt.issuer: found \"\"; allowed: 1 to 256 bytes without control characters".into()),
        ("[origins]\nallow = [\"*\"]", format!("5: origins.allow: found [\"*\"]; allowed: {origins}")),
        ("[origins]\nallow = [\"null\"]", format!("5: origins.allow: found [\"null\"]; allowed: {origins}")),
        ("[origins]\nallow = [\"https://a\", \"https://*.a\"]", format!("5: origins.allow: found [\"https://a\", \"https://*.a\"]; allowed: {origins}")),
        ("[origins]\nallow = \"https://a\"", format!("5: origins.allow: found \"https://a\"; allowed: {origins}")),
        ("[origins]\nallow = [\"https://a\", \"https://a\"]", format!("5: origins.allow: found [\"https://a\", \"https://a\"]; allowed: {origins}")),
        ("[rooms]\nlobby = \"the lobby\"", format!("5: rooms.lobby: found \"the lobby\"; allowed: {room}")),
        ("[rooms]\npublic = [\"a\", \"_b\"]", format!("5: rooms.public: found [\"a\", \"_b\"]; allowed: up to 1024 different room ids, each {room}")),
        ("[store]\ndirectory = \"\"", "5: store.directory: found \"\"; allowed: a path of 1 to 4096 bytes".into()),
        ("[limits]\nconections_max = 5", "5: limits.conections_max: found an unknown key; allowed: did you mean limits.connections_max?".into()),
        ("[limits]\nidle = \"5s\"", "5: limits.idle: found an unknown key; allowed: did you mean deadlines.idle?".into()),
        ("[limit]\nconnections_max = 5", "4: limit: found an unknown key; allowed: did you mean limits?".into()),
        ("[limits]\nzzz = 5", "5: limits.zzz: found an unknown key; allowed: the settings that docs/configuration.md lists".into()),
        ("[limits]\n\"a\\u001bb\" = 5", "5: limits.a\\u{1b}b: found an unknown key; allowed: the settings that docs/configuration.md lists".into()),
        ("[limits]\n\"\" = 5", "5: limits.: found an unknown key; allowed: did you mean limits?".into()),
        ("[\"\"]\nx = 5", "4: \"\": found an unknown key; allowed: the settings that docs/configuration.md lists".into()),
        ("[proxi]\ntrusted = []", "4: proxi: found an unknown key; allowed: did you mean proxy?".into()),
        ("[auth]\njwt = 5", "5: auth.jwt: found 5; allowed: the table [auth.jwt]".into()),
    ];
    for (lines, expected) in cases {
        assert_eq!(
            Fixture::with_key(&format!("{lines}\n")).errors(),
            [format!("c.toml:{expected}")],
            "{lines}"
        );
    }
}

#[test]
fn a_limit_that_can_not_be_rehearsed_is_told_with_the_one_that_may_be_meant() {
    let all = crate::config::SHADOWABLE.join(", ");
    let cases = [
        (r#"["mesages_per_user"]"#, "did you mean messages_per_user?"),
        (
            r#"["messages_per_user", "limits.bytes_per_adress"]"#,
            "did you mean bytes_per_address?",
        ),
        (
            r#"["connections_max"]"#,
            &format!("different ones of {all}"),
        ),
        (
            r#""messages_per_user""#,
            &format!("different ones of {all}"),
        ),
        (
            r#"["messages_per_user", "messages_per_user"]"#,
            &format!("different ones of {all}"),
        ),
    ];
    for (list, allowed) in cases {
        let errors = Fixture::with_key(&format!("[limits]\nshadow = {list}\n")).errors();
        assert!(
            errors[0].starts_with("c.toml:5: limits.shadow: found "),
            "{errors:?}"
        );
        assert!(
            errors[0].ends_with(&format!("; allowed: {allowed}")),
            "{errors:?}"
        );
    }
    let config = Fixture::with_key("").flag("limits.shadow=messages_per_user,bytes_per_address");
    let shadow = config.load().unwrap().config.limits.shadow;
    assert_eq!(shadow.names(), ["messages_per_user", "bytes_per_address"]);
}

#[test]
fn what_is_not_toml_is_told_with_its_line_and_without_its_text() {
    let cases = [
        ("[limits\n", 4),
        ("[limits]\nconnections_max = hunter2\n", 5),
        ("[limits]\nconnections_max = 5\nconnections_max = 6\n", 6),
        ("[rooms]\nlobby = \"hunter2\n", 5),
    ];
    for (lines, line) in cases {
        let errors = Fixture::with_key(lines)
            .variable("WARDROOM_SECRET", SECRET)
            .errors();
        let begins = format!("c.toml:{line}: syntax: found ");
        assert!(
            errors.iter().any(|error| error.starts_with(&begins)),
            "{lines}: {errors:?}"
        );
        assert!(
            errors
                .iter()
                .all(|error| error.ends_with("; allowed: TOML 1.1")),
            "{errors:?}"
        );
        assert!(!errors.join("\n").contains("hunter2"), "{errors:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let none: [(OsString, OsString); 0] = [];
    let directory = tempfile::tempdir().unwrap();
    let allowed = "a UTF-8 file of at most 1048576 bytes";
    let binary = directory.path().join("binary");
    fs::write(&binary, [0xff, 0xfe]).unwrap();
    let long = directory.path().join("long");
    fs::write(&long, "#".repeat((1 << 20) + 1)).unwrap();
    for (path, found) in [
        (
            directory.path().join("absent"),
            "an unreadable file (entity not found)",
        ),
        (directory.path().to_owned(), "something that is not a file"),
        (binary, "bytes that are not UTF-8"),
        (long, "a longer file"),
    ] {
        let errors = Config::load(Some(&path), &[], none.clone()).unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [format!(
                "{}: configuration file: found {found}; allowed: {allowed}",
                path.display()
            )]
        );
    }
}

#[test]
fn every_wrong_variable_is_told_by_name() {
    let cases = [
        (
            "WARDROOM_ECHO_ENABLED",
            "1",
            "echo.enabled: found 1; allowed: true or false",
        ),
        (
            "WARDROOM_LISTEN_ADDRESS",
            "here",
            "listen.address: found \"here\"; allowed: an IP address and port, as \"127.0.0.1:8080\"",
        ),
        (
            "WARDROOM_LIMITS_CONECTIONS_MAX",
            "hunter2",
            "WARDROOM_LIMITS_CONECTIONS_MAX: found an unknown variable; allowed: did you mean WARDROOM_LIMITS_CONNECTIONS_MAX?",
        ),
        (
            "WARDROOM_",
            "hunter2",
            "WARDROOM_: found an unknown variable; allowed: WARDROOM_SECTION_KEY for the settings that docs/configuration.md lists",
        ),
        (
            "WARDROOM_AUTH_KEY",
            "hunter2",
            "WARDROOM_AUTH_KEY: found an unknown variable; allowed: [[auth.key]] in the configuration file only",
        ),
    ];
    for (name, value, expected) in cases {
        let errors = Fixture::with_key("").variable(name, value).errors();
        assert_eq!(errors, [format!("environment {name}: {expected}")]);
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_told() {
    use std::os::unix::ffi::OsStringExt as _;

    let mut fixture = Fixture::with_key("");
    fixture.environment.push((
        "WARDROOM_ROOMS_LOBBY".into(),
        OsString::from_vec(vec![0xff]),
    ));
    let expected = "environment WARDROOM_ROOMS_LOBBY: rooms.lobby: found bytes that are not UTF-8; allowed: \
                    1 to 64 of A-Z a-z 0-9 _ . : - beginning with a letter or digit";
    assert_eq!(fixture.errors(), [expected]);
}

#[test]
fn every_wrong_flag_is_told() {
    let cases = [
        (
            "echo.enabled",
            "echo.enabled: found no value; allowed: section.key=value",
        ),
        ("", "\"\": found no value; allowed: section.key=value"),
        (
            "=1",
            "\"\": found an unknown key; allowed: the settings that docs/configuration.md lists",
        ),
        (
            "echo.enabled=yes",
            "echo.enabled: found \"yes\"; allowed: true or false",
        ),
        (
            "echo.enable=true",
            "echo.enable: found an unknown key; allowed: did you mean echo.enabled?",
        ),
        (
            "proxy.trust=k",
            "proxy.trust: found an unknown key; allowed: did you mean proxy.trusted?",
        ),
        (
            "auth.key=hunter2",
            "auth.key: found a flag; allowed: [[auth.key]] in the configuration file only",
        ),
        (
            "deadlines.head=5",
            "deadlines.head: found \"5\"; allowed: \"100ms\" to \"5m\"",
        ),
    ];
    for (flag, expected) in cases {
        assert_eq!(
            Fixture::with_key("").flag(flag).errors(),
            [format!("flag --set: {expected}")]
        );
    }
}

#[test]
fn unsafe_and_contradictory_settings_do_not_start() {
    let cases: &[(&str, &str)] = &[
        (
            "[listen]\naddress = \"0.0.0.0:8080\"",
            "5: listen.address: found \"0.0.0.0:8080\" while listen.insecure_public = false; allowed: a loopback \
             address while tls.certificate is not set; or proxy.trusted or listen.insecure_public = true when another \
             program in front of this one ends TLS",
        ),
        (
            "[proxy]\nprotocol = true",
            "5: proxy.protocol: found true while proxy.trusted = []; allowed: true only with proxy.trusted: nobody \
             else's PROXY header is read",
        ),
        (
            "[proxy]\nheader = \"none\"\ntrusted = [\"10.0.0.1\"]",
            "5: proxy.header: found \"none\" while proxy.protocol = false; allowed: \"none\" only with \
             proxy.protocol = true: otherwise trusted proxies could name nobody, and all of their clients would count \
             as one address",
        ),
        (
            "[auth]\ncookie = \"token\"",
            "5: auth.cookie: found \"token\" while origins.allow = []; allowed: a cookie only with origins.allow: \
             browsers send cookies for every page",
        ),
        (
            "[auth.ticket]\ntickets_max = 7",
            "5: auth.ticket.tickets_per_user_max: found 8 while auth.ticket.tickets_max = 7; allowed: at most \
             auth.ticket.tickets_max",
        ),
        (
            "[limits]\nconnections_per_user = 10001",
            "5: limits.connections_per_user: found 10001 while limits.connections_max = 10000; allowed: at most \
             limits.connections_max",
        ),
        (
            "[limits]\nconnections_per_address = 10001",
            "5: limits.connections_per_address: found 10001 while limits.connections_max = 10000; allowed: at most \
             limits.connections_max",
        ),
        (
            "[limits]\nunauthenticated_max = 10001",
            "5: limits.unauthenticated_max: found 10001 while limits.connections_max = 10000; allowed: at most \
             limits.connections_max",
        ),
        (
            "[limits]\nmessage_bytes_max = 7023",
            "5: limits.message_bytes_max: found 7023 while limits.message_characters_max = 500; allowed: at least 12 \
             x limits.message_characters_max + 1024, so that every legal message fits",
        ),
        (
            "[limits]\nhead_bytes_max = 5119",
            "5: limits.head_bytes_max: found 5119 while auth.jwt.token_bytes_max = 4096; allowed: at least \
             auth.jwt.token_bytes_max + 1024, so that every legal token fits",
        ),
        (
            "[limits]\noutbound_bytes_per_connection_max = 12287",
            "5: limits.outbound_bytes_per_connection_max: found 12287 while limits.message_bytes_max = 8192; allowed: \
             at least limits.message_bytes_max + 4096, so that every message can be delivered",
        ),
        (
            "[limits]\noutbound_bytes_per_connection_max = 65545\n[echo]\nenabled = true",
            "5: limits.outbound_bytes_per_connection_max: found 65545 while echo.message_bytes_max = 65536; allowed: \
             at least echo.message_bytes_max + 10 while echo.enabled, so that every message can be echoed",
        ),
        (
            "[limits]\noutbound_bytes_max = 262143",
            "5: limits.outbound_bytes_max: found 262143 while limits.outbound_bytes_per_connection_max = 262144; \
             allowed: at least limits.outbound_bytes_per_connection_max",
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(
            Fixture::with_key(&format!("{lines}\n")).errors(),
            [format!("c.toml:{expected}")],
            "{lines}"
        );
    }
}

#[test]
fn what_is_said_to_be_safe_starts() {
    for lines in [
        "[listen]\naddress = \"0.0.0.0:8080\"\ninsecure_public = true\n",
        "[listen]\naddress = \"0.0.0.0:8080\"\n[proxy]\ntrusted = [\"192.0.2.1/32\"]\n",
        "[proxy]\nheader = \"none\"\n",
        "[proxy]\nheader = \"none\"\nprotocol = true\ntrusted = [\"192.0.2.1/32\"]\n",
        "[listen]\naddress = \"127.8.8.8:1\"\n",
        "[listen]\naddress = \"[::ffff:127.0.0.1]:8080\"\n",
        "[origins]\nallow = [\"https://a\"]\n[auth]\ncookie = \"token\"\n",
        "[limits]\nmessage_bytes_max = 7024\n",
        "[limits]\nhead_bytes_max = 5120\n",
        "[limits]\noutbound_bytes_per_connection_max = 12288\n",
    ] {
        assert!(Fixture::with_key(lines).load().is_ok(), "{lines}");
    }
}

#[test]
fn all_errors_are_told_at_once_and_none_that_only_follows_from_another() {
    let errors = Fixture::new(
        "[zzz]\n[limits]\nconnections_max = 0\nconnections_per_user = 20000\n[echo]\nenabled = 3\n",
    )
    .variable("WARDROOM_X", "1")
    .flag("nothing")
    .errors();
    let begins: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.split(": found").next())
        .collect();
    assert_eq!(
        begins,
        [
            "c.toml: auth.key",
            "c.toml:1: zzz",
            "c.toml:3: limits.connections_max",
            "c.toml:6: echo.enabled",
            "environment WARDROOM_X: WARDROOM_X",
            "flag --set: nothing",
        ]
    );
}
