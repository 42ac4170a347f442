//! Whether the files of certificates have changed. It looks when it is asked, and reads none of them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use crate::config::Tls;

/// What tells one state of a file from another; `None`: it is not there.
type Stamp = Option<(u64, u64, Option<SystemTime>)>;

/// Remembers what the files were like.
#[derive(Debug)]
pub(in crate::reactor) struct Watch {
    /// When they were last read.
    read: Vec<Stamp>,
    /// At the last look.
    seen: Vec<Stamp>,
}

impl Watch {
    /// The files of `tls` were read a moment ago, and may have changed since: then they are to be read again.
    pub(in crate::reactor) fn new(tls: &Tls) -> Watch {
        let seen = stamps(tls);
        let is_what_was_read = tls.read_again().is_ok_and(|now| now.holds_the_same_as(tls));
        let read = if is_what_was_read {
            seen.clone()
        } else {
            Vec::new()
        };
        Watch { read, seen }
    }

    /// Whether they are to be read again: they are others than then, and have not changed since the last look. Certificate
    /// and key are two files, and whoever renews them writes one after the other.
    pub(in crate::reactor) fn has_changed(&mut self, tls: &Tls) -> bool {
        let found = stamps(tls);
        let rests = found == self.seen;
        self.seen = found;
        let has_changed = rests && self.seen != self.read;
        if has_changed {
            self.read.clone_from(&self.seen);
        }
        has_changed
    }
}

fn stamps(tls: &Tls) -> Vec<Stamp> {
    tls.files().map(stamp).collect()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    /// Settings that name two files, with what stands in them.
    fn read(directory: &tempfile::TempDir) -> (Tls, [PathBuf; 2]) {
        let paths = ["chain.pem", "key.pem"].map(|name| directory.path().join(name));
        for path in &paths {
            fs::write(path, "old").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let tls = Tls {
            certificate: vec![paths[0].clone()],
            key: vec![paths[1].clone()],
            ..Tls::default()
        };
        (tls.read_again().unwrap(), paths)
    }

    #[test]
    fn what_changed_between_the_reading_and_the_first_look_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let (tls, paths) = read(&directory);
        fs::write(&paths[0], "renewed meanwhile").unwrap();
        let mut watch = Watch::new(&tls);
        assert!(watch.has_changed(&tls));
        assert!(!watch.has_changed(&tls));
    }

    #[test]
    fn files_are_read_again_once_they_rest_and_only_once() {
        let directory = tempfile::tempdir().unwrap();
        let (tls, paths) = read(&directory);
        let mut watch = Watch::new(&tls);
        assert!(!watch.has_changed(&tls));
        fs::write(&paths[0], "a new chain").unwrap();
        assert!(!watch.has_changed(&tls), "it may be half written");
        fs::write(&paths[1], "a new key").unwrap();
        assert!(!watch.has_changed(&tls), "and now the other");
        assert!(watch.has_changed(&tls));
        assert!(!watch.has_changed(&tls));
        fs::remove_file(&paths[1]).unwrap();
        assert!(!watch.has_changed(&tls));
        assert!(
            watch.has_changed(&tls),
            "reading it will say what is missing"
        );
    }
}
