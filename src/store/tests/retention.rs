//! What retention has passed is told to nobody, forgotten or not.

use super::rooms::*;
use super::*;
use crate::rooms::record::{Floor, From, RoomQuestion};

/// Asked as if retention had gone so far.
pub(super) fn above(floor: Floor, mut question: Question) -> Question {
    match &mut question {
        Question::Room(RoomQuestion::Page { floor: of, .. }) => *of = floor,
        Question::Room(RoomQuestion::Change(asked)) => asked.floor = floor,
        _ => {}
    }
    question
}

fn script() -> Vec<(Question, &'static str)> {
    let all = |from| page("a", from, 9, 99);
    let (by_count, by_age, by_both) = (floor(4, None), floor(0, Some(30)), floor(2, Some(20)));
    vec![
        (create("a", 0), "created, entry 1"),
        (say("a", "bob", "a", None, 10), "said 1"),
        (say("a", "bob", "b", None, 20), "said 2"),
        (say("a", "bob", "c", None, 20), "said 3"),
        (say("a", "bob", "d", None, 30), "said 4"),
        (say("a", "eve", "e", None, 40), "said 5"),
        (above(by_count, all(From::After(0))), "4:d 5:e of 4-5"),
        (above(by_count, all(From::Before(9))), "4:d 5:e of 4-5"),
        (above(by_count, all(From::Before(4))), " of 4-5"),
        (above(by_age, all(From::After(0))), "4:d 5:e of 4-5"),
        (above(by_age, all(From::Before(5))), "4:d of 4-5"),
        (above(by_both, all(From::After(2))), "3:c 4:d 5:e of 2-5"),
        (above(floor(0, Some(41)), all(From::Before(9))), " of 6-5"),
        (above(floor(99, None), all(From::Before(9))), " of 6-5"),
        (above(by_count, edit("a", 3, "bob", "x", 50)), "missing"),
        (
            above(by_age, delete_message("a", 3, moderator(&[]), 50)),
            "missing",
        ),
        (above(by_both, edit("a", 2, "bob", "x", 50)), "entry 1 [2]"),
        (
            above(floor(6, None), purge("a", "eve", 1, 50)),
            "entry 1 [5]",
        ),
        (trim("a", 0, Some(20), 9), "from 2"),
        (page("a", From::After(0), 9, 99), "2*:x 3:c 4:d 5-: of 2-5"),
        (trim("a", 0, Some(21), 1), "from 4 and more"),
        (page("a", From::After(0), 9, 99), "3:c 4:d 5-: of 3-5"),
    ]
}

#[test]
fn every_store_hides_what_is_below_the_floor_and_lets_nobody_change_it() {
    let directory = tempfile::tempdir().unwrap();
    for mut store in stores(&directory) {
        for (question, expected) in script() {
            let asked = format!("{question:?}");
            assert_eq!(ask(&mut *store, question), expected, "{asked}");
        }
    }
}

#[test]
fn the_first_message_above_a_floor_is_found_by_asking_few() {
    let mut asked = 0;
    let date = |seq: u64| {
        asked += 1;
        Ok::<_, ()>(Some(Wall::from_millis(seq)))
    };
    let floor = Floor {
        first_seq: 0,
        since: Some(Wall::from_millis(700_001)),
    };
    assert_eq!(first_above(floor, (1, 1_000_000), date), Ok(700_001));
    assert!(asked <= 22, "{asked}");
}
