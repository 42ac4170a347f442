//! Random questions to both stores, which know nothing of each other's ways.

use std::sync::Arc;

use proptest::prelude::*;

use super::retention::above;
use super::rooms::*;
use super::{Question, Store as _, stores, wall};
use crate::rooms::record::{Change, Deleter, Floor, From, RoomQuestion};
use crate::rooms::standing::Standing;

fn a_room() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec!["a", "b"])
}

fn a_user() -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(vec!["ann", "bob", "eve"])
}

fn a_place() -> impl Strategy<Value = From> + Clone {
    prop_oneof![
        (0..12_u64).prop_map(From::After),
        (0..12_u64).prop_map(From::Before),
    ]
}

fn a_floor() -> impl Strategy<Value = Floor> {
    (0..9_u64, prop::option::of(0..2 * DAY)).prop_map(|(first, since)| floor(first, since))
}

fn a_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(owner()), Just(banned()), Just(Standing::default())]
}

fn a_question() -> impl Strategy<Value = Question> {
    let key = prop::sample::select(vec![None, Some("k"), Some("l")]);
    let place = (a_room(), a_place(), 0..6_usize, 0..20_usize);
    let message = (a_room(), 0..8_u64, a_user(), 0..2 * DAY);
    let author = |user: &str| Deleter::Author(user.into());
    prop_oneof![
        1 => a_room().prop_map(|room| create(room, 1)),
        8 => (a_room(), a_user(), key, 0..2 * DAY)
            .prop_map(|(room, user, key, at)| say(room, user, "text", key, at)),
        2 => (a_room(), a_user(), prop::sample::select(vec!["k", "l"]), 0..2 * DAY)
            .prop_map(|(room, user, key, at)| known(room, user, key, at)),
        2 => place.clone().prop_map(|(room, from, max, bytes)| page(room, from, max, bytes)),
        1 => place.prop_map(|(room, from, max, _)| log_of(room, from, max)),
        1 => message.clone().prop_map(|(room, seq, user, at)| edit(room, seq, user, "other", at)),
        1 => message.clone()
            .prop_map(move |(room, seq, user, at)| delete_message(room, seq, author(user), at)),
        1 => message.clone()
            .prop_map(|(room, seq, user, at)| delete_message(room, seq, moderator(&[user]), at)),
        1 => message.clone().prop_map(|(room, seq, user, _)| read(room, user, seq)),
        1 => (a_room(), a_user(), 0..3_usize).prop_map(|(room, user, max)| purge(room, user, max, 5)),
        2 => (a_room(), a_user(), 0..3_usize, any::<bool>()).prop_map(|(room, user, max, is_new)| {
            purge_anew(room, (user, max), is_new.then_some(5), 5)
        }),
        1 => (a_room(), 0..9_u64, prop::option::of(0..2 * DAY), 0..4_usize)
            .prop_map(|(room, first, before, max)| trim(room, first, before, max)),
        1 => (a_room(), a_user(), a_standing(), any::<bool>()).prop_map(|(room, user, standing, is_logged)| {
            change(Change {
                standings: vec![(user.into(), standing)],
                entry: is_logged.then(|| entry("affiliate", 3)),
                ..nothing(room, 3)
            })
        }),
        1 => a_room().prop_map(|room| delete(room, 4)),
    ]
}

/// As somebody who moderates begins it, with an entry of this date, or what is left of one that was begun.
fn purge_anew(room: &str, (user, max): (&str, usize), logged: Option<u64>, at: u64) -> Question {
    change(Change {
        messages: Some(all_of(user, max, logged.is_none())),
        entry: logged.map(|at| entry("purge", at)),
        ..nothing(room, at)
    })
}

fn a_question_from_above() -> impl Strategy<Value = Question> {
    (a_floor(), a_question()).prop_map(|(floor, question)| above(floor, question))
}

/// Time goes on: a date says how much later than the message before something is said.
fn keep_order(question: &mut Question, date: &mut u64) {
    if let Question::Room(RoomQuestion::Append(message) | RoomQuestion::Known(message)) = question {
        let message = Arc::make_mut(message);
        *date += (message.at.as_millis() - wall(0).as_millis()) / 4;
        message.at = wall(*date);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_asked_in_whatever_company_both_stores_answer_the_same(
        batches in prop::collection::vec(prop::collection::vec(a_question_from_above(), 1..12), 1..12),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let [mut memory, mut sqlite] = stores(&directory);
        let mut date = 0;
        for mut batch in batches {
            batch.insert(0, create("a", 0));
            batch.iter_mut().for_each(|question| keep_order(question, &mut date));
            let expected = format!("{:#?}", memory.answer(batch.clone()));
            let found = format!("{:#?}", sqlite.answer(batch));
            prop_assert_eq!(found, expected);
            while sqlite.tidy().unwrap() {}
        }
        prop_assert_eq!(memory.load_rooms().unwrap(), sqlite.load_rooms().unwrap());
        prop_assert_eq!(sqlite.load_rooms().unwrap(), open_again(&directory).load_rooms().unwrap());
        for room in ["a", "b"] {
            assert_chained(&mut *sqlite, room);
        }
    }
}
