//! The store's twin in memory: the same answers, gone with the process. For simulation and for embedding without a disk.

mod rooms;
mod sessions;

use super::{Answer, News, Question, Store};
use crate::fault::StoreFault;
use crate::rooms::record::RoomRecord;
use rooms::Rooms;
use sessions::Sessions;

/// Everything in maps.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    sessions: Sessions,
    rooms: Rooms,
}

impl Store for Memory {
    fn answer(&mut self, questions: Vec<Question>) -> Vec<Answer> {
        let answer = |question| match question {
            Question::Record(question) => Answer::Record(self.sessions.answer(question)),
            Question::Room(question) => Answer::Room(self.rooms.answer(question)),
        };
        questions.into_iter().map(answer).collect()
    }

    fn load_rooms(&mut self) -> Result<Vec<RoomRecord>, StoreFault> {
        Ok(self.rooms.records())
    }

    fn news(&mut self) -> Result<Vec<News>, StoreFault> {
        Ok(Vec::new())
    }

    fn probe(&mut self) -> Result<(), StoreFault> {
        Ok(())
    }

    fn tidy(&mut self) -> Result<bool, StoreFault> {
        Ok(false)
    }
}
