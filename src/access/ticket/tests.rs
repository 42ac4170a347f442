use super::*;
use crate::time::Wall;

const LIFETIME: Duration = Duration::from_secs(30);

fn tickets(tickets_max: usize, tickets_per_user_max: usize) -> Tickets {
    let settings = TicketSettings {
        lifetime: LIFETIME,
        tickets_max,
        tickets_per_user_max,
    };
    Tickets::new(settings, Keyed::new(1, 2))
}

fn identity(user: &str) -> Identity {
    Identity {
        user: user.into(),
        name: user.into(),
        expires: None,
        grant: Default::default(),
        rooms: None,
    }
}

fn at(millis: u64) -> Now {
    Now {
        instant: Instant::from_nanos(millis * 1_000_000),
        wall: Wall::from_millis(1_000_000 + millis),
    }
}

fn value(n: u64) -> Value {
    let mut value = [0xa5; 32];
    value[..8].copy_from_slice(&n.to_be_bytes());
    value
}

#[test]
fn a_ticket_is_good_once() {
    let mut tickets = tickets(10, 10);
    let text = tickets
        .mint(identity("alice"), None, at(0), value(1))
        .unwrap();
    assert_eq!(text.len(), 43);
    assert_eq!(tickets.redeem(&text, None, at(1)), Ok(identity("alice")));
    assert_eq!(tickets.redeem(&text, None, at(2)), Err(AuthError::Invalid));
    assert!(tickets.is_empty() && tickets.serials.is_empty() && tickets.per_user.is_empty());
}

#[test]
fn a_ticket_dies_at_the_end_of_its_lifetime() {
    for (millis, expected) in [
        (29_999, Ok(identity("alice"))),
        (30_000, Err(AuthError::Expired)),
    ] {
        let mut tickets = tickets(10, 10);
        let text = tickets
            .mint(identity("alice"), None, at(0), value(1))
            .unwrap();
        assert_eq!(
            tickets.redeem(&text, None, at(millis)),
            expected,
            "{millis}"
        );
    }
}

#[test]
fn a_ticket_is_bound_to_the_origin_it_was_asked_from() {
    let (page, other) = ("https://chat.example", "https://evil.example");
    let table = [
        (Some(page), Some(page), true),
        (Some(page), Some(other), false),
        (Some(page), None, false),
        (None, Some(page), true),
        (None, None, true),
    ];
    for (asked, shown, good) in table {
        let mut tickets = tickets(10, 10);
        let text = tickets
            .mint(identity("a"), asked.map(Into::into), at(0), value(1))
            .unwrap();
        assert_eq!(
            tickets.redeem(&text, shown, at(1)).is_ok(),
            good,
            "{asked:?} {shown:?}"
        );
        assert_eq!(
            tickets.redeem(&text, asked, at(1)),
            Err(AuthError::Invalid),
            "spent either way"
        );
    }
}

#[test]
fn a_ticket_does_not_outlive_or_extend_its_identity() {
    let expires = Some(Wall::from_millis(1_005_000));
    let alice = Identity {
        expires,
        ..identity("alice")
    };
    let mut tickets = tickets(10, 10);
    let first = tickets.mint(alice.clone(), None, at(0), value(1)).unwrap();
    let second = tickets.mint(alice.clone(), None, at(0), value(2)).unwrap();
    assert_eq!(tickets.redeem(&first, None, at(4_999)), Ok(alice));
    assert_eq!(
        tickets.redeem(&second, None, at(5_000)),
        Err(AuthError::Expired)
    );
}

