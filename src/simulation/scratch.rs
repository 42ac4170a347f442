//! A directory for files that nobody needs afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where files are in memory, on Linux.
const IN_MEMORY: &str = "/dev/shm";

/// A directory of whoever has this, gone with it.
#[derive(Debug)]
pub(in crate::simulation) struct Scratch(PathBuf);

impl Scratch {
    pub(in crate::simulation) fn new() -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let base = Path::new(IN_MEMORY);
        let base = if base.is_dir() {
            base.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = base.join(format!(
            "wardroom-simulation-{}-{number}",
            std::process::id()
        ));
        // What a process of the same number has left behind is not this one's.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory for files");
        Scratch(path)
    }

    pub(in crate::simulation) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes every file.
    pub(in crate::simulation) fn clear(&self) {
        for entry in fs::read_dir(&self.0).expect("a directory for files") {
            let path = entry.expect("a file").path();
            fs::remove_file(path).expect("a file that can be removed");
        }
    }

    /// Writes a file that its owner alone may read.
    pub(in crate::simulation) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file that can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, mode).expect("a file of one's own");
        }
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in memory, or in a directory that is cleared.
        let _ = fs::remove_dir_all(&self.0);
    }
}
