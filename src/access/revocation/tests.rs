use super::*;

fn wall(millis: u64) -> Wall {
    Wall::from_millis(millis)
}

fn revocation(subject: Subject, at: u64, until: u64) -> Revocation {
    Revocation {
        subject,
        at: wall(at),
        until: wall(until),
    }
}

fn identity(
    user: &str,
    issued: Option<u64>,
    token_id: Option<&str>,
    session: Option<u8>,
) -> Identity {
    Identity {
        user: user.into(),
        name: user.into(),
        expires: None,
        grant: Grant {
            issued: issued.map(wall),
            token_id: token_id.map(Into::into),
            session: session.map(|n| SessionId([n; 16])),
        },
        rooms: None,
    }
}

#[test]
fn each_kind_concerns_what_it_names_and_nothing_else() {
    let user = revocation(Subject::User("alice".into()), 100, 900);
    let token = revocation(Subject::Token("t".into()), 100, 900);
    let session = revocation(Subject::Session(SessionId([1; 16])), 100, 900);
    // user, iat, jti, session: concerned by user, token, session
    let rows = [
        (
            identity("alice", Some(99), None, None),
            [true, false, false],
        ),
        (
            identity("alice", Some(100), None, None),
            [true, false, false],
        ),
        (
            identity("alice", Some(101), None, None),
            [false, false, false],
        ),
        (
            identity("alice", None, Some("u"), None),
            [true, false, false],
        ),
        (identity("bob", None, Some("t"), None), [false, true, false]),
        (
            identity("bob", Some(101), Some("t"), None),
            [false, true, false],
        ),
        (
            identity("bob", Some(50), None, Some(1)),
            [false, false, true],
        ),
        (
            identity("bob", Some(50), None, Some(2)),
            [false, false, false],
        ),
    ];
    for (identity, expected) in rows {
        for (revocation, expected) in [&user, &token, &session].into_iter().zip(expected) {
            assert_eq!(
                revocation.concerns(&identity),
                expected,
                "{revocation:?} {identity:?}"
            );
            let mut table = Revocations::new(Keyed::new(1, 2));
            assert!(!table.concern(&identity));
            table.insert(revocation.clone(), wall(100));
            assert_eq!(
                table.concern(&identity),
                expected,
                "{revocation:?} {identity:?}"
            );
        }
    }
}

#[test]
fn the_later_of_two_stays_and_none_outlives_its_time() {
    let mut table = Revocations::new(Keyed::new(1, 2));
    assert!(table.is_empty());
    let alice = || Subject::User("alice".into());
    table.insert(revocation(alice(), 200, 900), wall(200));
    table.insert(revocation(alice(), 100, 800), wall(200));
    assert!(table.len() == 1 && !table.is_empty());
    assert!(table.concern(&identity("alice", Some(150), None, None)));
    for n in 0..100 {
        let subject = Subject::Token(format!("{n}").into());
        table.insert(revocation(subject, 300, 1000 + n), wall(300));
    }
    assert_eq!(table.len(), 101);
    for now in [900, 1000, 1100, 1100, 1100, 1100, 1100, 1100, 1100] {
        table.insert(
            revocation(Subject::Token("last".into()), now, 9000),
            wall(now),
        );
    }
    assert_eq!(table.len(), 1);
    assert!(!table.concern(&identity("alice", Some(150), None, None)));
}

#[test]
fn a_revocation_is_remembered_longer_than_any_token_from_before_it() {
    let mut auth = Auth::default();
    auth.jwt.lifetime_max = std::time::Duration::from_secs(60);
    auth.jwt.leeway = std::time::Duration::from_secs(5);
    let made = Revocation::new(Subject::Token("t".into()), &auth, wall(1000));
    assert_eq!((made.at, made.until), (wall(1000), wall(71_000)));
}

#[test]
fn a_subject_reads_back_from_its_words() {
    for subject in [
        Subject::User("a b".into()),
        Subject::Token("t".into()),
        Subject::Session(SessionId([7; 16])),
    ] {
        let (kind, which) = subject.words();
        assert_eq!(Subject::from_words(kind, &which), Some(subject));
    }
    assert_eq!(Subject::from_words("session", "7"), None);
    assert_eq!(Subject::from_words("cookie", "7"), None);
}
