//! Every file of the fuzz corpora, and mutations of each, through the functions that the fuzz targets call.

use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wardroom::protocol::command::Field;
use wardroom::protocol::command::v1::COMMANDS;
use wardroom::reactor;
use wardroom::simulation::{fuzz, masked};

/// Mutations of a corpus, spread over its files. The fuzzer makes millions; these few keep the references honest on every compiler.
const MUTATIONS: usize = 12_000;
/// Mutations of one file at most, where a parser reads it.
const OF_A_TEXT: usize = 300;
/// Where it is a configuration, which is written to a file and read.
const OF_A_CONFIGURATION: usize = 50;
/// Where it is sent to somebody who speaks TLS.
const OF_WHAT_IS_SEALED: usize = 30;
/// Where it is a store, which is opened, checked, written to and opened again.
const OF_A_STORE: usize = 10;
/// Where it is a script. A world takes a millisecond or some with the assertions on.
const OF_A_WORLD: usize = 8;
/// Files whose slow reading would make the mutations slow too are only replayed.
const MUTATED_BYTES_MAX: usize = 1500;

/// The files of a corpus, by their names: first those that are named after a rule, then what the fuzzer came upon, under forty digits.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(target))
        .expect("a corpus")
        .map(|entry| {
            let entry = entry.expect("a file");
            let name = entry.file_name().display().to_string();
            (name, fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort_by_key(|(name, _)| (name.len() == 40, name.clone()));
    assert!(files.len() >= 20, "{target} has a corpus");
    files
}

/// Runs what a fuzz target does with each file, and then with so many mutations of each at most.
fn replay(target: &str, mutations_max: usize, run: fn(&[u8])) {
    let mut random = ChaCha20Rng::from_seed([9; 32]);
    let files = corpus(target);
    let mutations = (MUTATIONS / files.len()).min(mutations_max);
    for (name, bytes) in &files {
        judge(run, bytes, || format!("`{target}/{name}`"));
    }
    let is_short = |(_, bytes): &&(String, Vec<u8>)| bytes.len() <= MUTATED_BYTES_MAX;
    for (name, bytes) in files.iter().filter(is_short) {
        for _ in 0..mutations {
            let mut mutated = bytes.clone();
            for _ in 0..=random.next_u32() % 3 {
                mutate(&mut mutated, &mut random);
            }
            let whence =
                || format!("a mutation of `{target}/{name}`\nwith these bytes: {mutated:?}");
            judge(run, &mutated, whence);
        }
    }
}

/// Says which input it was that something was found by.
fn judge(run: fn(&[u8]), bytes: &[u8], whence: impl Fn() -> String) {
    if let Err(panic) = catch_unwind(|| run(bytes)) {
        println!("found by {}", whence());
        resume_unwind(panic);
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha20Rng) {
    let at = random.next_u32() as usize % (bytes.len() + 1);
    let byte = random.next_u32() as u8;
    match (random.next_u32() % 4, bytes.get_mut(at)) {
        (0, Some(place)) => *place ^= 1 << (byte % 8),
        (1, Some(place)) => *place = byte,
        (2, Some(_)) => drop(bytes.remove(at)),
        _ => bytes.insert(at, byte),
    }
}

#[test]
fn frames_are_read_as_the_reference_reads_them() {
    replay("frame", OF_A_TEXT, fuzz::frame);
}

#[test]
fn commands_get_the_verdict_of_the_reference() {
    replay("json", OF_A_TEXT, fuzz::json);
}

#[test]
fn heads_get_the_verdict_of_the_reference_however_they_are_cut() {
    replay("upgrade", OF_A_TEXT, fuzz::upgrade);
}

#[test]
fn credentials_are_taken_when_the_model_takes_them() {
    replay("token", OF_A_TEXT, fuzz::token);
}

#[test]
fn origins_are_those_of_the_plain_reading() {
    replay("origin", OF_A_TEXT, fuzz::origin);
}

#[test]
fn the_client_behind_a_proxy_is_whom_the_chain_of_trust_names() {
    replay("forwarded", OF_A_TEXT, fuzz::forwarded);
}

#[test]
fn whatever_happens_in_the_worlds_of_the_corpus_is_as_it_must_be() {
    replay("session", OF_A_WORLD, fuzz::session);
}

#[test]
fn a_configuration_is_refused_by_a_key_or_loads_again_as_what_it_is() {
    replay("config", OF_A_CONFIGURATION, fuzz::config);
}

#[test]
fn tls_opens_what_a_client_has_sealed_and_nothing_else() {
    replay("tls", OF_WHAT_IS_SEALED, reactor::fuzz::tls);
}

#[test]
fn a_store_is_refused_or_holds_what_it_held() {
    replay("store", OF_A_STORE, fuzz::store);
}

#[test]
fn the_canary_crashes_on_two_messages() {
    let one = [&[0, 0][..], &masked(0x81, b"a")].concat();
    let two = [&one[..], &masked(0x81, b"b")].concat();
    assert!(catch_unwind(|| fuzz::canary(&one)).is_ok());
    assert!(catch_unwind(|| fuzz::canary(&two)).is_err());
}

/// What may stand in a field, rightly or not: the ends of ranges, what lies beyond them, other types, names that are refused.
const VALUES: [&str; 34] = [
    "0",
    "1",
    "7",
    "-1",
    "1.5",
    "1e3",
    "-0",
    "4294967295",
    "4294967296",
    "31622400000",
    "31622400001",
    "9007199254740991",
    "9007199254740992",
    "1e300",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "\"\"",
    "\" \"",
    "\"general\"",
    "\"-\"",
    "\"public\"",
    "\"knock\"",
    "\"moderator\"",
    "\"banned\"",
    "\"AAEC_-8\"",
    "\"AAECA\"",
    "\"AA==\"",
    "\"System\"",
    "\"l\\u043ebby\"",
    "\"a\\u202eb\"",
    "\"a\\u0007b\"",
];
const REQUESTS: u32 = 60_000;

#[test]
fn requests_that_are_nearly_right_get_the_verdict_of_the_plain_reading() {
    let mut random = ChaCha20Rng::from_seed([10; 32]);
    let mut pick = |count: usize| random.next_u32() as usize % count;
    for _ in 0..REQUESTS {
        let shape = COMMANDS[pick(COMMANDS.len())];
        let mut fields = vec![format!("\"type\":\"{}\"", shape.name)];
        for field in shape.required.iter().chain(shape.optional) {
            let is_required = shape.required.contains(field);
            if pick(20) < if is_required { 19 } else { 6 } {
                let value = match (field, pick(4)) {
                    (Field::Room | Field::User | Field::Message, 1..) => "\"general\"",
                    (Field::Seq | Field::ForMs, 1..) => "7",
                    _ => VALUES[pick(VALUES.len())],
                };
                fields.push(format!("\"{}\":{value}", field.name()));
            }
        }
        if pick(10) == 0 {
            let other = Field::ALL[pick(Field::ALL.len())];
            fields.push(format!(
                "\"{}\":{}",
                other.name(),
                VALUES[pick(VALUES.len())]
            ));
        }
        fuzz::json(format!("{{{}}}", fields.join(",")).as_bytes());
        // The same as the operator's program asks it, once with what does not belong there.
        let mut body = fields.split_off(1);
        if pick(20) > 0 {
            body.retain(|field| !field.starts_with("\"room\":") || shape.name == "create");
        }
        body.push(match (shape.name, pick(20)) {
            ("create", 1..) => "\"owner\":\"bob\"".to_owned(),
            (name, _) => format!("\"action\":\"{name}\""),
        });
        fuzz::json(format!("{{{}}}", body.join(",")).as_bytes());
    }
}
