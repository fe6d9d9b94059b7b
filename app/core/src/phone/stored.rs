//! The rows of the phone's store, in clear. The driver seals them on the way in and opens them on the way out.
use std::{collections::BTreeMap, fmt, sync::Arc};

use minicbor::{Decode, Encode};

use super::{
    Account, Phone, Place,
    repair::{Repair, Tried},
};
use crate::{
    document::LogChange,
    query::Row,
    record::{ChangeHash, DocId, EpochId, Kind, Timestamp, UnitId, UserId, Value},
    sync::{
        digest::Digest,
        gate::Refusal,
        wire::{Directory, Item},
    },
};

/// Keys of the `meta` table.
pub(super) const META_ACCOUNT: &str = "account";
pub(super) const META_SYNC: &str = "sync";
pub(super) const META_DIRECTORY: &str = "directory";
pub(super) const META_INBOX: &str = "inbox";

/// A segment of a unit's log: an immutable piece of at most [`super::page::SEGMENT_BYTES`] of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct SegmentId {
    /// The unit.
    #[n(0)]
    pub unit: UnitId,
    /// A number, new for each segment of this phone.
    #[n(1)]
    pub number: u32,
}

impl SegmentId {
    /// The segment of a key in the store.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        let (unit, number) = key.split_once('/')?;
        Some(Self { unit: UnitId(unit.parse().ok()?), number: number.parse().ok()? })
    }
}

/// The key of a segment in the store.
impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}/{:010}", self.unit.0, self.number)
    }
}

/// Where an outbox change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum OutState {
    /// It waits for its receipt.
    #[n(0)]
    Waiting,
    /// The server refused it, then, for this reason. It stays readable until a person lets it go.
    #[n(1)]
    Refused(#[n(0)] Refusal, #[n(1)] Timestamp),
}

impl OutState {
    /// Refused only because the document began anew: it is made again when the new beginning is here.
    pub(super) fn is_re_rooted(self) -> bool {
        matches!(self, Self::Refused(Refusal::ReRooted, _))
    }
}

/// A change of this phone that has no receipt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OutboxRow {
    /// Its document.
    #[n(0)]
    pub doc: DocId,
    /// The document's kind.
    #[n(1)]
    pub kind: Kind,
    /// The document's unit.
    #[n(2)]
    pub unit: UnitId,
    /// Its hash.
    #[n(3)]
    pub hash: ChangeHash,
    /// The raw change.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub raw: Vec<u8>,
    /// Who wrote it.
    #[n(5)]
    pub author: UserId,
    /// When it was saved.
    #[n(6)]
    pub saved_at: Timestamp,
    /// Where it stands.
    #[n(7)]
    pub state: OutState,
    /// It had a receipt of a server that was restored since: it is offered before what was built on it.
    #[cbor(n(8), default)]
    pub again: bool,
    /// What its author saw under the keys that it writes, once the document began anew: then nothing else can tell.
    #[cbor(n(9), default)]
    pub saw: Saw,
}

/// Values that stood under keys; more than one where they were concurrent.
pub type Saw = Vec<(String, Vec<Value>)>;

impl OutboxRow {
    /// Waits, or was refused only because its document began anew.
    pub(super) fn is_open(&self) -> bool {
        self.state == OutState::Waiting || self.state.is_re_rooted()
    }

    pub(super) fn log_change(&self) -> LogChange {
        LogChange { raw: self.raw.clone(), author: self.author, received_at: None }
    }
}

/// A row with the segments that its document's changes are in.
#[derive(Clone, Debug, Encode, Decode)]
pub(super) struct StoredRow {
    #[n(0)]
    pub(super) row: Row,
    #[n(1)]
    pub(super) segments: Vec<SegmentId>,
}

/// How far a unit's log is on the phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Cursor {
    /// Everything up to here is held.
    #[n(0)]
    pub(super) seq: u64,
    /// Digest of the changes held (also those after `seq` that have a receipt).
    #[n(1)]
    pub(super) digest: Digest,
    /// How many they are.
    #[n(2)]
    pub(super) count: u64,
}

