//! The authentication hook in virtual time: who is asked about, who waits, and who is told what.

use wardroom::access::hook::answer::{AnswerFault, Expiry};
use wardroom::access::hook::{Answer, Silence};
use wardroom::access::{AuthError, Authenticator, Credential, Identity};
use wardroom::config::{HookSettings, Rate, RefuseWith};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;
use wardroom::time::Now;

use crate::counted::limits;
use crate::{ask, chat_request, closed, outcome, roomy, seconds, stay};

const UNAVAILABLE: &str = "1013 authentication is not available";
const SILENT: Answer = Answer::Silent(Silence::TooSlow);

/// Knows one kind of credential: `local-NAME`.
struct Local;

impl Authenticator for Local {
    fn authenticate(&self, credential: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
        let user = credential.value.strip_prefix("local-");
        Ok(Identity::new(user.ok_or(AuthError::Invalid)?, "", None)?)
    }

    fn recognizes(&self, credential: Credential<'_>) -> bool {
        credential.value.starts_with("local-")
    }
}

fn settings() -> HookSettings {
    HookSettings {
        url: Some("http://127.0.0.1:9/".to_owned()),
        questions_per_address_max: 100,
        ..HookSettings::default()
    }
}

fn world_with(change: impl FnOnce(&mut wardroom::config::Config)) -> World {
    let mut config = roomy();
    config.auth.hook = settings();
    change(&mut config);
    World::with_authenticator(config, Box::new(Local), [7; 32])
}

fn world() -> World {
    world_with(|_| {})
}

/// Knocks with a bearer credential, and lets the server come to rest.
fn knock(world: &mut World, credential: &str) -> ConnectionId {
    let fields = format!("Authorization: Bearer {credential}\r\n");
    let id = ask(world, "10.0.0.1", &chat_request("", &fields));
    world.settle();
    id
}

fn yes(user: &str) -> Answer {
    Answer::Known {
        identity: Identity::new(user, "", None).expect("a good name"),
        expires: None,
    }
}

/// The same for so many seconds.
fn until(user: &str, time: u64) -> Answer {
    let Answer::Known { identity, .. } = yes(user) else {
        unreachable!("that is what yes says");
    };
    let expires = Some(Expiry::In(seconds(time)));
    Answer::Known { identity, expires }
}

fn answer(world: &mut World, answer: Answer) {
    world.answer_question(answer);
    world.settle();
}

#[test]
fn whoever_the_hook_knows_is_in_and_is_asked_about_once() {
    let mut world = world();
    let first = knock(&mut world, "opaque");
    assert_eq!(outcome(&mut world, first), "no answer");
    assert_eq!(world.asked_of_hook(), Some("opaque"));
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, first), "in as alice");
    let second = knock(&mut world, "opaque");
    assert_eq!(outcome(&mut world, second), "in as alice");
    assert_eq!(world.questions(), 0);
    world.advance(seconds(30));
    let third = knock(&mut world, "opaque");
    assert_eq!(
        outcome(&mut world, third),
        "no answer",
        "the answer is too old"
    );
}

#[test]
fn what_is_judged_here_is_never_shown_to_the_hook() {
    let mut world = world();
    for (credential, expected) in [
        ("local-bob", "in as bob"),
        ("wrs_short", "1008 invalid credentials"),
    ] {
        let id = knock(&mut world, credential);
        assert_eq!(outcome(&mut world, id), expected, "{credential}");
        assert_eq!(world.questions(), 0, "{credential}");
    }
}

#[test]
fn equal_credentials_wait_for_one_answer() {
    let mut world = world();
    let waiting: Vec<_> = (0..20).map(|_| knock(&mut world, "opaque")).collect();
    assert_eq!(world.questions(), 1);
    answer(&mut world, yes("alice"));
    for id in waiting {
        assert_eq!(outcome(&mut world, id), "in as alice");
    }
}

#[test]
fn a_refusal_costs_the_address_and_a_hook_that_is_down_costs_it_nothing() {
    let nonsense = Answer::Unusable(AnswerFault::ContentType);
    for (says, word, told, charged) in [
        (Answer::Refused, "refused", "1008 invalid credentials", true),
        (SILENT, "silent", UNAVAILABLE, false),
        (nonsense, "unusable", UNAVAILABLE, false),
    ] {
        let mut world = world_with(|config| {
            config.limits.failed_authentications_per_address = Rate::new(2, seconds(60));
            config.auth.hook.failures_max = 100;
        });
        for number in 0..2 {
            let id = knock(&mut world, &format!("bad{number}"));
            answer(&mut world, says.clone());
            assert_eq!(outcome(&mut world, id), told);
        }
        let counted = format!("{{worker=\"hook\",outcome=\"{word}\"}} 2");
        assert!(world.metrics().contains(&counted), "{counted}");
        let third = knock(&mut world, "another");
        let expected = if charged { "429 too_many" } else { "no answer" };
        assert_eq!(outcome(&mut world, third), expected);
    }
}

