//! The documents against the tree: every test, file and heading that they name exists, and figures that the program tells are those that it tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wardroom::config::Config;
use wardroom::engine::Arithmetic;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page of prose.
fn documents() -> Vec<PathBuf> {
    let pages = [
        "README.md",
        "benches/README.md",
        "fuzz/README.md",
        "tests/browser/README.md",
        ".ci/README.md",
    ];
    let mut documents: Vec<PathBuf> = pages.iter().map(|page| root().join(page)).collect();
    files(&root().join("docs"), "md", &mut documents);
    documents
}

/// Every file with this ending below a folder.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() && !path.ends_with("node_modules") {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

/// The names of all functions that are tests.
fn tests() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "examples"] {
        files(&root().join(folder), "rs", &mut sources);
    }
    let mut names = BTreeSet::new();
    for source in sources {
        let text = fs::read_to_string(&source).expect("a source file");
        for part in text.split("#[test]").skip(1) {
            let name = part
                .split("fn ")
                .nth(1)
                .and_then(|rest| rest.split('(').next());
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

/// What stands between single back quotes, outside blocks of code.
fn quoted(document: &str) -> Vec<&str> {
    let prose = document.split("```").step_by(2);
    prose
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

/// A sentence in snake case; settings have sections or fewer words, and the longest of them and of metrics a known end.
fn reads_like_a_test(name: &str) -> bool {
    let words = name.split('_').count();
    words >= 5
        && !["_total", "_max", "_per_member"]
            .iter()
            .any(|end| name.ends_with(end))
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[test]
fn every_test_that_a_document_names_exists() {
    let tests = tests();
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for name in quoted(&text) {
            if reads_like_a_test(name) {
                assert!(
                    tests.contains(name),
                    "{}: there is no test {name}",
                    document.display()
                );
            }
        }
    }
}

#[test]
fn every_metric_that_a_document_or_the_dashboard_names_exists() {
    let table = read("docs/metrics.md");
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let metrics: BTreeSet<&str> = rows.collect();
    let mut pages = documents();
    pages.push(root().join("docs/deploy/grafana-dashboard.json"));
    for page in pages {
        let text = fs::read_to_string(&page).expect("a document");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in words.filter(|word| word.starts_with("wardroom_")) {
            let of_histogram = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let exists =
                metrics.contains(name) || of_histogram.is_some_and(|name| metrics.contains(name));
            // The file of a package, or the beginning of several names.
            let is_other = name.ends_with('_') || name.ends_with("_NEW");
            assert!(exists || is_other, "{}: there is no {name}", page.display());
        }
    }
}

#[test]
fn the_arithmetic_of_memory_in_the_operators_document_is_what_a_start_tells() {
    let told = Arithmetic::of(&Config::default()).to_string();
    let found = read("docs/operations.md").contains(&format!("```text\n{told}\n```"));
    assert!(found, "docs/operations.md is to show:\n{told}");
}

#[test]
fn every_item_of_asvs_names_what_holds_it() {
    let page = read("docs/asvs.md");
    let is_item =
        |line: &&str| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit());
    let items: Vec<&str> = page.lines().filter(is_item).collect();
    assert!(items.len() >= 20, "{} items were found", items.len());
    for item in items {
        let last = item.trim_end_matches(" |").rsplit(" | ").next();
        let last = last.unwrap_or_default();
        let is_held = quoted(last).into_iter().any(reads_like_a_test)
            || links(last).iter().any(|link| link.ends_with(".test.js"));
        assert!(is_held, "{item}");
    }
}

#[test]
fn every_attack_has_a_test() {
    let mut attacks = 0;
    for path in ["README.md", "docs/security.md"] {
        let document = read(path);
        let mut in_table = false;
        for line in document.lines() {
            let last = line
                .trim_end_matches(" |")
                .rsplit(" | ")
                .next()
                .unwrap_or_default();
            in_table = line.starts_with('|') && (in_table || last == "test");
            let is_row = in_table && last != "test" && !line.starts_with("|---");
            if is_row && !line.contains("**not solved yet**") {
                assert!(
                    reads_like_a_test(last.rsplit('`').nth(1).unwrap_or_default()),
                    "{path}: {line}"
                );
                attacks += 1;
            }
        }
    }
    assert!(attacks > 30, "{attacks} lines were found");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        let folder = document.parent().expect("a folder");
        for target in links(&text) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let place = if path.is_empty() {
                document.clone()
            } else {
                folder.join(path)
            };
            assert!(place.exists(), "{}: {target}", document.display());
            if !heading.is_empty() {
                let headings = headings(&fs::read_to_string(&place).expect("a document"));
                assert!(
                    headings.contains(heading),
                    "{}: {target}",
                    document.display()
                );
            }
        }
    }
}

/// Targets of links that stay in the repository.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|text| text.split("](").skip(1));
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// Anchors, as they are made of headings: lower case, hyphens for spaces, no other punctuation.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
