//! The one place where rows of the store are sealed and opened. Suite 0 is clear; the sealed suites come with the PIN.

use zoufang_core::{seal::PublicKey, sync::parcel};

/// The first byte of every value.
const SUITE_CLEAR: u8 = 0;

/// A value as it is stored.
pub(super) fn seal(clear: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(clear.len() + 1);
    sealed.push(SUITE_CLEAR);
    sealed.extend_from_slice(clear);
    sealed
}

/// A parcel as it is stored: only the server can open it.
pub(super) fn parcel(clear: &[u8], to: PublicKey) -> Option<Vec<u8>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok()?;
    parcel::seal(clear.to_vec(), to, seed).ok()
}

/// A stored value in clear; `None` if its suite is not known.
pub(super) fn open(sealed: &[u8]) -> Option<Vec<u8>> {
    match sealed.split_first() {
        Some((&SUITE_CLEAR, clear)) => Some(clear.to_vec()),
        Some(_) | None => None,
    }
}
