use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn all() -> Vec<Problem> {
    let retry_after = Duration::from_millis(1500);
    vec![
        Problem::Malformed("no"),
        Problem::InvalidJson(JsonError::Syntax),
        Problem::field("room", "no"),
        Problem::KeyRequired,
        Problem::KeyInvalid,
        Problem::NoKeyConfigured,
        Problem::BrowserRefused,
        Problem::NoSuchRoute,
        Problem::UnknownRoom,
        Problem::UnknownConnection,
        Problem::MethodNotAllowed { allow: "POST" },
        Problem::TooSlow {
            limit: "deadlines.head",
        },
        Problem::LengthRequired,
        Problem::BodyTooLarge { bytes_max: 7 },
        Problem::NotJson,
        Problem::ExpectationFailed,
        Problem::HostNotAllowed,
        Problem::TooMany {
            limit: "private.requests",
            retry_after,
        },
        Problem::HeadTooLarge {
            limit: "head_bytes_max",
        },
        Problem::ServerFull {
            limit: "private.connections_max",
            retry_after,
        },
        Problem::Stopping,
        Problem::BoundReached {
            limit: "auth.revocations_max",
        },
        Problem::StoreUnavailable {
            detail: "no".into(),
            retry_after,
        },
        Problem::UnknownMessage,
        Problem::Conflict {
            code: "already",
            detail: "no".into(),
        },
    ]
}

