//! Runs the tests of a module once for each mutant of it, from a single build: every mutant is compiled in, and the environment says which one
//! is on. `run.sh` prepares the tree; docs/mutation.md tells what came of it.
//!
//! `wardroom-mutation TREE OUT GLOB...`: the tree, whose sources are overwritten; where the verdicts go; which files.

mod edit;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use list::Mutant;
use serde_json::Value;

const BUILDS_MAX: usize = 30;
/// Of the processor: how busy the machine is counts for nothing. Far more than all tests of these modules take.
const TEST_TIME_MAX: Duration = Duration::from_secs(40);
/// Of the clock, for tests that wait for something that never comes.
const WAIT_MAX: Duration = Duration::from_secs(600);

const SWITCH: &str = "
pub mod mutant {
    pub fn is(number: u32) -> bool {
        static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let on = ON.get_or_init(|| {
            let named = std::env::var(\"MUTANT\").ok();
            named.and_then(|number| number.parse().ok()).unwrap_or(0)
        });
        *on == number
    }
}
";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("TREE OUT GLOB...");
    let (tree, out) = (PathBuf::from(next()), PathBuf::from(next()));
    let globs: Vec<String> = arguments.collect();
    let mutants = list::list(&tree, &globs);
    println!("{} mutants", mutants.len());
    let mut build = Build::new(tree, mutants);
    let test = build.until_it_compiles();
    assert_eq!(run(&test, 0, ""), "survived", "the tests hold as it is");
    let mut verdicts = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mutant in &build.mutants {
        let verdict = match mutant.number {
            number if build.unviable.contains(&number) => "unviable",
            number if build.left_out.contains(&number) => "not tried",
            // The module's own tests, and only if they notice nothing those of the others.
            number => match run(&test, number, &format!("{}::", mutant.module())) {
                "survived" => run(&test, number, ""),
                noticed => noticed,
            },
        };
        *counts.entry(verdict).or_default() += 1;
        if matches!(verdict, "survived" | "not tried") {
            println!("{verdict}: {}", mutant.name);
        }
        writeln!(verdicts, "{verdict}\t{}\t{}", mutant.number, mutant.name).expect("a string");
        fs::write(&out, &verdicts).expect("a file of verdicts");
    }
    println!("{counts:?}");
}

struct Build {
    tree: PathBuf,
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
    fn new(tree: PathBuf, mutants: Vec<Mutant>) -> Self {
        let read = |file: &String| fs::read_to_string(tree.join(file)).expect("a source");
        let sources = mutants
            .iter()
            .map(|mutant| (mutant.file.clone(), read(&mutant.file)))
            .collect();
        let library = tree.join("src/lib.rs");
        let text = fs::read_to_string(&library).expect("a library");
        fs::write(&library, text + SWITCH).expect("a library");
        Build {
            tree,
            sources,
            mutants,
            unviable: BTreeSet::new(),
            left_out: BTreeSet::new(),
            constant: BTreeSet::new(),
        }
    }

    /// The test program.
    fn until_it_compiles(&mut self) -> PathBuf {
        for _ in 0..BUILDS_MAX {
            self.write();
            let (program, errors) = self.compile();
            if let Some(program) = program {
                return program;
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
            let edited = edit::edit(source, &viable, &self.constant);
            self.left_out.extend(edited.left_out);
            fs::write(self.tree.join(file), edited.text).expect("a source");
        }
    }

    fn compile(&self) -> (Option<PathBuf>, Vec<Value>) {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--lib", "--no-run", "--message-format=json"])
            .current_dir(&self.tree)
            .stderr(Stdio::null());
        let output = command.output().expect("cargo");
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let messages: Vec<Value> = messages
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let program = messages.iter().find_map(|message| {
            let is_test = message["profile"]["test"] == true;
            message["executable"].as_str().filter(|_| is_test)
        });
        let errors = messages
            .iter()
            .filter(|message| message["message"]["level"] == "error");
        (
            program
                .filter(|_| output.status.success())
                .map(PathBuf::from),
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

/// The switches in the lines of a span.
fn numbers(span: &Value) -> Vec<u32> {
    let lines = span["text"].as_array().cloned().unwrap_or_default();
    let texts = lines.iter().filter_map(|line| line["text"].as_str());
    texts
        .flat_map(|text| text.split("crate::mutant::is(").skip(1))
        .filter_map(|rest| rest.split(')').next()?.parse().ok())
        .collect()
}

/// Whether the tests notice the mutant that is on.
fn run(test: &Path, number: u32, filter: &str) -> &'static str {
    let mut child = Command::new(test)
        .args(["--quiet", filter])
        .current_dir(test.ancestors().nth(4).expect("a tree"))
        .env("MUTANT", number.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a test program");
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return if status.success() {
                "survived"
            } else {
                "caught"
            };
        }
        if processor_time(child.id()) > TEST_TIME_MAX || begun.elapsed() > WAIT_MAX {
            child.kill().expect("a child");
            child.wait().expect("a child");
            return "timeout";
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What all threads of a process have used.
fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let used = behind_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = used.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
