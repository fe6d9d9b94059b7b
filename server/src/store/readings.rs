//! Lines of the access log (`crate::readings`), as stores keep them.

use zoufang_core::access::Sensitive;
use zoufang_core::record::list::AccessReason;
use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId, UserId};

/// That somebody saw a sensitive value in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingEntry {
    /// Drawn by the device: a reading that comes twice is kept once.
    pub id: DocId,
    /// Who saw it.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// The unit in which the person's file stood.
    pub unit: UnitId,
    /// The person whose value it is.
    pub person: DocId,
    /// What was seen.
    pub what: Sensitive,
    /// Why.
    pub why: AccessReason,
    /// When, by the clock of the device.
    pub read_at: Timestamp,
    /// When the server heard of it.
    pub received_at: Timestamp,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingLine {
    /// Its number: 1, 2, 3 …
    pub seq: u64,
    /// What it says.
    pub entry: ReadingEntry,
    /// The hash over it and all before it.
    pub hash: [u8; 32],
}

/// Which lines are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingsOf {
    /// All.
    All,
    /// Those of people whose files stood in a unit.
    Unit(UnitId),
    /// Those of one person.
    Person(DocId),
}
