//! What a process that has given up the rest of the machine can not do any more, and that the server still does all it
//! must.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal};
use wardroom::config::{Config, Sandbox};
use wardroom::reactor::sandbox::{Plan, restrict_calls, restrict_files};

use crate::peer::Peer;
use crate::server::Server;

/// Set in the process that goes into the sandbox; its value is the directory that it may use.
const INSIDE: &str = "WARDROOM_TEST_INSIDE";

#[test]
fn what_a_chat_server_does_not_need_is_refused_by_the_kernel() {
    if let Some(home) = std::env::var_os(INSIDE) {
        return inside(Path::new(&home));
    }
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join("store")).expect("a directory");
    fs::write(home.path().join("wardroom.toml"), "").expect("a file");
    let outside = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = "sandbox::what_a_chat_server_does_not_need_is_refused_by_the_kernel";
    let outcome = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", own, "--nocapture", "--test-threads=1"])
        .env(INSIDE, home.path())
        .env(
            "WARDROOM_TEST_PORT",
            outside.local_addr().expect("an address").port().to_string(),
        )
        .output()
        .expect("the test starts again");
    let told = String::from_utf8_lossy(&outcome.stdout);
    let errors = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{told}\n{errors}");
    assert!(told.contains("1 passed"), "{told}");
    println!("{errors}");
}

/// Enters through the function that the server uses, and tries the door from inside.
fn inside(home: &Path) {
    let mut config = Config::default();
    config.store.directory = home.join("store");
    let file = home.join("wardroom.toml");
    let port: u16 = std::env::var("WARDROOM_TEST_PORT")
        .expect("a port")
        .parse()
        .expect("a number");
    // Held open from before: what is open stays open, as the listener does.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let plan = Plan::new(&config, Some(&file));
    restrict_files(Sandbox::Require, &plan).expect("this kernel has Landlock");
    restrict_calls(Sandbox::Require, &plan).expect("this kernel has seccomp");

    let attempts: Vec<(&str, std::io::Result<()>)> = vec![
        ("reading /etc/passwd", fs::read("/etc/passwd").map(drop)),
        ("listing the root", fs::read_dir("/").map(drop)),
        (
            "reading another process",
            fs::read("/proc/1/environ").map(drop),
        ),
        (
            "writing beside the store",
            fs::write(home.join("wardroom.toml"), "x"),
        ),
        (
            "a file in /tmp",
            File::create(std::env::temp_dir().join("wardroom-escaped")).map(drop),
        ),
        (
            "a directory in the store",
            fs::create_dir(home.join("store/directory")),
        ),
        (
            "a link in the store",
            std::os::unix::fs::symlink("/etc/passwd", home.join("store/link")),
        ),
        (
            "running a program",
            Command::new("/bin/true").status().map(drop),
        ),
        (
            "running itself",
            Command::new("/proc/self/exe").status().map(drop),
        ),
        (
            "another listener",
            TcpListener::bind("127.0.0.1:0").map(drop),
        ),
        (
            "calling somebody",
            TcpStream::connect(("127.0.0.1", port)).map(drop),
        ),
        ("a local socket", UnixDatagram::unbound().map(drop)),
        ("a pair of sockets", UnixDatagram::pair().map(drop)),
        (
            "a signal to its parent",
            rustix::process::test_kill_process(Pid::INIT).map_err(Into::into),
        ),
        (
            "more files than it has",
            rustix::process::setrlimit(
                rustix::process::Resource::Nofile,
                rustix::process::Rlimit {
                    current: Some(10),
                    maximum: Some(10),
                },
            )
            .map_err(Into::into),
        ),
        (
            "a session of its own",
            rustix::process::setsid().map(drop).map_err(Into::into),
        ),
        (
            "another root",
            rustix::process::chroot("/proc/self").map_err(Into::into),
        ),
        ("another directory", std::env::set_current_dir("/proc/self")),
    ];
    for (what, outcome) in attempts {
        let error = outcome.expect_err(what);
        // EPERM and EACCES are one kind.
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what}: {error}");
        eprintln!("refused: {what}: {error}");
    }

    fs::read(&file).expect("the configuration can be read again");
    fs::write(file.with_file_name("store").join("new"), "x").expect("the store takes files");
    fs::rename(home.join("store/new"), home.join("store/newer")).expect("under other names");
    fs::remove_file(home.join("store/newer")).expect("and lets them go");
    let thread = std::thread::Builder::new().name("late".to_owned());
    let also = thread.spawn(|| fs::read("/etc/passwd").expect_err("in every thread").kind());
    let kind = also.expect("threads can start").join().expect("and end");
    assert_eq!(kind, ErrorKind::PermissionDenied);
    drop(listener);
}

