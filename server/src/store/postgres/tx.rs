//! The writing transaction: many are open at once, in many processes.
//!
//! Invariant: a unit's numbers are given under its lock, which is held until the commit; so the order of commits is the
//! order of numbers, and a reader that saw number n has seen all before it. The lock makes writers wait; the primary key
//! of the log makes the rule true even without it. What the gate read of a document in a locked unit stays true until the
//! commit. What locks do not cover (the same document or change made in two units at once) ends in a key that is
//! taken: [`StoreError::Overtaken`], nothing is written, and the same request done again sees what the other did.
//!
//! Isolation is "read committed", and it must be: each statement sees what was committed before it began, so what is
//! read after a lock was waited for is as new as the lock.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Transaction};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::codec::{docs, failed, units};
use super::listen::{Told, notify};
use super::lock::Lock;
use super::send::send;
use crate::crash::crash_point;
use crate::store::codec::{to_bytes, to_doc, to_hash, to_u64};
use crate::store::control::erased_key;
use crate::store::decode::{entry_of, known_of, state_of, tail_of};
use crate::store::known::{Known, Number};
use crate::store::office::Projection;
use crate::store::stage::{Appended, Stage};
use crate::store::{
    ChangeRecord, Claim, DocumentState, KnownChange, LogEntry, Move, Result, StoreError, Tail, Ticket,
    WriteTx,
};

/// Rounds of locking until all documents of a claim lie in locked units.
const CLAIM_ROUNDS_MAX: usize = 4;

/// A transaction on a connection of its own.
pub(super) struct PostgresTx {
    pub(super) county: i64,
    pub(super) tx: Transaction<'static, Postgres>,
    county_locked: bool,
    /// Ends of the logs of the units whose locks are held, with what is staged.
    pub(super) tails: BTreeMap<UnitId, Tail>,
    pub(super) known: Known,
    pub(super) new: BTreeSet<DocId>,
    pub(super) stage: Stage,
    pub(super) grown: BTreeSet<UnitId>,
    /// A statement failed: PostgreSQL would answer a commit with a rollback, and call that a success.
    broken: bool,
}

impl PostgresTx {
    pub(super) fn new(county: i64, tx: Transaction<'static, Postgres>) -> Self {
        Self {
            county,
            tx,
            county_locked: false,
            tails: BTreeMap::new(),
            known: Known::default(),
            new: BTreeSet::new(),
            stage: Stage::default(),
            grown: BTreeSet::new(),
            broken: false,
        }
    }

    pub(super) fn noted<T>(&mut self, done: sqlx::Result<T>) -> Result<T> {
        self.broken |= done.is_err();
        done.map_err(failed)
    }

