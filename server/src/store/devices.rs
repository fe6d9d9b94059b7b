//! What is known of devices besides whose they are: contact, wiping, and what one brought after it was revoked.

use zoufang_core::record::{ChangeHash, DeviceId, DocId, Kind, Timestamp, UnitId};

use super::Device;

/// A device in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLine {
    /// The device.
    pub device: Device,
    /// When it was heard of last.
    pub seen_at: Option<Timestamp>,
    /// When it said that nothing is left on it.
    pub wiped_at: Option<Timestamp>,
    /// So many changes it brought after it was revoked wait for a person.
    pub late: u64,
}

/// A change that came from a revoked device: kept beside the logs until a person takes it or lets it go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The device.
    pub device: DeviceId,
    /// The document.
    pub doc: DocId,
    /// Its kind.
    pub kind: Kind,
    /// The unit in whose log the device wanted it.
    pub unit: UnitId,
    /// The change.
    pub hash: ChangeHash,
    /// Its raw bytes.
    pub raw: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}
