//! The store of a simulated world: the twin in memory, which lasts when the server dies, or the real one over a disk that may have lost what was
//! not synced. Fails when told to, and writes down what it has done for whoever judges the server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::real::Real;
use super::script::Backing;
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
    /// Whether the server dies in the middle of what is asked next, up to the next start.
    pub is_dying: bool,
    /// What a store has done that none may.
    pub wrong: Option<String>,
}

/// A store, and the other end of its journal.
#[derive(Debug)]
pub struct Disk {
    kind: Kind,
    journal: Arc<Mutex<Journal>>,
    revocations: Vec<Revocation>,
    /// Of the revocations, how many this process has heard of.
    told: usize,
}

#[derive(Debug)]
enum Kind {
    Twin(Memory),
    Real(Box<Real>),
}

impl Disk {
    /// A new store. `seed`: of what becomes of writes when the server dies.
    pub fn new(backing: Backing, seed: u64) -> Self {
        Disk {
            kind: match backing {
                Backing::Twin => Kind::Twin(Memory::default()),
                Backing::Sqlite => Kind::Real(Box::new(Real::new(seed))),
            },
            journal: Arc::default(),
            revocations: Vec::new(),
            told: 0,
        }
    }

    /// The journal that is written from now on.
    pub fn journal(&self) -> Arc<Mutex<Journal>> {
        Arc::clone(&self.journal)
    }

    /// Writes down what is durable.
    fn note(&mut self, questions: Vec<Question>, answers: &[Answer]) {
        for (question, answer) in questions.into_iter().zip(answers) {
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
    }

    /// A process has ended, and another begins with what the disk has.
    fn begin_anew(&mut self) -> Result<(), StoreFault> {
        let is_dying = std::mem::take(&mut look(&self.journal).is_dying);
        let Kind::Real(real) = &mut self.kind else {
            return Ok(());
        };
        match real.begin_anew(is_dying) {
            Ok((questions, answers)) => {
                self.note(questions, &answers);
                Ok(())
            }
            Err(words) => {
                look(&self.journal).wrong = Some(words);
                Err(StoreFault::Corrupt)
            }
        }
    }
}

/// Looks into a journal.
pub fn look(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Disk {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let (fault, is_dying) = {
            let journal = look(&self.journal);
            (journal.fault, journal.is_dying)
        };
        let answers = match &mut self.kind {
            Kind::Twin(memory) => {
                // What it has not done when the server dies it has not begun.
                let fault = fault.or(is_dying.then_some(StoreFault::Silent));
                if let Some(fault) = fault {
                    return questions.iter().map(|_| Answer::Failed(fault)).collect();
                }
                memory.answer(questions.clone())
            }
            Kind::Real(real) => {
                let (answers, wrong) = real.answer(&questions, fault, is_dying);
                if let Some(words) = wrong {
                    look(&self.journal).wrong = Some(words);
                }
                answers
            }
        };
        if !is_dying {
            self.note(questions, &answers);
        }
        answers
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        // Whoever asks this has just begun, and knows nothing.
        self.begin_anew()?;
        self.told = 0;
        match &mut self.kind {
            Kind::Twin(memory) => memory.load_rooms(),
            Kind::Real(real) => real.store()?.load_rooms(),
        }
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        let told = std::mem::replace(&mut self.told, self.revocations.len());
        let Kind::Real(real) = &mut self.kind else {
            let news = self.revocations.iter().skip(told).cloned();
            return Ok(news.map(News::Revoked).collect());
        };
        let news = real.store()?.news()?;
        // The latest is in force for longest, and never forgotten.
        let is_it = |last: &Revocation| {
            let is_same = |news: &News| matches!(news, News::Revoked(found) if found == last);
            !news.iter().any(is_same)
        };
        let latest = self.revocations.iter().max_by_key(|known| known.until);
        if told == 0
            && let Some(last) = latest.filter(|last| is_it(last))
        {
            look(&self.journal).wrong = Some(format!("{last:?} is not told at the start"));
        }
        Ok(news)
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        let fault = look(&self.journal).fault;
        fault.map_or(Ok(()), Err)
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        // The real one does so with every question.
        Ok(false)
    }
}
