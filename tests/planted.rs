//! The faults of `tests/planted` can still be planted: the sources have what each of them takes away.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Faults that there must be at least.
const FAULTS_MIN: usize = 20;

fn patches() -> Vec<PathBuf> {
    let entries = fs::read_dir("tests/planted").expect("a folder of patches");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut patches: Vec<PathBuf> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "patch")
        })
        .collect();
    patches.sort();
    patches
}

/// What a hunk expects to find: its lines but those that it adds.
fn before(hunk: &str) -> String {
    let lines = hunk.lines().skip(1).filter(|line| !line.starts_with('+'));
    let lines = lines.map(|line| line.get(1..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fault_can_still_be_planted() {
    let patches = patches();
    assert!(patches.len() >= FAULTS_MIN, "{} faults", patches.len());
    for patch in patches {
        let text = fs::read_to_string(&patch).expect("a patch");
        let file = text.lines().find_map(|line| line.strip_prefix("+++ b/"));
        let source = fs::read_to_string(file.expect("a file")).expect("the sources");
        let hunks = text.split("\n@@").skip(1);
        let mut found = 0;
        for hunk in hunks {
            let before = before(hunk);
            let times = source.matches(before.trim_end_matches('\n')).count();
            assert_eq!(times, 1, "{} is not to be found", patch.display());
            found += 1;
        }
        assert!(found > 0, "{} changes nothing", patch.display());
    }
}

#[test]
fn every_fault_stands_in_the_table_with_the_seeds_that_find_it() {
    let page = fs::read_to_string("docs/simulation.md").expect("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter(|row| row.contains(" seeds |") || row.contains(" seed |"));
    let told: BTreeSet<&str> = rows
        .filter_map(|row| Some(row.split_once('`')?.0))
        .collect();
    let patches = patches();
    let stems = patches
        .iter()
        .filter_map(|patch| patch.file_stem()?.to_str());
    assert_eq!(told, stems.collect());
}
