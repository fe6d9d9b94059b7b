//! The wire format of `POST /api/v1/sync`: one request, one answer of self-contained frames. In words: `server/PROTOCOL.md`.
//!
//! Every decoder here takes input that may be hostile or cut: it answers with an error, never with a panic, and never
//! allocates more than a named bound.
use minicbor::{Decode, Encode};

use super::{digest::Digest, gate::Refusal};
use crate::{
    access::Level,
    query::Row,
    record::{ChangeHash, DeviceId, DocId, EpochId, Kind, Timestamp, UnitId, UserId, list::Role},
    seal::PublicKey,
};

mod control;
mod frame;
mod packed;
mod repair;

pub use control::Control;
pub use repair::{
    BUCKETS, Bucket, HASHES_MAX, PREFIX_BYTES_MAX, PROBES_MAX, Probe, STRAYS_MAX, Stray, WANTS_MAX, Want,
};

pub use frame::{
    FRAME_BYTES_MAX, FrameReader, INFLATED_BYTES_MAX, PACKED_SINCE, decode_request, encode_answer_start,
    encode_frame, encode_page, encode_request, loosened,
};
pub(super) use frame::{pack, unpack};

/// The content type of requests and answers. An answer of another type is not ours (a captive portal, a proxy's page).
pub const CONTENT_TYPE: &str = "application/vnd.zoufang.sync";
/// Most units in one request.
pub const CURSORS_MAX: usize = 1_000;
/// Most changes in one request.
pub const PUSH_MAX: usize = 2_000;
/// The version of the protocol that this build speaks; a request without one is of version 1.
///
/// 1: changes, rows, verdicts. 2: control records, repair by digests, tickets against cloned storage. 3: packed pages. 4: logs by class,
/// welfare files.
pub const VERSION: u8 = 4;

/// The version of the protocol from which on a phone reads welfare files.
pub const WELFARE_SINCE: u8 = 4;

/// Why bytes are not of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They do not begin as ours do.
    #[error("not a sync message")]
    NotOurs,
    /// A bound of the protocol is passed.
    #[error("message is too big")]
    TooBig,
    /// A frame's checksum is wrong.
    #[error("frame is damaged")]
    Damaged,
    /// The content cannot be read.
    #[error("message is malformed")]
    Malformed,
}

/// What a phone asks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SyncRequest {
    /// The epoch of the log that the cursors are of; 0 on the first contact.
    #[n(0)]
    pub epoch: EpochId,
    /// The phone.
    #[n(1)]
    pub device: DeviceId,
    /// The version of the directory that the phone has; 0 for none.
    #[n(2)]
    pub directory_version: u32,
    /// Up to where each unit's log is on the phone.
    #[n(3)]
    pub cursors: Vec<(UnitId, u64)>,
    /// New changes, by document, each after those that it depends on.
    #[n(4)]
    pub push: Vec<Push>,
    /// About how many bytes the answer may have.
    #[n(5)]
    pub want_bytes: u32,
    /// The version of the protocol that the phone speaks; `None` is 1.
    #[n(6)]
    pub version: Option<u8>,
    /// The ticket of the last answer to a push. A phone whose storage was copied shows an old one.
    #[n(7)]
    pub ticket: Option<u64>,
    /// Digests of what is held of units whose digest differed, at most [`PROBES_MAX`].
    #[cbor(n(8), default)]
    pub probes: Vec<Probe>,
    /// Changes to be sent once more, at most [`WANTS_MAX`].
    #[cbor(n(9), default)]
    pub wants: Vec<Want>,
    /// Digest and number of all changes held, over all units: with nothing new it shows whether they are the server's.
    #[n(10)]
    pub held: Option<(Digest, u64)>,
    /// Documents of which more is held than the server's log of their unit has, at most [`STRAYS_MAX`]: what became of them?
    #[cbor(n(11), default)]
    pub strays: Vec<Stray>,
    /// Changes of which a letter of the inbox told what became of them since the last ticket, at most [`PUSH_MAX`]: a push whose answer was
    /// lost is not made again with them.
    #[n(12)]
    pub told: Option<Vec<ChangeHash>>,
}

impl SyncRequest {
    /// The version of the protocol that the phone speaks.
    #[must_use]
    pub fn spoken(&self) -> u8 {
        self.version.unwrap_or(1)
    }
}

/// One new change.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Push {
    /// Its document.
    #[n(0)]
    pub doc: DocId,
    /// The document's kind.
    #[n(1)]
    pub kind: Kind,
    /// The log in which the phone holds the document, or its unit.
    #[n(2)]
    pub unit: UnitId,
    /// The raw change.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub raw: Vec<u8>,
}

impl Push {
    /// The log that it belongs to. A unit named alone stands for its logs: phones before version 4 knew one.
    #[must_use]
    pub fn log(&self) -> UnitId {
        self.unit.log(self.kind.class())
    }
}

