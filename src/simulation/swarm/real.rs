//! The real store over a simulated disk. The twin in memory is asked the same, and must say the same; after every start the store must hold what it
//! has acknowledged, and of what it has not, all or nothing.

use wardroom_disk::{Failure, Files};

use super::dice::Dice;
use super::script::ROOMS;
use crate::fault::StoreFault;
use crate::rooms::record::{Floor, From, RoomQuestion};
use crate::simulation::scratch::Scratch;
use crate::store::{Answer, Archive, Company, Memory, Question, Sqlite, Store};

/// How the database's files begin.
const DATABASE: &str = "wardroom.sqlite";
/// A disk that is about to fail does as it is told for fewer calls than this: a commit takes some five.
const WELL_MAX: u64 = 12;

/// One start in so many after a death is cut short by a power cut, and one in so many comes right before one.
const AGAIN_EVERY: u64 = 8;

/// Questions, and what was answered to them.
pub(super) type Answered = (Vec<Question>, Vec<Answer>);

#[derive(Debug)]
pub(super) struct Real {
    /// `None`: it could not be opened.
    store: Option<Sqlite>,
    scratch: Scratch,
    twin: Memory,
    dice: Dice,
    /// Pages of the log from which on it is copied into the database.
    log_pages: u32,
    /// The files as they were for good before the first call that is written down.
    files: Files,
    /// Transactions of which it is not known whether they are on the disk: one of them at most, and only until another is.
    unknown: Vec<Vec<Question>>,
    fault: Option<StoreFault>,
    /// The call at which the server died.
    died_at: Option<usize>,
    is_new: bool,
}

