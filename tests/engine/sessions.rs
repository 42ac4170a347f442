//! Stored sessions, revocations and newer credentials: what is asked of another thread, and what happens while it answers.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use wardroom::access::Identity;
use wardroom::access::record::{Answer, NewRevocation, NewSession, Question};
use wardroom::access::revocation::{Revocation, Subject};
use wardroom::access::session::{SessionDigest, SessionRecord, SessionValue};
use wardroom::access::token::TokenAuthenticator;
use wardroom::config::{Config, KeyMaterial, KeySource, RefuseWith};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;
use wardroom::store;
use wardroom::time::Wall;

use crate::{ask, chat_request, closed, knock, millis, outcome, roomy, seconds, stay, world};

const SECRET: &[u8] = b"thirty-two bytes and a few more of secret";
const OTHER: &[u8] = b"another thirty-two bytes and more of secret";

fn key(secret: &[u8]) -> KeySource {
    KeySource {
        id: None,
        algorithms: vec!["HS256".to_owned()],
        file: None,
        material: KeyMaterial::Secret(secret.to_vec()),
        origin: "test".to_owned(),
    }
}

fn authenticator(secret: &[u8]) -> Box<TokenAuthenticator> {
    let mut auth = Config::default().auth;
    auth.keys = vec![key(secret)];
    Box::new(TokenAuthenticator::new(&auth).expect("a good key"))
}

fn token_world() -> World {
    World::with_authenticator(roomy(), authenticator(SECRET), [7; 32])
}

fn token(claims: Value, secret: &[u8]) -> String {
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("a token")
}

fn now(world: &World) -> u64 {
    world.now().wall.as_seconds()
}

/// A session of `user` that is good for a minute.
fn session(world: &mut World, user: &str, number: u8) -> String {
    let value = SessionValue::new([number; 32]);
    let identity = Identity::new(user, user, None).expect("a user");
    let created = world.now().wall;
    let new = NewSession {
        record: SessionRecord {
            digest: value.digest(),
            user: identity.user,
            name: identity.name,
            label: "".into(),
            created,
            expires: created.after(seconds(60)),
            last_used: None,
        },
        value: value.clone(),
        sessions_max: 100,
        sessions_per_user_max: 100,
    };
    let answers = world
        .store()
        .answer(vec![store::Question::Record(Question::InsertSession(
            Box::new(new),
        ))]);
    assert!(matches!(
        answers.as_slice(),
        [store::Answer::Record(Answer::Inserted(_))]
    ));
    value.reveal().to_owned()
}

fn revoke(world: &mut World, subject: Subject) {
    let auth = Config::default().auth;
    let revocation = Revocation::new(subject, &auth, world.now().wall);
    let new = NewRevocation {
        revocation,
        revocations_max: 100,
    };
    for answer in world
        .store()
        .answer(vec![store::Question::Record(Question::Revoke(Box::new(
            new,
        )))])
    {
        let store::Answer::Record(Answer::Revoked { revocation, .. }) = answer else {
            panic!("{answer:?}");
        };
        world.apply_revocation(revocation);
    }
}

fn bearer(value: &str) -> String {
    format!("Authorization: Bearer {value}\r\n")
}

fn session_id(value: &str) -> Subject {
    Subject::Session(SessionDigest::of(value).expect("a session's value").id())
}

/// The one notice of this request.
fn reply(world: &mut World, id: ConnectionId, request: &Value) -> Value {
    world.client(id).take_notices();
    world.say(id, &request.to_string());
    let notices = world.client(id).take_notices();
    let is_reply = |notice: &&Value| matches!(notice["type"].as_str(), Some("ok" | "error"));
    notices
        .iter()
        .find(is_reply)
        .cloned()
        .unwrap_or(Value::Null)
}

