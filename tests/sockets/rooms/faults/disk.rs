//! A disk that is not well when a test says so.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

/// What is wrong with it: what `tests/fixtures/faulty_disk.c` calls these.
#[derive(Debug, Clone, Copy)]
pub enum State {
    Well = 0,
    WritesFail = 1,
    SyncsFail = 2,
    SyncsStall = 3,
}

pub struct Disk(File);

impl Disk {
    /// Stands before the C library of `command`; `None`, said aloud, where that can not be.
    pub fn before(command: &mut Command, directory: &Path) -> Option<Disk> {
        if cfg!(not(target_env = "gnu")) {
            println!("skipped: the program brings its own C library");
            return None;
        }
        let library = directory.join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/faulty_disk.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        if !compiled.is_ok_and(|status| status.success()) {
            println!("skipped: no C compiler");
            return None;
        }
        let path = directory.join("disk.state");
        fs::write(&path, [0; 8]).expect("written");
        command.env("LD_PRELOAD", &library).env("DISK_STATE", &path);
        let state = File::options().read(true).write(true).open(path);
        Some(Disk(state.expect("it is there")))
    }

    pub fn be(&self, state: State) {
        let written = self.0.write_all_at(&(state as i32).to_ne_bytes(), 0);
        written.expect("the server sees it at once");
    }

    /// How often it has failed or stalled.
    pub fn met(&self) -> i32 {
        let mut bytes = [0; 4];
        self.0.read_exact_at(&mut bytes, 4).expect("it is there");
        i32::from_ne_bytes(bytes)
    }
}
