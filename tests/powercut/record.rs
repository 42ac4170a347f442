//! The file calls of a program, read from what strace wrote.

use std::collections::BTreeMap;
use std::path::Path;

use wardroom_disk::Call;

/// The file into which the program writes a byte for each batch that is answered.
pub const ACKNOWLEDGED: &str = "acknowledged";

pub struct Recorded {
    pub calls: Vec<Call>,
    /// For each batch, how many calls there were when the program said that it is answered.
    acknowledged: Vec<usize>,
}

impl Recorded {
    /// Batches that were acknowledged before the call of this number.
    pub fn acknowledged_before(&self, at: usize) -> usize {
        let before = self.acknowledged.iter().filter(|calls| **calls <= at);
        before.count()
    }

    pub fn syncs(&self) -> usize {
        let syncs = |call: &&Call| matches!(call, Call::Sync(_));
        self.calls.iter().filter(syncs).count()
    }
}

/// Reads the calls below `directory`.
pub fn recorded(text: &str, directory: &Path) -> Recorded {
    let directory = directory.to_str().expect("a name in UTF-8");
    let mut places = BTreeMap::new();
    let mut calls = Vec::new();
    let mut known = Vec::new();
    let mut acknowledged = Vec::new();
    for line in text.lines() {
        let Some((_, call)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if is_acknowledgement(call, directory) {
            acknowledged.push(calls.len());
        }
        calls.extend(read(call, directory, &mut places, &mut known));
    }
    Recorded {
        calls,
        acknowledged,
    }
}

fn read(
    call: &str,
    directory: &str,
    places: &mut BTreeMap<String, usize>,
    known: &mut Vec<String>,
) -> Option<Call> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    assert!(!call.contains("unfinished"), "two threads at once: {call}");
    if result.starts_with('-') {
        return None;
    }
    let (_, path) = match name {
        // The name that it got stands in the result.
        "openat" => result.split_once('<')?,
        "unlink" => ("", arguments),
        _ => arguments.split_once('<')?,
    };
    let path = match name {
        "unlink" => String::from_utf8(unescaped(path.split('"').nth(1)?)).ok()?,
        _ => name_of(path)?,
    };
    let below = path.strip_prefix(directory)?;
    if below.is_empty() {
        return name.starts_with('f').then_some(Call::SyncNames);
    }
    let file = below.trim_start_matches('/').to_owned();
    // What is shared in memory alone is not on the disk, and the lock holds nothing.
    if file == ACKNOWLEDGED || file.ends_with("-shm") || file.ends_with(".lock") {
        return None;
    }
    match name {
        "openat" => {
            let is_new = arguments.contains("O_CREAT") && !known.contains(&file);
            is_new.then(|| {
                known.push(file.clone());
                Call::Create(file)
            })
        }
        "unlink" => {
            known.retain(|known| *known != file);
            Some(Call::Unlink(file))
        }
        "lseek" => {
            places.insert(file, result.trim().parse().ok()?);
            None
        }
        "ftruncate" => {
            let length = arguments.rsplit(", ").next()?.trim_end_matches(')');
            let length = length.trim().parse().ok()?;
            Some(Call::Truncate { file, length })
        }
        "fsync" | "fdatasync" => Some(Call::Sync(file)),
        "write" | "pwrite64" => {
            let bytes = unescaped(arguments.split('"').nth(1)?);
            let written: usize = result.trim().parse().ok()?;
            assert_eq!(bytes.len(), written, "a write was recorded in part");
            let place = places.entry(file.clone()).or_default();
            if name == "pwrite64" {
                let at = arguments.rsplit(", ").next()?.trim_end_matches(')');
                *place = at.trim().parse().ok()?;
            }
            let at = *place;
            *place += written;
            Some(Call::Write { file, at, bytes })
        }
        _ => None,
    }
}

/// Whether the program says that another batch is answered.
fn is_acknowledgement(call: &str, directory: &str) -> bool {
    let file = call.strip_prefix("write(").and_then(|rest| {
        let (_, path) = rest.split_once('<')?;
        name_of(path)
    });
    file.is_some_and(|file| file == format!("{directory}/{ACKNOWLEDGED}"))
}

/// `PATH>…`, the path as it is or in hexadecimal escapes.
fn name_of(text: &str) -> Option<String> {
    let (path, _) = text.split_once('>')?;
    String::from_utf8(unescaped(path)).ok()
}

fn unescaped(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    let pairs = text.split("\\x").skip(1);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits"))
        .collect()
}
