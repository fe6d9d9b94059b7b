//! The wire format stays as it is: phones in the field speak it. The same vectors run as wasm (`cargo xtask test --only wasm`).
//!
//! A wanted change of the format is written with `ZOUFANG_WRITE_VECTORS=1 cargo test -p zoufang-core --test vectors`, and
//! then needs a new magic or must be readable by phones of the versions before.
mod messages;

use std::{env, fs, path::Path};

#[test]
fn messages_of_earlier_versions_are_read_for_ever() {
    for vector in messages::frozen() {
        vector.check_frozen().unwrap();
    }
}

#[test]
fn the_bytes_of_every_message_are_as_kept() {
    for vector in messages::all() {
        if env::var_os("ZOUFANG_WRITE_VECTORS").is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/data");
            fs::write(folder.join(format!("{}.hex", vector.name)), vector.written()).unwrap();
        } else {
            vector.check().unwrap();
        }
    }
}
