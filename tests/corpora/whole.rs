//! The corpora of targets that run more than a parser: the engine in a world, a configuration, a TLS session, a store.

use wardroom::reactor;
use wardroom::simulation::fuzz;

use super::replay_with;

/// Mutations of each script. A world takes a millisecond or some with the assertions on.
const WORLDS: usize = 8;
/// Of each configuration, which is written to a file and read.
const CONFIGURATIONS: usize = 50;
/// Of what somebody sends where TLS is spoken.
const SEALED: usize = 30;
/// Of each store, which is opened, checked, written to and opened again.
const STORES: usize = 10;

#[test]
fn whatever_happens_in_the_worlds_of_the_corpus_is_as_it_must_be() {
    replay_with(WORLDS, "session", fuzz::session);
}

#[test]
fn a_configuration_is_refused_by_a_key_or_loads_again_as_what_it_is() {
    replay_with(CONFIGURATIONS, "config", fuzz::config);
}

#[test]
fn tls_opens_what_a_client_has_sealed_and_nothing_else() {
    replay_with(SEALED, "tls", reactor::fuzz::tls);
}

#[test]
fn a_store_is_refused_or_holds_what_it_held() {
    replay_with(STORES, "store", fuzz::store);
}
