#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| martlet_fuzz::try_bytes("xlsb", bytes));
