//! The store of a simulated world: the twin in memory, which lasts when the server dies, fails when told to, and writes down what it has done
//! for whoever judges the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::record;
use crate::access::revocation::Revocation;
use crate::fault::StoreFault;
use crate::rooms::record::{RoomAnswer, RoomQuestion, RoomRecord};
use crate::store::{Answer, Memory, News, Question, Store};

/// Something that was asked about rooms and is durable now.
#[derive(Debug)]
pub struct Done {
    pub asked: RoomQuestion,
    pub answer: RoomAnswer,
}

/// What the world outside the server knows of its disk.
#[derive(Debug, Default)]
pub struct Journal {
    /// What was done since it was last looked at.
    pub done: Vec<Done>,
    /// What every write fails with.
    pub fault: Option<StoreFault>,
}

/// A store, and the other end of its journal.
#[derive(Debug, Default)]
pub struct Disk {
    memory: Memory,
    journal: Arc<Mutex<Journal>>,
    revocations: Vec<Revocation>,
    /// Of the revocations, how many this process has heard of.
    told: usize,
}

impl Disk {
    /// The journal that is written from now on.
    pub fn journal(&self) -> Arc<Mutex<Journal>> {
        Arc::clone(&self.journal)
    }
}

/// Looks into a journal.
pub fn look(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Disk {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let fault = look(&self.journal).fault;
        if let Some(fault) = fault {
            return questions.iter().map(|_| Answer::Failed(fault)).collect();
        }
        let answers = self.memory.answer(questions.clone());
        for (question, answer) in questions.into_iter().zip(&answers) {
            match (question, answer) {
                (Question::Room(asked), Answer::Room(answer)) => {
                    let answer = answer.clone();
                    look(&self.journal).done.push(Done { asked, answer });
                }
                (_, Answer::Record(record::Answer::Revoked { revocation, .. })) => {
                    self.revocations.push(revocation.clone());
                    self.told = self.revocations.len();
                }
                _ => {}
            }
        }
        answers
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        // Whoever asks this has just begun, and knows nothing.
        self.told = 0;
        self.memory.load_rooms()
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        let news = self.revocations.iter().skip(self.told).cloned();
        let news = news.map(News::Revoked).collect();
        self.told = self.revocations.len();
        Ok(news)
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        let fault = look(&self.journal).fault;
        fault.map_or(Ok(()), Err)
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        self.memory.tidy()
    }
}
