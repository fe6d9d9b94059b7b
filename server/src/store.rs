//! The one trait behind which all data lie, and the values that cross it.
//!
//! A store keeps what it is told and decides nothing: permissions, the ingest gate and the building of answers are above
//! it. Its invariants: a unit's numbers are given 1, 2, 3 … in commit order, never twice, so that who has read up to a
//! number has missed nothing before it; numbers of changes that were taken out (moved, erased, begun anew) are gaps, and
//! the control record that says so has a later number; what one [`WriteTx`] wrote is seen by others after `commit`
//! returned, and else not at all. Every store passes `store_contract!`. A store serves one county, whose code leads every
//! key.

pub mod at_rest;
mod claim;
mod codec;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod control;
mod decode;
mod devices;
mod error;
mod known;
pub mod memory;
mod migrations;
mod minder;
mod news;
pub mod office;
pub mod postgres;
mod recovery;
pub mod sqlite;
mod stage;
mod types;

use async_trait::async_trait;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;
use zoufang_core::sync::wire::Control;

use crate::readings::{Head, Line, Reading, Which};

pub use claim::Claim;
pub(crate) use control::erased_key;
pub use control::{Erasure, Move, Ticket};
pub use devices::{DeviceLine, Late};
pub use error::{Result, StoreError};
pub use news::{Listener, News};
pub use recovery::{Recovery, RecoveryStore};
pub use types::{
    Account, ChangeRecord, County, Device, DocumentState, KnownChange, LogEntry, LogPage, Mark, NewAccount,
    Principal, Resealed, Sealed, Segment, SignKey, Signer, Tail, TokenHash, TryOutcome, Unit, UnitCode,
    level_code, level_of,
};

/// Tables whose rows a push can make.
const PUSH_TABLES: &[&str] =
    &["log", "control", "doc", "unit_log", "segment", "person", "visit", "visit_person", "contact"];