/// The state of the sync.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct SyncMeta {
    #[n(0)]
    pub(super) epoch: EpochId,
    #[n(1)]
    pub(super) cursors: BTreeMap<UnitId, Cursor>,
    #[n(2)]
    pub(super) scope: Vec<(UnitId, u64)>,
    /// This phone's clock and the server's at the last whole answer.
    #[n(3)]
    pub(super) last_answer: Option<(Timestamp, Timestamp)>,
    /// What the next push must show.
    #[n(4)]
    pub(super) ticket: Option<u64>,
    /// The version of the shapes that the server announced.
    #[cbor(n(5), default)]
    pub(super) schema: u32,
    /// The storage is a copy of another phone's, and this phone has no device id of its own yet.
    #[cbor(n(6), default)]
    pub(super) cloned: bool,
    /// Units whose log differs from the server's and is being compared.
    #[cbor(n(7), default)]
    pub(super) repairs: Vec<Repair>,
    /// Differences from the server's logs that a repair did not mend.
    #[cbor(n(8), default)]
    pub(super) tried: Vec<Tried>,
    /// Documents that went along to a unit whose log has not brought them yet.
    #[cbor(n(9), default)]
    pub(super) carried: Vec<(DocId, UnitId)>,
    /// Up to the cursors, control records were read too. Version 1 passed over them, and left no such word, nor did version 2.
    #[cbor(n(10), default)]
    pub(super) controls_read: bool,
    /// The most that was spent of the offline right since the last whole answer, in ms.
    #[cbor(n(11), default)]
    pub(super) spent_ms: u64,
    /// From when that is counted while no answer came yet, by this phone's clock.
    #[cbor(n(12), default)]
    pub(super) offline_since: Option<Timestamp>,
    /// Documents that were asked after and of which the server's log lacked something all the same: who has written that may bring it
    /// later, to another unit, so they are asked after as long as they are held here.
    #[cbor(n(13), default)]
    pub(super) unheard: Vec<(UnitId, DocId)>,
    /// Changes that letters took out of the outbox since the last ticket: of a push whose answer was lost they may be the first.
    #[cbor(n(14), default)]
    pub(super) told: Vec<ChangeHash>,
}

impl Default for SyncMeta {
    fn default() -> Self {
        Self {
            epoch: EpochId::default(),
            cursors: BTreeMap::new(),
            scope: Vec::new(),
            last_answer: None,
            ticket: None,
            schema: 0,
            cloned: false,
            repairs: Vec::new(),
            tried: Vec::new(),
            carried: Vec::new(),
            controls_read: true,
            spent_ms: 0,
            offline_since: None,
            unheard: Vec::new(),
            told: Vec::new(),
        }
    }
}

impl SyncMeta {
    /// As it was stored. What an app of an older version has written begins at the start of each log once more, for the control
    /// records and what a repair did not see then: the changes are here and are not written again.
    fn read(value: &[u8]) -> Self {
        let mut meta: Self = minicbor::decode(value).unwrap_or_default();
        // A receipt that came before the scope made a cursor once, and the server took the scope for known.
        if meta.scope.is_empty() {
            meta.scope = meta.cursors.iter().map(|(unit, cursor)| (*unit, cursor.seq)).collect();
        }
        if !meta.controls_read {
            meta.begin_anew();
            meta.controls_read = true;
        }
        meta
    }

    /// Reads every log from its start.
    pub(super) fn begin_anew(&mut self) {
        for cursor in self.cursors.values_mut() {
            cursor.seq = 0;
        }
        self.repairs.clear();
        self.tried.clear();
        self.unheard.clear();
    }
}

/// The key of a row of [`super::Table::Row`], from what it says.
#[must_use]
pub fn key_of_row(value: &[u8]) -> Option<String> {
    minicbor::decode::<StoredRow>(value).ok().map(|stored| stored.row.doc.to_string())
}

