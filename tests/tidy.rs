//! Conventions that a compiler does not hold: who may import whom, where a crate may be used, how long a file may be,
//! and what the documents must name. Reads the sources as text, so it is simple and now and then blunt.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wardroom::protocol::close::CloseReason;

/// Layers from the lowest up. A module imports from layers below its own, and none beside it.
const LAYERS: [&[&str]; 8] = [
    &["time", "id", "hash", "fault", "config", "web"],
    &["protocol"],
    &["limit"],
    &["access", "rooms", "telemetry"],
    &["engine", "store"],
    &["reactor", "siege", "simulation"],
    &["cli"],
    &["main"],
];

/// Where a crate may be named. Crates that are not here may be used anywhere.
const PLACES: [(&str, &[&str]); 25] = [
    ("clap", &["src/cli/"]),
    ("env_logger", &["src/main.rs"]),
    ("httparse", &["src/protocol/head"]),
    ("ipnet", &["src/config/"]),
    ("jsonwebtoken", &["src/access/", "src/cli/token.rs"]),
    ("landlock", &["src/reactor/sandbox/"]),
    ("libc", &["src/reactor/sandbox/"]),
    ("listenfd", &["src/reactor/inherited.rs"]),
    ("mio", &["src/reactor/", "src/siege/"]),
    (
        "pem",
        &["src/access/", "src/reactor/tls", "src/siege/tls.rs"],
    ),
    ("prometheus_client", &["src/telemetry/exposition.rs"]),
    ("rand_chacha", &["src/engine/"]),
    ("rusqlite", &["src/store/sqlite"]),
    ("rustls", &["src/reactor/", "src/siege/"]),
    ("sd_notify", &["src/reactor/service.rs"]),
    ("seccompiler", &["src/reactor/sandbox/"]),
    ("signal_hook", &["src/reactor/", "src/siege/"]),
    ("signal_hook_mio", &["src/reactor/"]),
    ("siphasher", &["src/hash.rs"]),
    ("slab", &["src/engine/"]),
    ("socket2", &["src/reactor/", "src/siege/peer.rs"]),
    ("toml", &["src/config/"]),
    ("tungstenite", &["src/protocol/websocket.rs"]),
    ("ureq", &["src/cli/client.rs", "src/reactor/hook"]),
    ("x509_parser", &["src/access/certificate.rs"]),
];

/// The only files that read a clock.
const CLOCKS: [&str; 3] = ["src/reactor/clock.rs", "src/siege/clock.rs", "src/main.rs"];
/// What a fuzz target runs where only its own layer knows the types: behind the feature `simulation`, as that module is.
const FUZZED: &str = "src/reactor/tls/fuzz.rs";
/// Layers that take time as a parameter and iterate no hash map.
const PURE: [&str; 7] = [
    "protocol",
    "access",
    "limit",
    "rooms",
    "telemetry",
    "engine",
    "id",
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;

/// A source file, and of it the code that is in the binary: no tests, no comments.
struct Source {
    path: String,
    lines: usize,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let is_test =
            path.contains("/tests/") || path.ends_with("tests.rs") || path.contains("/test_");
        let text_of_binary = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let code = text_of_binary.lines().map(|line| match line.trim_start() {
            comment if comment.starts_with("//") => "",
            _ => line,
        });
        let code: Vec<&str> = if is_test { Vec::new() } else { code.collect() };
        Source {
            path: path.to_owned(),
            lines: text.lines().count(),
            code: code.join("\n"),
        }
    }

    /// The top-level module: `engine` of `src/engine/open.rs`, `time` of `src/time.rs`.
    fn module(&self) -> &str {
        let path = self.path.trim_start_matches("src/");
        let name = path.split('/').next().unwrap_or_default();
        name.trim_end_matches(".rs")
    }

    fn fault(&self, what: &str) -> String {
        format!("{}: {what}", self.path)
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sources() -> Vec<Source> {
    fn collect(folder: &Path, into: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.to_str().expect("a name in UTF-8");
                into.push(Source::new(name, &read(name)));
            }
        }
    }
    let mut found = Vec::new();
    collect(Path::new("src"), &mut found);
    assert!(
        found.len() > 50,
        "the sources are not where this test looks"
    );
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// What stands behind each `prefix` that begins a word.
fn after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix)
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .map(|(at, _)| &code[at + prefix.len()..])
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn import_faults(source: &Source) -> Vec<String> {
    if source.module() == "lib" {
        return Vec::new();
    }
    let Some(own) = layer(source.module()) else {
        return vec![source.fault("a module that has no layer")];
    };
    let path = if source.module() == "main" {
        "wardroom::"
    } else {
        "crate::"
    };
    let imported = after(&source.code, path)
        .map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or_default());
    imported
        .filter(|module| *module != source.module())
        .filter(|module| layer(module).is_none_or(|layer| layer >= own))
        .map(|module| source.fault(&format!("may not import {module:?}")))
        .collect()
}

