//! What nobody attacks for must hold as well: the calm before an attack, and what a server keeps when all have gone.

use super::{printed, siege, target, written};
use crate::server::Server;

#[test]
fn newcomers_who_do_not_get_in_while_nobody_attacks_are_a_fault() {
    let home = tempfile::tempdir().expect("a directory");
    // Room for the forty who talk, and for nobody who comes after them.
    let server = Server::serve("[limits]\nconnections_max = 40\nunauthenticated_max = 40\n");
    let target = target(&server, "ws", home.path());
    let mut arguments: Vec<&str> = target.iter().map(String::as_str).collect();
    arguments.extend(["--attack", "nobody", "--json", "siege.json"]);
    let output = siege(home.path(), &arguments);
    let told = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let report = written(home.path());
    let found = &report["attacks"][0];
    assert_eq!(found["verdict"], "failed", "{told}");
    let calm = &found["newcomers_calm"];
    assert!(calm["came"].as_u64() > Some(0), "{calm}");
    assert_eq!(calm["got_in"], 0, "{calm}");
    let told_of = |words: &str| told.lines().any(|line| line.contains(words));
    assert!(
        told_of("newcomers got in within 2 s before it, when nobody attacked; all must"),
        "{told}"
    );
}

#[test]
fn a_server_keeps_no_more_of_what_is_done_to_it_a_second_time() {
    let home = tempfile::tempdir().expect("a directory");
    let arguments = ["--attack", "everything", "--json", "siege.json"];
    // How everything went is for a machine that does nothing else: here it is what stays of it.
    let told = printed(&siege(home.path(), &arguments));
    let report = written(home.path());
    let rest = &report["at_rest"];
    assert_eq!(rest["held"], true, "{told}");
    assert_eq!(rest["rounds"], 8, "{told}");
    let bytes = ["before", "after", "after_max"].map(|name| rest[name].as_u64().expect("bytes"));
    let [before, after, after_max] = bytes;
    assert!(before > 0 && after <= after_max, "{told}");
    // Less than a leak of 50 KiB each time would be.
    assert!(after_max < before + 8 * 50 * 1024, "{told}");
    let is_line = |line: &str| line.starts_with("held: at rest the server keeps ");
    assert!(told.lines().any(is_line), "{told}");
}
