//! Shows each mutant to the tests that come by it, from a single build: every mutant is compiled in, and the environment says which one is on.
//! `run.sh` prepares the tree; docs/mutation.md tells what came of it.
//!
//! `wardroom-mutation TREE COPY OUT [--again] GLOB...`: the tree; its copy, whose sources are overwritten; where the verdicts go; which files.
//! `--again` takes the verdicts in OUT as they are, but for what is said to have survived.

mod edit;
mod list;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use list::Mutant;
use serde_json::Value;
use tests::Tests;

const BUILDS_MAX: usize = 30;

/// What is asked besides the library's own tests: the engine in virtual time, and what is read from files. No sockets.
const TESTS: [&str; 4] = ["engine", "corpora", "vectors", "protocol_document"];

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut next = || {
        let next = arguments.next();
        PathBuf::from(next.expect("TREE COPY OUT [--again] GLOB..."))
    };
    let (tree, copy, out) = (next(), next(), next());
    let is_again = arguments.next_if(|word| word == "--again").is_some();
    let globs: Vec<String> = arguments.collect();
    let before = if is_again {
        verdicts_before(&out)
    } else {
        BTreeMap::new()
    };
    let mutants = list::list(&tree, &globs);
    println!("{} mutants", mutants.len());
    let mut build = Build::new(&tree, copy, mutants);
    let unviable = build.mutants.iter().filter(|mutant| {
        let verdict = before.get(&mutant.name);
        verdict.is_some_and(|verdict| *verdict == "unviable")
    });
    build.unviable = unviable.map(|mutant| mutant.number).collect();
    let programs = build.until_it_compiles();
    let tests = Tests::new(build.copy.clone(), programs);
    let mut verdicts = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mutant in &build.mutants {
        let verdict = match mutant.number {
            number if build.unviable.contains(&number) => "unviable",
            number if build.left_out.contains(&number) => "not tried",
            number => match before.get(&mutant.name) {
                Some(noticed) => noticed,
                None => tests.verdict(number),
            },
        };
        *counts.entry(verdict).or_default() += 1;
        if matches!(verdict, "survived" | "not tried") {
            println!("{verdict}: {}", mutant.name);
        }
        writeln!(verdicts, "{verdict}\t{}\t{}", mutant.number, mutant.name).expect("a string");
        fs::write(out.with_extension("new"), &verdicts).expect("a file of verdicts");
    }
    fs::rename(out.with_extension("new"), &out).expect("a file of verdicts");
    println!("{counts:?}");
}

/// What an earlier run came to, ended or not, by the names of the mutants.
fn verdicts_before(out: &Path) -> BTreeMap<String, &'static str> {
    let whole = fs::read_to_string(out).unwrap_or_default();
    let part = fs::read_to_string(out.with_extension("new")).unwrap_or_default();
    let of_line = |line: &str| {
        let mut columns = line.split('\t');
        let verdict = match columns.next()? {
            "caught" => "caught",
            "timeout" => "timeout",
            "unviable" => "unviable",
            _ => return None,
        };
        Some((columns.nth(1)?.to_owned(), verdict))
    };
    whole
        .lines()
        .chain(part.lines())
        .filter_map(of_line)
        .collect()
}

struct Build {
    copy: PathBuf,
    /// The sources as they are.
    sources: BTreeMap<String, String>,
    mutants: Vec<Mutant>,
    /// Those that do not compile.
    unviable: BTreeSet<u32>,
    /// Those in what must be `const`, or of a shape that no switch fits.
    left_out: BTreeSet<u32>,
    constant: BTreeSet<String>,
}

impl Build {
    fn new(tree: &Path, copy: PathBuf, mutants: Vec<Mutant>) -> Self {
        let mut sources = BTreeMap::new();
        read_sources(tree, Path::new("src"), &mut sources);
        let library = sources.get_mut("src/lib.rs").expect("a library");
        library.push_str(tests::SWITCH);
        Build {
            copy,
            sources,
            mutants,
            unviable: BTreeSet::new(),
            left_out: BTreeSet::new(),
            constant: BTreeSet::new(),
        }
    }