fn place_faults(source: &Source) -> Vec<String> {
    let is_misplaced = |(name, places): &&(&str, &[&str])| {
        let is_allowed = places.iter().any(|place| source.path.starts_with(place));
        let path = format!("{name}::");
        let is_named = after(&source.code, &path).next().is_some();
        is_named && !is_allowed
    };
    let misplaced = PLACES.iter().filter(is_misplaced);
    misplaced
        .map(|(name, places)| source.fault(&format!("{name} is for {places:?}")))
        .collect()
}

fn clock_faults(source: &Source) -> Vec<String> {
    if CLOCKS.contains(&source.path.as_str()) {
        return Vec::new();
    }
    ["Instant::now", "SystemTime::now", "thread::sleep"]
        .into_iter()
        .filter(|call| source.code.contains(call))
        .map(|call| source.fault(call))
        .collect()
}

fn panic_faults(source: &Source) -> Vec<String> {
    if source.module() == "simulation" || source.path == FUZZED {
        return Vec::new();
    }
    [
        ".unwrap()",
        ".expect(",
        "todo!",
        "unimplemented!",
        "dbg!",
        "TODO",
        "FIXME",
    ]
    .into_iter()
    .filter(|word| source.code.contains(word))
    .map(|word| source.fault(word))
    .collect()
}

fn hash_map_faults(source: &Source) -> Vec<String> {
    if !PURE.contains(&source.module()) {
        return Vec::new();
    }
    let dense: String = source.code.split_whitespace().collect();
    let mut faults = Vec::new();
    for collection in [":HashMap<", ":HashSet<"] {
        for (at, _) in dense.match_indices(collection) {
            let name = dense[..at]
                .rsplit(|c| !is_word(c))
                .next()
                .unwrap_or_default();
            let ways = [
                "iter",
                "iter_mut",
                "keys",
                "values",
                "values_mut",
                "drain",
                "into_iter",
                "retain",
            ];
            let calls = ways.map(|way| format!(".{name}.{way}("));
            let loops = [format!("in&self.{name}{{"), format!("in&mutself.{name}{{")];
            let found = calls
                .iter()
                .chain(&loops)
                .filter(|use_| dense.contains(use_.as_str()));
            faults.extend(found.map(|use_| source.fault(&format!("iterates a hash map: {use_}"))));
        }
    }
    faults
}

fn length_faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    if source.lines > FILE_LINES_MAX {
        faults.push(source.fault(&format!("{} lines", source.lines)));
    }
    let lines: Vec<&str> = source.code.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = after(line, "fn ")
            .next()
            .filter(|_| !line.trim_end().ends_with(';'))
        else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[start..]
            .iter()
            .take_while(|line| **line != end)
            .count()
            + 1;
        if length > FUNCTION_LINES_MAX && !line.trim_end().ends_with('}') {
            let name = name.split(|c| !is_word(c)).next().unwrap_or_default();
            faults.push(source.fault(&format!("{name} has {length} lines")));
        }
    }
    faults
}

