//! What lies on the server's disk is sealed here, and nowhere else: a store over another store.
//!
//! The store below keeps changes, rows, segments and bodies as bytes that it neither reads nor compares. Each is sealed for its
//! place (table and key), so that it opens nowhere else, and under a key of the keys file, which never lies in the database.
//! In clear stay units, days, ids, numbers and hashes, by which a database orders and joins, and what is not about people visited:
//! units, the accounts of workers, their devices, and the access log (ids and codes).
//!
//! What a key opened once stays readable as long as it stands in the file, below the one in use; [`crate::reseal`] brings everything
//! under the one in use. A value in clear is accepted from data only that were never sealed, and only to be sealed.

mod recovery;
mod ring;
mod tx;

use std::sync::Arc;

use async_trait::async_trait;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::office::{ContactLine, Filter, PersonLine, UnitFigures, VisitLine};
use super::{
    Account, Device, DeviceLine, Erasure, Late, Listener, LogEntry, LogPage, Mark, NewAccount, Principal,
    Resealed, Result, Sealed, Segment, SignKey, Signer, Store, Tail, TokenHash, TryOutcome, Unit, UnitCode,
    WriteTx,
};
use crate::readings::{Head, Line, Reading, Which};
pub use ring::Ring;
pub(crate) use ring::Table;
use tx::SealedTx;

/// A store whose records are sealed.
pub struct SealedStore {
    inner: Arc<dyn Store>,
    ring: Arc<Ring>,
}

impl SealedStore {
    /// Everything that comes to this store is sealed, and everything that it gives is opened.
    #[must_use]
    pub fn over(inner: Arc<dyn Store>, ring: Arc<Ring>) -> Self {
        Self { inner, ring }
    }

    fn tail(tail: Tail) -> Tail {
        Tail { size_bytes: tail.size_bytes.saturating_sub(tail.count * Ring::EXTRA_BYTES as u64), ..tail }
    }
}

impl Ring {
    fn opened(&self, mut entry: LogEntry) -> Result<LogEntry> {
        entry.raw = self.open(Table::Log, &Self::change(entry.hash), &entry.raw)?;
        Ok(entry)
    }

    fn all_opened(&self, entries: Vec<LogEntry>) -> Result<Vec<LogEntry>> {
        entries.into_iter().map(|entry| self.opened(entry)).collect()
    }

    fn open_row(&self, (doc, row): (DocId, Vec<u8>)) -> Result<(DocId, Vec<u8>)> {
        Ok((doc, self.open(Table::Row, &hex::encode(doc.0), &row)?))
    }

    fn open_person(&self, person: Option<DocId>, body: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
        let opened =
            person.zip(body).map(|(person, body)| self.open(Table::Person, &hex::encode(person.0), &body));
        opened.transpose()
    }

    /// Where a change stands.
    pub(crate) fn change(hash: ChangeHash) -> String {
        hex::encode(hash.0)
    }

    /// Where a late change stands.
    pub(crate) fn late(late: &Late) -> String {
        format!("{} {}", late.device, hex::encode(late.hash.0))
    }

    fn segment(segment: &Segment) -> String {
        format!("{} {} {}", segment.unit, segment.from_seq, segment.to_seq)
    }
}

