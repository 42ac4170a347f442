//! What must be so, because somebody was told.

use std::collections::{BTreeMap, BTreeSet};

use super::crew::Seen;
use super::staff::{Effect, Operation, TROLL};

#[derive(Default)]
pub struct Ledger {
    /// By number: who said what. Of a message that was read in the history too.
    pub said: BTreeMap<u64, (String, String)>,
    /// The numbers by their texts: no two messages have one text.
    pub numbers: BTreeMap<String, u64>,
    pub acknowledged: BTreeSet<u64>,
    pub deleted: BTreeSet<u64>,
    /// Deletions that were asked for and not answered.
    pub deleting: BTreeSet<u64>,
    /// The actions in the log of moderation that somebody was told of.
    pub moderated: BTreeMap<u64, String>,
    /// Hashes in the log, by number; whatever was read once stays so.
    pub hashes: BTreeMap<u64, String>,
    /// Reasons that must stand in the log, and those that may; each with the word of its action.
    pub reasons: BTreeMap<String, (&'static str, bool)>,
    pub reasons_found: BTreeSet<String>,
    /// Bans and mutes as far as they are known: certain, or asked for and not answered.
    pub sanctions: BTreeMap<&'static str, (bool, bool)>,
    /// The visitor has read so far.
    pub read: u64,
    pub counts: Counts,
}

/// For the record.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub acknowledged: u64,
    pub heard: u64,
    pub joins: u64,
    pub moderated: u64,
    /// Operations without an answer when the process was killed, and how many of those were found to be done.
    pub open: u64,
    pub open_done: u64,
    /// The same for messages.
    pub unanswered: u64,
    pub unanswered_kept: u64,
}

impl Ledger {
    /// Takes down what somebody was told.
    pub fn take(&mut self, seen: Vec<Seen>) {
        for seen in seen {
            match seen {
                Seen::Said {
                    seq,
                    sender,
                    text,
                    is_acknowledged,
                } => {
                    self.take_message(seq, &sender, &text);
                    if is_acknowledged {
                        self.acknowledged.insert(seq);
                        self.counts.acknowledged += 1;
                    } else {
                        self.counts.heard += 1;
                    }
                }
                Seen::Deleted { seq } => {
                    self.deleted.insert(seq);
                }
                Seen::Moderated { number, action } => {
                    let known = self.moderated.entry(number).or_insert(action.clone());
                    assert_eq!(*known, action, "entry {number}");
                }
                Seen::Read { seq } => self.read = self.read.max(seq),
                Seen::Joined => self.counts.joins += 1,
            }
        }
    }

    /// The same message has the same number for everybody, and no other message has it.
    pub fn take_message(&mut self, seq: u64, sender: &str, text: &str) {
        let said = (sender.to_owned(), text.to_owned());
        let known = self.said.entry(seq).or_insert_with(|| said.clone());
        assert_eq!(*known, said, "message {seq}");
        let number = *self.numbers.entry(text.to_owned()).or_insert(seq);
        assert_eq!(number, seq, "{text:?} is two messages");
    }

    /// Takes down what the owner asked for.
    pub fn take_operations(&mut self, operations: Vec<Operation>) {
        for operation in operations {
            let is_done = operation.is_done;
            let has_reason = !matches!(operation.action, "unban" | "unmute");
            if has_reason {
                self.reasons
                    .insert(operation.reason, (operation.action, is_done));
            }
            self.counts.moderated += u64::from(is_done);
            self.counts.open += u64::from(!is_done);
            match operation.effect {
                Effect::Sanction(user, is_on) => {
                    let (was, _) = self.sanctions.get(user).copied().unwrap_or_default();
                    let now = if is_done { is_on } else { was };
                    self.sanctions.insert(user, (now, is_on));
                }
                Effect::Delete(seq) => {
                    self.deleting.insert(seq);
                }
                Effect::Purge(known) if is_done => self.purge(known),
                Effect::Purge(_) | Effect::Kick => {}
            }
        }
    }

    fn purge(&mut self, known: u64) {
        let said = self.said.range(..=known);
        let of_the_troll = said.filter(|(_, (sender, _))| sender == TROLL);
        self.deleted.extend(of_the_troll.map(|(seq, _)| *seq));
    }

    /// Whether nobody need wonder that this message was deleted.
    pub fn may_be_deleted(&self, seq: u64, sender: &str) -> bool {
        sender == TROLL || self.deleted.contains(&seq) || self.deleting.contains(&seq)
    }
}
