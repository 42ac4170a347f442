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
/// Tests up to this cost together are asked first.
const CHEAP: Duration = Duration::from_millis(200);

/// What every mutant asks whether it is on. The first panic ends the program: one test that notices is enough. Or, where `REACHED` names a file,
/// no mutant is on, and each test writes down what it took of the processor, and which mutants it came by.
pub const SWITCH: &str = r#"
pub mod mutant {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::io::Write as _;
    use std::sync::OnceLock;

    struct Reached(String, String, BTreeSet<u32>);

    impl Drop for Reached {
        fn drop(&mut self) {
            let used = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
            let used = used.split(' ').next().unwrap_or_default().to_owned();
            let numbers: Vec<String> = self.2.iter().map(u32::to_string).collect();
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
                Reached(file.to_owned(), name, BTreeSet::new())
            });
            reached.2.insert(number);
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

pub struct Tests {
    program: PathBuf,
    /// By mutant: names and costs of the tests that come by it, cheap ones first.
    reached: BTreeMap<u32, Vec<(Duration, String)>>,
    /// What all tests cost.
    all: Duration,
}

impl Tests {
    pub fn new(program: PathBuf) -> Self {
        let file = program.with_extension("reached");
        let _ = fs::remove_file(&file);
        let mut tests = Tests {
            program,
            reached: BTreeMap::new(),
            all: WAIT_MAX,
        };
        let mut command = tests.command(0, &[]);
        let status = command.env("REACHED", &file).status().expect("the tests");
        assert!(status.success(), "the tests hold as it is");
        tests.all = Duration::ZERO;
        for line in fs::read_to_string(&file).expect("what was reached").lines() {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            let (name, used, numbers) = (next(), next(), next());
            let used = Duration::from_nanos(used.parse().unwrap_or_default());
            tests.all += used;
            for number in numbers.split(' ').filter_map(|number| number.parse().ok()) {
                let by = tests.reached.entry(number).or_default();
                by.push((used, name.to_owned()));
            }
        }
        tests.reached.values_mut().for_each(|by| by.sort());
        let verdict = tests.run(0, &[], tests.all);
        assert_eq!(verdict, "survived", "no test panics on purpose");
        println!("all tests take {:?}", tests.all);
        tests
    }

    /// Whether a test notices the mutant. First those that come by it when it is off, cheap ones before others; then, so that nothing hangs on
    /// what was written down of them, all.
    pub fn verdict(&self, number: u32) -> &'static str {
        let none = Vec::new();
        let by = self.reached.get(&number).unwrap_or(&none);
        let mut sum = Duration::ZERO;
        let cheap = by.iter().take_while(|(used, _)| {
            sum += *used;
            sum <= CHEAP
        });
        let (cheap, dear) = by.split_at(cheap.count());
        for some in [cheap, dear].into_iter().filter(|some| !some.is_empty()) {
            let names: Vec<&str> = some.iter().map(|(_, name)| name.as_str()).collect();
            let verdict = self.run(number, &names, some.iter().map(|(used, _)| *used).sum());
            if verdict != "survived" {
                return verdict;
            }
        }
        self.run(number, &[], self.all)
    }

    fn command(&self, number: u32, names: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--quiet", "--test-threads", "1"])
            .args(names.first().map(|_| "--exact"))
            .args(names)
            .current_dir(self.program.ancestors().nth(4).expect("a tree"))
            .env("MUTANT", number.to_string())
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, number: u32, names: &[&str], cost: Duration) -> &'static str {
        let mut child = self.command(number, names).spawn().expect("the tests");
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