macro_rules! store {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl Store for SealedStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$out> {
                self.inner.$name($($argument),*).await
            })*

            async fn close(&self) {
                self.inner.close().await;
            }

            fn news(&self) -> Listener {
                self.inner.news()
            }

            async fn begin(&self) -> Result<Box<dyn WriteTx>> {
                Ok(Box::new(SealedTx { inner: self.inner.begin().await?, ring: Arc::clone(&self.ring) }))
            }

            async fn tails(&self, units: &[UnitId]) -> Result<Vec<Tail>> {
                Ok(self.inner.tails(units).await?.into_iter().map(Self::tail).collect())
            }

            async fn read_log(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage> {
                // What is sealed is longer, by at most a half for the changes that there are.
                let sealed_max = bytes_max.saturating_add(bytes_max / 2);
                let mut page = self.inner.read_log(unit, after_seq, sealed_max).await?;
                page.tail = Self::tail(page.tail);
                let clear_bytes = page.entries.iter().scan(0, |sum, entry| {
                    *sum += entry.raw.len().saturating_sub(Ring::EXTRA_BYTES);
                    Some(*sum)
                });
                let count = clear_bytes.take_while(|sum| *sum <= bytes_max).count().max(1);
                if let Some(first_out) = page.entries.get(count) {
                    page.to_seq = first_out.seq - 1;
                    page.entries.truncate(count);
                    page.controls.retain(|(seq, _)| *seq <= page.to_seq);
                }
                page.entries = self.ring.all_opened(page.entries)?;
                Ok(page)
            }

            async fn changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>> {
                self.ring.all_opened(self.inner.changes(unit, hashes).await?)
            }

            async fn begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>> {
                self.ring.all_opened(self.inner.begun_anew(unit, doc).await?)
            }

            async fn rows(&self, docs: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>> {
                self.inner.rows(docs).await?.into_iter().map(|row| self.ring.open_row(row)).collect()
            }

            async fn segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>> {
                let Some(mut segment) = self.inner.segment(unit, from_seq).await? else { return Ok(None) };
                segment.frame = self.ring.open(Table::Segment, &Ring::segment(&segment), &segment.frame)?;
                Ok(Some(segment))
            }

            async fn put_segment(&self, segment: &Segment, cuts: u64) -> Result<()> {
                let frame = self.ring.seal(Table::Segment, &Ring::segment(segment), &segment.frame)?;
                self.inner.put_segment(&Segment { frame, ..segment.clone() }, cuts).await
            }

            async fn put_late(&self, late: &[Late]) -> Result<()> {
                let sealed = late.iter().map(|late| {
                    let raw = self.ring.seal(Table::Late, &Ring::late(late), &late.raw)?;
                    Ok(Late { raw, ..late.clone() })
                });
                self.inner.put_late(&sealed.collect::<Result<Vec<_>>>()?).await
            }

            async fn late(&self) -> Result<Vec<Late>> {
                let open = |mut late: Late| {
                    late.raw = self.ring.open(Table::Late, &Ring::late(&late), &late.raw)?;
                    Ok(late)
                };
                self.inner.late().await?.into_iter().map(open).collect()
            }

            async fn visits(&self, filter: &Filter) -> Result<Vec<VisitLine>> {
                let open = |mut line: VisitLine| {
                    line.visit.body = self.ring.open(Table::Visit, &hex::encode(&line.doc.0), &line.visit.body)?;
                    let people = line.visit.people.iter().zip(line.people);
                    line.people = people.map(|(person, body)| self.ring.open_person(Some(*person), body)).collect::<Result<_>>()?;
                    Ok(line)
                };
                self.inner.visits(filter).await?.into_iter().map(open).collect()
            }

            async fn contacts(&self, filter: &Filter) -> Result<Vec<ContactLine>> {
                let open = |mut line: ContactLine| {
                    line.contact.body = self.ring.open(Table::Contact, &hex::encode(&line.doc.0), &line.contact.body)?;
                    line.person = self.ring.open_person(line.contact.person, line.person)?;
                    Ok(line)
                };
                self.inner.contacts(filter).await?.into_iter().map(open).collect()
            }

            async fn people(&self, units: &[UnitId]) -> Result<Vec<PersonLine>> {
                let open = |mut line: PersonLine| {
                    line.person.body = self.ring.open(Table::Person, &hex::encode(&line.doc.0), &line.person.body)?;
                    Ok(line)
                };
                self.inner.people(units).await?.into_iter().map(open).collect()
            }
        }
    };
}

store! {
    fn ready() -> ();
    fn engine() -> String;
    fn epoch() -> EpochId;
    fn directory_version() -> u32;
    fn versions() -> (EpochId, u32);
    fn sync_key() -> Option<PublicKey>;
    fn put_sync_key(key: PublicKey) -> ();
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
    fn devices() -> Vec<DeviceLine>;
    fn touch_devices(seen: &[(DeviceId, Timestamp)]) -> ();
    fn put_wiped(device: DeviceId, now: Timestamp) -> ();
    fn remove_late(device: DeviceId, hashes: &[ChangeHash]) -> ();
    fn put_enrol_code(user: UserId, hash: [u8; 32], expires_at: Timestamp) -> ();
    fn take_enrol_code(user: UserId, hash: [u8; 32], now: Timestamp) -> bool;
    fn put_sign_key(device: DeviceId, key: SignKey) -> ();
    fn signer(device: DeviceId) -> Option<Signer>;
    fn open_session(token: TokenHash, device: DeviceId, user: UserId, expires_at: Timestamp) -> ();
    fn principal(token: TokenHash, now: Timestamp) -> Option<Principal>;
    fn close_session(token: TokenHash) -> ();
    fn begin_try(keys: &[([u8; 16], u32)], nonce: u64, now: Timestamp, window_ms: i64) -> TryOutcome;
    fn forgive_try(keys: &[[u8; 16]], nonce: u64) -> ();
    fn hashes(unit: UnitId, prefix: &[u8]) -> Vec<ChangeHash>;
    fn sealed(unit: UnitId) -> Sealed;
    fn note_cursors(device: DeviceId, cursors: &[(UnitId, u64)], now: Timestamp) -> ();
    fn erasures() -> Vec<Erasure>;
    fn units_of(docs: &[DocId]) -> Vec<(DocId, UnitId)>;
    fn append_readings(readings: &[Reading]) -> ();
    fn readings(which: &Which, before_seq: Option<u64>, count_max: u32) -> Vec<Line>;
    fn readings_after(after_seq: u64, count_max: u32) -> Vec<Line>;
    fn readings_head() -> Head;
    fn renew_epoch(epoch: EpochId) -> ();
    fn units_with_log() -> Vec<UnitId>;
    fn overview(units: &[UnitId], month: &str) -> Vec<UnitFigures>;
    fn last_visits(people: &[DocId]) -> Vec<(DocId, String)>;
    fn row_counts() -> Vec<(&'static str, u64)>;
}
