//! A room has places, `members_max` of them: of those who belong to it or are invited, there or not, and of strangers while one is left.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, durable, join, made, member, verdict};
use crate::{roomy, seconds};

fn limit(world: &mut World, owner: ConnectionId, members_max: u64) {
    let update = json!({"type": "update", "id": 1, "room": "den", "members_max": members_max});
    assert_eq!(verdict(world, owner, &update), "ok");
}

#[test]
fn somebody_invited_has_a_place_in_a_room_that_is_full_of_strangers() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    limit(&mut world, owner, 3);
    act(&mut world, owner, "invite", "den", "friend");
    member(&mut world, "stranger", "den");
    let second = world.join_v1("second", "10.0.0.3");
    assert_eq!(
        verdict(&mut world, second, &join("den")),
        "room_full",
        "the third place is the friend's"
    );
    // However few places the owner leaves after that.
    limit(&mut world, owner, 1);
    let friend = world.join_v1("friend", "10.0.0.3");
    assert_eq!(verdict(&mut world, friend, &join("den")), "ok");
    let invite = json!({"type": "invite", "id": 1, "room": "den", "user": "another"});
    assert_eq!(verdict(&mut world, owner, &invite), "room_full");
}

#[test]
fn strangers_are_counted_when_the_owner_begins_to_count() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let stranger = member(&mut world, "stranger", "den");
    limit(&mut world, owner, 2);
    let second = world.join_v1("second", "10.0.0.3");
    assert_eq!(verdict(&mut world, second, &join("den")), "room_full");
    world.reset(stranger);
    assert_eq!(verdict(&mut world, second, &join("den")), "ok");
}

const USERS: [&str; 6] = ["ann", "bob", "cid", "dan", "eve", "fay"];
const MEMBERS_MAX: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Join,
    Leave,
    /// The connection breaks.
    Break,
    Invite,
    Withdraw,
    Appoint,
    Dismiss,
    Ban,
    Unban,
    /// Whoever is away has gone.
    Wait,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => Just(Deed::Join),
        2 => Just(Deed::Leave),
        3 => Just(Deed::Break),
        3 => Just(Deed::Invite),
        1 => Just(Deed::Withdraw),
        2 => Just(Deed::Appoint),
        2 => Just(Deed::Dismiss),
        1 => Just(Deed::Ban),
        1 => Just(Deed::Unban),
        1 => Just(Deed::Wait),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stands {
    #[default]
    Stranger,
    Invited,
    Member,
    Banned,
}

/// Somebody as a plain list of people has them.
#[derive(Debug, Default)]
struct Person {
    stands: Stands,
    connection: Option<ConnectionId>,
    is_seated: bool,
    /// Their connection broke a moment ago.
    is_away: bool,
}

impl Person {
    fn has_place(&self) -> bool {
        matches!(self.stands, Stands::Invited | Stands::Member)
    }

    fn is_there(&self) -> bool {
        self.is_seated || self.is_away
    }
}

/// The owner's place, those of the people who have one, and strangers who are there.
fn taken(people: &[Person]) -> (usize, usize) {
    let own = people.iter().filter(|person| person.has_place()).count();
    let strangers = people
        .iter()
        .filter(|person| person.is_there() && !person.has_place());
    (1 + own, strangers.count())
}