/// From proc_pid_stat(5).
fn name_and_niceness(stat: &str) -> (String, i32) {
    let (before, after) = stat.rsplit_once(") ").expect("a name");
    let (_, name) = before.split_once('(').expect("a name");
    let niceness = after.split(' ').nth(16).expect("a field");
    (name.to_owned(), niceness.parse().expect("a number"))
}

#[test]
fn a_server_that_requires_its_sandbox_serves_reloads_and_ends_in_it() {
    let mut server = Server::serve("[process]\nsandbox = \"require\"\n[echo]\nenabled = true\n");
    assert!(server.has_logged("sandbox: files and TCP ports (Landlock"));
    let token = server.token("alice");
    let mut alice = Peer::open(&server, "/ws/chat", &token);
    alice.say(r#"{"message":"from inside"}"#);
    while alice.notice()["message"] != "from inside" {}
    server.wait_for_line("system calls and no new privileges (seccomp)");
    server.write_config("[process]\nsandbox = \"require\"\n[limits]\npauses_max = 9\n");
    server.signal(Signal::HUP);
    server.wait_for_line("limits.pauses_max = 9");
    server.wait_for_line("reloaded: ");
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("the server lives");
    let mut niceness = BTreeMap::new();
    for task in tasks {
        let task = task
            .expect("a thread")
            .file_name()
            .into_string()
            .expect("a number");
        let status = server.proc(&format!("task/{task}/status"));
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t2"] {
            assert!(status.contains(line), "{line}: {status}");
        }
        let (name, nice) = name_and_niceness(&server.proc(&format!("task/{task}/stat")));
        niceness.insert(name, nice);
    }
    let threads: Vec<&str> = niceness.keys().map(String::as_str).collect();
    assert_eq!(threads, ["log", "reload", "store", "wardroom"]);
    // Who keeps messages gives way to who carries them.
    assert_eq!(niceness["store"], niceness["wardroom"] + 5);
    assert_eq!(niceness["log"], niceness["wardroom"]);
    server.terminate();
    assert_eq!(alice.close_code(), Some(1001));
    drop(alice);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn without_a_sandbox_nothing_is_given_up() {
    let server = Server::serve("[process]\nsandbox = \"off\"\n");
    Peer::connect(server.address).get("/healthz");
    let status = server.proc("status");
    assert!(
        status.contains("NoNewPrivs:\t0") && status.contains("Seccomp:\t0"),
        "{status}"
    );
}

#[test]
fn a_file_that_a_reload_names_elsewhere_is_refused_and_nothing_changes() {
    let server = Server::serve("");
    let elsewhere = tempfile::tempdir().expect("a directory");
    fs::copy(
        server.folder().join("secret"),
        elsewhere.path().join("secret"),
    )
    .expect("a copy");
    let moved = format!(
        "[[auth.key]]\nid = \"other\"\nalgorithms = [\"HS256\"]\nsecret_file = \"{}/secret\"\n",
        elsewhere.path().display()
    );
    server.write_config(&moved);
    server.signal(Signal::HUP);
    let line = server.wait_for_line("secret_file");
    assert!(
        line.contains("not reloaded") && line.contains("may not be read"),
        "{line}"
    );
}
