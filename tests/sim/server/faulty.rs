//! A store between the server and its store, at each step of which the store can fail or the server can stop.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use tokio::sync::Notify;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;
use zoufang_core::sync::wire::Control;
use zoufang_server::readings::{Head, Line, Reading, Which};
use zoufang_server::store::{
    Account, ChangeRecord, Claim, Device, DeviceLine, DocumentState, Erasure, KnownChange, Late, Listener,
    LogEntry, LogPage, Mark, Move, NewAccount, Principal, Recovery, RecoveryStore, Resealed, Result, Sealed,
    Segment, SignKey, Signer, Store, StoreError, Tail, Ticket, TokenHash, TryOutcome, Unit, UnitCode,
    WriteTx, office,
};

/// What happens at an armed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// The server stops: nothing after this step is done.
    Stop,
    /// The store says that it is busy.
    Busy,
    /// The store says that it is full.
    Full,
    /// The store fails.
    Fail,
}

/// The armed step: after so many more.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    armed: Mutex<Option<(u32, Blow)>>,
    struck: AtomicBool,
    stopped: Notify,
}

impl Fuse {
    /// Arms the step that comes after so many others, or none.
    pub(crate) fn arm(&self, blow: Option<(u32, Blow)>) {
        self.struck.store(false, Ordering::SeqCst);
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = blow;
    }

    /// Disarms, and tells whether the step was reached.
    pub(crate) fn disarm(&self) -> bool {
        self.arm_none();
        self.struck.load(Ordering::SeqCst)
    }

    fn arm_none(&self) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Comes when the server has stopped.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    async fn step(&self) -> Result<()> {
        let blow = {
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            match armed.as_mut() {
                None => return Ok(()),
                Some((left, _)) if *left > 0 => {
                    *left -= 1;
                    return Ok(());
                }
                Some(_) => armed.take(),
            }
        };
        self.struck.store(true, Ordering::SeqCst);
        match blow {
            None => Ok(()),
            Some((_, Blow::Stop)) => {
                self.stopped.notify_one();
                std::future::pending().await
            }
            Some((_, Blow::Busy)) => Err(StoreError::Busy),
            Some((_, Blow::Full)) => Err(StoreError::Full),
            Some((_, Blow::Fail)) => Err(StoreError::Corrupt("simulated block")),
        }
    }
}

/// The store between.
pub(crate) struct Faulty {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) fuse: Arc<Fuse>,
}

struct FaultyTx {
    inner: Box<dyn WriteTx>,
    fuse: Arc<Fuse>,
}

macro_rules! store {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl Store for Faulty {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$out> {
                self.fuse.step().await?;
                self.inner.$name($($argument),*).await
            })*

            async fn close(&self) {
                self.inner.close().await;
            }

            fn news(&self) -> Listener {
                self.inner.news()
            }

            async fn begin(&self) -> Result<Box<dyn WriteTx>> {
                self.fuse.step().await?;
                Ok(Box::new(FaultyTx { inner: self.inner.begin().await?, fuse: Arc::clone(&self.fuse) }))
            }
        }
    };
}