#[test]
fn a_session_opens_the_chat_by_header_cookie_and_query_and_makes_a_ticket() {
    let mut config = roomy();
    config.auth.cookie = Some("sid".to_owned());
    config.origins.allow = vec!["https://chat.example".to_owned()];
    let mut world = World::new(config);
    let value = session(&mut world, "alice", 1);
    let page = "Origin: https://chat.example\r\n";
    for (query, fields) in [
        (String::new(), bearer(&value)),
        (String::new(), format!("Cookie: sid={value}\r\n{page}")),
        (format!("?token={value}"), String::new()),
    ] {
        assert_eq!(
            knock(&mut world, "10.0.0.1", &query, &fields),
            "in as alice",
            "{query} {fields}"
        );
    }
    let request = format!(
        "POST /ticket HTTP/1.1\r\nHost: chat.example\r\n{}\r\n",
        bearer(&value)
    );
    let id = ask(&mut world, "10.0.0.1", &request);
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 200);
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn what_is_no_good_session_is_refused_as_a_bad_token_is() {
    let mut world = world();
    let before = world.work_times().answered;
    let good = session(&mut world, "alice", 1);
    let unknown = SessionValue::new([9; 32]).reveal().to_owned();
    let short = &good[..good.len() - 1];
    let rows = [
        (unknown.as_str(), "1008 invalid credentials"),
        (short, "1008 invalid credentials"),
        ("wrs_", "1008 invalid credentials"),
        ("wrs_!!!", "1008 invalid credentials"),
    ];
    for (value, expected) in rows {
        let fields = bearer(value);
        assert_eq!(knock(&mut world, "10.0.0.1", "", &fields), expected);
    }
    world.advance(seconds(60));
    let fields = bearer(&good);
    let told = knock(&mut world, "10.0.0.2", "", &fields);
    assert_eq!(told, "1008 token expired");
    // The unknown one was looked for; the others have no value's form.
    assert_eq!(world.work_times().answered - before, 2);
}

#[test]
fn a_session_ends_with_1008_when_its_time_does() {
    let mut world = world();
    let value = session(&mut world, "alice", 1);
    let id = world.open("/ws/chat", &value, "10.0.0.1", "");
    stay(&mut world, id, seconds(60) - millis(1));
    assert_eq!(closed(&mut world, id), None);
    world.advance(millis(1));
    let told = Some((1008, "token expired".to_owned()));
    assert_eq!(closed(&mut world, id), told);
}