#[test]
fn a_hook_that_is_down_is_told_as_the_operator_wants() {
    let mut world = world_with(|config| config.auth.refuse_with = RefuseWith::Http);
    let id = knock(&mut world, "opaque");
    answer(&mut world, SILENT);
    assert_eq!(outcome(&mut world, id), "503 authentication_unavailable");
    let request = "POST /ticket HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n";
    let id = ask(&mut world, "10.0.0.1", request);
    world.settle();
    answer(&mut world, SILENT);
    assert_eq!(outcome(&mut world, id), "503 authentication_unavailable");
}

#[test]
fn silence_in_a_row_spares_everybody_the_wait_until_one_question_is_answered() {
    let mut world = world();
    for number in 0..5 {
        let id = knock(&mut world, &format!("x{number}"));
        answer(&mut world, SILENT);
        assert_eq!(outcome(&mut world, id), UNAVAILABLE);
    }
    let id = knock(&mut world, "y");
    assert_eq!(outcome(&mut world, id), UNAVAILABLE, "at once");
    assert_eq!(world.questions(), 0);
    world.advance(seconds(5));
    let probe = knock(&mut world, "probe");
    let other = knock(&mut world, "other");
    assert_eq!(outcome(&mut world, other), UNAVAILABLE);
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, probe), "in as alice");
    let id = knock(&mut world, "other");
    answer(&mut world, yes("bob"));
    assert_eq!(outcome(&mut world, id), "in as bob");
}

#[test]
fn a_question_in_the_queue_is_given_up_in_time() {
    let mut world = world_with(|config| config.auth.hook.concurrency_max = 1);
    let first = knock(&mut world, "a");
    let second = knock(&mut world, "b");
    assert_eq!(world.questions(), 1, "one is put");
    world.advance(seconds(2));
    assert_eq!(outcome(&mut world, second), UNAVAILABLE);
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, first), "in as alice");
}

#[test]
fn an_answer_for_somebody_who_has_gone_reaches_nobody_else() {
    let mut world = world_with(|config| config.auth.hook.timeout = seconds(60));
    let gone = knock(&mut world, "a");
    world.hang_up(gone);
    world.advance(seconds(11));
    let next = knock(&mut world, "b");
    assert_eq!(
        (next.slot(), next == gone),
        (gone.slot(), false),
        "its place"
    );
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, next), "no answer", "it was for another");
    answer(&mut world, yes("bob"));
    assert_eq!(outcome(&mut world, next), "in as bob");
    world.hang_up(next);
    world.advance(seconds(60));
    assert_eq!(world.census(), Default::default());
}

#[test]
fn a_head_that_waits_for_an_answer_still_has_its_deadline() {
    let mut world = world();
    let id = knock(&mut world, "a");
    world.advance(seconds(10));
    assert_eq!(outcome(&mut world, id), "408 request_timeout");
    answer(&mut world, yes("alice"));
    assert_eq!(world.census().user_connections, 0);
}

#[test]
fn a_connection_ends_when_the_hook_said() {
    let mut world = world();
    let id = knock(&mut world, "a");
    answer(&mut world, until("alice", 20));
    assert_eq!(outcome(&mut world, id), "in as alice");
    world.advance(seconds(19));
    assert_eq!(closed(&mut world, id), None);
    world.advance(seconds(1));
    assert_eq!(
        closed(&mut world, id),
        Some((1008, "token expired".to_owned()))
    );
    let again = knock(&mut world, "a");
    assert_eq!(world.questions(), 1, "nothing is remembered beyond it");
    let expired = Some(Expiry::At(world.now().wall));
    let Answer::Known { identity, .. } = yes("alice") else {
        unreachable!("that is what yes says");
    };
    answer(
        &mut world,
        Answer::Known {
            identity,
            expires: expired,
        },
    );
    assert_eq!(outcome(&mut world, again), "1008 token expired");
}