store! {
    fn ready() -> ();
    fn epoch() -> EpochId;
    fn directory_version() -> u32;
    fn versions() -> (EpochId, u32);
    fn sync_key() -> Option<PublicKey>;
    fn put_sync_key(key: PublicKey) -> ();
    fn put_sign_key(device: DeviceId, key: SignKey) -> ();
    fn signer(device: DeviceId) -> Option<Signer>;
    fn devices() -> Vec<DeviceLine>;
    fn touch_devices(seen: &[(DeviceId, Timestamp)]) -> ();
    fn put_wiped(device: DeviceId, now: Timestamp) -> ();
    fn put_late(late: &[Late]) -> ();
    fn late() -> Vec<Late>;
    fn remove_late(device: DeviceId, hashes: &[ChangeHash]) -> ();
    fn put_enrol_code(user: UserId, hash: [u8; 32], expires_at: Timestamp) -> ();
    fn take_enrol_code(user: UserId, hash: [u8; 32], now: Timestamp) -> bool;
    fn mark(mark: Mark) -> Option<u32>;
    fn put_mark(mark: Mark, value: u32) -> ();
    fn reseal_changes(unit: UnitId, changes: &[Resealed]) -> ();
    fn reseal_late(late: &[Late]) -> ();
    fn forget_segments() -> ();
    fn forget_overwritten() -> ();
    fn units() -> Vec<Unit>;
    fn put_units(units: &[Unit], codes: &[UnitCode]) -> ();
    fn unit_codes() -> Vec<UnitCode>;
    fn add_account(account: &NewAccount) -> UserId;
    fn accounts() -> Vec<Account>;
    fn account_by_login(login: &str) -> Option<Account>;
    fn add_device(device: &Device) -> ();
    fn device(device: DeviceId) -> Option<Device>;
    fn revoke_device(device: DeviceId, now: Timestamp) -> ();
    fn open_session(token: TokenHash, device: DeviceId, user: UserId, expires_at: Timestamp) -> ();
    fn principal(token: TokenHash, now: Timestamp) -> Option<Principal>;
    fn close_session(token: TokenHash) -> ();
    fn begin_try(keys: &[([u8; 16], u32)], nonce: u64, now: Timestamp, window_ms: i64) -> TryOutcome;
    fn forgive_try(keys: &[[u8; 16]], nonce: u64) -> ();
    fn tails(units: &[UnitId]) -> Vec<Tail>;
    fn read_log(unit: UnitId, after_seq: u64, bytes_max: usize) -> LogPage;
    fn hashes(unit: UnitId, prefix: &[u8]) -> Vec<ChangeHash>;
    fn changes(unit: UnitId, hashes: &[ChangeHash]) -> Vec<LogEntry>;
    fn begun_anew(unit: UnitId, doc: DocId) -> Vec<LogEntry>;
    fn rows(docs: &[DocId]) -> Vec<(DocId, Vec<u8>)>;
    fn segment(unit: UnitId, from_seq: u64) -> Option<Segment>;
    fn sealed(unit: UnitId) -> Sealed;
    fn put_segment(segment: &Segment, cuts: u64) -> ();
    fn note_cursors(device: DeviceId, cursors: &[(UnitId, u64)], now: Timestamp) -> ();
    fn erasures() -> Vec<Erasure>;
    fn units_of(docs: &[DocId]) -> Vec<(DocId, UnitId)>;
    fn append_readings(readings: &[Reading]) -> ();
    fn readings(which: &Which, before_seq: Option<u64>, count_max: u32) -> Vec<Line>;
    fn readings_after(after_seq: u64, count_max: u32) -> Vec<Line>;
    fn readings_head() -> Head;
    fn renew_epoch(epoch: EpochId) -> ();
    fn engine() -> String;
    fn units_with_log() -> Vec<UnitId>;
    fn overview(units: &[UnitId], month: &str) -> Vec<office::UnitFigures>;
    fn visits(filter: &office::Filter) -> Vec<office::VisitLine>;
    fn contacts(filter: &office::Filter) -> Vec<office::ContactLine>;
    fn people(units: &[UnitId]) -> Vec<office::PersonLine>;
    fn last_visits(people: &[DocId]) -> Vec<(DocId, String)>;
    fn row_counts() -> Vec<(&'static str, u64)>;
}

#[async_trait]
impl RecoveryStore for Faulty {
    async fn recovery_key(&self) -> Result<Option<PublicKey>> {
        self.fuse.step().await?;
        self.inner.recovery_key().await
    }

    async fn put_recovery_key(&self, key: Option<PublicKey>) -> Result<()> {
        self.fuse.step().await?;
        self.inner.put_recovery_key(key).await
    }

    async fn put_recovery(&self, recovery: &Recovery) -> Result<()> {
        self.fuse.step().await?;
        self.inner.put_recovery(recovery).await
    }

    async fn recovery(&self, device: DeviceId) -> Result<Option<Recovery>> {
        self.fuse.step().await?;
        self.inner.recovery(device).await
    }

    async fn recoveries(&self) -> Result<Vec<Recovery>> {
        self.fuse.step().await?;
        self.inner.recoveries().await
    }

    async fn answer_recovery(&self, device: DeviceId, request: &[u8], answer: &[u8]) -> Result<bool> {
        self.fuse.step().await?;
        self.inner.answer_recovery(device, request, answer).await
    }

    async fn remove_recovery(&self, device: DeviceId) -> Result<()> {
        self.fuse.step().await?;
        self.inner.remove_recovery(device).await
    }

    async fn forget_recoveries(&self, asked_until: Timestamp) -> Result<()> {
        self.fuse.step().await?;
        self.inner.forget_recoveries(asked_until).await
    }
}

macro_rules! tx {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl WriteTx for FaultyTx {
            $(async fn $name(&mut self, $($argument: $type),*) -> Result<$out> {
                self.fuse.step().await?;
                self.inner.$name($($argument),*).await
            })*

            async fn commit(self: Box<Self>) -> Result<()> {
                self.fuse.step().await?;
                self.inner.commit().await?;
                // A stop here is one after the commit and before the answer; a failure here would be a lie.
                let blow = self.fuse.armed.lock().unwrap_or_else(PoisonError::into_inner).map(|(_, blow)| blow);
                if blow == Some(Blow::Stop) { self.fuse.step().await } else { Ok(()) }
            }
        }
    };
}

tx! {
    fn document(doc: DocId) -> Option<DocumentState>;
    fn change(hash: ChangeHash) -> Option<KnownChange>;
    fn has_change_seq(doc: DocId, actor: &[u8], change_seq: u64) -> bool;
    fn changes_of(doc: DocId) -> Vec<LogEntry>;
    fn append(change: &ChangeRecord) -> u64;
    fn put_document(state: &DocumentState, row: &[u8]) -> ();
    fn put_projection(doc: DocId, unit: UnitId, projection: &office::Projection) -> ();
    fn clear_projections() -> ();
    fn documents(after: Option<DocId>, count_max: u32) -> Vec<DocumentState>;
    fn claim(claim: &Claim) -> ();
    fn take_out(doc: DocId) -> Vec<ChangeRecord>;
    fn append_control(unit: UnitId, control: &Control) -> u64;
    fn remove_document(doc: DocId) -> ();
    fn put_replaced(doc: DocId, hashes: &[ChangeHash]) -> ();
    fn is_replaced(doc: DocId, hash: ChangeHash) -> bool;
    fn put_erasure(doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> ();
    fn is_erased(doc: DocId) -> bool;
    fn put_move(moved: &Move) -> ();
    fn moves_of(doc: DocId) -> Vec<Move>;
    fn documents_of_unit(unit: UnitId) -> Vec<(DocumentState, Vec<u8>)>;
    fn ticket(device: DeviceId) -> Option<Ticket>;
    fn put_ticket(device: DeviceId, ticket: &Ticket) -> ();
}
