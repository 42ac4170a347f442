//! Power cuts, which `kill -9` cannot show: what the kernel had not yet written is gone, or there in part.
//!
//! The store works under strace, which records its file calls. From the record, disks are rebuilt as a cut at some moment
//! could have left them: of every write that was not synced by then the whole is there, nothing, or some of its sectors. Each is
//! opened, and must hold what was acknowledged, exactly: the state after the last batch that was answered, or after the one that
//! was being written.

mod load;
mod record;

use std::path::Path;
use std::process::Command;

use load::{Load, Model};
use record::{Recorded, recorded};
use wardroom::store::{Archive, Company, Sqlite};
use wardroom_disk::{Dice, Files};

/// Disks rebuilt and opened.
const DISKS: u64 = 640;
/// Batches of questions that the store answers under the recorder: enough that its log is copied into the database and begun
/// anew several times.
const BATCHES: usize = 700;
/// Where the recorded load keeps its store.
const STORE: &str = "WARDROOM_POWERCUT_STORE";

#[test]
#[ignore = "is started by the other tests, under the recorder"]
fn the_load_that_is_recorded() {
    if let Some(directory) = std::env::var_os(STORE) {
        Load::new().run(Path::new(&directory), BATCHES);
    }
}

/// Lets the load run under strace; `None` where there is none.
fn record(directory: &Path) -> Option<Recorded> {
    let log = directory.join("calls");
    let store = directory.join("store");
    let calls = "openat,lseek,write,pwrite64,ftruncate,fsync,fdatasync,unlink";
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-xx", "-s", "70000", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-o")
        .arg(&log)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "the_load_that_is_recorded", "--ignored"])
        .env(STORE, &store);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: strace can not be started: {error}");
            return None;
        }
    };
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("PTRACE_TRACEME") || told.contains("ptrace(") {
        eprintln!("skipped: nothing may be traced here: {told}");
        return None;
    }
    assert!(output.status.success(), "{told}");
    let text = std::fs::read_to_string(&log).expect("the record");
    Some(recorded(&text, &store))
}

/// What is wrong with a disk that was cut off after so many acknowledged batches; `None`: nothing.
fn fault(disk: &Files, directory: &Path, acknowledged: usize, model: &Model) -> Option<String> {
    disk.write(directory).expect("files");
    let mut store = match Sqlite::open(directory, Company::Alone) {
        Ok(store) => store,
        Err(error) => return Some(format!("can not be opened: {error}")),
    };
    let found = load::dump(&mut store);
    drop(store);
    let checked = Archive::in_directory(directory).and_then(|mut archive| archive.check());
    match checked {
        Ok(checked) if checked.faults.is_empty() => {}
        other => return Some(format!("{other:?}")),
    }
    let answered = model.after(acknowledged);
    if found == answered {
        return None;
    }
    let being_written = model.after(acknowledged + 1);
    (found != being_written).then(|| "is neither before nor after the batch".to_owned())
}

/// Builds so many disks from the record and opens each; what was wrong with them.
fn cut(recorded: &Recorded, disks: u64, are_syncs_kept: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let model = Model::new(BATCHES + 1);
    let mut cuts: Vec<(usize, u64)> = (0..disks)
        .map(|number| (Dice::new(number).below(recorded.calls.len()), number))
        .collect();
    cuts.sort_unstable();
    for (at, number) in cuts {
        let directory = tempfile::tempdir().expect("a directory");
        let calls = &recorded.calls[..at];
        let disk = Files::default().after_a_cut(calls, are_syncs_kept, Dice::new(number));
        let acknowledged = recorded.acknowledged_before(at);
        if let Some(fault) = fault(&disk, directory.path(), acknowledged, &model) {
            faults.push(format!(
                "disk {number}, cut at call {at} after {acknowledged} batches: {fault}"
            ));
        }
    }
    faults
}

#[test]
fn whatever_a_power_cut_leaves_of_unsynced_writes_all_that_was_acknowledged_is_there_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(recorded) = record(directory.path()) else {
        return;
    };
    assert_eq!(recorded.acknowledged_before(usize::MAX), BATCHES);
    let faults = cut(&recorded, DISKS, true);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A disk that only says that it has synced loses messages: had the store not synced, this test would have seen it.
    let faults = cut(&recorded, 40, false);
    assert!(faults.len() > 10, "{} of 40 were found out", faults.len());
    eprintln!(
        "{DISKS} disks of {} file calls, {} syncs for {BATCHES} batches: all good; without syncs {} of 40 were not",
        recorded.calls.len(),
        recorded.syncs(),
        faults.len()
    );
}
