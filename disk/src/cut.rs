//! A disk as a power cut leaves it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::Call;

/// Bytes that are written whole or not at all.
const SECTOR: usize = 512;

/// Numbers that the same seed gives again.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way whenever they are made of this seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `bound`; 0 when there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// What becomes of the writes that were not synced.
#[derive(Debug, Clone, Copy)]
enum Fate {
    AllKept,
    AllDropped,
    /// Each is kept, dropped or torn.
    Mixed,
}

/// Files by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    files: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Those of a directory whose names begin like this.
    ///
    /// # Errors
    /// When they can not be read.
    pub fn read(directory: &Path, beginning: &str) -> io::Result<Files> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What is shared in memory alone is not on the disk.
            if name.starts_with(beginning) && !name.ends_with("-shm") {
                files.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(Files { files })
    }

    /// What a power cut leaves of these files, which were for good, after these calls.
    pub fn after_a_cut(self, calls: &[Call], are_syncs_kept: bool, mut dice: Dice) -> Files {
        let fate = match dice.below(8) {
            0 => Fate::AllKept,
            1 => Fate::AllDropped,
            _ => Fate::Mixed,
        };
        self.after_as(calls, are_syncs_kept, fate, dice)
    }

    /// These files after these calls, as whoever looks sees them who has not gone down with whoever called.
    pub fn after(self, calls: &[Call]) -> Files {
        self.after_as(calls, true, Fate::AllKept, Dice::new(0))
    }

    fn after_as(self, calls: &[Call], are_syncs_kept: bool, fate: Fate, mut dice: Dice) -> Files {
        let mut synced = BTreeMap::new();
        let mut names_synced = 0;
        for (at, call) in calls.iter().enumerate().filter(|_| are_syncs_kept) {
            match call {
                Call::Sync(file) => drop(synced.insert(file.as_str(), at)),
                Call::SyncNames => names_synced = at,
                _ => {}
            }
        }
        let mut disk = self;
        for (at, call) in calls.iter().enumerate() {
            match call {
                Call::Create(file) => {
                    if at < names_synced || fate.keeps(&mut dice) {
                        disk.files.entry(file.clone()).or_default();
                    }
                }
                Call::Unlink(file) => {
                    if at < names_synced || fate.keeps(&mut dice) {
                        disk.files.remove(file);
                    }
                }
                Call::Write {
                    file,
                    at: to,
                    bytes,
                } => {
                    let is_synced = synced.get(file.as_str()).is_some_and(|sync| at < *sync);
                    disk.change(file, *to, bytes, is_synced, fate, &mut dice);
                }
                Call::Truncate { file, length } => {
                    let is_synced = synced.get(file.as_str()).is_some_and(|sync| at < *sync);
                    if let Some(found) = disk.files.get_mut(file)
                        && (is_synced || fate.keeps(&mut dice))
                    {
                        found.resize(*length, 0);
                    }
                }
                Call::Sync(_) | Call::SyncNames => {}
            }
        }
        disk
    }

    fn change(
        &mut self,
        file: &str,
        to: usize,
        bytes: &[u8],
        is_synced: bool,
        fate: Fate,
        dice: &mut Dice,
    ) {
        // One whose name did not survive has no bytes either.
        let Some(found) = self.files.get_mut(file) else {
            return;
        };
        let is_torn = matches!(fate, Fate::Mixed) && dice.below(3) == 0;
        if !is_synced && !is_torn && !fate.keeps(dice) {
            return;
        }
        if found.len() < to + bytes.len() {
            found.resize(to + bytes.len(), 0);
        }
        let mut from = 0;
        while from < bytes.len() {
            // Sectors are the disk's, wherever the write begins.
            let until = bytes.len().min((to + from) / SECTOR * SECTOR + SECTOR - to);
            if is_synced || !is_torn || dice.below(2) == 0 {
                found[to + from..to + until].copy_from_slice(&bytes[from..until]);
            }
            from = until;
        }
    }

    /// Puts the files into a directory.
    ///
    /// # Errors
    /// When they can not be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        for (name, bytes) in &self.files {
            fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }
}

impl Fate {
    fn keeps(self, dice: &mut Dice) -> bool {
        match self {
            Fate::AllKept => true,
            Fate::AllDropped => false,
            Fate::Mixed => dice.below(2) == 0,
        }
    }
}
