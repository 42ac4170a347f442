//! The tests, and which of them a mutant has to be shown to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Of the processor, beside ten times what the tests take: how busy the machine is counts for little.
const TIME_MORE: Duration = Duration::from_secs(3);
/// Of the clock, for tests that wait for something that never comes.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// Of memory: a mutant that never ends may never end asking for more.
const PAGES_MAX: u64 = 2 << 18;
/// How far the tests that come by a mutant are asked, cheap ones first, in steps: what they cost together. Those of the library are all asked.
const STEPS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_secs(2),
    Duration::from_secs(20),
];

/// What every mutant asks whether it is on. The first panic ends the program: one test that notices is enough. Or, where `REACHED` names a file,
/// no mutant is on, and each test writes down what it took of the processor, and which mutants it came by.
pub const SWITCH: &str = r#"
#[allow(missing_docs, clippy::all)]
pub mod mutant {
    use std::cell::RefCell;
    use std::io::Write as _;
    use std::sync::OnceLock;

    struct Reached(String, String, Vec<bool>);

    impl Drop for Reached {
        fn drop(&mut self) {
            let used = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            let used = used.split(' ').next().unwrap_or_default().to_owned();
            let numbers = self.2.iter().enumerate().filter(|(_, is_reached)| **is_reached);
            let numbers: Vec<String> = numbers.map(|(number, _)| number.to_string()).collect();
            let line = format!("{}\t{used}\t{}\n", self.1, numbers.join(" "));
            let file = std::fs::OpenOptions::new().append(true).create(true).open(&self.0);
            file.unwrap().write_all(line.as_bytes()).unwrap();
        }
    }

    thread_local! {
        static REACHED: RefCell<Option<Reached>> = const { RefCell::new(None) };
    }

    fn note(file: &str, number: u32) {
        let noted = REACHED.try_with(|reached| {
            let mut reached = reached.borrow_mut();
            let reached = reached.get_or_insert_with(|| {
                let name = std::thread::current().name().unwrap_or("?").to_owned();
                Reached(file.to_owned(), name, vec![false; 1 << 14])
            });
            reached.2[number as usize] = true;
        });
        noted.unwrap_or_default();
    }

    pub fn is(number: u32) -> bool {
        static ON: OnceLock<(u32, Option<String>)> = OnceLock::new();
        let (on, reached) = ON.get_or_init(|| {
            let named = std::env::var("MUTANT").ok();
            let on = named.and_then(|number| number.parse().ok()).unwrap_or(0);
            let reached = std::env::var("REACHED").ok();
            if reached.is_none() {
                std::panic::set_hook(Box::new(|_| std::process::exit(101)));
            }
            (on, reached)
        });
        if let Some(file) = reached {
            note(file, number);
        }
        *on == number
    }
}
"#;

/// One test of one program.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    cost: Duration,
    program: usize,
    name: String,
}

pub struct Tests {
    /// Folder that the tests run in.
    tree: PathBuf,
    /// The library's own first.
    programs: Vec<PathBuf>,
    /// By mutant: the tests that come by it, cheap ones first.
    reached: BTreeMap<u32, Vec<Test>>,
}

impl Tests {
    pub fn new(tree: PathBuf, programs: Vec<PathBuf>) -> Self {
        let mut tests = Tests {
            tree,
            programs,
            reached: BTreeMap::new(),
        };
        for program in 0..tests.programs.len() {
            tests.learn(program);
        }
        tests.reached.values_mut().for_each(|by| by.sort());
        tests
    }

    /// Which mutants the tests of a program come by.
    fn learn(&mut self, program: usize) {
        let file = self.programs[program].with_extension("reached");
        let _ = fs::remove_file(&file);
        let mut command = self.command(0, program, &[]);
        let status = command.env("REACHED", &file).status().expect("the tests");
        assert!(status.success(), "the tests hold as it is");
        let mut all = Duration::ZERO;
        let lines = fs::read_to_string(&file).unwrap_or_default();
        for line in lines.lines() {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            let (name, used, numbers) = (next().to_owned(), next(), next());
            let cost = Duration::from_nanos(used.parse().unwrap_or_default());
            all += cost;
            for number in numbers.split(' ').filter_map(|number| number.parse().ok()) {
                let test = Test {
                    cost,
                    program,
                    name: name.clone(),
                };
                self.reached.entry(number).or_default().push(test);
            }
        }
        println!("{} take {all:?}", self.programs[program].display());
        let verdict = self.run(0, program, &[], all);
        assert_eq!(verdict, "survived", "no test panics on purpose");
    }

    /// Whether a test notices the mutant: of those that come by it when it is off, cheap ones before others. What several tests share is put down
    /// to the first that asked for it; so more may survive than should, never less.
    pub fn verdict(&self, number: u32) -> &'static str {
        let none = Vec::new();
        let by = self.reached.get(&number).unwrap_or(&none);
        let mut sum = Duration::ZERO;
        let mut steps: Vec<Vec<&Test>> = vec![Vec::new(); STEPS.len() + 1];
        for test in by {
            sum += test.cost;
            let step = STEPS.iter().take_while(|most| sum > **most).count();
            if step < STEPS.len() || test.program == 0 {
                steps[step].push(test);
            }
        }
        for step in steps {
            for program in 0..self.programs.len() {
                let some = step.iter().filter(|test| test.program == program);
                let names: Vec<&str> = some.clone().map(|test| test.name.as_str()).collect();
                let cost = some.map(|test| test.cost).sum();
                if names.is_empty() {
                    continue;
                }
                let verdict = self.run(number, program, &names, cost);
                if verdict != "survived" {
                    return verdict;
                }
            }
        }
        "survived"
    }

    fn command(&self, number: u32, program: usize, names: &[&str]) -> Command {
        let mut command = Command::new(&self.programs[program]);
        command
            .args(["--quiet", "--test-threads", "1"])
            .args(names.first().map(|_| "--exact"))
            .args(names)
            .current_dir(&self.tree)
            .env("MUTANT", number.to_string())
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, number: u32, program: usize, names: &[&str], cost: Duration) -> &'static str {
        let mut command = self.command(number, program, names);
        let mut child = command.spawn().expect("the tests");
        let begun = Instant::now();
        let process = PathBuf::from(format!("/proc/{}", child.id()));
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                return if status.success() {
                    "survived"
                } else {
                    "caught"
                };
            }
            let is_over = processor_time(&process) > TIME_MORE + 10 * cost
                || pages(&process) > PAGES_MAX
                || begun.elapsed() > WAIT_MAX;
            if is_over {
                child.kill().expect("a child");
                child.wait().expect("a child");
                return "timeout";
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

/// What all threads of a process have used.
fn processor_time(process: &Path) -> Duration {
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let used = behind_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = used.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Of memory that is there.
fn pages(process: &Path) -> u64 {
    let sizes = fs::read_to_string(process.join("statm")).unwrap_or_default();
    let resident = sizes.split(' ').nth(1);
    resident
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default()
}
