//! Sieges of servers whose limits are far away, or are not what they are said to be.

use std::path::Path;
use std::process::Output;

use super::{expect_lines, printed, siege, target, written};
use crate::server::Server;

/// Settings of a server that takes no notice of pings.
const WEAK: [&str; 4] = [
    "limits.control_frames_per_connection",
    "limits.frames_per_connection",
    "limits.glitches_per_connection",
    "limits.bytes_per_connection",
];

#[test]
fn a_server_that_lets_pass_what_it_is_said_to_limit_does_not_pass() {
    let weak = WEAK.map(|limit| {
        let (_, name) = limit.split_once('.').expect("a section");
        format!("{name} = {{ burst = 1000000000, per = \"1s\" }}\n")
    });
    let server = Server::serve(&format!("[limits]\n{}", weak.concat()));
    let home = tempfile::tempdir().expect("a directory");
    let output = attack_running(&server, home.path(), "ping-flood", &[]);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    expect_lines(
        &told,
        &[
            "FAILED       ping-flood ",
            "FAILED       limits.control_frames_per_connection ",
        ],
    );
    assert!(
        told.contains("- none of limited:control_frames_per_connection said no"),
        "{told}"
    );
    assert!(told.contains("0 of 1 attacks held"), "{told}");
    let report = written(home.path());
    assert_eq!(report["verdict"], "failed");
    assert_eq!(report["held"], false);
    assert_eq!(report["attacks"][0]["verdict"], "failed");
}

