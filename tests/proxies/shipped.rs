//! The files of docs/deploy, with nothing replaced but what a test must.

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/deploy")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A file with these texts replaced, each of which must stand in it.
pub fn file(name: &str, replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(read(name), |text, (from, to)| {
        assert!(text.contains(from), "{name} does not say {from:?}");
        text.replace(from, to)
    })
}

/// The settings of Wardroom that README.md gives under this heading.
pub fn settings(heading: &str) -> String {
    let page = read("README.md");
    let section = page
        .split_once(&format!("# {heading}\n"))
        .unwrap_or_else(|| panic!("there is no heading {heading:?}"))
        .1;
    let block = section
        .split_once("```toml\n")
        .expect("a block of settings")
        .1;
    block.split("```").next().unwrap_or_default().to_owned()
}
