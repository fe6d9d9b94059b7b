//! Values of what happens to documents and devices besides changes.

use sha2::{Digest, Sha256};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};

/// A document that went from one unit to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The document.
    pub doc: DocId,
    /// Where it was.
    pub from: UnitId,
    /// Where it went.
    pub to: UnitId,
    /// When.
    pub at: Timestamp,
}

/// An erased document, as far as anything is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The unit in whose log the word of it stands.
    pub unit: UnitId,
    /// Its number there.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Devices in use that have held the log and have not read that far.
    pub waiting_for: Vec<DeviceId>,
}

/// What tells a device from a copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// What the last push was answered with.
    pub current: u64,
    /// What that push had shown.
    pub shown: Option<u64>,
    /// The first change of that push: if its answer was lost, the device sends it again.
    pub first: ChangeHash,
}

/// Under what an erased document's id is remembered.
#[must_use]
pub(crate) fn erased_key(doc: DocId) -> [u8; 32] {
    Sha256::new().chain_update(b"erased").chain_update(doc.0).finalize().into()
}
