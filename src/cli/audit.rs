//! `wardroom audit`: walks moderation logs, of a store or of what was written out of one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use serde_json::Value;

use super::store::{ArchiveArguments, hex};
use super::{Failure, table};
use crate::rooms::audit::{Break, Chain, Digest, Entry};
use crate::rooms::record::Head;
use crate::rooms::standing::Authority;
use crate::store::Exported;
use crate::time::Wall;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Say whether every entry is what it was when it was written, and none is missing before the last.
    Verify {
        /// The log of one room alone, by its id.
        #[arg(long, value_name = "ROOM")]
        room: Option<String>,
        /// Lines of `wardroom store export`, instead of a store.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "copy"])]
        exported: Option<PathBuf>,
        /// An end of that room's log that is known from before: the log must still hold this entry.
        #[arg(long, value_name = "NUMBER:HASH", requires = "room", value_parser = parse_head)]
        known: Option<Head>,
        #[command(flatten)]
        archive: ArchiveArguments,
    },
}

impl AuditCommand {
    pub(super) fn run(
        self,
        environment: Vec<(OsString, OsString)>,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let AuditCommand::Verify {
            room,
            exported,
            known,
            archive,
        } = self;
        let mut logs = Logs {
            known,
            found: BTreeMap::new(),
        };
        match exported {
            Some(file) => logs.read(&file, room.as_deref())?,
            None => archive
                .open(environment)?
                .export_logs(room.as_deref(), &mut |exported| {
                    if let Exported::Entry(room, head, entry) = exported {
                        logs.take(room, head, &entry);
                    }
                    Ok(())
                })?,
        }
        logs.tell(room.as_deref(), output)
    }
}

/// The logs that are walked.
struct Logs {
    known: Option<Head>,
    found: BTreeMap<Arc<str>, Log>,
}

struct Log {
    chain: Chain,
    broken: Option<Break>,
    /// Whether the known entry was met.
    has_known: bool,
}

impl Logs {
    fn take(&mut self, room: Arc<str>, head: Head, entry: &Entry) {
        let log = self.found.entry(Arc::clone(&room)).or_insert_with(|| Log {
            chain: Chain::of(room),
            broken: None,
            has_known: false,
        });
        if log.broken.is_none() {
            log.broken = log.chain.follow(head, entry).err();
            log.has_known |= log.broken.is_none() && self.known == Some(head);
        }
    }

    fn read(&mut self, file: &Path, room: Option<&str>) -> Result<(), Failure> {
        let failed = |what: &dyn std::fmt::Display| {
            Failure::Operation(format!("{}: {what}", file.display()))
        };
        let lines = BufReader::new(File::open(file).map_err(|error| failed(&error))?).lines();
        for (at, line) in (1..).zip(lines) {
            let line = line.map_err(|error| failed(&error))?;
            let parsed: Value = serde_json::from_str(&line)
                .map_err(|error| failed(&format_args!("line {at}: {error}")))?;
            if parsed.get("type").and_then(Value::as_str) != Some("log") {
                continue;
            }
            let Some((of, head, entry)) = parse_entry(&parsed) else {
                return Err(failed(&format_args!("line {at}: is no entry of a log")));
            };
            if room.is_none_or(|room| *room == *of) {
                self.take(of, head, &entry);
            }
        }
        Ok(())
    }

    fn tell(&self, room: Option<&str>, output: &mut dyn Write) -> Result<(), Failure> {
        if let Some(room) = room.filter(|room| !self.found.contains_key(*room)) {
            return Err(Failure::Operation(format!("there is no log of {room:?}")));
        }
        let rows: Vec<[String; 3]> = self
            .found
            .iter()
            .map(|(room, log)| {
                let end = log.chain.end();
                [room.to_string(), end.number.to_string(), hex(&end.digest)]
            })
            .collect();
        table::print(["ROOM", "VERIFIED", "HASH"], &rows, output)?;
        let broken = self.found.iter().filter_map(|(room, log)| {
            let found = log.broken?;
            Some(format!("{room}: {found}"))
        });
        let mut faults: Vec<String> = broken.collect();
        if let Some(known) = self.known {
            let lacks = self.found.iter().filter(|(_, log)| !log.has_known);
            faults.extend(
                lacks.map(|(room, _)| {
                    format!("{room}: has no entry {} with that hash", known.number)
                }),
            );
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Failure::Operation(faults.join("\n")))
    }
}

/// What `wardroom store export` writes of an entry.
fn parse_entry(line: &Value) -> Option<(Arc<str>, Head, Entry)> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let words = |name: &str| text(name).unwrap_or_default();
    let date = |name: &str| {
        let seconds = line.get(name).and_then(Value::as_f64)?;
        Some(Wall::from_millis((seconds * 1000.0).round() as u64))
    };
    let head = Head {
        number: line.get("number").and_then(Value::as_u64)?,
        digest: parse_hash(text("hash")?)?,
    };
    let entry = Entry {
        at: date("timestamp")?,
        actor: words("actor").into(),
        authority: Authority::from_word(text("authority")?)?,
        action: text("action")?.into(),
        target: words("user").into(),
        seq: line.get("seq").and_then(Value::as_u64),
        until: date("until"),
        reason: words("reason").into(),
        details: words("details").into(),
    };
    Some((text("room")?.into(), head, entry))
}

fn parse_head(text: &str) -> Result<Head, String> {
    let parsed = text.split_once(':').and_then(|(number, hash)| {
        Some(Head {
            number: number.parse().ok()?,
            digest: parse_hash(hash)?,
        })
    });
    parsed.ok_or_else(|| {
        "allowed: an entry's number, a colon and its hash in 64 hexadecimal digits".to_owned()
    })
}

fn parse_hash(text: &str) -> Option<Digest> {
    let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hex {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}
