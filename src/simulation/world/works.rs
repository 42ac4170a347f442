//! What the engine asks of the store and of the hook, and what the store answers.

use super::World;
use crate::engine::{Outcome, Work, WorkId};
use crate::store::{Answer, Question};

impl World {
    /// Lets the store answer the oldest question, as its thread does between two turns.
    pub fn answer_one(&mut self) {
        self.answer(1);
    }

    /// The same for so many questions at once.
    pub(super) fn answer(&mut self, questions_max: usize) {
        let (ids, questions) = self.oldest(questions_max);
        for (id, answer) in ids.into_iter().zip(self.store.answer(questions)) {
            let outcome = match answer {
                Answer::Record(answer) => Outcome::Record(answer),
                Answer::Room(answer) => Outcome::Room(answer),
                Answer::Failed(fault) => Outcome::Failed(fault),
            };
            self.engine.outcome(id, outcome, self.now);
        }
    }

    /// Takes the oldest of what the store was asked.
    pub(super) fn oldest(&mut self, questions_max: usize) -> (Vec<WorkId>, Vec<Question>) {
        if self.pages_wait {
            let is_page = |work: &Work| matches!(work, Work::Room(question) if question.is_page());
            let works = self.works.make_contiguous();
            works.sort_by_key(|(_, work)| is_page(work));
        }
        let taken = self.works.drain(..questions_max.min(self.works.len()));
        let asked = |(id, work)| match work {
            Work::Record(question) => (id, Question::Record(question)),
            Work::Room(question) => (id, Question::Room(question)),
        };
        taken.map(asked).unzip()
    }

    /// Questions that the store has not answered.
    pub fn works_waiting(&self) -> usize {
        self.works.len()
    }

    pub(super) fn hand_out_work(&mut self) {
        while let Some((id, work)) = self.engine.next_work() {
            if self.works.len() < self.works_max {
                self.works.push_back((id, work));
            } else {
                self.engine.outcome(id, Outcome::Busy, self.now);
            }
        }
        while let Some(question) = self.engine.next_question(self.now) {
            self.questions.push_back(question);
        }
    }
}
