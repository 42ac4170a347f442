//! The program's own attacker, against a server of its own, one that runs, and what it must leave alone.

mod ends;
mod rest;
mod unlimited;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::peer::Peer;
use crate::server::{SECRET, Server, wardroom, write_secret};
use crate::tls::authority::Authority;
use crate::tls::{Secure, directory};

/// The program's siege in this directory, where it also keeps what is temporary. How long people wait is not judged: the
/// machine that runs tests has other things to do.
fn siege(directory: &Path, arguments: &[&str]) -> Output {
    let temporary = directory.join("temporary");
    fs::create_dir_all(&temporary).expect("a directory");
    wardroom(directory)
        .args(["siege", "--seconds", "2", "--unnoticed", "1m"])
        .args(arguments)
        .env("TMPDIR", temporary)
        .output()
        .expect("the program starts")
}

fn printed(output: &Output) -> String {
    let texts =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    texts.concat()
}

/// Lines begin so, each at least one.
#[track_caller]
fn expect_lines(told: &str, begins: &[&str]) {
    for begin in begins {
        let is_there = told.lines().any(|line| line.starts_with(begin));
        assert!(is_there, "{begin}: {told}");
    }
}

#[test]
fn a_siege_says_what_held_and_honest_people_beside_it_lose_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let names = ["ping-flood", "cross-site", "deep-json"];
    let attacks = names.join(",");
    let files = ["--json", "siege.json", "--plot", "siege.svg"];
    let arguments = [&["--attack", &attacks][..], &files].concat();
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for name in names {
        let is_line = |line: &str| line.starts_with("held ") && line.contains(name);
        assert!(told.lines().any(is_line), "{name}: {told}");
    }
    assert!(
        told.contains("memory: ") && told.contains(", 88.0 MiB allowed"),
        "{told}"
    );
    assert!(
        told.contains("3 of 3 attacks held (own server on 127.0.0.1:"),
        "{told}"
    );
    let limits = [
        (
            "held         limits.control_frames_per_connection = { burst = 30, per = \"10s\" } [says no to ping-flood, pong-flood] said no ",
            " times: ping-flood",
        ),
        (
            "-            limits.connections_per_user = 3 [says no to one-user-everywhere] ",
            "not tried",
        ),
        (
            "-            limits.shadow = [] [not reached by a siege: ",
            "not tried",
        ),
    ];
    for (begin, end) in limits {
        let is_line = |line: &str| line.starts_with(begin) && line.ends_with(end);
        assert!(told.lines().any(is_line), "{begin}: {told}");
    }

    let json = fs::read(home.path().join("siege.json")).expect("it was written");
    let report: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(report["verdict"], "held");
    assert_eq!(report["held"], true);
    assert_eq!(report["partial"], Value::Null);
    let standing = |name: &str| {
        let mut limits = report["limits"].as_array().expect("a list").iter();
        let limit = limits.find(|limit| limit["name"] == name);
        limit.expect("a limit")["verdict"].clone()
    };
    assert_eq!(standing("limits.control_frames_per_connection"), "held");
    assert_eq!(standing("limits.connections_per_user"), "not_tried");
    let found = report["attacks"].as_array().expect("a list");
    assert_eq!(found.len(), names.len());
    for (found, name) in found.iter().zip(names) {
        assert_eq!(found["attack"], name);
        assert_eq!(found["verdict"], "held");
        assert_eq!(found["faults"], Value::Array(Vec::new()));
        assert!(found["said"].as_u64() > Some(0), "{found}");
        assert_eq!(found["lost"], 0, "{found}");
        assert_eq!(found["put_out"], 0, "{found}");
        assert!(found["newcomers"]["came"].as_u64() > Some(0), "{found}");
        assert_eq!(found["newcomers"]["came"], found["newcomers"]["got_in"]);
        assert!(found["under_attack"]["count"].as_u64() > Some(0), "{found}");
        assert!(found["shots"].as_u64() > Some(0), "{found}");
        assert!(found["recovered_ms"].is_number(), "{found}");
    }
    assert!(
        found[0]["outcomes"]["1008"].as_u64() > Some(0),
        "{}",
        found[0]
    );
    assert!(
        found[1]["outcomes"]["403"].as_u64() > Some(0),
        "{}",
        found[1]
    );
    assert!(
        found[2]["errors"]["too_deep"].as_u64() > Some(0),
        "{}",
        found[2]
    );

    let plot = fs::read_to_string(home.path().join("siege.svg")).expect("it was drawn");
    assert!(
        plot.starts_with("<svg ") && plot.ends_with("</svg>\n"),
        "{plot}"
    );
    assert!(
        names
            .iter()
            .all(|name| plot.contains(&format!(">{name}</text>"))),
        "{plot}"
    );
    let left = fs::read_dir(home.path().join("temporary"))
        .expect("a directory")
        .count();
    assert_eq!(left, 0, "the server's directory is gone");
}

