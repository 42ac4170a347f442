//! The commands that ask a running server, as far as they go without one.

use std::net::TcpListener;

use super::*;

const ASK: [&[&str]; 10] = [
    &["publish", "lobby", "hi"],
    &["disconnect", "bob"],
    &["connections"],
    &["rooms"],
    &["limits"],
    &["ticket", "--sub", "bob"],
    &["room", "new", "den", "--owner", "bob"],
    &["room", "log", "den"],
    &["ban", "den", "bob", "--for", "1d"],
    &["delete-message", "den", "7"],
];

#[test]
fn whom_to_ask_and_with_which_key_is_said_or_told_how_to_say() {
    let (directory, file) = configured(KEY);
    let (_other, keyed) = configured(&format!("{KEY}[private]\nkey_file = \"secret\"\n"));
    let key_file = directory.path().join("secret").display().to_string();
    let (store, absent) = (store(&directory), "absent.key");
    let cases: &[(&[&str], u8, &str)] = &[
        (&["--set", &store], 2, "start the server first"),
        (&["--config", &file], 2, "private.key_file: not set"),
        (&["--config", "absent.toml"], 2, "unreadable file"),
        (
            &["--config", &keyed, "--set", "private.enabled=false"],
            2,
            "private.enabled",
        ),
        (
            &["--config", &keyed, "--set", "private.address=127.0.0.1:0"],
            2,
            "found port 0",
        ),
        (&["--private", "http://127.0.0.1:1"], 2, "--key-file"),
        (
            &["--private", "http://127.0.0.1:1", "--key-file", absent],
            2,
            "no such file",
        ),
        (
            &["--private", "http://127.0.0.1:1", "--key-file", &file],
            2,
            "a secret that",
        ),
        (
            &["--private", "https://127.0.0.1:1", "--key-file", &key_file],
            2,
            "as http://127.0.0.1:8090",
        ),
        (
            &["--private", "http://a@b:1", "--key-file", &key_file],
            2,
            "as http://127.0.0.1:8090",
        ),
        (
            &["--private", "http://a/b", "--key-file", &key_file],
            2,
            "as http://127.0.0.1:8090",
        ),
        (
            &[
                "--config",
                &keyed,
                "--private",
                "http://127.0.0.1:1",
                "--key-file",
                &key_file,
            ],
            2,
            "cannot be used",
        ),
        (
            &["--private", "http://127.0.0.1:1", "--key-file", &key_file],
            1,
            "is the server running",
        ),
    ];
    set_mode(Path::new(&file), 0o644);
    for asked in ASK {
        for (target, code, told) in cases {
            let outcome = wardroom(&[asked, *target].concat());
            assert_eq!(
                outcome.exit_code(),
                *code,
                "{asked:?} {target:?}: {}",
                outcome.told()
            );
            assert!(
                outcome.told().contains(told),
                "{target:?}: {}",
                outcome.told()
            );
            assert!(!outcome.told().contains(SECRET), "{}", outcome.told());
            assert_eq!(outcome.output, "");
        }
    }
}

/// A program that answers one connection with these bytes, and what it was asked.
fn stranger(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 4096];
        let read = socket.read(&mut bytes).unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    (url, asked)
}

#[test]
fn an_answer_that_is_not_a_wardrooms_is_said_so_and_no_redirect_takes_the_key_away() {
    let (directory, _) = configured(KEY);
    let key_file = directory.path().join("secret").display().to_string();
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ] {
        let (url, asked) = stranger(answer);
        let outcome = wardroom(&["rooms", "--private", &url, "--key-file", &key_file]);
        assert_eq!(outcome.exit_code(), 1);
        let told = outcome.told();
        assert!(told.contains("not as a wardroom does"), "{told}");
        assert!(
            asked
                .join()
                .unwrap()
                .starts_with("GET /api/v1/rooms?limit=1000 HTTP/1.1\r\n")
        );
    }
}

#[test]
fn what_a_server_says_cannot_act_on_the_terminal() {
    let (directory, _) = configured(KEY);
    let key_file = directory.path().join("secret").display().to_string();
    let (url, _asked) = stranger(
        "HTTP/1.1 400 No\r\nContent-Length: 32\r\nConnection: close\r\n\r\n{\"title\":\"\\u001b[2J\\u009bclear\"}",
    );
    let told = wardroom(&["rooms", "--private", &url, "--key-file", &key_file]).told();
    assert!(told.contains("\\u{1b}[2J"), "{told}");
    assert!(
        !told.contains('\u{1b}') && !told.contains('\u{9b}'),
        "{told:?}"
    );
}

#[test]
fn what_can_not_be_meant_of_a_room_is_wrong_usage() {
    for arguments in [
        &["room", "new", "den"][..],
        &["room", "new", "den", "--owner", "bob", "--kind", "secret"],
        &["room", "set", "den", "--slow-mode", "soon"],
        &["room", "set", "den", "--members-max", "-1"],
        &["room", "set", "den", "--locked", "perhaps"],
        &["room", "log", "den", "--after", "1", "--before", "2"],
        &["room", "history", "den", "--limit", "0"],
        &["affiliate", "den", "bob", "banned"],
        &["affiliate", "den", "bob"],
        &["ban", "den"],
        &["ban", "den", ""],
        &["ban", "den", "bob", "--for", "ever"],
        &["unban", "den", "bob", "--reason", "x"],
        &["delete-message", "den", "0"],
        &["purge", "den", "a\nb"],
    ] {
        let outcome = wardroom(arguments);
        assert_eq!(outcome.exit_code(), 2, "{arguments:?}: {}", outcome.told());
        assert!(outcome.told().contains("error:"), "{}", outcome.told());
        assert_eq!(outcome.output, "");
    }
}
