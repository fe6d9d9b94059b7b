//! What the fuzzer calls: for each decoder one function that takes any bytes and panics when something does not hold.
//!
//! The functions are ordinary code on purpose: `tests/fuzz` runs them under libFuzzer on the nightly toolchain, and
//! `tests/replay` runs the same ones over the kept corpus, and over mutations of it, in every test run. Their input is
//! cut by [`Pieces`], so that a mutation stays one in meaning: lengths, checksums and compression are made here.

mod change;
mod import;
mod inbox;
mod ingest;
mod parcel;
mod phone;
mod pieces;
mod recipe;
mod value;
mod wire;

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

pub use change::base;
pub use phone::worked;
pub use pieces::{Pieces, framed};
pub use recipe::explode;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime");
}

/// Runs what the server does to its end, on this thread.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    ("answer", wire::answer),
    ("change", change::raw),
    ("columns", change::columns),
    ("import", import::import),
    ("inbox", inbox::inbox),
    ("ingest", ingest::ingest),
    ("parcel", parcel::parcel),
    ("request", wire::request),
    ("session", phone::session),
    ("stored", phone::stored),
    ("value", value::value),
];

/// Runs one target on one input.
///
/// # Panics
/// When there is no such target, and when what the target promises does not hold: that is a finding.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|(found, _)| *found == name);
    let (_, target) = target.unwrap_or_else(|| panic!("no target {name}"));
    target(input);
}
