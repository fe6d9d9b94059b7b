//! Values that cross the store's boundary.

use zoufang_core::access::{Level, UnitNode};
use zoufang_core::document::LogChange;
use zoufang_core::record::list::Role;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Kind, Timestamp, UnitId, UserId};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::wire::Control;

/// The 12-digit code of a county-level city; it leads every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct County(pub u64);

impl Default for County {
    /// Beipiao (北票市).
    fn default() -> Self {
        Self(211_381_000_000)
    }
}

/// What the program notes about the data as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The id of the key under which everything was sealed last.
    SealedUnder,
    /// How records are spread over logs ([`crate::layout`]).
    Layout,
}

impl Mark {
    /// Its key in the table of such notes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SealedUnder => "sealed_under",
            Self::Layout => "layout",
        }
    }
}

/// SHA-256 of a session's token; the token itself is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

/// A unit as the statistical list has it, under our own id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Our own id, which stays when codes change.
    pub id: UnitId,
    /// The unit above.
    pub parent: Option<UnitId>,
    /// Its level.
    pub level: Level,
    /// What it is within its level, such as `villagers_committee`.
    pub kind: String,
    /// The official name.
    pub name: String,
    /// The name as people say it.
    pub short_name: String,
    /// Full pinyin without tones.
    pub pinyin: String,
    /// First letters of the pinyin.
    pub initials: String,
}

impl Unit {
    /// The unit as far as access needs it.
    #[must_use]
    pub fn node(&self) -> UnitNode {
        UnitNode { id: self.id, level: self.level, parent: self.parent }
    }
}

/// The code of a level in `units.csv` and in the tables.
#[must_use]
pub fn level_code(level: Level) -> &'static str {
    match level {
        Level::Province => "province",
        Level::Prefecture => "prefecture",
        Level::County => "county",
        Level::Township => "township",
        Level::Village => "village",
    }
}

/// The level of a code.
#[must_use]
pub fn level_of(code: &str) -> Option<Level> {
    [Level::Province, Level::Prefecture, Level::County, Level::Township, Level::Village]
        .into_iter()
        .find(|level| level_code(*level) == code)
}

/// A code a unit has or had, with the name the list gave it then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitCode {
    /// The 12-digit code.
    pub code: String,
    /// First list that has it.
    pub from_year: u16,
    /// First list that no longer has it so.
    pub until_year: Option<u16>,
    /// Whose code it is.
    pub unit: UnitId,
    /// The official name under this code.
    pub name: String,
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What the person types to sign in.
    pub login: String,
    /// The human's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub unit: UnitId,
    /// The password's argon2id hash in PHC form.
    pub password: String,
}

/// An account of a human.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// What the person types to sign in.
    pub login: String,
    /// The human's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub unit: UnitId,
    /// The password's hash.
    pub password: String,
    /// May no longer sign in.
    pub disabled: bool,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its random id, the first half of its actors.
    pub id: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// What the user calls it.
    pub label: String,
    /// Since when.
    pub enrolled_at: Timestamp,
    /// Until when, if it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The ids it had before its storage turned out to be a copy: changes of their actors are this device's, too.
    pub former: Vec<DeviceId>,
}

/// Who makes a request, with which device.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The account.
    pub account: Account,
    /// The device the session is bound to.
    pub device: DeviceId,
    /// The ids that the device had before, if its storage was a copy.
    pub former: Vec<DeviceId>,
    /// When the session ends.
    pub expires_at: Timestamp,
}

/// A public key of ECDSA on P-256: the byte 4, then both coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignKey(pub [u8; 65]);

/// Whose a device is, and how it signs.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The account.
    pub account: Account,
    /// The ids that the device had before, if its storage was a copy.
    pub former: Vec<DeviceId>,
    /// The key.
    pub key: SignKey,
    /// The device was revoked.
    pub revoked: bool,
}

/// May a sign-in be tried?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryOutcome {
    /// Yes; it is counted.
    Counted,
    /// Not before this moment.
    LockedUntil(Timestamp),
}

