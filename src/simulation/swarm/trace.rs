//! What happened, to compare two runs of one script by, and to read.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::time::{Instant, Now};

/// Everything that a run has done, as one number; and in words, when somebody wants to read it.
#[derive(Debug)]
pub struct Trace {
    digest: DefaultHasher,
    lines: Option<Vec<String>>,
    began: Instant,
}

impl Trace {
    /// `in_words`: lines are kept too, which takes longer.
    pub fn new(in_words: bool, now: Now) -> Self {
        Trace {
            digest: DefaultHasher::new(),
            lines: in_words.then(Vec::new),
            began: now.instant,
        }
    }

    /// Takes note of bytes that went a way at a time.
    pub fn bytes(&mut self, way: usize, bytes: &[u8], now: Now) {
        (way, bytes, now.instant, now.wall).hash(&mut self.digest);
    }

    /// Writes a line, if anybody is to read it.
    pub fn line(&mut self, now: Now, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let at: Duration = now.instant.since(self.began);
            lines.push(format!("{:>11.3} s  {}", at.as_secs_f64(), words()));
        }
    }

    /// One number for all of it: another run of the same script has the same.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}