    /// Locks units that are not locked yet, and reads where their logs end.
    pub(super) async fn lock(&mut self, wanted: &BTreeSet<UnitId>) -> Result<()> {
        let new: BTreeSet<UnitId> =
            wanted.iter().copied().filter(|unit| !self.tails.contains_key(unit)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut keys: Vec<i64> = new.iter().map(|unit| Lock::Unit(*unit).key(self.county)).collect();
        let shared_place = i64::from(!self.county_locked);
        if !self.county_locked {
            keys.insert(0, Lock::County.key(self.county));
        }
        // The elements come in the order of the array, and so do the locks.
        let sql = "select case place when $2 then pg_advisory_xact_lock_shared(key)::text else pg_advisory_xact_lock(key)::text end
            from unnest($1::bigint[]) with ordinality locks(key, place)";
        let done = sqlx::query(sql).bind(keys).bind(shared_place).execute(&mut *self.tx).await;
        self.noted(done)?;
        self.county_locked = true;
        let sql = "select unit, last_seq, digest, count, bytes, cuts, control_seq from unit_log where county = $1 and unit = any($2)";
        let rows = sqlx::query(sql).bind(self.county).bind(units(&new)).fetch_all(&mut *self.tx).await;
        let rows = self.noted(rows)?;
        self.tails.extend(new.into_iter().map(|unit| (unit, Tail { unit, ..Tail::default() })));
        for row in &rows {
            let tail = tail_of(row)?;
            self.tails.insert(tail.unit, tail);
        }
        Ok(())
    }

    /// Reads documents; says which of them live in units that are not locked.
    async fn read_docs(&mut self, wanted: &[DocId]) -> Result<BTreeSet<UnitId>> {
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = $1 and doc = any($2)";
        let rows = sqlx::query(sql).bind(self.county).bind(docs(wanted)).fetch_all(&mut *self.tx).await;
        let rows = self.noted(rows)?;
        self.known.docs.extend(wanted.iter().map(|doc| (*doc, None)));
        let mut elsewhere = BTreeSet::new();
        for row in &rows {
            let state = state_of(row)?;
            if !self.tails.contains_key(&state.unit) {
                elsewhere.insert(state.unit);
            }
            self.known.docs.insert(state.doc, Some(state));
        }
        Ok(elsewhere)
    }

    async fn read_changes(&mut self, hashes: &BTreeSet<ChangeHash>) -> Result<()> {
        let wanted = self.known.changes_to_read(hashes);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select doc, seq, max_op, hash from log where county = $1 and hash = any($2)";
        let bytes: Vec<&[u8]> = wanted.iter().map(|hash| &hash.0[..]).collect();
        let rows = sqlx::query(sql).bind(self.county).bind(bytes).fetch_all(&mut *self.tx).await;
        let rows = self.noted(rows)?;
        self.known.changes.extend(wanted.into_iter().map(|hash| (hash, None)));
        for row in &rows {
            self.known.changes.insert(to_hash(row, 3)?, Some(known_of(row)?));
        }
        Ok(())
    }

    async fn read_numbers(&mut self, numbers: &BTreeSet<Number>) -> Result<()> {
        let wanted = self.known.numbers_to_read(numbers);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select l.doc, l.actor, l.change_seq from unnest($2::bytea[], $3::bytea[], $4::bigint[]) n(doc, actor, change_seq)
            join log l on l.county = $1 and l.doc = n.doc and l.actor = n.actor and l.change_seq = n.change_seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(docs(wanted.iter().map(|(doc, _, _)| doc)))
            .bind(wanted.iter().map(|(_, actor, _)| &actor[..]).collect::<Vec<_>>())
            .bind(wanted.iter().map(|(_, _, seq)| seq.cast_signed()).collect::<Vec<_>>())
            .fetch_all(&mut *self.tx)
            .await;
        let rows = self.noted(rows)?;
        self.known.numbers.extend(wanted.into_iter().map(|number| (number, false)));
        for row in &rows {
            self.known.numbers.insert((to_doc(row, 0)?, to_bytes(row, 1)?, to_u64(row, 2)?), true);
        }
        Ok(())
    }

    async fn read_erased(&mut self, of: &BTreeSet<DocId>) -> Result<()> {
        let wanted = self.known.erased_to_read(of);
        if wanted.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = wanted.iter().map(|doc| erased_key(*doc)).collect();
        let sql = "select key from erased where county = $1 and key = any($2)";
        let bytes: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        let rows = sqlx::query(sql).bind(self.county).bind(bytes).fetch_all(&mut *self.tx).await;
        let rows = self.noted(rows)?;
        let found = rows.iter().map(|row| to_bytes(row, 0)).collect::<Result<BTreeSet<_>>>()?;
        self.known.erased.extend(wanted.iter().zip(&keys).map(|(doc, key)| (*doc, found.contains(&key[..]))));
        Ok(())
    }

    async fn read_histories(&mut self, of: &BTreeSet<DocId>) -> Result<()> {
        let wanted = self.known.histories_to_read(of);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select seq, doc, kind, hash, raw, user_id, received_at from log where county = $1 and doc = any($2) order by seq";
        let rows = sqlx::query(sql).bind(self.county).bind(docs(&wanted)).fetch_all(&mut *self.tx).await;
        for row in &self.noted(rows)? {
            self.known.add_to_history(entry_of(row)?);
        }
        Ok(())
    }

    /// Sends what is staged.
    async fn send(&mut self) -> Result<()> {
        let sent = send(self.stage.take(), &mut self.tx, self.county, &self.tails, &self.new).await;
        self.new.clear();
        if self.noted(sent)? {
            return Ok(());
        }
        self.broken = true;
        Err(StoreError::Overtaken)
    }

    /// As [`Self::send`], for rows that nobody had when they were staged.
    pub(super) async fn send_staged(&mut self) -> Result<()> {
        self.send().await.map_err(|error| {
            if matches!(error, StoreError::Taken(_)) { StoreError::Overtaken } else { error }
        })
    }

    pub(super) async fn one(&mut self, sql: &'static str, key: &[u8]) -> Result<Option<PgRow>> {
        let row = sqlx::query(sql).bind(self.county).bind(key).fetch_optional(&mut *self.tx).await;
        self.noted(row)
    }
}

#[async_trait]
impl WriteTx for PostgresTx {
    async fn claim(&mut self, claim: &Claim) -> Result<()> {
        self.lock(&claim.units).await?;
        let mut wanted = self.known.docs_to_read(&claim.docs);
        for _ in 0..CLAIM_ROUNDS_MAX {
            if wanted.is_empty() {
                break;
            }
            let elsewhere = self.read_docs(&wanted).await?;
            let known = &self.known.docs;
            self.new.extend(wanted.iter().filter(|doc| known.get(doc) == Some(&None)));
            // Only what was read under the lock stays true: after locking more it is read again.
            wanted.retain(|doc| {
                known.get(doc).and_then(Option::as_ref).is_some_and(|state| elsewhere.contains(&state.unit))
            });
            self.lock(&elsewhere).await?;
        }
        if !wanted.is_empty() {
            return Err(StoreError::Overtaken);
        }
        self.read_changes(&claim.hashes).await?;
        self.read_numbers(&claim.numbers).await?;
        self.read_erased(&claim.docs).await?;
        self.read_histories(&claim.docs).await
    }

    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>> {
        if let Some(known) = self.known.docs.get(&doc) {
            return Ok(known.clone());
        }
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = $1 and doc = $2";
        self.one(sql, &doc.0).await?.as_ref().map(state_of).transpose()
    }