    /// The test programs.
    fn until_it_compiles(&mut self) -> Vec<PathBuf> {
        for _ in 0..BUILDS_MAX {
            self.write();
            let (programs, errors) = self.compile();
            if let Some(programs) = programs {
                return programs;
            }
            let before = (self.unviable.len(), self.constant.len());
            for error in &errors {
                self.learn(error);
            }
            let after = (self.unviable.len(), self.constant.len());
            println!(
                "{} do not compile, {} functions stay const",
                after.0, after.1
            );
            for error in errors.iter().filter(|_| before == after) {
                println!(
                    "{}",
                    error["message"]["rendered"].as_str().unwrap_or_default()
                );
            }
            assert_ne!(before, after, "errors that belong to no mutant");
        }
        panic!("it does not compile");
    }

    fn write(&mut self) {
        self.left_out.clear();
        for (file, source) in &self.sources {
            let here = self.mutants.iter().filter(|mutant| mutant.file == *file);
            let viable: Vec<&Mutant> = here
                .filter(|mutant| !self.unviable.contains(&mutant.number))
                .collect();
            let edited = match viable.is_empty() {
                true => edit::Edited::unchanged(source),
                false => edit::edit(source, &viable, &self.constant),
            };
            self.left_out.extend(edited.left_out);
            self.unviable.extend(edited.no_program);
            // What stays as it was is not built again.
            let place = self.copy.join(file);
            if fs::read_to_string(&place).is_ok_and(|there| there == edited.text) {
                continue;
            }
            fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            fs::write(place, edited.text).expect("a source");
        }
    }

    fn compile(&self) -> (Option<Vec<PathBuf>>, Vec<Value>) {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--no-run", "--message-format=json", "--lib"])
            .args(TESTS.iter().flat_map(|name| ["--test", name]))
            .current_dir(&self.copy)
            .stderr(std::process::Stdio::null());
        let output = command.output().expect("cargo");
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let messages: Vec<Value> = messages
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let mut programs: Vec<(bool, PathBuf)> = messages
            .iter()
            .filter(|message| message["profile"]["test"] == true)
            .filter_map(|message| {
                let is_other = message["target"]["kind"][0] == "test";
                Some((is_other, message["executable"].as_str()?.into()))
            })
            .collect();
        programs.sort();
        let programs = programs.into_iter().map(|(_, program)| program).collect();
        let errors = messages
            .iter()
            .filter(|message| message["message"]["level"] == "error");
        (
            output.status.success().then_some(programs),
            errors.cloned().collect(),
        )
    }

    /// Which mutant, or which function that must stay const, a compiler's error is about.
    fn learn(&mut self, error: &Value) {
        let message = &error["message"];
        if message["code"]["code"] == "E0015" {
            let text = message["message"].as_str().unwrap_or_default();
            let path = text.split('`').nth(1).unwrap_or_default();
            let name = path.rsplit("::").next().unwrap_or_default();
            if !name.is_empty() && name != "is" {
                self.constant.insert(name.to_owned());
                return;
            }
        }
        let spans = message["spans"].as_array().cloned().unwrap_or_default();
        let children = message["children"].as_array().cloned().unwrap_or_default();
        let further = children
            .iter()
            .filter_map(|child| child["spans"].as_array().cloned())
            .flatten();
        let primary = spans.iter().filter(|span| span["is_primary"] == true);
        let found: BTreeSet<u32> = primary.flat_map(numbers).collect();
        let found = match found.is_empty() {
            true => spans
                .iter()
                .cloned()
                .chain(further)
                .flat_map(|span| numbers(&span))
                .collect(),
            false => found,
        };
        self.unviable.extend(found);
    }
}

/// Every file of a folder, by its path in the tree.
fn read_sources(tree: &Path, folder: &Path, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(tree.join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            read_sources(tree, &path, sources);
        } else {
            let text = fs::read_to_string(entry.path()).expect("a source");
            sources.insert(path.display().to_string(), text);
        }
    }
}

/// The switches in the lines of a span.
fn numbers(span: &Value) -> Vec<u32> {
    let lines = span["text"].as_array().cloned().unwrap_or_default();
    let texts = lines.iter().filter_map(|line| line["text"].as_str());
    texts
        .flat_map(|text| text.split("crate::mutant::is(").skip(1))
        .filter_map(|rest| rest.split(')').next()?.parse().ok())
        .collect()
}