#[test]
fn half_a_tls_handshake_runs_out_of_time_beside_honest_people_who_finish_theirs() {
    let home = tempfile::tempdir().expect("a directory");
    let output = siege(home.path(), &["--attack", "half-tls"]);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let is_line = |line: &str| {
        line.starts_with(
            "held         deadlines.handshake = \"5s\" [says no to half-tls, slow-tls] said no ",
        ) && line.ends_with(" times: half-tls at 1s")
    };
    assert!(told.lines().any(is_line), "{told}");
}

#[test]
fn a_siege_of_a_configuration_with_tls_is_over_tls_and_leaves_the_operators_keys_alone() {
    let home = directory(&Authority::new());
    write_secret(&home.path().join("secret"), SECRET);
    let config = "[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n\n\
                  [tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\nhsts = \"1d\"\n";
    fs::write(home.path().join("wardroom.toml"), config).expect("a file");
    let arguments = ["--config", "wardroom.toml", "--json", "siege.json"];
    let attacks = ["--attack", "plain-to-tls,replayed-ticket,tiny-fragments"];
    let output = siege(home.path(), &[&arguments[..], &attacks].concat());
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for line in [
        "not in this siege: tls.certificate, which has a certificate that is made for it",
        "not in this siege: tls.key, which has a certificate that is made for it",
        "not in this siege: tls.hsts, whose people have no certificates and come to one port",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    let json = fs::read(home.path().join("siege.json")).expect("it was written");
    let report: Value = serde_json::from_slice(&json).expect("JSON");
    let limited = &report["attacks"][0]["outcomes"];
    assert!(
        limited["400"].as_u64() > Some(0),
        "told to use TLS: {report}"
    );
}

/// What a siege has written.
fn written(home: &Path) -> Value {
    let json = fs::read(home.join("siege.json")).expect("it was written");
    serde_json::from_slice(&json).expect("JSON")
}

#[test]
fn whoever_asks_and_asks_and_never_signs_in_is_gone_at_the_deadline() {
    let home = tempfile::tempdir().expect("a directory");
    let output = siege(home.path(), &["--attack", "never-signs-in"]);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let is_line = |line: &str| {
        line.starts_with(
            "held         deadlines.sign_in = \"1m\" [says no to never-signs-in] said no ",
        ) && line.ends_with(" times: never-signs-in at 1s")
    };
    assert!(told.lines().any(is_line), "{told}");
}

#[test]
fn honest_people_keep_within_low_limits_and_a_rehearsed_one_is_judged_by_its_being_counted() {
    let home = tempfile::tempdir().expect("a directory");
    let low = [
        "limits.messages_per_user={ burst = 1, per = \"10s\" }",
        "limits.commands_per_user={ burst = 20, per = \"10s\" }",
        "limits.shadow=[\"control_frames_per_connection\"]",
        "limits.exempt=[\"127.11.0.0/16\"]",
    ];
    let mut arguments = vec!["--attack", "nobody,ping-flood"];
    arguments.extend(low.iter().flat_map(|set| ["--set", set]));
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    expect_lines(
        &told,
        &[
            "not in this siege: limits.exempt, which is about addresses that the siege's people and attackers come from",
            "Honest people keep within the configured limits: 3.2 messages and 60.8 questions a second of all 40, fewer than usual",
            "held         ping-flood ",
            "held         limits.control_frames_per_connection = { burst = 30, per = \"10s\" } [rehearsed: counts ping-flood, pong-flood and lets it pass] counted ",
            "2 of 2 attacks held ",
        ],
    );
}

#[test]
fn settings_that_leave_honest_people_no_room_are_named_instead_of_a_siege() {
    let home = tempfile::tempdir().expect("a directory");
    let low = [
        "limits.messages_per_user={ burst = 1, per = \"5m\" }",
        "limits.message_characters_max=5",
    ];
    let arguments = low.iter().flat_map(|set| ["--set", set]);
    let output = siege(home.path(), &arguments.collect::<Vec<_>>());
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(
        told,
        "too low for the siege's honest people:\n\
         limits.messages_per_user: they say something at least once in 20 s\n\
         limits.message_characters_max: their messages have up to 24\n"
    );
}

#[test]
fn a_picture_that_would_not_be_what_its_name_says_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    for name in ["siege.png", "siege", "svg"] {
        let output = siege(home.path(), &["--attack", "nobody", "--plot", name]);
        let told = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains("allowed is a name that ends in .svg"),
            "{told}"
        );
        assert!(!home.path().join(name).exists(), "{name}");
    }
}

#[test]
fn an_attack_that_the_operators_settings_rule_out_is_told_of_and_the_others_are_made() {
    let home = tempfile::tempdir().expect("a directory");
    let output = siege(
        home.path(),
        &[
            "--attack",
            "full-house,ping-flood",
            "--set",
            "limits.connections_per_address=500",
        ],
    );
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let is_refused = |line: &str| {
        line.starts_with("not made full-house: the server does not run: ")
            && line.contains("limits.connections_per_address")
    };
    assert!(told.lines().any(is_refused), "{told}");
    assert!(told.contains("\nheld         ping-flood "), "{told}");
    assert!(told.contains("1 of 1 attacks held "), "{told}");
    assert!(told.contains("marked `not made`"), "{told}");
}

