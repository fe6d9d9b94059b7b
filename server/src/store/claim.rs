//! What a transaction is going to touch, told before its first read.

use std::collections::BTreeSet;

use zoufang_core::record::{ChangeHash, DocId, UnitId};

/// What a transaction is going to read and write.
///
/// A store with many writers takes what it must hold for that at once and in one order, so that two transactions never
/// wait for each other, and reads the rest in a few round trips.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// Units whose logs may grow.
    pub units: BTreeSet<UnitId>,
    /// Documents that may change.
    pub docs: BTreeSet<DocId>,
    /// Changes that are asked for by hash.
    pub hashes: BTreeSet<ChangeHash>,
    /// Changes that are asked for by document, actor and number.
    pub numbers: BTreeSet<(DocId, Vec<u8>, u64)>,
}
