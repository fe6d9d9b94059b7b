//! Lock files pin versions and say nothing of the place they were made in.

use crate::tree::sources;

const CARGO_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

#[test]
fn cargo_takes_every_crate_from_the_index_everyone_has() {
    let locks: Vec<_> = sources().into_iter().filter(|source| source.path.ends_with("Cargo.lock")).collect();
    assert!(locks.iter().any(|lock| lock.path == "Cargo.lock"), "Cargo.lock belongs into the repository");
    for lock in locks {
        for line in lock.text.lines().filter(|line| line.starts_with("source = ")) {
            assert_eq!(line, CARGO_SOURCE, "{}", lock.path);
        }
    }
}

#[test]
fn npm_locks_name_no_registry() {
    for lock in sources().into_iter().filter(|source| source.path.ends_with("package-lock.json")) {
        let line = lock.text.lines().find(|line| line.trim_start().starts_with("\"resolved\": \"http"));
        assert!(line.is_none(), "{}: {line:?}; .npmrc asks npm to leave that out", lock.path);
    }
}
