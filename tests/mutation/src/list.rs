//! The mutants that cargo-mutants would make of a tree.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Span {
    pub start: Place,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Mutant {
    pub file: String,
    pub genre: String,
    /// File, place and change in words.
    pub name: String,
    pub replacement: String,
    pub span: Span,
    /// From 1 on; 0 is the program as it is.
    #[serde(skip)]
    pub number: u32,
}

/// Those in the files that match one of `globs`.
pub fn list(tree: &Path, globs: &[String]) -> Vec<Mutant> {
    let mut command = Command::new("cargo");
    command
        .args(["mutants", "--list", "--json"])
        .current_dir(tree);
    for glob in globs {
        command.args(["--file", glob]);
    }
    let output = command.output().expect("cargo mutants is installed");
    assert!(output.status.success(), "cargo mutants --list: {output:?}");
    let mut mutants: Vec<Mutant> = serde_json::from_slice(&output.stdout).expect("a list");
    for (number, mutant) in (1..).zip(&mut mutants) {
        mutant.number = number;
    }
    mutants
}
