//! `docs/refusals.md` against the program: every refusal has its row, with a cause and a cure, and there is no other row.

use std::collections::BTreeSet;
use std::fs;

use wardroom::config::reference;
use wardroom::protocol::close::CloseReason;
use wardroom::protocol::command::CommandError;
use wardroom::protocol::refusal::RoomRefusal;
use wardroom::protocol::response::Refusal;
use wardroom::telemetry::Counters;

/// Cells of the table under a heading, without its head.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string("docs/refusals.md").expect("the page");
    let (_, after) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect("the heading");
    let section = after.split("\n## ").next().unwrap_or_default();
    let lines = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1);
    let rows: Vec<Vec<String>> = lines
        .map(|line| {
            let inner = line.trim_start_matches("| ").trim_end_matches(" |");
            inner
                .split(" | ")
                .map(|cell| cell.replace('`', ""))
                .collect()
        })
        .collect();
    for row in &rows {
        assert!(row.iter().all(|cell| !cell.trim().is_empty()), "{row:?}");
    }
    rows
}

fn column(heading: &str, at: usize) -> Vec<String> {
    rows(heading)
        .into_iter()
        .map(|row| row[at].clone())
        .collect()
}

/// The strings that the methods `name` of a source file give.
fn given_by(path: &str, name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path).expect("a source file");
    let signature = format!("fn {name}(");
    let methods = text.split(signature.as_str()).skip(1);
    let bodies = methods.map(|method| method.split("\n    }\n").next().unwrap_or_default());
    let strings = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
    strings.map(str::to_owned).collect()
}

fn assert_same(documented: Vec<String>, existing: impl IntoIterator<Item = String>) {
    let unique: BTreeSet<&String> = documented.iter().collect();
    assert_eq!(unique.len(), documented.len(), "a row stands twice");
    let existing: BTreeSet<String> = existing.into_iter().collect();
    assert_eq!(documented.into_iter().collect::<BTreeSet<_>>(), existing);
}

#[test]
fn every_refusal_of_a_request_has_its_cause_and_its_cure() {
    let codes = given_by("src/protocol/response.rs", "code");
    assert_eq!(
        codes,
        Refusal::CODES.map(str::to_owned).into(),
        "Refusal::CODES"
    );
    assert_same(column("Before there is a session", 1), codes);
    for row in rows("Before there is a session") {
        assert_eq!(row.len(), 4, "{row:?}");
        let status: u16 = row[0].parse().expect("a status");
        let refusals = [
            Refusal::Malformed(""),
            Refusal::CredentialsMissing,
            Refusal::CredentialsInvalid,
            Refusal::CredentialsExpired,
            Refusal::OriginForbidden(""),
            Refusal::NotFound,
            Refusal::MethodNotAllowed { allow: "" },
            Refusal::TooSlow { limit: "" },
            Refusal::UpgradeRequired,
            Refusal::VersionUnsupported,
            Refusal::HeadTooLarge { limit: "" },
        ];
        let found = refusals.iter().find(|refusal| refusal.code() == row[1]);
        assert!(
            found.is_none_or(|refusal| refusal.status() == status),
            "{row:?}"
        );
    }
}

#[test]
fn every_failure_of_tls_has_its_cause_and_its_cure() {
    let counters = Counters::default();
    let counted = counters.tls_failures.rows();
    assert_same(
        column("Before there is a request", 0),
        counted.map(|(reason, _)| reason[0].to_owned()),
    );
}

#[test]
fn every_close_reason_has_its_cause_and_its_cure() {
    let rows = rows("Ends of sessions");
    assert!(rows.iter().all(|row| row.len() == 5));
    let documented = rows.iter().map(|row| row[..3].join(" | ")).collect();
    let existing = CloseReason::ALL
        .map(|reason| format!("{} | {} | {}", reason.code(), reason.text(), reason.label()));
    assert_same(documented, existing);
}

#[test]
fn every_error_of_a_session_has_its_cause_and_its_cure() {
    let mut existing: BTreeSet<String> = RoomRefusal::CODES.map(str::to_owned).into();
    existing.extend(given_by("src/engine/refresh.rs", "code"));
    existing.extend(CommandError::CODES.map(str::to_owned));
    assert_same(column("Errors in a session", 0), existing);
    assert!(rows("Errors in a session").iter().all(|row| row.len() == 3));
}

#[test]
fn every_limit_that_is_counted_is_explained_with_its_scope() {
    let documented = rows("Limits")
        .iter()
        .map(|row| row[..2].join(" of "))
        .collect();
    let counters = Counters::default();
    let counted = counters.limited.rows().map(|(pair, _)| pair.join(" of "));
    assert_same(documented, counted);
}

/// Settings of these sections that refuse nobody anything stand in a table of their own, and no others do.
#[test]
fn every_setting_is_counted_by_name_or_said_to_refuse_nothing() {
    let page = fs::read_to_string("docs/metrics.md").expect("the page");
    let (_, after) = page.split_once("\n## Limits\n").expect("the heading");
    let section = after.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split(" | ").next().unwrap_or_default().split('`'));
    let uncounted: BTreeSet<&str> = names.filter(|name| name.contains('.')).collect();

    let counters = Counters::default();
    let counted: BTreeSet<&str> = counters
        .limited
        .rows()
        .map(|([limit, _], _)| limit)
        .collect();
    let reference = reference();
    let mut expected = BTreeSet::new();
    let mut settings = 0;
    for section in ["limits", "deadlines", "rooms"] {
        let heading = format!("\n### `[{section}]`\n");
        let (_, after) = reference.split_once(&heading).expect("a section");
        let lines = after.lines().take_while(|line| !line.starts_with("### "));
        for key in lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
            let full = format!("{section}.{key}");
            settings += 1;
            if !counted.contains(key) && !counted.contains(full.as_str()) {
                expected.insert(full);
            }
        }
    }
    assert!(settings > 70, "{settings}");
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(uncounted, expected);
}

/// Every string that the engine names as a limit.
#[test]
fn every_limit_that_the_engine_names_is_counted_from_the_beginning() {
    let counters = Counters::default();
    let known: BTreeSet<&str> = counters
        .limited
        .rows()
        .map(|([limit, _], _)| limit)
        .collect();
    let mut named = 0;
    let mut folders = vec![std::path::PathBuf::from("src/engine")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            for mark in ["limit: \"", "too_many(\"", "count_pair([\"", "over(\""] {
                for rest in text.split(mark).skip(1) {
                    let limit = rest.split('"').next().unwrap_or_default();
                    let is_private = path.components().any(|part| part.as_os_str() == "private");
                    assert!(
                        is_private || known.contains(limit),
                        "{}: {limit}",
                        path.display()
                    );
                    named += 1;
                }
            }
        }
    }
    assert!(named > 15, "{named}");
}
