//! What stays of people when they have gone draws memory as long as it stays.

use std::time::Duration;

use serde_json::json;
use wardroom::access::hook::Answer;
use wardroom::access::{AuthError, Authenticator, Credential, Identity};
use wardroom::config::HookSettings;
use wardroom::simulation::World;
use wardroom::time::Now;

use super::numbers;
use crate::rooms::{made, verdict};
use crate::{chat_request, outcome, roomy, seconds};

/// Leaves everybody to the hook.
struct Nobody;

impl Authenticator for Nobody {
    fn authenticate(&self, _: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
        Err(AuthError::Invalid)
    }

    fn recognizes(&self, _: Credential<'_>) -> bool {
        false
    }
}

fn class(world: &World, class: &str) -> u64 {
    numbers(world, "wardroom_memory_bytes")[class]
}

#[test]
fn people_who_are_banned_from_a_room_draw_memory_until_it_is_deleted_and_after_a_restart_too() {
    let mut config = roomy();
    config.rooms.durable = vec!["general".to_owned()];
    let mut world = World::new(config.clone());
    let before = class(&world, "rooms");
    let owner = made(&mut world, "olga", "den", "public");
    let room = class(&world, "rooms");
    for n in 0..100 {
        let ban =
            json!({"type": "ban", "room": "den", "user": format!("troll-{n}"), "reason": "noise"});
        assert_eq!(verdict(&mut world, owner, &ban), "ok");
    }
    let banned = class(&world, "rooms");
    let each = (banned - room) / 100;
    assert!((200..1000).contains(&each), "{each} bytes a person");
    let unban = json!({"type": "unban", "room": "den", "user": "troll-0"});
    assert_eq!(verdict(&mut world, owner, &unban), "ok");
    assert!(class(&world, "rooms") < banned, "one is forgiven");
    let forgiven = class(&world, "rooms");
    world.restart(config, [8; 32]);
    assert_eq!(class(&world, "rooms"), forgiven, "the store has them");

    let owner = world.join_v1("olga", "10.0.0.1");
    let delete = json!({"type": "delete", "room": "den"});
    assert_eq!(verdict(&mut world, owner, &delete), "ok");
    assert!(class(&world, "rooms") < room, "its place alone is left");
    assert_eq!(class(&world, "rooms"), before + 3072);
}

#[test]
fn what_the_hook_said_draws_memory_until_it_is_forgotten() {
    let mut config = roomy();
    config.auth.hook = HookSettings {
        url: Some("http://127.0.0.1:9000/".to_owned()),
        cache_time: Duration::from_secs(30),
        ..HookSettings::default()
    };
    let mut world = World::with_authenticator(config.clone(), Box::new(Nobody), [7; 32]);
    let before = class(&world, "users");
    let id = world.connect("10.0.0.1").expect("room");
    world.send(id, chat_request("?token=secret", "").as_bytes());
    let identity = Identity::new("alice", "Alice", None).expect("a good name");
    world.answer_question(Answer::Known {
        identity,
        expires: None,
    });
    world.settle();
    assert_eq!(outcome(&mut world, id), "in as alice");
    world.hang_up(id);
    world.advance(seconds(20));
    let remembered = class(&world, "users") - before;
    assert!((200..1000).contains(&remembered), "{remembered} bytes");
    config.auth.hook.cache_time = Duration::ZERO;
    world.reconfigure_hook(config.auth.hook);
    assert_eq!(class(&world, "users"), before);
}