/// Everything in the store but the log, as the driver read it.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Table `meta`.
    pub meta: Vec<(String, Vec<u8>)>,
    /// Table `outbox`.
    pub outbox: Vec<(String, Vec<u8>)>,
    /// Table `block`.
    pub blocks: Vec<(String, Vec<u8>)>,
    /// Table `row`.
    pub rows: Vec<(String, Vec<u8>)>,
    /// The greatest key of table `log`, over all units, or all its keys.
    pub log_keys: Vec<String>,
    /// All keys of table `parcel`.
    pub parcel_keys: Vec<String>,
}

/// The items of a segment; a segment that cannot be read has none (it is fetched again by the digest's repair).
pub(super) fn read_segment(bytes: &[u8]) -> Vec<Item> {
    minicbor::decode(bytes).unwrap_or_default()
}

/// More rows than this were never in one table of a phone.
const NUMBERS_MAX: u64 = 1 << 31;

fn number(key: &str) -> u64 {
    key.rsplit('/').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Phone {
    /// What a phone holds, read from its store. A row that cannot be read is left out: rows can be made again from the
    /// log, and an outbox row that cannot be read stays in the store untouched.
    #[must_use]
    pub fn read(stored: &Stored) -> Self {
        let mut phone = Self::begin(stored);
        for (key, value) in &stored.blocks {
            phone.read_block(key, value);
        }
        for (_, value) in &stored.rows {
            phone.read_row(value);
        }
        phone
    }

    /// What is read of a store before its rows, which a driver that must not hold up the screen gives in pieces: all blocks
    /// with [`Self::read_block`] in the order of their keys, then all rows by themselves with [`Self::read_row`].
    #[must_use]
    pub fn begin(stored: &Stored) -> Self {
        let mut phone = Self::default();
        for (key, value) in &stored.meta {
            match key.as_str() {
                META_ACCOUNT => phone.account = minicbor::decode::<Account>(value).ok(),
                META_SYNC => phone.meta = SyncMeta::read(value),
                META_DIRECTORY => phone.directory = minicbor::decode::<Directory>(value).unwrap_or_default(),
                META_INBOX => phone.inbox = minicbor::decode(value).ok(),
                _ => {}
            }
        }
        for (key, value) in &stored.outbox {
            if let Ok(row) = minicbor::decode(value) {
                phone.outbox.insert(number(key), row);
            }
        }
        phone.parcels = stored.parcel_keys.iter().map(|key| number(key)).collect();
        phone.parcels.retain(|number| phone.outbox.is_waiting(*number));
        // A number that no phone gets to is a damaged key: counting on from it would come round to keys that are in use.
        let next = |keys: &mut dyn Iterator<Item = &String>| {
            let sound = keys.map(|key| number(key)).filter(|number| *number < NUMBERS_MAX);
            sound.max().map_or(0, |last| last + 1)
        };
        phone.next_outbox = next(&mut stored.outbox.iter().map(|(key, _)| key));
        phone.next_segment = u32::try_from(next(&mut stored.log_keys.iter())).unwrap_or(0);
        phone
    }

    /// Reads a block of rows.
    pub fn read_block(&mut self, key: &str, value: &[u8]) {
        let number = number(key);
        self.blocks.insert(number);
        if number < NUMBERS_MAX {
            self.next_block = self.next_block.max(number + 1);
        }
        for row in minicbor::decode::<Vec<StoredRow>>(value).unwrap_or_default() {
            self.in_blocks.insert(row.row.doc);
            self.block_rows.insert((row.row.doc, number));
            self.hold(row);
        }
    }

    /// Reads a row that stands by itself.
    pub fn read_row(&mut self, value: &[u8]) {
        if let Ok(row) = minicbor::decode::<StoredRow>(value) {
            self.in_blocks.remove(&row.row.doc);
            self.hold(row);
        }
    }

    fn hold(&mut self, stored: StoredRow) {
        self.places.insert(stored.row.doc, Place { row: Arc::new(stored.row), segments: stored.segments });
    }
}