#[test]
fn both_bounds_are_named_and_released() {
    let mut tickets = tickets(3, 2);
    let first = tickets.mint(identity("a"), None, at(0), value(1)).unwrap();
    tickets.mint(identity("a"), None, at(10), value(2)).unwrap();
    let refused = tickets.mint(identity("a"), None, at(10), value(3));
    assert_eq!(
        refused,
        Err(TicketError::UserFull {
            max: 2,
            retry_after: LIFETIME
        })
    );
    tickets.mint(identity("b"), None, at(10), value(3)).unwrap();
    let refused = tickets.mint(identity("c"), None, at(1_000), value(4));
    let retry_after = Duration::from_secs(29);
    assert_eq!(
        refused,
        Err(TicketError::Full {
            max: 3,
            retry_after
        })
    );
    tickets.redeem(&first, None, at(1_000)).unwrap();
    tickets
        .mint(identity("a"), None, at(1_000), value(4))
        .unwrap();
    assert!(!tickets.is_empty());
    let full = TicketError::Full {
        max: 3,
        retry_after: LIFETIME,
    };
    assert!(full.to_string().contains("auth.ticket.tickets_max"));
}

#[test]
fn other_settings_are_for_tickets_made_from_then_on() {
    let mut tickets = tickets(10, 1);
    let mint = |tickets: &mut Tickets, n| {
        let minted = tickets.mint(identity("a"), None, at(0), value(n));
        minted.map_err(|_| ())
    };
    let first = mint(&mut tickets, 1).expect("a ticket");
    assert_eq!(mint(&mut tickets, 2), Err(()));
    tickets.reconfigure(TicketSettings {
        lifetime: LIFETIME / 3,
        tickets_max: 10,
        tickets_per_user_max: 2,
    });
    let second = mint(&mut tickets, 2).expect("a ticket more");
    assert!(tickets.redeem(&first, None, at(29_999)).is_ok());
    assert!(tickets.redeem(&second, None, at(10_000)).is_err());
}

#[test]
fn expired_tickets_make_room_a_bounded_number_at_a_time() {
    let mut tickets = tickets(40, 40);
    for n in 0..40 {
        tickets.mint(identity("a"), None, at(0), value(n)).unwrap();
    }
    assert!(
        tickets
            .mint(identity("b"), None, at(29_999), value(100))
            .is_err()
    );
    tickets
        .mint(identity("b"), None, at(30_000), value(100))
        .unwrap();
    assert_eq!(tickets.len(), 40 - PURGED_PER_CALL_MAX + 1);
    assert_eq!(
        tickets.redeem("nonsense", None, at(30_000)),
        Err(AuthError::Invalid)
    );
    assert_eq!(
        tickets.redeem("nonsense", None, at(30_000)),
        Err(AuthError::Invalid)
    );
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets.per_user.len(), 1);
}

#[test]
fn only_the_exact_text_is_a_ticket() {
    let mut tickets = tickets(10, 10);
    let text = tickets.mint(identity("a"), None, at(0), value(1)).unwrap();
    let last_bit_not_canonical = format!("{}V", &text[..42]);
    assert!(text.ends_with('U'), "{text}");
    let forged: [&str; 6] = [
        "",
        "a",
        &text[..42],
        &format!("{text}="),
        &format!("{text}A"),
        &last_bit_not_canonical,
    ];
    for text in forged {
        assert_eq!(
            tickets.redeem(text, None, at(1)),
            Err(AuthError::Invalid),
            "{text:?}"
        );
    }
    assert!(tickets.redeem(&text, None, at(1)).is_ok());
}

#[test]
fn a_value_drawn_twice_is_an_error_and_replaces_nothing() {
    let mut tickets = tickets(10, 10);
    let text = tickets.mint(identity("a"), None, at(0), value(1)).unwrap();
    let again = tickets.mint(identity("b"), None, at(0), value(1));
    assert_eq!(again, Err(TicketError::ValueTaken));
    assert_eq!(tickets.redeem(&text, None, at(1)), Ok(identity("a")));
}

#[test]
fn a_ticket_is_never_printed() {
    let mut tickets = tickets(10, 10);
    let text = tickets.mint(identity("a"), None, at(0), value(1)).unwrap();
    let printed = format!("{:?}", tickets.outstanding);
    assert!(
        !printed.contains(&text) && !printed.contains("165"),
        "{printed}"
    );
}