/// Does it to the list; what whoever asks is to be told.
fn expected(people: &mut [Person], who: usize, deed: Deed) -> &'static str {
    let (own, strangers) = taken(people);
    let person = &mut people[who];
    let is_full = own >= MEMBERS_MAX && !person.has_place();
    match (deed, person.stands) {
        (Deed::Join | Deed::Invite | Deed::Appoint | Deed::Dismiss, Stands::Banned) => {
            return if matches!(deed, Deed::Join) {
                "banned"
            } else {
                "target_banned"
            };
        }
        (Deed::Join, _) if person.is_there() || person.has_place() => {
            if person.stands == Stands::Invited {
                person.stands = Stands::Member;
            }
            (person.is_seated, person.is_away) = (true, false);
        }
        (Deed::Join, _) if own + strangers >= MEMBERS_MAX => return "room_full",
        (Deed::Join, _) => person.is_seated = true,
        (Deed::Invite, Stands::Invited | Stands::Member) => return "already",
        (Deed::Appoint, Stands::Member) => return "already",
        (Deed::Invite | Deed::Appoint, _) if is_full => return "room_full",
        (Deed::Invite, _) => person.stands = Stands::Invited,
        (Deed::Appoint, _) => person.stands = Stands::Member,
        (Deed::Withdraw, Stands::Invited) | (Deed::Dismiss, Stands::Member) => {
            person.stands = Stands::Stranger;
        }
        (Deed::Withdraw | Deed::Dismiss, _) => return "already",
        (Deed::Ban, _) => {
            (person.stands, person.is_seated, person.is_away) = (Stands::Banned, false, false);
        }
        (Deed::Unban, Stands::Banned) => person.stands = Stands::Stranger,
        (Deed::Unban, _) => return "already",
        (Deed::Leave | Deed::Break | Deed::Wait, _) => {}
    }
    "ok"
}

fn request(who: usize, deed: Deed) -> Value {
    let about = |kind: &str| json!({"type": kind, "id": 1, "room": "den", "user": USERS[who]});
    match deed {
        Deed::Invite => about("invite"),
        Deed::Withdraw => about("withdraw"),
        Deed::Ban => about("ban"),
        Deed::Unban => about("unban"),
        Deed::Appoint | Deed::Dismiss => {
            let is_appointed = matches!(deed, Deed::Appoint);
            let mut request = about("affiliate");
            request["affiliation"] = json!(if is_appointed { "member" } else { "none" });
            request
        }
        Deed::Join => join("den"),
        Deed::Leave | Deed::Break | Deed::Wait => json!({"type": "leave", "id": 1, "room": "den"}),
    }
}

/// Does it; what whoever asks is told.
fn done(
    world: &mut World,
    owner: ConnectionId,
    people: &mut [Person],
    who: usize,
    deed: Deed,
) -> String {
    match deed {
        Deed::Wait => {
            world.advance(seconds(6));
            people.iter_mut().for_each(|person| person.is_away = false);
        }
        Deed::Break => {
            if let Some(connection) = people[who].connection.take() {
                world.reset(connection);
                people[who].is_away |= people[who].is_seated;
                people[who].is_seated = false;
            }
        }
        Deed::Leave if !people[who].is_seated => {}
        Deed::Leave | Deed::Join => {
            let connection = *people[who]
                .connection
                .get_or_insert_with(|| world.join_v1(USERS[who], "10.0.0.2"));
            let told = verdict(world, connection, &request(who, deed));
            people[who].is_seated &= matches!(deed, Deed::Join);
            return told;
        }
        _ => return verdict(world, owner, &request(who, deed)),
    }
    "ok".to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_places_are_given_as_a_plain_list_of_people_would(
        deeds in prop::collection::vec((0..USERS.len(), deed()), 1..60),
    ) {
        let mut config = roomy();
        config.rooms.return_time_max = seconds(5);
        config.deadlines.ping = seconds(3_000);
        config.deadlines.first_message = seconds(0);
        config.deadlines.idle = seconds(0);
        let mut world = World::new(config);
        let owner = made(&mut world, "owner", "den", "public");
        limit(&mut world, owner, MEMBERS_MAX as u64);
        let mut people: Vec<Person> = USERS.iter().map(|_| Person::default()).collect();
        for (who, deed) in deeds {
            let expected = expected(&mut people, who, deed);
            let told = done(&mut world, owner, &mut people, who, deed);
            prop_assert_eq!(told, expected, "{} {:?}", USERS[who], deed);
            prop_assert!(taken(&people).0 <= MEMBERS_MAX);
        }
    }
}