#[test]
fn a_head_that_waits_for_its_session_is_charged_once_and_its_deadline_runs_on() {
    let mut world = world();
    let value = session(&mut world, "alice", 1);
    world.answers_held = true;
    let id = ask(&mut world, "10.0.0.1", &chat_request("", &bearer(&value)));
    assert_eq!(outcome(&mut world, id), "no answer");
    assert_eq!(
        (world.works_waiting(), world.census().pending_answers),
        (1, 1)
    );
    // What follows is not read meanwhile.
    world.send(id, &wardroom::simulation::text(r#"{"type":"ping"}"#));
    assert!(world.unread_bytes(id) > 0);
    world.advance(seconds(9));
    world.answer_one();
    world.settle();
    assert_eq!(outcome(&mut world, id), "in as alice");
    assert_eq!(world.work_times().waited_max, seconds(9));
    assert_eq!(world.unread_bytes(id), 0);

    let late = ask(&mut world, "10.0.0.2", &chat_request("", &bearer(&value)));
    world.advance(seconds(10));
    assert_eq!(outcome(&mut world, late), "408 request_timeout");
    world.answer_one();
    world.settle();
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn one_look_up_costs_one_handshake_however_often_its_head_is_looked_at() {
    let mut config = Config::default();
    let burst = config.limits.handshakes_per_address.burst;
    config.limits.connections_per_address = 100;
    config.limits.connections_per_user = 100;
    let mut world = World::new(config);
    let value = session(&mut world, "alice", 1);
    for _ in 0..burst {
        let told = knock(&mut world, "10.0.0.1", "", &bearer(&value));
        assert_eq!(told, "in as alice");
    }
    let told = knock(&mut world, "10.0.0.1", "", &bearer(&value));
    assert_eq!(told, "429 too_many");
}

#[test]
fn an_answer_for_somebody_who_has_gone_reaches_nobody_who_came_after() {
    let mut world = world();
    let value = session(&mut world, "alice", 1);
    world.answers_held = true;
    let gone = ask(&mut world, "10.0.0.1", &chat_request("", &bearer(&value)));
    world.reset(gone);
    let other = ask(&mut world, "10.0.0.2", &chat_request("", ""));
    assert_eq!(outcome(&mut world, other), "1008 credentials required");
    let waiting = ask(&mut world, "10.0.0.3", &chat_request("", &bearer(&value)));
    assert_eq!(gone.slot(), 0);
    world.answer_one();
    world.settle();
    assert_eq!(outcome(&mut world, waiting), "no answer");
    world.answer_one();
    world.settle();
    assert_eq!(outcome(&mut world, waiting), "in as alice");
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn an_answer_after_the_stop_is_nobodys() {
    let mut world = world();
    let value = session(&mut world, "alice", 1);
    world.answers_held = true;
    let id = ask(&mut world, "10.0.0.1", &chat_request("", &bearer(&value)));
    world.stop();
    let told = world.client(id).take_response();
    assert_eq!(told.map(|(status, _)| status), Some(101));
    assert_eq!(world.client(id).take_notices()[0]["type"], "bye");
    world.client(id).forget_received();
    world.answer_one();
    world.settle();
    assert!(world.client(id).received().is_empty());
    assert_eq!(world.census().pending_answers, 0);
    assert_eq!(world.census().user_connections, 0);
}

#[test]
fn a_session_that_is_revoked_while_its_head_waits_lets_nobody_in() {
    for before_the_answer in [false, true] {
        let mut world = world();
        let value = session(&mut world, "alice", 1);
        world.answers_held = true;
        let id = ask(&mut world, "10.0.0.1", &chat_request("", &bearer(&value)));
        if before_the_answer {
            revoke(&mut world, session_id(&value));
            world.answer_one();
        } else {
            world.answer_one();
            revoke(&mut world, session_id(&value));
        }
        world.settle();
        let expected = if before_the_answer {
            "1008 invalid credentials"
        } else {
            "1008 revoked"
        };
        assert_eq!(outcome(&mut world, id), expected);
    }
}

#[test]
fn a_full_queue_is_told_at_once_and_is_nobodys_fault() {
    for (refuse_with, expected) in [
        (RefuseWith::Close, "1013 overloaded, try again later"),
        (RefuseWith::Http, "503 server_full"),
    ] {
        for by_engine in [false, true] {
            let mut config = roomy();
            config.auth.refuse_with = refuse_with;
            config.limits.pending_answers_max = if by_engine { 1 } else { 100 };
            let mut world = World::new(config);
            let before = world.work_times().refused;
            world.works_max = 1;
            world.answers_held = true;
            let value = session(&mut world, "alice", 1);
            let first = ask(&mut world, "10.0.0.1", &chat_request("", &bearer(&value)));
            assert_eq!(knock(&mut world, "10.0.0.2", "", &bearer(&value)), expected);
            world.answers_held = false;
            world.settle();
            assert_eq!(outcome(&mut world, first), "in as alice");
            let told = knock(&mut world, "10.0.0.2", "", &bearer(&value));
            assert_eq!(told, "in as alice");
            assert_eq!(world.work_times().refused - before, 1);
        }
    }
}

#[test]
fn what_waits_for_somebody_who_has_hung_up_and_reads_on_is_taken_back_by_a_revocation() {
    let mut world = token_world();
    let end = now(&world) + 600;
    let [alice, bob] = ["alice", "bob"].map(|sub| {
        let token = token(json!({"sub": sub, "exp": end}), SECRET);
        world.open("/ws/chat", &token, "10.0.0.1", "")
    });
    world.client(alice).take_notices();
    world.client(alice).set_window(0);
    world.say(bob, &json!({"message": "secret"}).to_string());
    world.hang_up(alice);
    revoke(&mut world, Subject::User("alice".into()));
    world.client(alice).set_window(usize::MAX);
    world.settle();
    let told = world.client(alice).take_notices();
    let is_secret = |notice: &Value| notice["message"] == "secret";
    assert!(!told.iter().any(is_secret), "{told:?}");
}

#[test]
fn a_revocation_takes_back_the_replies_to_somebody_who_has_hung_up_and_leaves_those_to_others() {
    let mut world = token_world();
    let end = now(&world) + 600;
    let [alice, bob] = ["alice", "bob"].map(|sub| {
        let token = token(json!({"sub": sub, "exp": end}), SECRET);
        let id = world.open("/ws/chat", &token, "10.0.0.1", "");
        world.client(id).take_notices();
        world.client(id).set_window(0);
        world.say(id, "nonsense");
        world.hang_up(id);
        id
    });
    revoke(&mut world, Subject::User("alice".into()));
    let [told_alice, told_bob] = [alice, bob].map(|id| {
        world.client(id).set_window(usize::MAX);
        world.settle();
        let frames = world.client(id).take_frames().into_iter();
        frames
            .map(|frame| (frame.opcode, frame.payload))
            .collect::<Vec<_>>()
    });
    assert_eq!(told_alice, [(8, b"\x03\xF0revoked".to_vec())]);
    assert_eq!(told_bob.first().map(|(opcode, _)| *opcode), Some(1));
}

#[test]
fn a_revocation_closes_whoever_is_inside_by_it_in_the_same_turn_and_nobody_else() {
    let mut world = token_world();
    let (at, end) = (now(&world) - 10, now(&world) + 600);
    let claims = |sub: &str, jti: &str| json!({"sub": sub, "jti": jti, "iat": at, "exp": end});
    let tokens = [
        token(claims("alice", "a1"), SECRET),
        token(claims("alice", "a2"), SECRET),
        token(claims("bob", "b1"), SECRET),
        // Without `iat` nobody knows how old it is.
        token(json!({"sub": "carol", "exp": end}), SECRET),
    ];
    let ids: Vec<ConnectionId> = tokens
        .iter()
        .map(|token| world.open("/ws/chat", token, "10.0.0.1", ""))
        .collect();
    let value = session(&mut world, "bob", 1);
    let by_session = world.open("/ws/chat", &value, "10.0.0.1", "");
    let gone = Some((1008, "revoked".to_owned()));

    revoke(&mut world, Subject::Token("a1".into()));
    assert_eq!(world.census().user_connections, 4, "in the same turn");
    world.settle();
    assert_eq!(closed(&mut world, ids[0]), gone);
    assert_eq!(closed(&mut world, ids[1]), None);
    let again = knock(&mut world, "10.0.0.1", "", &bearer(&tokens[0]));
    assert_eq!(again, "1008 revoked");

    revoke(&mut world, session_id(&value));
    world.settle();
    assert_eq!(closed(&mut world, by_session), gone);
    assert_eq!(closed(&mut world, ids[2]), None);

    for user in ["alice", "carol"] {
        revoke(&mut world, Subject::User(user.into()));
    }
    world.settle();
    assert_eq!(closed(&mut world, ids[1]), gone);
    assert_eq!(closed(&mut world, ids[3]), gone);
    assert_eq!(closed(&mut world, ids[2]), None);
    for token in [&tokens[1], &tokens[3]] {
        let again = knock(&mut world, "10.0.0.1", "", &bearer(token));
        assert_eq!(again, "1008 revoked");
    }
    world.advance(seconds(1));
    let newer = json!({"sub": "alice", "iat": now(&world), "exp": end});
    let newer = bearer(&token(newer, SECRET));
    assert_eq!(knock(&mut world, "10.0.0.1", "", &newer), "in as alice");
}

#[test]
fn nothing_that_was_queued_leaves_after_a_revocation_but_the_rest_of_a_frame_and_the_close() {
    let mut world = token_world();
    let end = now(&world) + 600;
    let alice = token(
        json!({"sub": "alice", "jti": "a", "iat": end - 700, "exp": end}),
        SECRET,
    );
    let bob = token(json!({"sub": "bob", "iat": end - 700, "exp": end}), SECRET);
    let victim = world.open("/ws/chat", &alice, "10.0.0.1", "");
    let speaker = world.open("/ws/chat", &bob, "10.0.0.2", "");
    world.client(victim).take_notices();
    // A socket that takes three bytes of the first frame and no more.
    world.client(victim).set_window(3);
    // Said in one turn, they are one segment of the victim's queue.
    for n in 0..20 {
        let text = json!({"message": format!("secret {n}")}).to_string();
        world.queue(speaker, &wardroom::simulation::text(&text));
    }
    world.settle();
    revoke(&mut world, Subject::Token("a".into()));
    world.client(victim).set_window(usize::MAX);
    world.settle();
    let frames = world.client(victim).take_frames();
    let told: Vec<String> = frames
        .iter()
        .map(|frame| String::from_utf8_lossy(&frame.payload).into_owned())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("secret 0"), "{told:?}");
    assert!(
        frames[1].opcode == 8 && told[1].ends_with("revoked"),
        "{told:?}"
    );
    assert_eq!(world.census().outbound_bytes, 0);
}

#[test]
fn a_ticket_that_was_made_by_a_revoked_token_opens_nothing() {
    let mut world = token_world();
    let end = now(&world) + 600;
    let token = token(json!({"sub": "alice", "jti": "a", "exp": end}), SECRET);
    let request = format!(
        "POST /ticket HTTP/1.1\r\nHost: chat.example\r\n{}\r\n",
        bearer(&token)
    );
    let id = ask(&mut world, "10.0.0.1", &request);
    let response = world.client(id).take_whole_response().expect("an answer");
    let ticket = response.json()["ticket"]
        .as_str()
        .expect("a ticket")
        .to_owned();
    revoke(&mut world, Subject::Token("a".into()));
    let offer = format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n");
    assert_eq!(knock(&mut world, "10.0.0.1", "", &offer), "1008 revoked");
}

#[test]
fn a_newer_token_of_the_same_user_keeps_the_connection_and_anything_else_leaves_it_as_it_was() {
    let mut world = token_world();
    let start = now(&world);
    let of = |sub: &str, seconds: u64| json!({"sub": sub, "iat": start, "exp": start + seconds});
    let first = token(of("alice", 60), SECRET);
    let id = world.open(
        "/ws/chat",
        &first,
        "10.0.0.1",
        "Sec-WebSocket-Protocol: wardroom.v1\r\n",
    );
    let hello = world.client(id).take_notices().remove(0);
    assert_eq!(hello["expires_in_ms"], 90_000, "60 s and the leeway");
    let refresh = |token: String| json!({"type": "refresh", "id": 1, "token": token});
    let rows = [
        (token(of("bob", 600), SECRET), "other_user"),
        (token(of("alice", 600), OTHER), "invalid_credentials"),
        (
            token(json!({"sub": "alice", "exp": start - 100}), SECRET),
            "token_expired",
        ),
        (String::new(), "invalid_credentials"),
        ("wrs_x".to_owned(), "invalid_credentials"),
    ];
    for (token, code) in rows {
        let told = reply(&mut world, id, &refresh(token));
        assert_eq!(
            (told["code"].as_str(), &told["id"]),
            (Some(code), &json!(1))
        );
    }
    stay(&mut world, id, seconds(60));
    let shorter = reply(&mut world, id, &refresh(token(of("alice", 50), SECRET)));
    assert_eq!(shorter["expires_in_ms"], 30_000, "{shorter}");
    let longer = reply(&mut world, id, &refresh(token(of("alice", 100), SECRET)));
    assert_eq!(longer["expires_in_ms"], 70_000, "{longer}");
    stay(&mut world, id, seconds(70) - millis(1));
    assert_eq!(closed(&mut world, id), None);
    world.advance(millis(1));
    let told = Some((1008, "token expired".to_owned()));
    assert_eq!(closed(&mut world, id), told);
}

#[test]
fn a_connection_that_was_renewed_lives_and_dies_by_the_newer_credential() {
    let mut world = token_world();
    let end = now(&world) + 60;
    let of = |jti: &str, exp: u64| token(json!({"sub": "alice", "jti": jti, "exp": exp}), SECRET);
    let id = world.open(
        "/ws/chat",
        &of("old", end),
        "10.0.0.1",
        "Sec-WebSocket-Protocol: wardroom.v1\r\n",
    );
    let refresh = json!({"type": "refresh", "token": of("new", end + 1)});
    assert_eq!(reply(&mut world, id, &refresh)["type"], "ok");
    revoke(&mut world, Subject::Token("old".into()));
    world.settle();
    assert_eq!(closed(&mut world, id), None);
    let refresh = json!({"type": "refresh", "token": of("old", end + 2)});
    assert_eq!(reply(&mut world, id, &refresh)["code"], "revoked");
    revoke(&mut world, Subject::Token("new".into()));
    world.settle();
    let told = Some((1008, "revoked".to_owned()));
    assert_eq!(closed(&mut world, id), told);
}

#[test]
fn a_session_renews_a_connection_and_the_reply_waits_for_the_store() {
    let mut world = token_world();
    let end = now(&world) + 10;
    let first = token(json!({"sub": "alice", "exp": end}), SECRET);
    let id = world.open(
        "/ws/chat",
        &first,
        "10.0.0.1",
        "Sec-WebSocket-Protocol: wardroom.v1\r\n",
    );
    let value = session(&mut world, "alice", 1);
    world.answers_held = true;
    let refresh = json!({"type": "refresh", "id": "r", "token": value});
    assert_eq!(reply(&mut world, id, &refresh), Value::Null);
    // Meanwhile the connection works, and a second one has to wait.
    assert_eq!(
        reply(&mut world, id, &json!({"type": "ping"}))["type"],
        "ok"
    );
    assert_eq!(reply(&mut world, id, &refresh)["code"], "busy");
    world.answer_one();
    world.settle();
    let told = world.client(id).take_notices().remove(0);
    assert_eq!(
        told,
        json!({"type": "ok", "id": "r", "expires_in_ms": 60_000})
    );
    // Gone before the answer.
    world.say(id, &refresh.to_string());
    world.reset(id);
    world.answer_one();
    world.settle();
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn refreshing_is_limited_and_guessing_by_it_costs_the_address() {
    let mut config = Config::default();
    config.limits.refreshes_per_connection = crate::per_second(2);
    config.limits.failed_authentications_per_address.burst = 3;
    let mut world = World::with_authenticator(config, authenticator(SECRET), [7; 32]);
    let end = now(&world) + 600;
    let good = token(json!({"sub": "alice", "exp": end}), SECRET);
    let v1 = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
    let id = world.open("/ws/chat", &good, "10.0.0.1", v1);
    let guess = json!({"type": "refresh", "token": "no"});
    for expected in ["invalid_credentials", "invalid_credentials", "rate_limited"] {
        assert_eq!(reply(&mut world, id, &guess)["code"], expected);
    }
    world.advance(seconds(1));
    assert_eq!(reply(&mut world, id, &guess)["code"], "invalid_credentials");
    let told = reply(&mut world, id, &guess);
    assert_eq!(told["limit"], "failed_authentications_per_address");
    let told = knock(&mut world, "10.0.0.1", "", &bearer(&good));
    assert_eq!(told, "429 too_many");
}

#[test]
fn the_keys_before_a_reload_are_good_for_the_overlap_and_their_connections_longer() {
    let mut world = token_world();
    let end = now(&world) + 3600;
    let old = token(json!({"sub": "alice", "exp": end}), SECRET);
    let new = token(json!({"sub": "bob", "exp": end}), OTHER);
    let inside = world.open("/ws/chat", &old, "10.0.0.1", "");
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&new)),
        "1008 invalid credentials"
    );
    world.replace_authenticator(authenticator(OTHER));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&new)),
        "in as bob"
    );
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&old)),
        "in as alice"
    );
    // A reload that changes no key does not prolong it.
    stay(&mut world, inside, seconds(300));
    world.replace_authenticator(authenticator(OTHER));
    stay(&mut world, inside, seconds(300) - millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&old)),
        "in as alice"
    );
    world.advance(millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&old)),
        "1008 invalid credentials"
    );
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&new)),
        "in as bob"
    );
    assert_eq!(closed(&mut world, inside), None);
}