#[test]
fn a_limit_that_is_not_what_the_configuration_says_has_failed_though_another_said_no_in_its_place()
{
    let server = Server::serve(
        "[limits]\ncontrol_frames_per_connection = { burst = 1000000000, per = \"1s\" }\n",
    );
    for said in [30, 20] {
        let home = tempfile::tempdir().expect("a directory");
        let said =
            format!("limits.control_frames_per_connection={{ burst = {said}, per = \"10s\" }}");
        let output = attack_running(&server, home.path(), "ping-flood", &["--set", &said]);
        let told = printed(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for line in [
            "FAILED       ping-flood ",
            "FAILED       limits.control_frames_per_connection ",
        ] {
            let is_line = |told: &str| told.starts_with(line);
            assert!(told.lines().any(is_line), "{said}, {line}: {told}");
        }
    }
}

/// A siege of a server that runs, with its counters.
fn attack_running(server: &Server, home: &Path, attacks: &str, settings: &[&str]) -> Output {
    let target = target(server, "ws", home);
    let mut arguments: Vec<&str> = target.iter().map(String::as_str).collect();
    arguments.extend(["--attack", attacks, "--json", "siege.json"]);
    arguments.extend(settings);
    siege(home, &arguments)
}

#[test]
fn a_running_server_that_exempts_the_addresses_of_a_siege_is_said_to_and_has_not_shown_their_limits()
 {
    let exempt = "exempt = [\"127.0.0.0/8\"]";
    let server = Server::serve(&format!("[limits]\n{exempt}\n"));
    let home = tempfile::tempdir().expect("a directory");
    let settings = ["--set", "limits.exempt=[\"127.0.0.0/8\"]"];
    let output = attack_running(&server, home.path(), "bad-token", &settings);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    expect_lines(
        &told,
        &[
            "in force on that server: limits.exempt, ",
            "not reached  bad-token ",
            "             - limits.exempt spares the addresses that a siege comes from: others would be needed",
            "not reached  limits.failed_authentications_per_address ",
        ],
    );
    assert_eq!(written(home.path())["verdict"], "not_reached");
}

#[test]
fn a_limit_that_lies_beyond_every_attack_has_neither_held_nor_failed_and_is_no_success() {
    let home = tempfile::tempdir().expect("a directory");
    let weak = WEAK.map(|limit| format!("{limit}={{ burst = 1000000000, per = \"1s\" }}"));
    let others = [
        "limits.requests_per_connection_max=10000",
        "rooms.public=[]",
    ];
    let mut arguments = vec!["--attack", "ping-flood,endless-requests,join-too-many"];
    let settings = weak.iter().map(String::as_str).chain(others);
    arguments.extend(settings.flat_map(|set| ["--set", set]));
    arguments.extend(["--json", "siege.json"]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    expect_lines(
        &told,
        &[
            "not reached  ping-flood ",
            "             - limits.control_frames_per_connection = { burst = 1000000000, per = \"1s\" }: ",
            "not reached  limits.control_frames_per_connection = ",
            "not reached  endless-requests ",
            "             - limits.requests_per_connection_max = 10000: the attack goes to 150, more than 10000 would be needed",
            "not reached  limits.requests_per_connection_max = 10000 ",
            "not reached  join-too-many ",
            "             - rooms.public: there is no room besides the lobby",
            "not reached  limits.rooms_per_connection_max = 32 ",
            "0 of 3 attacks held, 3 not reached ",
            "nothing has failed, but the limits above marked `not reached`",
        ],
    );
    assert!(!told.contains("FAILED"), "{told}");
    let report = written(home.path());
    assert_eq!(report["verdict"], "not_reached");
    assert_eq!(report["held"], false);
    let attacks = report["attacks"].as_array().expect("a list");
    for attack in attacks {
        assert_eq!(attack["verdict"], "not_reached");
        assert!(attack["not_reached"].is_string(), "{attack}");
    }
}

#[test]
fn what_said_no_beside_an_attack_is_told_and_a_deadline_that_is_off_has_not_held() {
    let home = tempfile::tempdir().expect("a directory");
    let mut arguments = vec!["--attack", "never-signs-in,idle-people"];
    let settings = [
        "limits.requests_per_connection_max=5",
        "deadlines.idle=0",
        // The siege's own questions are no matter of the operator's.
        "private.requests={ burst = 1, per = \"1h\" }",
    ];
    arguments.extend(settings.iter().flat_map(|set| ["--set", set]));
    arguments.extend(["--json", "siege.json"]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    for (begin, end) in [
        (
            "held         limits.requests_per_connection_max = 5 [says no to endless-requests] said no ",
            " times: never-signs-in",
        ),
        (
            "off          deadlines.idle = 0 [off: says no only to idle-people, with a value of its own] said no ",
            " times: idle-people at 3s",
        ),
    ] {
        let is_line = |line: &str| line.starts_with(begin) && line.ends_with(end);
        assert!(told.lines().any(is_line), "{begin}: {told}");
    }
    assert!(!told.contains("FAILED"), "{told}");
    let left_out = "not in this siege: private.requests, which has its own";
    assert!(told.lines().any(|line| line == left_out), "{told}");
    let report = written(home.path());
    let mut limits = report["limits"].as_array().expect("a list").iter();
    let idle = limits.find(|limit| limit["name"] == "deadlines.idle");
    assert_eq!(idle.expect("a limit")["verdict"], "off");
}

#[test]
fn a_running_server_that_sends_nobody_away_has_not_held_where_its_counters_are_not_looked_at() {
    let weak = WEAK.map(|limit| {
        let (_, name) = limit.split_once('.').expect("a section");
        format!("{name} = {{ burst = 1000000000, per = \"1s\" }}\n")
    });
    let server = Server::serve(&format!("[limits]\n{}", weak.concat()));
    let home = tempfile::tempdir().expect("a directory");
    let [target, at, _, _, secret, file] = target(&server, "ws", home.path());
    let whom = [&*target, &at, &secret, &file, "--attack", "ping-flood"];
    let output = siege(home.path(), &whom);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    expect_lines(
        &told,
        &[
            "unsure       ping-flood ",
            "             - nobody was told anything or sent away, ",
            "0 of 1 attacks held, of 1 it can not be told (running server on ",
        ],
    );
    let unseen = " not seen without counters: ping-flood";
    assert!(told.lines().any(|line| line.ends_with(unseen)), "{told}");
}