fn assert_none(check: fn(&Source) -> Vec<String>) {
    let faults: Vec<String> = sources().iter().flat_map(check).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn modules_import_from_lower_layers_only() {
    assert_none(import_faults);
}

#[test]
fn outside_crates_stay_in_their_place() {
    assert_none(place_faults);
}

#[test]
fn time_is_a_parameter_everywhere_but_in_the_reactors_clock() {
    assert_none(clock_faults);
}

#[test]
fn nothing_panics_on_purpose_and_nothing_is_left_to_do() {
    assert_none(panic_faults);
}

#[test]
fn pure_layers_iterate_no_hash_map() {
    assert_none(hash_map_faults);
}

#[test]
fn files_and_functions_stay_short() {
    assert_none(length_faults);
}

#[test]
fn every_check_finds_what_it_is_for() {
    type Check = fn(&Source) -> Vec<String>;
    let long = format!(
        "fn long() {{\n{}}}\n",
        "    work();\n".repeat(FUNCTION_LINES_MAX)
    );
    let map =
        "struct A { seats: HashMap<u8, u8> }\nfn a(&self) { self.seats\n        .values() }\n";
    let cases: [(Check, &str, &str); 14] = [
        (
            import_faults,
            "src/protocol/x.rs",
            "use crate::engine::Engine;",
        ),
        (import_faults, "src/access/x.rs", "use crate::rooms::Rooms;"),
        (
            import_faults,
            "src/simulation/x.rs",
            "use crate::reactor::Server;",
        ),
        (import_faults, "src/novelty.rs", ""),
        (place_faults, "src/engine/x.rs", "use mio::Poll;"),
        (
            place_faults,
            "src/protocol/frame.rs",
            "let x = tungstenite::Message::Text;",
        ),
        (
            clock_faults,
            "src/engine/x.rs",
            "let now = std::time::Instant::now();",
        ),
        (panic_faults, "src/engine/x.rs", "let x = y.unwrap();"),
        (panic_faults, "src/engine/x.rs", "todo!()"),
        (hash_map_faults, "src/rooms/x.rs", map),
        (
            hash_map_faults,
            "src/rooms/x.rs",
            "seats: HashSet<u8>,\nfor x in &self.seats {",
        ),
        (length_faults, "src/rooms/x.rs", &long),
        (
            length_faults,
            "src/rooms/x.rs",
            &"\n".repeat(FILE_LINES_MAX + 1),
        ),
        (
            length_faults,
            "src/rooms/tests.rs",
            &"\n".repeat(FILE_LINES_MAX + 1),
        ),
    ];
    for (check, path, text) in cases {
        assert_eq!(check(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
}

/// The names of the crates of one section of `Cargo.toml`, but for those that only a feature brings.
fn dependencies(section: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let everywhere = manifest[section].as_table().expect("a table");
    let is_optional = |value: &toml::Value| {
        let optional = value.get("optional").and_then(toml::Value::as_bool);
        optional == Some(true)
    };
    let always = everywhere.iter().filter(|(_, value)| !is_optional(value));
    let mut names: BTreeSet<String> = always.map(|(name, _)| name.clone()).collect();
    let targets = manifest["target"].as_table().expect("a table");
    let of_targets = targets.values().filter_map(|target| target.get(section));
    names.extend(of_targets.flat_map(|table| table.as_table().expect("a table").keys().cloned()));
    names
}

/// The first cells of the table under a heading of `docs/dependencies.md`.
fn documented(heading: &str) -> BTreeSet<String> {
    let page = read("docs/dependencies.md");
    let (_, after) = page
        .split_once(&format!("## {heading}\n"))
        .expect("the heading");
    let section = after.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn every_dependency_is_explained_and_no_other() {
    assert_eq!(documented("In the binary"), dependencies("dependencies"));
    assert_eq!(
        documented("For development only"),
        dependencies("dev-dependencies")
    );
}

#[test]
fn every_dependency_is_used() {
    let sources = sources();
    for name in dependencies("dependencies") {
        let path = format!("{}::", name.replace('-', "_"));
        let is_used = sources
            .iter()
            .any(|source| after(&source.code, &path).next().is_some());
        assert!(is_used, "{name} is in Cargo.toml and nowhere else");
    }
}

/// The strings that a method `code` of this file gives.
fn codes(path: &str) -> Vec<String> {
    let text = read(path);
    let methods = text.split("fn code(").skip(1);
    let bodies = methods.map(|method| method.split("\n    }\n").next().unwrap_or_default());
    bodies
        .flat_map(|body| body.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_close_reason_and_refusal_is_documented() {
    let page = read("docs/protocol.md");
    for reason in CloseReason::ALL {
        assert!(
            page.contains(reason.text()),
            "{:?} is not documented",
            reason.text()
        );
        assert!(
            page.contains(&reason.code().to_string()),
            "{}",
            reason.code()
        );
    }
    let refusals = codes("src/protocol/response.rs");
    let errors = codes("src/protocol/refusal.rs");
    assert!(refusals.len() > 10 && errors.len() > 2, "the codes moved");
    for code in refusals.iter().chain(&errors) {
        assert!(
            page.contains(&format!("`{code}`")),
            "{code} is not documented"
        );
    }
}
