use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::access::Source;
use crate::access::hook::Silence;
use crate::access::hook::answer::{AnswerFault, Expiry};
use crate::time::Wall;

const TIMEOUT: Duration = Duration::from_secs(2);

struct World {
    questions: Questions,
    now: Now,
}

fn settings() -> HookSettings {
    HookSettings {
        url: Some("http://127.0.0.1:9/".to_owned()),
        timeout: TIMEOUT,
        concurrency_max: 2,
        queue_max: 3,
        questions_per_address_max: 100,
        failures_max: 3,
        down_time: Duration::from_secs(5),
        cache_time: Duration::from_secs(30),
        cache_refused_time: Duration::from_secs(4),
        ..HookSettings::default()
    }
}

fn id(number: u32) -> ConnectionId {
    ConnectionId {
        slot: number,
        generation: 0,
    }
}

fn identity(user: &str) -> Identity {
    Identity::new(user, user, None).expect("a good name")
}

fn yes(user: &str) -> Answer {
    Answer::Known {
        identity: identity(user),
        expires: None,
    }
}

const BEGINNING: Wall = Wall::from_millis(1_764_000_000_000);

const SILENT: Answer = Answer::Silent(Silence::TooSlow);
const UNUSABLE: Answer = Answer::Unusable(AnswerFault::ContentType);

/// Somebody who was asked about when the world began.
fn known(user: &str) -> Verdict {
    let mut identity = identity(user);
    identity.grant.issued = Some(BEGINNING);
    Verdict::Known(identity)
}