    async fn change(&mut self, hash: ChangeHash) -> Result<Option<KnownChange>> {
        if let Some(known) = self.known.changes.get(&hash) {
            return Ok(*known);
        }
        let sql = "select doc, seq, max_op from log where county = $1 and hash = $2";
        self.one(sql, &hash.0).await?.as_ref().map(known_of).transpose()
    }

    async fn has_change_seq(&mut self, doc: DocId, actor: &[u8], change_seq: u64) -> Result<bool> {
        if let Some(known) = self.known.numbers.get(&(doc, actor.to_vec(), change_seq)) {
            return Ok(*known);
        }
        let sql = "select 1 from log where county = $1 and doc = $2 and actor = $3 and change_seq = $4";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(&doc.0[..])
            .bind(actor)
            .bind(change_seq.cast_signed())
            .fetch_optional(&mut *self.tx)
            .await;
        Ok(self.noted(row)?.is_some())
    }

    async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>> {
        if let Some(known) = self.known.histories.remove(&doc) {
            return Ok(known);
        }
        if self.stage.holds_changes_of(doc) {
            self.send_staged().await?;
        }
        let sql = "select seq, doc, kind, hash, raw, user_id, received_at from log where county = $1 and doc = $2 order by seq";
        let rows = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).fetch_all(&mut *self.tx).await;
        self.noted(rows)?.iter().map(entry_of).collect()
    }

