//! Where lines of the security log go: a file of their own, the queue of the process's log, or the embedding program's
//! logger.

use std::time::Duration;

use super::error::StartError;
use super::log_file::LogFile;
use super::log_queue::LogQueue;
use crate::config::Log;

/// The way out for lines of the security log.
#[derive(Debug, Default)]
pub(super) struct SecurityLog {
    file: Option<LogQueue>,
    process: Option<LogQueue>,
}

impl SecurityLog {
    /// Opens the file, if there is to be one.
    pub(super) fn open(log: &Log) -> Result<Self, StartError> {
        let Some(path) = &log.security_file else {
            return Ok(SecurityLog::default());
        };
        let failed = |source| StartError::SecurityLog {
            path: path.clone(),
            source,
        };
        let file = LogFile::open(path, log.format).map_err(failed)?;
        Ok(SecurityLog {
            file: Some(LogQueue::start(file).map_err(failed)?),
            process: None,
        })
    }

    /// Names the queue of the process's log: lines go there when they have no file.
    pub(super) fn beside(&mut self, process: LogQueue) {
        self.process = Some(process);
    }

    pub(super) fn write(&self, line: &str) {
        match self.file.as_ref().or(self.process.as_ref()) {
            Some(queue) => queue.push(line.as_bytes()),
            None => log::info!(target: "wardroom::security", "{}", line.trim_end()),
        }
    }

    /// Lines lost, of this log and of the process's.
    pub(super) fn dropped(&self) -> u64 {
        let queues = self.file.iter().chain(&self.process);
        queues.map(LogQueue::dropped).sum()
    }

    /// Begins the file anew.
    pub(super) fn reopen(&self) {
        self.file.iter().for_each(LogQueue::reopen);
    }

    /// Waits for what was written, `limit` at most.
    pub(super) fn flush(&self, limit: Duration) {
        self.file.iter().for_each(|file| file.flush(limit));
    }
}