impl Real {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed.rotate_left(32));
        let mut real = Real {
            store: None,
            scratch: Scratch::new(),
            twin: Memory::default(),
            log_pages: dice.pick(&[8, 60, 1000]),
            dice,
            files: Files::default(),
            unknown: Vec::new(),
            fault: None,
            died_at: None,
            is_new: true,
        };
        wardroom_disk::fail(None);
        real.open().expect("a new store");
        real.files = Files::read(real.scratch.path(), DATABASE).expect("files");
        wardroom_disk::record(Vec::new());
        real
    }

    pub(super) fn store(&mut self) -> Result<&mut Sqlite, StoreFault> {
        self.store.as_mut().ok_or(StoreFault::Corrupt)
    }

    /// Answers, and says what is wrong with that. `is_dying`: nobody hears of it, and the server dies somewhere in the middle.
    pub(super) fn answer(
        &mut self,
        questions: &[Question],
        fault: Option<StoreFault>,
        is_dying: bool,
    ) -> (Vec<Answer>, Option<String>) {
        let mut wrong = self.let_fail(fault);
        let Some(store) = &mut self.store else {
            let failed = Answer::Failed(StoreFault::Corrupt);
            return (vec![failed; questions.len()], wrong);
        };
        let before = wardroom_disk::calls();
        // What nobody waits for is done between questions; where that fails, so do they.
        let _ = store.tidy();
        let answers = store.answer(questions.to_vec());
        if is_dying {
            let calls = wardroom_disk::calls() - before;
            self.died_at = Some(before + self.dice.below(calls as u64 + 1) as usize);
            self.unknown.push(questions.to_vec());
            return (answers, wrong);
        }
        let is_failed = |answer: &Answer| matches!(answer, Answer::Failed(_));
        if wardroom_disk::has_written_since(before) && !answers.iter().all(is_failed) {
            // It lies where the others would have.
            self.unknown.clear();
        }
        let (mut done, mut told, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (question, answer) in questions.iter().zip(&answers) {
            if is_failed(answer) {
                failed.push(question.clone());
            } else {
                done.push(question.clone());
                told.push(answer);
            }
        }
        if fault.is_none() && !failed.is_empty() {
            wrong = Some(format!(
                "{answers:?} to {questions:?}, on a disk that is well"
            ));
        }
        if !failed.is_empty() {
            self.unknown.push(failed);
        }
        let expected = self.twin.answer(done);
        let words = format!("{told:?}");
        if words != format!("{expected:?}") {
            wrong = Some(format!(
                "to {questions:?} it said {words}, not {expected:?}"
            ));
        }
        (answers, wrong)
    }

    /// The process has ended, and another one opens the store. Gives what is durable that nobody was told of.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub(super) fn begin_anew(&mut self, is_dying: bool) -> Result<Answered, String> {
        if std::mem::take(&mut self.is_new) {
            return Ok(Answered::default());
        }
        wardroom_disk::fail(None);
        self.fault = None;
        if !is_dying {
            self.store = None;
            self.check()?;
            self.open()?;
            // A log that was removed in order may be back after a power cut, with all that it held, until another is written.
            let unknown = std::mem::take(&mut self.unknown);
            let found = self.compare();
            self.unknown = unknown;
            return found;
        }
        let died_at = self.died_at.take().unwrap_or_else(wardroom_disk::calls);
        let mut is_cut = self.dice.happens(1, 2);
        self.die(died_at, is_cut);
        let before = wardroom_disk::calls();
        self.open()?;
        if self.dice.happens(1, AGAIN_EVERY) {
            // In the middle of the start.
            let calls = wardroom_disk::calls() - before;
            let died_at = before + self.dice.below(calls as u64 + 1) as usize;
            is_cut = true;
            self.die(died_at, is_cut);
            self.open()?;
        }
        // The same holds when only the process has died.
        let unknown = if is_cut {
            Vec::new()
        } else {
            self.unknown.clone()
        };
        let found = self.compare();
        if matches!(&found, Ok((questions, _)) if questions.is_empty()) {
            self.unknown = unknown;
        }
        if self.dice.happens(1, AGAIN_EVERY) {
            // What it has once read it may have told.
            self.die(wardroom_disk::calls(), true);
            self.open()?;
            self.compare()?;
        }
        found
    }

    /// The process dies, alone or (`is_cut`) by a power cut: then the disk has what was synced, and of the rest nobody knows.
    fn die(&mut self, died_at: usize, is_cut: bool) {
        let mut calls = wardroom_disk::record(Vec::new());
        calls.truncate(died_at);
        // What it does when it is closed after its death does not count.
        self.store = None;
        self.scratch.clear();
        let files = std::mem::take(&mut self.files);
        if is_cut {
            let dice = wardroom_disk::Dice::new(self.dice.roll());
            self.files = files.after_a_cut(&calls, true, dice);
            self.files.write(self.scratch.path()).expect("files");
            calls.clear();
        } else {
            let found = files.clone().after(&calls);
            found.write(self.scratch.path()).expect("files");
            self.files = files;
        }
        wardroom_disk::record(calls);
    }

    fn open(&mut self) -> Result<(), String> {
        let disk = (wardroom_disk::name(), self.log_pages);
        let opened = Sqlite::open_over(self.scratch.path(), Company::Alone, disk);
        self.store = Some(opened.map_err(|error| format!("it can not be opened: {error}"))?);
        Ok(())
    }

    /// Whether the store finds anything wrong with itself.
    fn check(&self) -> Result<(), String> {
        let checked =
            Archive::in_directory(self.scratch.path()).and_then(|mut found| found.check());
        match checked {
            Ok(checked) if checked.faults.is_empty() => Ok(()),
            other => Err(format!("it is found to be damaged: {other:?}")),
        }
    }

    /// What was acknowledged is there, and nothing else, but one transaction of those of which nobody was told.
    fn compare(&mut self) -> Result<Answered, String> {
        let store = self.store.as_mut().ok_or("it is not open")?;
        let found = held(store)?;
        let known = held(&mut self.twin)?;
        let unknown = std::mem::take(&mut self.unknown);
        if found == known {
            return Ok(Answered::default());
        }
        for questions in unknown {
            let mut twin = self.twin.clone();
            let answers = twin.answer(questions.clone());
            if held(&mut twin)? == found {
                self.twin = twin;
                return Ok((questions, answers));
            }
        }
        let place = found.chars().zip(known.chars());
        let same = place.take_while(|(found, known)| found == known).count();
        let around = |text: &str| -> String {
            let from = same.saturating_sub(60);
            text.chars().skip(from).take(240).collect()
        };
        Err(format!(
            "after a start it has …{}… instead of …{}…",
            around(&found),
            around(&known)
        ))
    }

    /// Lets the disk fail like this from now on.
    fn let_fail(&mut self, fault: Option<StoreFault>) -> Option<String> {
        if fault == self.fault {
            return None;
        }
        self.fault = fault;
        let failure = fault.map(|fault| match fault {
            StoreFault::DiskFull => Failure::Full,
            StoreFault::ReadOnly => Failure::ReadOnly,
            _ => Failure::Broken,
        });
        let after = self.dice.below(WELL_MAX) as usize;
        wardroom_disk::fail(failure.map(|failure| (after, failure)));
        // As its thread does before anybody is told that all is well.
        let is_well = failure.is_none();
        let probed = self.store.as_mut().filter(|_| is_well).map(Store::probe);
        match probed {
            Some(Err(fault)) => Some(format!("{fault}, on a disk that is well again")),
            _ => None,
        }
    }
}

/// Everything that a store holds of rooms.
fn held(store: &mut dyn Store) -> Result<String, String> {
    let rooms = store.load_rooms().map_err(|fault| fault.to_string())?;
    let all = ROOMS.into_iter().flat_map(|room| {
        let (room, from) = (room.into(), From::After(0));
        let page = RoomQuestion::Page {
            room: std::sync::Arc::clone(&room),
            from,
            floor: Floor::default(),
            messages_max: usize::MAX,
            bytes_max: usize::MAX,
        };
        let log = RoomQuestion::Log {
            room,
            from,
            entries_max: usize::MAX,
        };
        [page, log]
    });
    let answers = store.answer(all.map(Question::Room).collect());
    Ok(format!("{rooms:?}\n{answers:?}"))
}
