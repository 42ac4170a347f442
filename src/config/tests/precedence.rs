use super::*;

fn shown(loaded: &Loaded, key: &str) -> (String, Place) {
    let setting = loaded
        .settings
        .iter()
        .find(|setting| setting.key == key)
        .unwrap();
    (setting.value.clone(), setting.place.clone())
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file_and_that_over_defaults() {
    let key = "limits.connections_max";
    let plain = Fixture::with_key("");
    assert_eq!(
        shown(&plain.loaded(), key),
        ("10000".to_owned(), Place::Default)
    );

    let file = Fixture::with_key("[limits]\nconnections_max = 2000\n");
    let place = Place::File {
        path: file.path("c.toml"),
        line: Some(5),
    };
    assert_eq!(shown(&file.loaded(), key), ("2000".to_owned(), place));

    let variable = file.variable("WARDROOM_LIMITS_CONNECTIONS_MAX", "3000");
    let place = Place::Environment("WARDROOM_LIMITS_CONNECTIONS_MAX".to_owned());
    assert_eq!(shown(&variable.loaded(), key), ("3000".to_owned(), place));

    let flag = variable.flag("limits.connections_max=4000");
    assert_eq!(shown(&flag.loaded(), key), ("4000".to_owned(), Place::Flag));
    assert_eq!(flag.loaded().config.limits.connections_max, 4000);

    let later = flag.flag("limits.connections_max=5000");
    assert_eq!(later.loaded().config.limits.connections_max, 5000);
}

#[test]
fn every_kind_of_value_is_read_from_a_file() {
    let loaded = Fixture::with_key(
        r#"
        [echo]
        enabled = true
        [listen]
        address = "[::1]:9000"
        [origins]
        allow = ["https://chat.example", "http://localhost:3000"]
        [auth]
        refuse_with = "http"
        cookie = "__Host-token"
        jwt = { issuer = "me", leeway = 0 }
        [limits]
        message_bytes_max = "16KiB"
        pauses_max = 0x10
        messages_per_user = { per = "1m", burst = 50 }
        bytes_per_address = { burst = "1MiB", per = "500ms" }
        [deadlines]
        idle = 0
        pong = "2500ms"
        [rooms]
        lobby = "hall"
        public = ["a.b", "hall"]
        "#,
    )
    .loaded();
    let config = &loaded.config;
    assert!(config.echo.enabled);
    assert_eq!(config.listen.address.to_string(), "[::1]:9000");
    assert_eq!(
        config.origins.allow,
        ["https://chat.example", "http://localhost:3000"]
    );
    assert_eq!(config.auth.refuse_with, RefuseWith::Http);
    assert_eq!(config.auth.cookie.as_deref(), Some("__Host-token"));
    assert_eq!(config.auth.jwt.issuer.as_deref(), Some("me"));
    assert_eq!(config.auth.jwt.leeway, Duration::ZERO);
    assert_eq!(config.limits.message_bytes_max, 16_384);
    assert_eq!(config.limits.pauses_max, 16);
    assert_eq!(
        config.limits.messages_per_user,
        Rate::new(50, Duration::from_secs(60))
    );
    assert_eq!(
        config.limits.bytes_per_address,
        Rate::new(1 << 20, Duration::from_millis(500))
    );
    assert_eq!(config.deadlines.idle, Duration::ZERO);
    assert_eq!(config.deadlines.pong, Duration::from_millis(2500));
    assert_eq!(config.rooms.lobby, "hall");
    assert_eq!(
        config.rooms.public,
        ["a.b"],
        "the lobby is not a further room"
    );
}

#[test]
fn flags_and_variables_need_no_quotes_and_no_brackets() {
    let loaded = Fixture::with_key("")
        .flag("listen.address=127.0.0.1:0")
        .flag("rooms.lobby=123")
        .flag("rooms.public=[\"x\", \"y\"]")
        .flag("deadlines.head=\"5s\"")
        .flag("limits.messages_per_user={ burst = 9, per = \"9s\" }")
        .flag("auth.jwt.issuer=a=b")
        .flag(" echo.enabled = true ")
        .variable("WARDROOM_ORIGINS_ALLOW", "https://a, https://b,")
        .variable("WARDROOM_AUTH_JWT_LEEWAY", "1m")
        .variable("WARDROOM_AUTH_JWT_AUDIENCE", "true")
        .variable("PATH", "/bin")
        .loaded();
    let config = &loaded.config;
    assert_eq!(config.listen.address.port(), 0);
    assert_eq!(config.rooms.lobby, "123");
    assert_eq!(config.rooms.public, ["x", "y"]);
    assert_eq!(config.deadlines.head, Duration::from_secs(5));
    assert_eq!(
        config.limits.messages_per_user,
        Rate::new(9, Duration::from_secs(9))
    );
    assert_eq!(config.auth.jwt.issuer.as_deref(), Some("a=b"));
    assert!(config.echo.enabled);
    assert_eq!(config.origins.allow, ["https://a", "https://b"]);
    assert_eq!(config.auth.jwt.leeway, Duration::from_secs(60));
    assert_eq!(config.auth.jwt.audience.as_deref(), Some("true"));
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let plain = Fixture::with_key("");
    assert_eq!(
        plain.loaded().config.store.directory,
        plain.path("wardroom-data")
    );
    let file = Fixture::with_key("store.directory = \"kept\"\n");
    // The key above is a table of its own, so the line belongs to it unless it comes first.
    assert!(file.load().is_err());
    let file = Fixture::new(&format!("store.directory = \"kept\"\n{KEY}"));
    assert_eq!(file.loaded().config.store.directory, file.path("kept"));
    let flag = file.flag("store.directory=other");
    assert_eq!(flag.loaded().config.store.directory, flag.path("other"));
    let absolute = flag.flag("store.directory=/srv/chat");
    assert_eq!(
        absolute.loaded().config.store.directory,
        Path::new("/srv/chat")
    );
}

#[test]
fn without_a_file_there_need_be_no_key() {
    let none: [(OsString, OsString); 0] = [];
    let loaded = Config::load(None, &["echo.enabled=true".to_owned()], none).unwrap();
    assert!(loaded.config.auth.keys.is_empty());
    assert_eq!(loaded.config.store.directory, Path::new("wardroom-data"));
}