    async fn append(&mut self, change: &ChangeRecord) -> Result<u64> {
        self.lock(&BTreeSet::from([change.unit])).await?;
        let nobody_has_it = self.known.is_free(change)?;
        let tail = self.tails.entry(change.unit).or_default();
        *tail = tail.grown(change);
        let seq = tail.last_seq;
        self.stage.append(Appended { change: change.clone(), seq });
        self.grown.insert(change.unit);
        self.known.note_appended(change, seq);
        if !nobody_has_it {
            self.send().await?;
        } else if self.stage.is_full() {
            self.send_staged().await?;
        }
        Ok(seq)
    }

    async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()> {
        self.known.docs.insert(state.doc, Some(state.clone()));
        self.stage.put_document(state.clone(), row);
        if self.stage.is_full() { self.send_staged().await } else { Ok(()) }
    }

    async fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: &Projection) -> Result<()> {
        self.stage.put_projection(doc, unit, projection.clone());
        if self.stage.is_full() { self.send_staged().await } else { Ok(()) }
    }

    /// Keeps all writers out until the commit: what is read from now on is what the new projections are made of.
    async fn clear_projections(&mut self) -> Result<()> {
        let key = Lock::County.key(self.county);
        let done = sqlx::query("select pg_advisory_xact_lock($1)").bind(key).execute(&mut *self.tx).await;
        self.noted(done)?;
        self.county_locked = true;
        self.stage.clear_projections();
        for sql in [
            "delete from person where county = $1",
            "delete from visit where county = $1",
            "delete from visit_person where county = $1",
            "delete from contact where county = $1",
        ] {
            let done = sqlx::query(sql).bind(self.county).execute(&mut *self.tx).await;
            self.noted(done)?;
        }
        Ok(())
    }

    async fn documents(&mut self, after: Option<DocId>, count_max: u32) -> Result<Vec<DocumentState>> {
        if !self.stage.docs.is_empty() {
            self.send_staged().await?;
        }
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = $1 and doc > $2 order by doc limit $3";
        let after = after.map(|doc| doc.0.to_vec()).unwrap_or_default();
        let query = sqlx::query(sql).bind(self.county).bind(after).bind(i64::from(count_max));
        let rows = query.fetch_all(&mut *self.tx).await;
        self.noted(rows)?.iter().map(state_of).collect()
    }

    async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        self.delete_changes(doc).await
    }

    async fn append_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        self.insert_control(unit, control).await
    }

    async fn remove_document(&mut self, doc: DocId) -> Result<()> {
        self.delete_document(doc).await
    }

    async fn put_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()> {
        self.insert_replaced(doc, hashes).await
    }

    async fn is_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool> {
        self.find_replaced(doc, hash).await
    }

    async fn put_erasure(&mut self, doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> Result<()> {
        self.known.erased.insert(doc, true);
        self.insert_erasure(doc, unit, seq, now).await
    }

    async fn is_erased(&mut self, doc: DocId) -> Result<bool> {
        if let Some(erased) = self.known.erased.get(&doc) {
            return Ok(*erased);
        }
        let sql = "select 1 from erased where county = $1 and key = $2";
        Ok(self.one(sql, &erased_key(doc)).await?.is_some())
    }

    async fn put_move(&mut self, moved: &Move) -> Result<()> {
        self.insert_move(moved).await
    }

    async fn moves_of(&mut self, doc: DocId) -> Result<Vec<Move>> {
        self.select_moves(doc).await
    }

    async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        self.select_documents(unit).await
    }

    async fn ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        self.select_ticket(device).await
    }

    async fn put_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        self.update_ticket(device, ticket).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.send_staged().await?;
        crash_point!("stage.after");
        let ends = self.grown.iter().filter_map(|unit| self.tails.get(unit));
        let told: Vec<Told> = ends.map(|tail| Told::Unit(tail.unit, tail.last_seq)).collect();
        let done = notify(&mut self.tx, self.county, &told).await;
        self.noted(done)?;
        crash_point!("news.after");
        if self.broken {
            return Err(StoreError::Overtaken);
        }
        self.tx.commit().await.map_err(failed)
    }
}