impl World {
    fn new(settings: HookSettings) -> World {
        let hash = Keyed::new(1, 2);
        World {
            questions: Questions::new(settings, hash),
            now: Now {
                instant: Instant::ZERO,
                wall: BEGINNING,
            },
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now.instant = self.now.instant + time;
        self.now.wall = Wall::from_millis(self.now.wall.as_millis() + time.as_millis() as u64);
    }

    fn find_from(&mut self, credential: &str, asker: u32, address: [u8; 4]) -> Found {
        let address = IpAddr::V4(Ipv4Addr::from(address));
        let prefix = Some(Prefix::of(address));
        let question = Question {
            source: Source::Bearer,
            credential: credential.into(),
            origin: None,
            address,
            path: "/ws/chat".into(),
        };
        self.questions.find(question, id(asker), prefix, self.now)
    }

    fn find(&mut self, credential: &str, asker: u32) -> Found {
        self.find_from(credential, asker, [192, 0, 2, 1])
    }

    /// The credential of the next question that is put.
    fn next(&mut self) -> Option<(QuestionId, String)> {
        let next = self.questions.next(|_| true, self.now.instant);
        next.map(|(id, question)| (id, question.credential.to_string()))
    }

    fn put(&mut self) -> QuestionId {
        self.next().expect("a question is put").0
    }

    fn answered(&mut self, question: QuestionId, answer: Answer) -> Told {
        self.questions.answered(question, answer, self.now)
    }

    fn fail(&mut self, times: u32) {
        for time in 0..times {
            assert_eq!(self.find(&format!("failing {time}"), 99), Found::Asked);
            let question = self.put();
            self.answered(question, SILENT);
        }
    }

    fn is_empty(&self) -> bool {
        self.questions.open.is_empty() && self.questions.queue.is_empty()
    }
}

#[test]
fn an_answer_is_asked_for_once_and_then_known_for_a_while() {
    let mut world = World::new(settings());
    assert_eq!(world.find("a", 1), Found::Asked);
    let question = world.put();
    assert_eq!(world.next(), None);
    assert_eq!(
        world.answered(question, yes("alice")),
        [(id(1), known("alice"))]
    );
    assert_eq!(world.find("a", 2), Found::Verdict(known("alice")));
    world.wait(Duration::from_secs(29));
    assert_eq!(world.find("a", 3), Found::Verdict(known("alice")));
    world.wait(Duration::from_secs(1));
    assert_eq!(world.find("a", 4), Found::Asked);
}

#[test]
fn a_refusal_is_known_for_its_own_shorter_while() {
    let mut world = World::new(settings());
    assert_eq!(world.find("a", 1), Found::Asked);
    let question = world.put();
    assert_eq!(
        world.answered(question, Answer::Refused),
        [(id(1), Verdict::Refused)]
    );
    world.wait(Duration::from_secs(3));
    assert_eq!(world.find("a", 2), Found::Verdict(Verdict::Refused));
    world.wait(Duration::from_secs(1));
    assert_eq!(world.find("a", 3), Found::Asked);
}

#[test]
fn equal_questions_are_one_and_all_who_wait_are_told() {
    let mut world = World::new(settings());
    for asker in [1, 2, 3, 2] {
        assert_eq!(world.find("a", asker), Found::Asked);
    }
    assert_eq!(
        world.find_from("a", 4, [192, 0, 2, 2]),
        Found::Asked,
        "another address"
    );
    let question = world.put();
    assert_eq!(world.find("a", 5), Found::Asked, "it is under way");
    let told: Told = [1, 2, 3, 5].map(|asker| (id(asker), known("alice"))).into();
    assert_eq!(world.answered(question, yes("alice")), told);
    assert_eq!(
        world.next().map(|(_, credential)| credential),
        Some("a".to_owned())
    );
}

#[test]
fn a_crowd_behind_one_question_is_bounded() {
    let mut world = World::new(settings());
    for asker in 0..WAITING_PER_QUESTION_MAX as u32 {
        assert_eq!(world.find("a", asker), Found::Asked);
    }
    assert_eq!(world.find("a", 1000), Found::Verdict(Verdict::Unavailable));
    assert_eq!(
        world.find("a", 0),
        Found::Asked,
        "who waits already goes on"
    );
}

#[test]
fn no_more_are_under_way_than_may_be_and_no_more_wait() {
    let mut world = World::new(settings());
    for asker in 0..5 {
        assert_eq!(world.find(&asker.to_string(), asker), Found::Asked);
    }
    assert_eq!(
        world.find("one too many", 9),
        Found::Full(["auth.hook.queue_max", "server"])
    );
    let (first, credential) = world.next().expect("a question");
    assert_eq!(credential, "0", "the oldest first");
    world.put();
    assert_eq!(world.next(), None, "two are under way");
    assert_eq!(
        (world.questions.under_way(), world.questions.waiting()),
        (2, 3)
    );
    world.answered(first, UNUSABLE);
    assert_eq!(
        world.next().map(|(_, credential)| credential),
        Some("2".to_owned())
    );
    assert_eq!(world.find("now there is room", 9), Found::Asked);
}

#[test]
fn nobody_has_the_hook_to_themselves() {
    let mut world = World::new(HookSettings {
        questions_per_address_max: 2,
        ..settings()
    });
    assert_eq!(world.find("a", 1), Found::Asked);
    assert_eq!(world.find("b", 2), Found::Asked);
    let of_address = ["auth.hook.questions_per_address_max", "address"];
    assert_eq!(world.find("c", 3), Found::Full(of_address));
    assert_eq!(world.find("a", 4), Found::Asked, "no further question");
    assert_eq!(world.find_from("c", 5, [192, 0, 2, 2]), Found::Asked);
}

#[test]
fn a_question_waits_no_longer_than_the_timeout() {
    let mut world = World::new(settings());
    for asker in 0..3 {
        assert_eq!(world.find(&asker.to_string(), asker), Found::Asked);
    }
    let first = world.put();
    let second = world.put();
    assert_eq!(
        world.questions.next_deadline(),
        Some(Instant::ZERO + TIMEOUT)
    );
    world.wait(TIMEOUT / 2);
    assert_eq!(world.questions.expire(world.now.instant), []);
    world.wait(TIMEOUT / 2);
    let told = world.questions.expire(world.now.instant);
    assert_eq!(told, [(id(2), Verdict::Unavailable)]);
    assert_eq!(world.questions.next_deadline(), None);
    for question in [first, second] {
        assert_eq!(world.answered(question, SILENT).len(), 1);
    }
    assert!(world.is_empty());
}

#[test]
fn a_question_that_nobody_waits_for_is_not_put() {
    let mut world = World::new(settings());
    for (credential, asker) in [("a", 1), ("b", 2), ("b", 3)] {
        assert_eq!(world.find(credential, asker), Found::Asked);
    }
    let next = world
        .questions
        .next(|asker| asker == id(3), world.now.instant);
    let (question, asked) = next.expect("a question");
    assert_eq!(&*asked.credential, "b");
    assert_eq!(world.next(), None);
    world.answered(question, yes("bob"));
    assert!(world.is_empty());
}

#[test]
fn silence_often_enough_ends_the_waiting_for_everybody() {
    let mut world = World::new(settings());
    world.fail(2);
    for asker in 0..4 {
        assert_eq!(world.find(&asker.to_string(), asker), Found::Asked);
    }
    let question = world.put();
    let told = world.answered(question, SILENT);
    let all: Vec<_> = [1, 2, 3, 0]
        .map(|asker| (id(asker), Verdict::Unavailable))
        .into();
    assert_eq!(told, all, "those in the queue too");
    assert!(world.is_empty());
    assert_eq!(world.find("a", 1), Found::Verdict(Verdict::Unavailable));
    assert_eq!(
        world.questions.retry_after(world.now.instant),
        Duration::from_secs(5)
    );
}

#[test]
fn one_question_probes_a_hook_that_was_down_and_the_others_wait_for_it() {
    for (answer, comes_after) in [(yes("alice"), true), (UNUSABLE, true), (SILENT, false)] {
        let mut world = World::new(settings());
        world.fail(3);
        world.wait(Duration::from_secs(5));
        assert_eq!(world.find("probe", 1), Found::Asked);
        assert_eq!(world.find("b", 2), Found::Asked);
        let probe = world.put();
        assert_eq!(world.next(), None, "one probe");
        assert_eq!(world.find("c", 3), Found::Verdict(Verdict::Unavailable));
        let told = world.answered(probe, answer);
        assert_eq!(told.len(), if comes_after { 1 } else { 2 });
        let next = world.next().map(|(_, credential)| credential);
        assert_eq!(next, comes_after.then(|| "b".to_owned()));
        let again = world.find("d", 4);
        assert_eq!(again == Found::Asked, comes_after, "{again:?}");
    }
}

#[test]
fn answers_that_can_not_be_used_never_take_the_hook_down() {
    let mut world = World::new(settings());
    for number in 0..100 {
        assert_eq!(world.find(&number.to_string(), number), Found::Asked);
        let question = world.put();
        let told = world.answered(question, UNUSABLE);
        assert_eq!(told, [(id(number), Verdict::Unavailable)]);
    }
    assert_eq!(world.questions.unsaid, 99, "and the log hears of them once");
}

#[test]
fn an_identity_ends_when_the_answer_says() {
    let mut world = World::new(settings());
    assert_eq!(world.find("a", 1), Found::Asked);
    let question = world.put();
    let answer = Answer::Known {
        identity: identity("alice"),
        expires: Some(Expiry::In(Duration::from_secs(10))),
    };
    let mut alice = identity("alice");
    alice.expires = Some(Wall::from_millis(1_764_000_010_000));
    alice.grant.issued = Some(BEGINNING);
    let told = world.answered(question, answer);
    assert_eq!(told, [(id(1), Verdict::Known(alice.clone()))]);
    world.wait(Duration::from_secs(9));
    assert_eq!(world.find("a", 2), Found::Verdict(Verdict::Known(alice)));
    world.wait(Duration::from_secs(1));
    assert_eq!(
        world.find("a", 3),
        Found::Asked,
        "the cache keeps it no longer"
    );
}

#[test]
fn a_user_who_was_taken_back_is_asked_about_again() {
    let mut world = World::new(settings());
    assert_eq!(world.find("a", 1), Found::Asked);
    let first = world.put();
    world.answered(first, yes("alice"));
    assert_eq!(world.find("b", 2), Found::Asked);
    let second = world.put();
    world.questions.forget_user("alice");
    world.answered(second, yes("alice"));
    assert_eq!(world.find("a", 3), Found::Asked, "forgotten");
    assert_eq!(
        world.find("b", 4),
        Found::Asked,
        "asked before, and not remembered"
    );
}

#[test]
fn other_settings_forget_answers_and_ask_anew() {
    let mut world = World::new(settings());
    assert_eq!(world.find("known", 1), Found::Asked);
    let first = world.put();
    world.answered(first, yes("alice"));
    assert_eq!(world.find("a", 2), Found::Asked);
    let before = world.put();
    assert_eq!(world.questions.reconfigure(settings()), []);
    assert!(
        matches!(world.find("known", 3), Found::Verdict(_)),
        "the same settings"
    );
    let other = HookSettings {
        url: Some("http://127.0.0.1:10/".to_owned()),
        ..settings()
    };
    assert_eq!(world.questions.reconfigure(other), []);
    assert_eq!(
        world.answered(before, yes("mallory")),
        [],
        "nobody listens to the old one"
    );
    let after = world.put();
    assert_eq!(world.answered(after, yes("bob")), [(id(2), known("bob"))]);
    assert_eq!(world.find("known", 4), Found::Asked);
    let told = world.questions.reconfigure(HookSettings::default());
    assert_eq!(
        told,
        [(id(4), Verdict::Unavailable)],
        "nobody is left to ask"
    );
    assert!(world.is_empty());
}

#[test]
fn a_credential_too_long_to_send_is_refused_without_a_question() {
    let mut world = World::new(settings());
    let max = settings().credential_bytes_max;
    assert_eq!(
        world.find(&"x".repeat(max + 1), 1),
        Found::Verdict(Verdict::Refused)
    );
    assert_eq!(world.find(&"x".repeat(max), 1), Found::Asked);
}

#[test]
fn nothing_grows_with_what_strangers_ask() {
    let mut world = World::new(HookSettings {
        cache_entries_max: 10,
        ..settings()
    });
    for number in 0..10_000_u32 {
        let address = (0x0A00_0000 + number).to_be_bytes();
        world.find_from(&number.to_string(), number, address);
        if number % 3 == 0
            && let Some((question, _)) = world.next()
        {
            world.answered(question, Answer::Refused);
        }
        assert!(world.questions.open.len() <= 5);
        assert!(world.questions.cache.len().1 <= 10);
    }
}
