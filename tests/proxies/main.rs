//! A real nginx, HAProxy and Caddy with the files of docs/deploy, clients at several addresses, and the real server behind.
//!
//!   cargo test --test proxies [-- WORD]
//!
//! A proxy that is not installed skips its scenarios, and says so. The last line counts, in the words of .ci/run.

mod client;
mod running;
mod scenarios;
mod shipped;

#[expect(dead_code, reason = "shared with tests/sockets")]
#[path = "../sockets/peer.rs"]
mod peer;
#[expect(dead_code, reason = "shared with tests/sockets")]
#[path = "../sockets/server.rs"]
mod server;

use std::panic::catch_unwind;

use running::Kind;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        return;
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for kind in Kind::ALL {
        for (name, scenario) in scenarios::ALL {
            let name = format!("{kind:?}: {name}");
            if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
                continue;
            }
            if let Some(reason) = kind
                .missing()
                .or_else(|| scenarios::not_for(kind, scenario))
            {
                skipped += usize::from(kind.missing().is_some());
                println!("{name} ... skipped: {reason}");
            } else if catch_unwind(|| scenario(kind)).is_ok() {
                passed += 1;
                println!("{name} ... ok");
            } else {
                failed += 1;
                println!("{name} ... FAILED");
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    std::process::exit(i32::from(failed > 0));
}