#[test]
fn a_refresh_asks_the_hook_and_the_connection_goes_on_meanwhile() {
    let mut world = world();
    let id = knock(&mut world, "a");
    answer(&mut world, until("alice", 60));
    assert_eq!(outcome(&mut world, id), "in as alice");
    world.advance(seconds(40));
    let refresh = r#"{"type":"refresh","id":1,"token":"a"}"#;
    for (says, reply) in [
        (SILENT, "busy"),
        (Answer::Refused, "invalid_credentials"),
        (until("alice", 60), "ok"),
    ] {
        world.advance(seconds(6));
        world.say(id, refresh);
        world.say(id, r#"{"type":"ping","id":2}"#);
        world.settle();
        let before = world.client(id).take_notices();
        assert!(before.iter().any(|said| said["id"] == 2), "{before:?}");
        assert!(!before.iter().any(|said| said["id"] == 1), "{before:?}");
        assert_eq!(world.asked_of_hook(), Some("a"), "{reply}");
        answer(&mut world, says);
        let said = world.client(id).take_notices();
        let said = said.iter().find(|said| said["id"] == 1).expect("a reply");
        let word = said["code"].as_str().or(said["type"].as_str());
        assert_eq!(word, Some(reply), "{said}");
    }
    stay(&mut world, id, seconds(59));
    assert_eq!(closed(&mut world, id), None);
    world.advance(seconds(1));
    assert_eq!(
        closed(&mut world, id),
        Some((1008, "token expired".to_owned()))
    );
}

#[test]
fn a_revoked_user_is_out_at_once_and_asked_about_again() {
    let mut world = world();
    let inside = knock(&mut world, "a");
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, inside), "in as alice");
    let asked_before = knock(&mut world, "b");
    world.advance(seconds(1));
    world.revoke_user("alice");
    world.settle();
    assert_eq!(
        closed(&mut world, inside),
        Some((1008, "revoked".to_owned()))
    );
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, asked_before), "1008 revoked");
    world.advance(seconds(1));
    let after = knock(&mut world, "a");
    assert_eq!(world.questions(), 1, "what was known is forgotten");
    answer(&mut world, yes("alice"));
    assert_eq!(
        outcome(&mut world, after),
        "in as alice",
        "the hook knows better now"
    );
}

#[test]
fn other_settings_ask_anew_and_lose_nobody() {
    let mut world = world();
    let waiting = knock(&mut world, "a");
    let moved = HookSettings {
        url: Some("http://127.0.0.1:10/".to_owned()),
        ..settings()
    };
    world.reconfigure_hook(moved);
    world.settle();
    assert_eq!(world.asked_of_hook(), Some("a"));
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, waiting), "in as alice");
    let left = knock(&mut world, "b");
    world.reconfigure_hook(HookSettings::default());
    world.settle();
    assert_eq!(outcome(&mut world, left), UNAVAILABLE);
    let nobody_to_ask = knock(&mut world, "c");
    assert_eq!(
        outcome(&mut world, nobody_to_ask),
        "1008 invalid credentials"
    );
}

#[test]
fn a_ticket_is_given_for_what_the_hook_knows() {
    let mut world = world();
    let request = "POST /ticket HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer opaque\r\n\r\n";
    let id = ask(&mut world, "10.0.0.1", request);
    world.settle();
    answer(&mut world, yes("alice"));
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 200);
    let ticket = response.json()["ticket"]
        .as_str()
        .expect("a ticket")
        .to_owned();
    let offer = format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n");
    let id = ask(&mut world, "10.0.0.1", &chat_request("", &offer));
    world.settle();
    assert_eq!(outcome(&mut world, id), "in as alice");
    assert_eq!(world.questions(), 0);
}

#[test]
fn a_question_whose_asker_has_gone_counts_for_nobody_who_takes_over_their_place() {
    let mut world = world_with(|config| {
        config.auth.hook.questions_per_address_max = 1;
        // Two addresses have a place of their own.
        config.limits.prefixes_max = 3;
    });
    let gone = knock(&mut world, "departed");
    world.reset(gone);
    world.connect("10.0.0.2").expect("room, and it stays");
    let fields = "Authorization: Bearer opaque\r\n";
    let id = ask(&mut world, "10.0.0.3", &chat_request("", fields));
    world.settle();
    assert_eq!(outcome(&mut world, id), "no answer", "it is asked about");
    answer(&mut world, Answer::Refused);
    answer(&mut world, yes("alice"));
    assert_eq!(outcome(&mut world, id), "in as alice");
}

#[test]
fn whoever_comes_back_from_the_same_address_has_no_more_questions_than_before() {
    let mut world = world_with(|config| {
        config.auth.hook.questions_per_address_max = 1;
        config.limits.prefixes_max = 3;
    });
    let gone = knock(&mut world, "departed");
    world.reset(gone);
    for other in ["10.0.0.2", "10.0.0.3"] {
        world.connect(other).expect("room, and it stays");
    }
    let again = knock(&mut world, "opaque");
    assert_eq!(outcome(&mut world, again), UNAVAILABLE);
}

#[test]
fn a_question_that_is_not_put_is_counted_by_the_limit() {
    for (queue_max, of_address_max, expected) in [
        (1, 100, "auth.hook.queue_max of server: 1"),
        (64, 2, "auth.hook.questions_per_address_max of address: 1"),
    ] {
        let mut world = world_with(|config| {
            let hook = &mut config.auth.hook;
            hook.concurrency_max = 1;
            hook.queue_max = queue_max;
            hook.questions_per_address_max = of_address_max;
        });
        for credential in ["a", "b"] {
            let id = knock(&mut world, credential);
            assert_eq!(outcome(&mut world, id), "no answer");
        }
        let refused = knock(&mut world, "c");
        assert_eq!(outcome(&mut world, refused), UNAVAILABLE);
        assert_eq!(limits(&world), [expected]);
    }
}
