//! What nobody attacks for must hold as well: the calm before an attack.

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
