//! Every file of the fuzz corpora, and mutations of each, through the functions that the fuzz targets call.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use wardroom::protocol::command::Field;
use wardroom::protocol::command::v1::COMMANDS;
use wardroom::simulation::{fuzz, masked};

#[path = "corpora/whole.rs"]
mod whole;

/// Mutations of a corpus, spread over its files, and of each file at most. The fuzzer makes millions; these few keep the
/// references honest on every compiler.
const MUTATIONS: usize = 12_000;
const MUTATIONS_OF_FILE_MAX: usize = 300;
/// Files whose slow reading would make the mutations slow too are only replayed.
const MUTATED_BYTES_MAX: usize = 1500;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(target))
        .expect("a corpus")
        .map(|entry| {
            let path = entry.expect("a file").path();
            (path.display().to_string(), fs::read(path).expect("a file"))
        })
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{target} has a corpus");
    files
}

fn replay(target: &str, run: fn(&[u8])) {
    let mutations = (MUTATIONS / corpus(target).len()).min(MUTATIONS_OF_FILE_MAX);
    replay_with(mutations, target, run);
}

/// The same with so many mutations of each file.
fn replay_with(mutations: usize, target: &str, run: fn(&[u8])) {
    let mut random = ChaCha20Rng::from_seed([9; 32]);
    let files = corpus(target);
    for (name, bytes) in files {
        println!("{name}");
        run(&bytes);
        if bytes.len() > MUTATED_BYTES_MAX {
            continue;
        }
        for _ in 0..mutations {
            let mut mutated = bytes.clone();
            for _ in 0..=random.next_u32() % 3 {
                mutate(&mut mutated, &mut random);
            }
            if let Err(panic) = catch_unwind(|| run(&mutated)) {
                println!("with these bytes: {mutated:?}");
                std::panic::resume_unwind(panic);
            }
        }
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
    replay("frame", fuzz::frame);
}

#[test]
fn commands_get_the_verdict_of_the_reference() {
    replay("json", fuzz::json);
}

#[test]
fn heads_get_the_verdict_of_the_reference_however_they_are_cut() {
    replay("upgrade", fuzz::upgrade);
}

#[test]
fn credentials_are_taken_when_the_model_takes_them() {
    replay("token", fuzz::token);
}

#[test]
fn origins_are_those_of_the_plain_reading() {
    replay("origin", fuzz::origin);
}

#[test]
fn the_client_behind_a_proxy_is_whom_the_chain_of_trust_names() {
    replay("forwarded", fuzz::forwarded);
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
