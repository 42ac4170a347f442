//! The faults of `tests/planted` can still be planted: the sources have what each of them takes away.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Faults that there must be at least for the simulator, and for each fuzz target.
const FAULTS_MIN: usize = 20;
const FAULTS_OF_TARGET_MIN: usize = 3;

/// The patches in a folder.
fn patches(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of patches");
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

/// Fuzz targets, by the folders of their corpora.
fn targets() -> BTreeSet<String> {
    let entries = fs::read_dir("fuzz/corpus").expect("corpora");
    let entries = entries.map(|entry| entry.expect("an entry"));
    // A run of the fuzzers leaves an empty one for the target that crashes on purpose.
    let has_files = |entry: &fs::DirEntry| {
        fs::read_dir(entry.path()).is_ok_and(|mut files| files.next().is_some())
    };
    let names = entries.filter(has_files).map(|entry| entry.file_name());
    names.map(|name| name.display().to_string()).collect()
}

/// Those for the fuzz targets.
fn patches_of_targets() -> Vec<PathBuf> {
    let targets = targets().into_iter();
    let folders = targets.map(|target| format!("tests/planted/fuzz/{target}"));
    folders.flat_map(|folder| patches(&folder)).collect()
}

/// The patches that the tables of a page name, in the rows that `is_meant`.
fn told(page: &str, is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let page = fs::read_to_string(page).expect("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter(|row| is_meant(row));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .filter(|name| name.ends_with(".patch"))
        .collect()
}

/// What a hunk expects to find: its lines but those that it adds.
fn before(hunk: &str) -> String {
    let lines = hunk.lines().skip(1).filter(|line| !line.starts_with('+'));
    let lines = lines.map(|line| line.get(1..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fault_can_still_be_planted() {
    let of_simulator = patches("tests/planted");
    assert!(of_simulator.len() >= FAULTS_MIN, "{}", of_simulator.len());
    for patch in of_simulator.into_iter().chain(patches_of_targets()) {
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
    let is_meant = |row: &str| row.contains(" seeds |") || row.contains(" seed |");
    let patches = patches("tests/planted");
    let names = patches
        .iter()
        .filter_map(|patch| Some(patch.file_name()?.to_str()?.to_owned()));
    assert_eq!(told("docs/simulation.md", is_meant), names.collect());
}

#[test]
fn every_fuzz_target_has_faults_and_they_stand_in_the_table_with_the_input_that_finds_them() {
    for target in targets() {
        let count = patches(&format!("tests/planted/fuzz/{target}")).len();
        assert!(count >= FAULTS_OF_TARGET_MIN, "{target}: {count}");
    }
    let patches = patches_of_targets();
    let names = patches.iter().filter_map(|patch| {
        let path = patch.strip_prefix("tests/planted/fuzz").ok()?;
        Some(path.to_str()?.to_owned())
    });
    let is_found = |row: &str| !row.contains("NOT ");
    assert_eq!(told("docs/coverage.md", is_found), names.collect());
}
