//! See `zoufang_tests::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| zoufang_tests::fuzz::run("inbox", input));
