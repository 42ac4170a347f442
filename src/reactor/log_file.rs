//! Destinations of logs: standard error, and a file that is appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::log_queue::Destination;
use crate::config::LogFormat;

/// Owner writes, group reads, nobody else.
const MODE: u32 = 0o640;

/// Standard error without the lock that the standard library puts around it: a thread that is stalled in a write must
/// not hold what a panic needs.
#[derive(Debug)]
pub struct StandardError(File);

impl StandardError {
    /// The process's standard error.
    ///
    /// # Errors
    /// When it is closed, or no descriptor is left.
    pub fn open() -> io::Result<Self> {
        let own = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(StandardError(own.into()))
    }
}

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Destination for StandardError {}

/// A log file that grows at its end, whoever else writes to it, and can be moved away.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    format: LogFormat,
    file: File,
}

impl LogFile {
    pub(super) fn open(path: &Path, format: LogFormat) -> io::Result<Self> {
        Ok(LogFile {
            path: path.to_owned(),
            format,
            file: append_to(path)?,
        })
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(MODE);
    options.open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Destination for LogFile {
    fn reopen(&mut self) -> io::Result<()> {
        self.file = append_to(&self.path)?;
        Ok(())
    }

    fn name(&self) -> Option<String> {
        Some(format!("the security log {:?}", self.path))
    }

    fn gap(&self, lines: u64) -> String {
        match self.format {
            LogFormat::Text => format!("wardroom security: event=lines_lost count={lines}\n"),
            LogFormat::Json => format!("{{\"event\":\"lines_lost\",\"count\":{lines}}}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;
    use crate::reactor::LogQueue;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_file_is_appended_to_and_begun_anew_when_it_was_moved_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("security.log");
        let moved = directory.path().join("security.log.1");
        fs::write(&path, "before\n").unwrap();
        let log = LogQueue::start(LogFile::open(&path, LogFormat::Text).unwrap()).unwrap();
        log.push(b"one\n");
        log.flush(LONG);
        fs::rename(&path, &moved).unwrap();
        log.push(b"two\n");
        log.flush(LONG);
        log.reopen();
        log.flush(LONG);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o137,
            0,
            "no more than 0640"
        );
        log.push(b"three\n");
        log.flush(LONG);
        assert_eq!(fs::read_to_string(&moved).unwrap(), "before\none\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(log.dropped(), 0);
    }

    #[test]
    fn a_file_that_can_not_be_opened_again_stays_in_use() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("logs");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("security.log");
        let log = LogQueue::start(LogFile::open(&path, LogFormat::Text).unwrap()).unwrap();
        let gone = directory.path().join("gone");
        fs::rename(&folder, &gone).unwrap();
        log.reopen();
        log.push(b"still\n");
        log.flush(LONG);
        assert_eq!(
            fs::read_to_string(gone.join("security.log")).unwrap(),
            "still\n"
        );
    }

    #[test]
    fn a_full_disk_costs_lines_that_are_counted_and_nothing_else() {
        let log = LogQueue::start(LogFile::open(Path::new("/dev/full"), LogFormat::Json).unwrap());
        let log = log.unwrap();
        for _ in 0..100 {
            log.push(b"line\n");
        }
        log.flush(LONG);
        assert_eq!(log.dropped(), 100);
    }
}
