//! One page of a list as JSON text, bounded in bytes as well as in entries.

use serde::Serialize;

use super::Answer;

/// Bytes of one page at most, but for its last entry.
const PAGE_BYTES_MAX: usize = 128 * 1024;

/// A list that is being written.
pub(super) struct List {
    text: Vec<u8>,
    entries: usize,
    entries_max: usize,
}

impl List {
    /// Begins an object that has the fields of `about`, and then the list `name`.
    pub(super) fn begin(about: &impl Serialize, name: &str, entries_max: usize) -> Self {
        // Plain structs always serialise.
        let mut text = serde_json::to_vec(about).unwrap_or_default();
        text.truncate(text.trim_ascii_end().len().saturating_sub(1));
        if text.last() != Some(&b'{') {
            text.push(b',');
        }
        text.extend_from_slice(format!("\"{name}\":[").as_bytes());
        List {
            text,
            entries: 0,
            entries_max,
        }
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.entries < self.entries_max && self.text.len() < PAGE_BYTES_MAX
    }

    pub(super) fn push(&mut self, entry: &impl Serialize) {
        if self.entries > 0 {
            self.text.push(b',');
        }
        self.entries += 1;
        // Writing to memory does not fail, and strings and numbers always serialise.
        let _ = serde_json::to_writer(&mut self.text, entry);
    }

    /// Ends list and object where there are no further pages to ask for.
    pub(super) fn end_here(mut self) -> Answer {
        self.text.extend_from_slice(b"]}\n");
        Answer::json(self.text)
    }

    /// Ends list and object; `next` is the cursor of the page after this, if there may be more.
    pub(super) fn end(self, next: Option<u64>) -> Answer {
        let next = next.map(|next| next.to_string());
        self.end_at(next.as_deref())
    }

    /// The same where a cursor is a text.
    pub(super) fn end_at(mut self, next: Option<&str>) -> Answer {
        self.text.extend_from_slice(b"],\"next\":");
        let _ = serde_json::to_writer(&mut self.text, &next);
        self.text.extend_from_slice(b"}\n");
        Answer::json(self.text)
    }
}
