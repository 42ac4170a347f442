#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wardroom::simulation::fuzz::upgrade(input));