fn written(problem: &Problem) -> (String, Value) {
    let mut bytes = Vec::new();
    problem.write(Method::Get, &mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn every_kind_is_reached_once_and_says_what_rfc_9457_asks() {
    let mut kinds = BTreeSet::new();
    for problem in all() {
        let (kind, status, title) = problem.kind();
        assert!(kinds.insert(kind), "{kind} twice");
        let (head, body) = written(&problem);
        let line = head.lines().next().unwrap();
        assert!(line.starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
        assert!(line.len() > "HTTP/1.1 400 ".len(), "{line} has no phrase");
        assert!(head.contains("Content-Type: application/problem+json\r\n"));
        assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
        assert_eq!(body["type"], format!("{TYPE_PREFIX}{kind}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["title"], title);
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(kinds.len(), Problem::KINDS.len());
}

#[test]
fn limits_say_when_to_come_back_and_methods_which_there_are() {
    let (head, body) = written(&Problem::TooMany {
        limit: "private.requests",
        retry_after: Duration::from_millis(1500),
    });
    assert!(head.contains("\r\nRetry-After: 2"), "{head}");
    assert_eq!(body["retry_after_ms"], 1500);
    assert_eq!(body["limit"], "private.requests");
    let (head, _) = written(&Problem::MethodNotAllowed { allow: "GET, HEAD" });
    assert!(head.contains("\r\nAllow: GET, HEAD"), "{head}");
    let (head, _) = written(&Problem::KeyRequired);
    assert!(head.contains("\r\nWWW-Authenticate: Bearer"), "{head}");
    let (_, body) = written(&Problem::NoKeyConfigured);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("private.key_file")
    );
}

#[test]
fn what_is_refused_before_a_request_is_understood_has_the_same_status_on_every_listener() {
    let retry_after = Duration::from_millis(1500);
    let limit = "handshakes_per_address";
    let too_many = Refusal::TooMany {
        limit,
        scope: "address",
        retry_after,
    };
    for (refusal, kind) in [
        (Refusal::Malformed("no"), "malformed-request"),
        (Refusal::TlsRequired, "malformed-request"),
        (Refusal::CredentialsMissing, "key-required"),
        (Refusal::CredentialsInvalid, "key-invalid"),
        (Refusal::CredentialsExpired, "key-invalid"),
        (Refusal::CredentialsRevoked, "key-invalid"),
        (Refusal::OriginForbidden("no"), "browser-refused"),
        (Refusal::NotFound, "no-such-route"),
        (
            Refusal::MethodNotAllowed { allow: "GET" },
            "method-not-allowed",
        ),
        (Refusal::TooSlow { limit: "" }, "request-timeout"),
        (too_many, "too-many"),
        (Refusal::TOO_MANY_FIELDS, "head-too-large"),
        (Refusal::Full { limit, retry_after }, "server-full"),
        (
            Refusal::AuthenticationUnavailable { retry_after },
            "server-full",
        ),
    ] {
        let status = refusal.status();
        let (_, body) = written(&Problem::from(refusal));
        assert_eq!(body["type"], format!("{TYPE_PREFIX}{kind}"));
        assert_eq!(body["status"], status, "{kind}");
        let is_later = matches!(kind, "too-many" | "server-full");
        assert_eq!(body.get("retry_after_ms").is_some(), is_later, "{kind}");
    }
    // Nothing is upgraded there, so whoever asks for it has asked for what is not.
    for refusal in [Refusal::UpgradeRequired, Refusal::VersionUnsupported] {
        let (_, body) = written(&Problem::from(refusal));
        assert_eq!(body["status"], 400);
    }
}

#[test]
fn the_answer_to_head_has_no_body() {
    let mut bytes = Vec::new();
    Problem::NoSuchRoute.write(Method::Head, &mut bytes);
    assert!(bytes.ends_with(b"\r\n\r\n"));
}

#[test]
fn what_is_at_fault_with_a_request_is_named_for_programs() {
    let value = |problem: &Problem, name: &str| written(problem).1[name].clone();
    for problem in all() {
        let field = match problem {
            Problem::InvalidField { .. } => Value::from("room"),
            _ => Value::Null,
        };
        assert_eq!(value(&problem, "field"), field, "{problem:?}");
        let code = match problem {
            Problem::Conflict { .. } => Value::from("already"),
            _ => Value::Null,
        };
        assert_eq!(value(&problem, "code"), code, "{problem:?}");
        let limit = match problem {
            Problem::BodyTooLarge { .. } => Value::from("private.body_bytes_max"),
            Problem::TooSlow { limit }
            | Problem::TooMany { limit, .. }
            | Problem::HeadTooLarge { limit }
            | Problem::ServerFull { limit, .. }
            | Problem::BoundReached { limit } => Value::from(limit),
            _ => Value::Null,
        };
        assert_eq!(value(&problem, "limit"), limit, "{problem:?}");
    }
    let (head, _) = written(&Problem::KeyInvalid);
    let challenge = "WWW-Authenticate: Bearer error=\"invalid_token\"";
    assert!(head.contains(challenge), "{head}");
}

#[test]
fn what_a_room_refuses_is_told_to_programs_as_what_it_is() {
    let second = Duration::from_secs(1);
    let of = |refusal: RoomRefusal| Problem::from(&refusal);
    for (refusal, status, member, value) in [
        (RoomRefusal::UnknownRoom, 404, "code", ""),
        (RoomRefusal::UnknownMessage, 404, "code", ""),
        (
            RoomRefusal::AboveCeiling {
                field: "members_max",
                max: 3,
            },
            400,
            "field",
            "members_max",
        ),
        (RoomRefusal::Fixed(Some("kind")), 400, "field", "kind"),
        (
            RoomRefusal::RoomFull("people_max"),
            409,
            "limit",
            "rooms.people_max",
        ),
        (
            RoomRefusal::TooManyRoomsCreated {
                limit: "rooms_max",
                scope: "server",
            },
            409,
            "limit",
            "rooms.rooms_max",
        ),
        (RoomRefusal::Busy(second), 503, "code", ""),
        (RoomRefusal::StoreUnavailable(second), 503, "code", ""),
        (RoomRefusal::LastOwner, 409, "code", "last_owner"),
        (RoomRefusal::Already, 409, "code", "already"),
    ] {
        let problem = of(refusal);
        let (head, body) = written(&problem);
        assert_eq!(body["status"], status, "{head}");
        let value = (!value.is_empty()).then_some(value);
        assert_eq!(body[member].as_str(), value, "{body}");
    }
    assert_eq!(of(RoomRefusal::UnknownRoom), Problem::UnknownRoom);
    assert_eq!(of(RoomRefusal::UnknownMessage), Problem::UnknownMessage);
    assert_eq!(
        written(&of(RoomRefusal::Busy(second))).1["retry_after_ms"],
        1000
    );
}