/// What the server says of a pushed change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// It is in the log, at this place. This is the receipt.
    #[n(0)]
    Accepted(#[n(0)] u64),
    /// It was in the log already, at this place: a receipt, too.
    #[n(1)]
    Duplicate(#[n(0)] u64),
    /// It is in no log and never will be.
    #[n(2)]
    Refused(#[n(0)] Refusal),
    /// It depends on a change that the server does not have: send it again with that one.
    #[n(3)]
    Pending,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One verdict per pushed change, in their order; sent after they were stored.
    Verdicts(Vec<Verdict>),
    /// The units that the user works on, and how long their logs are.
    Scope(Vec<(UnitId, u64)>),
    /// Who and what the ids stand for.
    Directory(Directory),
    /// A piece of a unit's log.
    Page(Page),
    /// The answer is whole.
    End(End),
    /// The request cannot be answered.
    Problem(Problem),
    /// What the server holds where a probe differed.
    Repair(Vec<Bucket>),
    /// After a push, before its verdicts: what the next push must show.
    Ticket(u64),
    /// To a phone that knows none yet, before all pages: the epoch that the cursors are of.
    Epoch(EpochId),
}

/// A piece of a unit's log. A phone stores it and its cursor in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Page {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// The cursor that this page goes on from.
    #[n(1)]
    pub from_seq: u64,
    /// The cursor after it.
    #[n(2)]
    pub to_seq: u64,
    /// The changes, without those of the request itself.
    #[n(3)]
    pub items: Vec<Item>,
    /// The newest row of each document in the page.
    #[n(4)]
    pub rows: Vec<Row>,
    /// The log's digest; only together with `complete`.
    #[n(5)]
    pub digest: Digest,
    /// How many changes the log has.
    #[n(6)]
    pub count: u64,
    /// Whether the log ends here.
    #[n(7)]
    pub complete: bool,
    /// What happened to documents besides changes; to be done before the changes of this page are taken in.
    #[cbor(n(8), default)]
    pub controls: Vec<Control>,
}

/// One change of a log.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// Its document.
    #[n(0)]
    pub doc: DocId,
    /// The document's kind.
    #[n(1)]
    pub kind: Kind,
    /// Who wrote it.
    #[n(2)]
    pub author: UserId,
    /// When the server took it.
    #[n(3)]
    pub received_at: Timestamp,
    /// The raw change.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub raw: Vec<u8>,
}

/// Who and what the ids in records stand for, as far as the user's scope goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Directory {
    /// The version; it grows.
    #[n(0)]
    pub version: u32,
    /// Accounts.
    #[n(1)]
    pub users: Vec<DirectoryUser>,
    /// Units.
    #[n(2)]
    pub units: Vec<DirectoryUnit>,
    /// The server's sync key, to which parcels are sealed; an older server has none.
    #[n(3)]
    pub sync_key: Option<PublicKey>,
    /// The organisation's recovery key, if it has one: phones seal their data key to it, for whoever forgets a PIN.
    #[n(4)]
    pub recovery_key: Option<PublicKey>,
}

/// An account in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DirectoryUser {
    /// The account.
    #[n(0)]
    pub id: UserId,
    /// The human's name.
    #[n(1)]
    pub name: String,
    /// The role.
    #[n(2)]
    pub role: Role,
    /// The unit.
    #[n(3)]
    pub unit: UnitId,
}

/// A unit in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DirectoryUnit {
    /// The unit.
    #[n(0)]
    pub id: UnitId,
    /// The official code of today.
    #[n(1)]
    pub code: String,
    /// The official name.
    #[n(2)]
    pub name: String,
    /// As people say it.
    #[n(3)]
    pub short_name: String,
    /// The level.
    #[n(4)]
    pub level: Level,
    /// The unit above it.
    #[n(5)]
    pub parent: Option<UnitId>,
    /// Pinyin initials of the short name.
    #[n(6)]
    pub initials: String,
}

/// The end of a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct End {
    /// Whether there is more: ask again at once.
    #[n(0)]
    pub more: bool,
    /// The log's epoch.
    #[n(1)]
    pub epoch: EpochId,
    /// The server's clock.
    #[n(2)]
    pub server_time: Timestamp,
}

/// Why a request cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Problem {
    /// The server was restored: its log has this epoch now. Begin at cursor 0 and offer acknowledged changes again.
    #[n(0)]
    EpochChanged(#[n(0)] EpochId),
    /// The server could not go on; what was sent before this frame holds.
    #[n(1)]
    Internal,
    /// The storage of this phone is a copy, or older than what this phone sent: sign in again to get a device id of its
    /// own. Nothing of the request was taken in. Sent from version 2 on.
    #[n(2)]
    Cloned,
}
