#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| edge::fuzzing::policy(text));