#[test]
fn results_of_before_stay_until_there_are_new_ones() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("old.json");
    fs::write(&path, "old").expect("a file");
    let output = siege(home.path(), &["--attack", "typo", "--json", "old.json"]);
    assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
    assert_eq!(fs::read_to_string(&path).expect("a file"), "old");
    let output = siege(home.path(), &["--attack", "nobody", "--json", "old.json"]);
    assert!(output.status.code() < Some(2), "{}", printed(&output));
    let new = fs::read(&path).expect("a file");
    let new: Value = serde_json::from_slice(&new).expect("JSON, and nothing of before");
    assert_eq!(new["attacks"][0]["attack"], "nobody");
}

#[test]
fn a_private_listener_that_tells_no_counters_is_no_siege() {
    let server = Server::serve("");
    let home = tempfile::tempdir().expect("a directory");
    write_secret(&home.path().join("secret"), SECRET);
    let target = format!("ws://{}/ws/chat", server.address);
    let mut arguments = vec!["--target", &target, "--token-secret-file", "secret"];
    // It answers, and it is not that one.
    let address = server.address.to_string();
    arguments.extend(["--private", &address, "--attack", "ping-flood"]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let expected = format!("nobody tells counters on {address}: ");
    assert!(told.contains(&expected), "{told}");
    assert!(!told.contains("held"), "{told}");
}

#[test]
fn attackers_without_sockets_are_no_siege() {
    let home = tempfile::tempdir().expect("a directory");
    let mut siege = std::process::Command::new("sh");
    let line = format!(
        "ulimit -n 600; exec {} siege --set limits.connections_max=100 --set limits.unauthenticated_max=50",
        env!("CARGO_BIN_EXE_wardroom")
    );
    let output = siege.args(["-c", &line]).current_dir(home.path()).output();
    let output = output.expect("a shell");
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("leaves attackers 88 sockets, 128 at least"),
        "{told}"
    );
}

#[test]
fn a_siege_that_could_make_none_of_its_attacks_is_no_success() {
    let server = Server::serve("");
    let home = tempfile::tempdir().expect("a directory");
    write_secret(&home.path().join("secret"), SECRET);
    let target = format!("ws://{}/ws/chat", server.address);
    let whom = ["--target", &target, "--token-secret-file", "secret"];
    let output = siege(
        home.path(),
        &[&whom[..], &["--attack", "slower-head"]].concat(),
    );
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("not made slower-head: "), "{told}");
    assert!(told.contains("no attack was made: "), "{told}");
    assert!(!told.contains("FAILED"), "{told}");
}

/// What tells a siege of a server that runs where it is, and how to sign in there.
fn target(server: &Server, scheme: &str, home: &Path) -> [String; 6] {
    write_secret(&home.join("secret"), SECRET);
    let target = format!("{scheme}://{}/ws/chat", server.address);
    let private = server.private.expect("a private listener").to_string();
    let secret = "secret".to_owned();
    let names = ["--target", "--private", "--token-secret-file"].map(str::to_owned);
    let [of_target, of_private, of_secret] = names;
    [of_target, target, of_private, private, of_secret, secret]
}

/// Attacks a server that runs, which must hold, and go on.
fn attack_running(server: &Server, scheme: &str, attacks: &[&str]) {
    let home = tempfile::tempdir().expect("a directory");
    let target = target(server, scheme, home.path());
    let names = attacks.join(",");
    let mut arguments: Vec<&str> = target.iter().map(String::as_str).collect();
    arguments.extend(["--attack", &names]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let count = attacks.len();
    let held = format!(
        "{count} of {count} attacks held (running server on {}",
        server.address
    );
    assert!(told.contains(&held), "{told}");
}

#[test]
fn a_server_that_runs_is_attacked_by_its_address_and_goes_on() {
    let server = Server::serve("");
    attack_running(&server, "ws", &["forged-proxy"]);
    assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
}

#[test]
fn a_server_that_runs_and_speaks_tls_is_attacked_over_it() {
    let secure = Secure::serve("", "");
    attack_running(&secure.server, "wss", &["ping-flood", "plain-to-tls"]);
    assert_eq!(secure.connect().get("/healthz"), "200");
}

#[test]
fn nothing_but_loopback_is_attacked() {
    let home = tempfile::tempdir().expect("a directory");
    for (target, private) in [
        ("ws://192.0.2.1:8080/ws/chat", "127.0.0.1:8090"),
        ("ws://[2001:db8::1]:8080/ws/chat", "127.0.0.1:8090"),
        ("ws://0.0.0.0:8080/ws/chat", "127.0.0.1:8090"),
        ("ws://127.0.0.1:8080/ws/chat", "192.0.2.1:8090"),
    ] {
        // There is no such file: it is not even looked for.
        let whom = [
            "--target",
            target,
            "--private",
            private,
            "--token-secret-file",
            "none",
        ];
        let output = siege(home.path(), &whom);
        let told = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{target}: {told}");
        assert!(
            told.contains("is not loopback: only 127.0.0.0/8 and ::1 are attacked"),
            "{told}"
        );
    }
}