/// Where a unit's log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tail {
    /// The unit.
    pub unit: UnitId,
    /// Number of its last change.
    pub last_seq: u64,
    /// Sum, mod 2^128, of the first 16 bytes of every hash.
    pub digest: Digest,
    /// How many changes it has.
    pub count: u64,
    /// Their raw bytes.
    pub size_bytes: u64,
    /// How often changes were taken out of it.
    pub cuts: u64,
    /// Number of its last control record; 0 if it has none.
    pub control_seq: u64,
}

impl Tail {
    /// Where it ends with one more change.
    #[must_use]
    pub fn grown(self, change: &ChangeRecord) -> Self {
        Self {
            unit: change.unit,
            last_seq: self.last_seq + 1,
            digest: self.digest.with(change.hash),
            count: self.count + 1,
            size_bytes: self.size_bytes + change.raw.len() as u64,
            ..self
        }
    }
}

/// A piece of a unit's log and where the log ended, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogPage {
    /// The changes, in order.
    pub entries: Vec<LogEntry>,
    /// The control records between them, each with its number, in order.
    pub controls: Vec<(u64, Control)>,
    /// Everything up to here is in the page.
    pub to_seq: u64,
    /// The log's end.
    pub tail: Tail,
}

impl LogPage {
    /// Whether the log ends with this page.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.to_seq >= self.tail.last_seq
    }
}

/// Up to where a unit's log is in segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Last number in a segment.
    pub to_seq: u64,
    /// Raw bytes of all changes in segments.
    pub size_bytes: u64,
}

/// What the gate must know of a document without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentState {
    /// The document.
    pub doc: DocId,
    /// Fixed by its first change.
    pub kind: Kind,
    /// Fixed by its first change.
    pub unit: UnitId,
    /// Author of its first change.
    pub created_by: UserId,
    /// The highest operation number in it.
    pub max_op: u64,
    /// Raw bytes of all its changes.
    pub size_bytes: u64,
    /// How many changes it has.
    pub changes: u64,
    /// Whether it ever began anew from its values.
    pub re_rooted: bool,
}

/// Where an accepted change lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownChange {
    /// Its document.
    pub doc: DocId,
    /// Its number in the unit's log.
    pub seq: u64,
    /// Its highest operation number.
    pub max_op: u64,
}

/// A change that passed the gate, ready to be appended.
#[derive(Clone, Debug)]
pub struct ChangeRecord {
    /// The unit whose log it joins.
    pub unit: UnitId,
    /// Its document.
    pub doc: DocId,
    /// The document's kind.
    pub kind: Kind,
    /// SHA-256 of its chunk.
    pub hash: ChangeHash,
    /// The uncompressed chunk.
    pub raw: Vec<u8>,
    /// The device that sent it.
    pub device: DeviceId,
    /// Its author.
    pub user: UserId,
    /// The Automerge actor.
    pub actor: Vec<u8>,
    /// The actor's own count of its changes.
    pub change_seq: u64,
    /// Its first operation number.
    pub start_op: u64,
    /// Its last operation number.
    pub max_op: u64,
    /// The server's clock when it came.
    pub received_at: Timestamp,
}

/// A change as it lies in the log of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number in the unit's log.
    pub seq: u64,
    /// Its document.
    pub doc: DocId,
    /// The document's kind.
    pub kind: Kind,
    /// Its hash.
    pub hash: ChangeHash,
    /// The uncompressed chunk.
    pub raw: Vec<u8>,
    /// Its author.
    pub user: UserId,
    /// The server's clock when it came.
    pub received_at: Timestamp,
}

impl From<LogEntry> for LogChange {
    fn from(entry: LogEntry) -> Self {
        Self { raw: entry.raw, author: entry.user, received_at: Some(entry.received_at) }
    }
}

/// A change of which other bytes are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Its hash.
    pub hash: ChangeHash,
    /// What is stored now.
    pub raw: Vec<u8>,
}

/// A full range of a unit's log, encoded as a frame once and for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The unit.
    pub unit: UnitId,
    /// The cursor that it goes on from: its first change has the number after this.
    pub from_seq: u64,
    /// Last number in it.
    pub to_seq: u64,
    /// Raw bytes of its changes.
    pub size_bytes: u64,
    /// The encoded frame, as it goes into an answer.
    pub frame: Vec<u8>,
}
