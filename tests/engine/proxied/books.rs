//! Whatever passes through proxies, each connection is counted once, and none in the end.

use proptest::prelude::*;

use super::*;
use crate::{millis, roomy};

#[derive(Debug, Clone)]
enum Step {
    Connect { at: usize },
    Announce { client: usize, address: u8 },
    Send { client: usize, bytes: usize },
    Page { client: usize, address: u8 },
    Chat { client: usize, address: u8 },
    HangUp { client: usize },
    Reset { client: usize },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0usize..16;
    prop_oneof![
        4 => (0usize..2).prop_map(|at| Step::Connect { at }),
        4 => (client(), 0u8..3).prop_map(|(client, address)| Step::Announce { client, address }),
        2 => (client(), 1usize..40).prop_map(|(client, bytes)| Step::Send { client, bytes }),
        3 => (client(), 0u8..3).prop_map(|(client, address)| Step::Page { client, address }),
        4 => (client(), 0u8..3).prop_map(|(client, address)| Step::Chat { client, address }),
        1 => client().prop_map(|client| Step::HangUp { client }),
        1 => client().prop_map(|client| Step::Reset { client }),
        1 => (1u64..20_000).prop_map(|millis| Step::Wait { millis }),
    ]
}

fn take(world: &mut World, ids: &mut Vec<ConnectionId>, step: &Step) {
    let of = |client: usize| ids.get(client % ids.len().max(1)).copied();
    let sent = match step {
        Step::Connect { at } => {
            if let Ok(id) = world.connect([PROXY, "9.9.9.9"][*at]) {
                ids.push(id);
            }
            return;
        }
        Step::Wait { millis: time } => return world.advance(millis(*time)),
        Step::Announce { client, address } => (*client, v2([1, 1, 1, *address])),
        Step::Send { client, bytes } => (*client, page("1.1.1.1").into_bytes()[..*bytes].to_vec()),
        Step::Page { client, address } => (*client, page(&format!("1.1.1.{address}")).into_bytes()),
        Step::Chat { client, address } => {
            let field = format!("X-Forwarded-For: 1.1.1.{address}\r\n");
            (*client, chat_request("?token=alice", &field).into_bytes())
        }
        Step::HangUp { client } | Step::Reset { client } => (*client, Vec::new()),
    };
    let Some(id) = of(sent.0).filter(|id| world.client(*id).ending() != Ending::Closed) else {
        return;
    };
    match step {
        Step::HangUp { .. } => world.hang_up(id),
        Step::Reset { .. } => world.reset(id),
        _ => world.send(id, &sent.1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_passes_through_proxies_every_connection_is_counted_for_one_address_and_none_in_the_end(
        steps in prop::collection::vec(step(), 1..60),
        protocol in any::<bool>(),
        pieces in prop_oneof![Just(1usize), Just(30), Just(65_536)],
    ) {
        let mut config = roomy();
        config.proxy.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
        config.proxy.protocol = protocol;
        config.limits.connections_per_user = 4;
        config.limits.connections_per_address = 3;
        config.limits.plain_per_address = 3;
        config.turn.signature_checks_max = 1;
        let mut world = World::new(config);
        world.read_bytes_max = pieces;
        let mut ids = Vec::new();
        for step in &steps {
            take(&mut world, &mut ids, step);
            expect_books_to_agree(&world);
        }
        expect_nothing_left(&mut world, ids);
    }
}