#[test]
fn a_jump_of_the_date_ends_only_what_has_expired_by_it() {
    let mut world = world();
    let value = session(&mut world, "alice", 1);
    let day = 24 * 3600 * 1000;
    let wall = world.now().wall.as_millis();
    world.jump_wall(Wall::from_millis(wall - day));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "", &bearer(&value)),
        "in as alice"
    );
    world.jump_wall(Wall::from_millis(wall + day));
    assert_eq!(
        knock(&mut world, "10.0.0.2", "", &bearer(&value)),
        "1008 token expired"
    );
}

#[test]
fn whoever_shows_what_was_taken_back_is_told_so_by_a_close_frame_or_by_a_status() {
    for (with, expected) in [
        (RefuseWith::Close, "1008 revoked"),
        (RefuseWith::Http, "401 revoked"),
    ] {
        let mut config = roomy();
        config.auth.refuse_with = with;
        let mut world = World::with_authenticator(config, authenticator(SECRET), [7; 32]);
        let claims = json!({"sub": "alice", "jti": "a", "exp": now(&world) + 600});
        let fields = bearer(&token(claims, SECRET));
        assert_eq!(knock(&mut world, "10.0.0.1", "", &fields), "in as alice");
        revoke(&mut world, Subject::Token("a".into()));
        assert_eq!(knock(&mut world, "10.0.0.1", "", &fields), expected);
    }
}