/// Where everything is kept.
#[async_trait]
pub trait Store: RecoveryStore + Send + Sync + 'static {
    /// Answers if the store can be read and written.
    async fn ready(&self) -> Result<()>;

    /// What keeps the data, with its version, for the log.
    async fn engine(&self) -> Result<String>;

    /// Closes what is open; the store is not used after.
    async fn close(&self);

    /// What is committed from now on, by this process or, where several share a store, by any.
    fn news(&self) -> Listener;

    /// The log epoch, drawn when the store was made.
    async fn epoch(&self) -> Result<EpochId>;

    /// A number that grows with every change of users and units.
    async fn directory_version(&self) -> Result<u32>;

    /// Both, at once where a question costs something.
    async fn versions(&self) -> Result<(EpochId, u32)> {
        Ok((self.epoch().await?, self.directory_version().await?))
    }

    /// The key to which phones seal parcels.
    async fn sync_key(&self) -> Result<Option<PublicKey>>;

    /// Sets it, and lets phones know by a new directory.
    async fn put_sync_key(&self, key: PublicKey) -> Result<()>;

    /// What the program noted about the data; none if it never did.
    async fn mark(&self, mark: Mark) -> Result<Option<u32>>;

    /// Notes it.
    async fn put_mark(&self, mark: Mark, value: u32) -> Result<()>;

    /// Puts other bytes in the place of changes of a log, which say the same. One that is not there any more is left out.
    async fn reseal_changes(&self, unit: UnitId, changes: &[Resealed]) -> Result<()>;

    /// Puts the `raw` of these in the place of what devices brought late.
    async fn reseal_late(&self, late: &[Late]) -> Result<()>;

    /// Forgets all segments; they are made anew.
    async fn forget_segments(&self) -> Result<()>;

    /// Writes the files of the database anew, so that what was overwritten or deleted is not in them any more, as far as a
    /// database can.
    async fn forget_overwritten(&self) -> Result<()>;

    /// All units, by id.
    async fn units(&self) -> Result<Vec<Unit>>;

    /// Adds or replaces units and their codes.
    async fn put_units(&self, units: &[Unit], codes: &[UnitCode]) -> Result<()>;

    /// The codes and names of units over the years.
    async fn unit_codes(&self) -> Result<Vec<UnitCode>>;

    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if the login is in use.
    async fn add_account(&self, account: &NewAccount) -> Result<UserId>;

    /// All accounts, by id.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// The account of a login.
    async fn account_by_login(&self, login: &str) -> Result<Option<Account>>;

    /// Enrols a device for a user.
    async fn add_device(&self, device: &Device) -> Result<()>;

    /// An enrolled device.
    async fn device(&self, device: DeviceId) -> Result<Option<Device>>;

    /// Ends a device and its sessions; a later call changes nothing.
    async fn revoke_device(&self, device: DeviceId, now: Timestamp) -> Result<()>;

    /// All devices, by id.
    async fn devices(&self) -> Result<Vec<DeviceLine>>;

    /// Devices were heard of, then.
    async fn touch_devices(&self, seen: &[(DeviceId, Timestamp)]) -> Result<()>;

    /// A device said that nothing is left on it; a later call changes nothing.
    async fn put_wiped(&self, device: DeviceId, now: Timestamp) -> Result<()>;

    /// Keeps what a revoked device brought, in this order; what is kept already stays as it is.
    async fn put_late(&self, late: &[Late]) -> Result<()>;

    /// What revoked devices brought, by device, each in the order in which it came.
    async fn late(&self) -> Result<Vec<Late>>;

    /// Forgets some of what a device brought.
    async fn remove_late(&self, device: DeviceId, hashes: &[ChangeHash]) -> Result<()>;

    /// Sets a user's code for enrolling a phone, by its hash, in place of one that there was.
    async fn put_enrol_code(&self, user: UserId, hash: [u8; 32], expires_at: Timestamp) -> Result<()>;

    /// Uses a user's code up if this is its hash and it has not expired; says whether it was there. Of two at the same time one
    /// gets it.
    async fn take_enrol_code(&self, user: UserId, hash: [u8; 32], now: Timestamp) -> Result<bool>;

    /// Sets the key with which a device signs what it delivers while nobody is signed in.
    async fn put_sign_key(&self, device: DeviceId, key: SignKey) -> Result<()>;

    /// Whose a device is and how it signs, also if it was revoked: nobody's if it is unknown or without a key, or the account
    /// disabled.
    async fn signer(&self, device: DeviceId) -> Result<Option<Signer>>;

    /// Opens a session of a device.
    async fn open_session(
        &self,
        token: TokenHash,
        device: DeviceId,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<()>;

    /// Whose request this is: nobody's if the token is unknown or expired, the device revoked or the account disabled.
    async fn principal(&self, token: TokenHash, now: Timestamp) -> Result<Option<Principal>>;

    /// Closes a session.
    async fn close_session(&self, token: TokenHash) -> Result<()>;

    /// Counts a sign-in try under each key, unless one of them has had its `tries_max` within `window_ms`.
    async fn begin_try(
        &self,
        keys: &[([u8; 16], u32)],
        nonce: u64,
        now: Timestamp,
        window_ms: i64,
    ) -> Result<TryOutcome>;

    /// The try succeeded: forgets it under every key, and all tries of the first key.
    async fn forgive_try(&self, keys: &[[u8; 16]], nonce: u64) -> Result<()>;

    /// Where the logs of these units end; a unit without a log ends at 0.
    async fn tails(&self, units: &[UnitId]) -> Result<Vec<Tail>>;

    /// Changes of a unit after `after_seq` in order: at least one if there is one, then as long as their raw bytes stay
    /// within `bytes_max`; with the control records between them and the end of the log, all as of one moment.
    async fn read_log(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage>;

    /// The hashes in a unit's log that begin with these bytes.
    async fn hashes(&self, unit: UnitId, prefix: &[u8]) -> Result<Vec<ChangeHash>>;

    /// Those of these changes that are in the unit's log, in its order.
    async fn changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>>;

    /// All changes of a document of this unit that ever began anew, in the order of the log; of another one nothing.
    async fn begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>>;

    /// The newest rows (encoded) of documents, by id; unknown ones are left out.
    async fn rows(&self, docs: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>>;

    /// The segment that goes on from a cursor, if there is one.
    async fn segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>>;

    /// Up to where a unit's log is in segments.
    async fn sealed(&self, unit: UnitId) -> Result<Sealed>;

    /// Keeps a segment; one that is there already stays. Nothing is kept if changes were taken out of the log since the
    /// segment was read, when [`Tail::cuts`] was `cuts`: it could hold what was erased.
    async fn put_segment(&self, segment: &Segment, cuts: u64) -> Result<()>;

    /// Notes up to where a device holds the logs of units, as it said itself: so it is known who has read a control record.
    async fn note_cursors(&self, device: DeviceId, cursors: &[(UnitId, u64)], now: Timestamp) -> Result<()>;

    /// What was erased, newest first, each with the devices in use that have held the unit's log and not read of it yet.
    async fn erasures(&self) -> Result<Vec<Erasure>>;

    /// Where documents live, by id; unknown ones are left out.
    async fn units_of(&self, docs: &[DocId]) -> Result<Vec<(DocId, UnitId)>>;

    /// Adds readings to the end of the access log in this order, all or none, each id once and none that is there. Others may do
    /// so at the same time, also in other processes: it stays one chain.
    async fn append_readings(&self, readings: &[Reading]) -> Result<()>;

    /// Lines of the access log before a number, newest first.
    async fn readings(&self, which: &Which, before_seq: Option<u64>, count_max: u32) -> Result<Vec<Line>>;

    /// Lines of the access log after a number, in order, as they are: whether they are whole is not looked at.
    async fn readings_after(&self, after_seq: u64, count_max: u32) -> Result<Vec<Line>>;

    /// Where the access log ends.
    async fn readings_head(&self) -> Result<Head>;

    /// Draws another epoch, for a log that was restored from a backup, and forgets all tickets.
    async fn renew_epoch(&self, epoch: EpochId) -> Result<()>;

    /// Begins a transaction that writes. Others may be open at the same time: then two that append to one unit wait for
    /// each other, the second sees all that the first committed, and what a transaction [claimed](WriteTx::claim) is
    /// changed by nobody else before it ends. SQLite and memory have one at a time.
    async fn begin(&self) -> Result<Box<dyn WriteTx>>;

    /// Units that have a log.
    async fn units_with_log(&self) -> Result<Vec<UnitId>>;

    /// Figures of units for the office, `month` as `YYYY-MM`.
    async fn overview(&self, units: &[UnitId], month: &str) -> Result<Vec<office::UnitFigures>>;

    /// Visits, newest first.
    async fn visits(&self, filter: &office::Filter) -> Result<Vec<office::VisitLine>>;

    /// Contacts with Party members, newest first.
    async fn contacts(&self, filter: &office::Filter) -> Result<Vec<office::ContactLine>>;

    /// The people of units, by unit and id.
    async fn people(&self, units: &[UnitId]) -> Result<Vec<office::PersonLine>>;

    /// The days on which people were visited last; who was not is left out.
    async fn last_visits(&self, people: &[DocId]) -> Result<Vec<(DocId, String)>>;

    /// How many rows each table that a push can touch has, for tests that nothing is left behind.
    async fn row_counts(&self) -> Result<Vec<(&'static str, u64)>>;
}

/// One writing transaction; dropped without `commit` it leaves nothing.
#[async_trait]
pub trait WriteTx: Send {
    /// Takes hold of what this transaction is going to touch, before its first read; later claims add to it. A decision
    /// made on what was read after it stays true until the commit.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] if two transactions waited for each other, [`StoreError::Busy`] after a long wait.
    async fn claim(&mut self, _claim: &Claim) -> Result<()> {
        Ok(())
    }

    /// What is known of a document.
    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>>;

    /// The place of an accepted change, by its hash.
    async fn change(&mut self, hash: ChangeHash) -> Result<Option<KnownChange>>;

    /// Does the document have a change of this actor with this number?
    async fn has_change_seq(&mut self, doc: DocId, actor: &[u8], change_seq: u64) -> Result<bool>;

    /// All changes of a document, in the order of the log.
    async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>>;

    /// Appends a change to the log of its unit and returns its number there.
    async fn append(&mut self, change: &ChangeRecord) -> Result<u64>;

    /// Stores what is known of a document, and its row.
    async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()>;

    /// Stores what the office reads of a document in place of what was there.
    async fn put_projection(
        &mut self,
        doc: DocId,
        unit: UnitId,
        projection: &office::Projection,
    ) -> Result<()>;

    /// Empties all projections, before they are built anew.
    async fn clear_projections(&mut self) -> Result<()>;

    /// All documents with an id above `after`, in the order of their ids, at most `count_max`.
    async fn documents(&mut self, after: Option<DocId>, count_max: u32) -> Result<Vec<DocumentState>>;

    /// Takes all changes of a document out of its unit's log, and the segments that could hold them; gives them in the
    /// order of the log.
    async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>>;

    /// Appends a control record to a unit's log and returns its number there.
    async fn append_control(&mut self, unit: UnitId, control: &Control) -> Result<u64>;

    /// Forgets a document's state, row and projection.
    async fn remove_document(&mut self, doc: DocId) -> Result<()>;

    /// Notes changes that a document leaves behind as it begins anew.
    async fn put_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()>;

    /// Did the document leave this change behind? Then it was taken in once.
    async fn is_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool>;

    /// Notes that a document is erased: its id, hashed, refuses later pushes for ever. What it left behind is forgotten.
    async fn put_erasure(&mut self, doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> Result<()>;

    /// Was the document erased?
    async fn is_erased(&mut self, doc: DocId) -> Result<bool>;

    /// Notes a move.
    async fn put_move(&mut self, moved: &Move) -> Result<()>;

    /// The moves of a document, oldest first.
    async fn moves_of(&mut self, doc: DocId) -> Result<Vec<Move>>;

    /// The documents of a unit with their rows, by id.
    async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>>;

    /// What the next push of a device must show; `None` if it has not pushed, or the log was restored since.
    async fn ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>>;

    /// Sets it.
    async fn put_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()>;

    /// Makes everything durable and visible.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] if another transaction took a key that was free when this one looked.
    async fn commit(self: Box<Self>) -> Result<()>;
}
