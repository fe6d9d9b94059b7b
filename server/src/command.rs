//! What is done to documents besides changes: moving to another unit, erasing, beginning anew. Each is one transaction.
//!
//! Nobody's permission is asked here; routes and the command line do that.

use std::collections::BTreeSet;

use zoufang_core::document::{Document, LogChange, RootChange};
use zoufang_core::query::{Row, RowBody};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId, UserId};
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::Control;

use crate::error::{Error, Result};
use crate::projection;
use crate::store::{ChangeRecord, Claim, DocumentState, Move, Store, StoreError, WriteTx};

const BATCH: u32 = 500;

/// Moves documents to a unit; those that are there already stay. Returns how many moved.
///
/// # Errors
/// [`Error::NotFound`] if there is no such document; nothing moved then.
pub async fn move_documents(store: &dyn Store, docs: &[DocId], to: UnitId, now: Timestamp) -> Result<usize> {
    let mut tx = store.begin().await?;
    let moved = move_within(tx.as_mut(), docs, to, now).await?;
    tx.commit().await?;
    Ok(moved)
}

/// Moves a document, and what goes with it if it is a person's file, to a unit. `may` is asked in the same transaction
/// whether it may go from where it is. Returns how many documents moved.
///
/// # Errors
/// [`Error::NotFound`] if there is no such document or it may not go; nothing moved then.
pub async fn move_with_person(
    store: &dyn Store,
    person: DocId,
    to: UnitId,
    may: impl Fn(&DocumentState) -> bool + Send,
    now: Timestamp,
) -> Result<usize> {
    let mut tx = store.begin().await?;
    tx.claim(&Claim { docs: BTreeSet::from([person]), units: to.logs().collect(), ..Claim::default() })
        .await?;
    let state = tx.document(person).await?.filter(|state| may(state)).ok_or(Error::NotFound)?;
    let docs = with_person_within(tx.as_mut(), &state).await?;
    let moved = move_within(tx.as_mut(), &docs, to, now).await?;
    tx.commit().await?;
    Ok(moved)
}

/// As [`move_documents`], in a transaction of the caller's.
pub(crate) async fn move_within(
    tx: &mut dyn WriteTx,
    docs: &[DocId],
    to: UnitId,
    now: Timestamp,
) -> Result<usize> {
    tx.claim(&Claim { docs: docs.iter().copied().collect(), units: to.logs().collect(), ..Claim::default() })
        .await?;
    let mut moved = 0;
    for doc in docs {
        let mut state = tx.document(*doc).await?.ok_or(Error::NotFound)?;
        let to = to.log(state.kind.class());
        if state.unit == to {
            continue;
        }
        let from = std::mem::replace(&mut state.unit, to);
        let changes = tx.take_out(*doc).await?;
        tx.append_control(from, &Control::MovedOut { doc: *doc, to }).await?;
        for change in &changes {
            tx.append(&ChangeRecord { unit: to, ..change.clone() }).await?;
        }
        tx.remove_document(*doc).await?;
        put(tx, &state, &changes).await?;
        tx.put_move(&Move { doc: *doc, from, to, at: now }).await?;
        moved += 1;
    }
    Ok(moved)
}

/// A person's file and what goes with it: the Party membership, and visits and contacts that are about nobody else.
///
/// # Errors
/// [`Error::NotFound`] if there is no such document.
pub async fn with_person(store: &dyn Store, person: DocId) -> Result<Vec<DocId>> {
    let mut tx = store.begin().await?;
    let state = tx.document(person).await?.ok_or(Error::NotFound)?;
    with_person_within(tx.as_mut(), &state).await
}

async fn with_person_within(tx: &mut dyn WriteTx, file: &DocumentState) -> Result<Vec<DocId>> {
    let person = file.doc;
    let mut docs = vec![person];
    let mut beside = Vec::new();
    for log in file.unit.logs() {
        beside.extend(tx.documents_of_unit(log).await?);
    }
    for (state, row) in beside {
        let row: Row = minicbor::decode(&row).map_err(|_| StoreError::Corrupt("row"))?;
        let only = |people: &[DocId]| people == [person];
        let belongs = match &row.body {
            RowBody::Person(_) => false,
            RowBody::Party(party) => party.person == Some(person),
            RowBody::Welfare => state.doc == person.beside(),
            RowBody::Visit(visit) => only(&visit.people),
            RowBody::Contact(contact) => only(&contact.visit.people),
        };
        if belongs {
            docs.push(state.doc);
        }
    }
    Ok(docs)
}

/// Erases a document: its changes, its row and its projection go, and a tombstone refuses whatever comes later.
///
/// # Errors
/// [`Error::NotFound`] if there is no such document.
pub async fn erase(store: &dyn Store, doc: DocId, now: Timestamp) -> Result<()> {
    let mut tx = store.begin().await?;
    tx.claim(&Claim { docs: BTreeSet::from([doc]), ..Claim::default() }).await?;
    let state = tx.document(doc).await?.ok_or(Error::NotFound)?;
    tx.take_out(doc).await?;
    tx.remove_document(doc).await?;
    // Devices of a unit that it left may not have read of that yet: they are told as well.
    let before = tx.moves_of(doc).await?.into_iter().map(|moved| moved.from);
    let units: BTreeSet<UnitId> = before.chain([state.unit]).collect();
    for unit in units {
        let seq = tx.append_control(unit, &Control::Erased { doc }).await?;
        tx.put_erasure(doc, unit, seq, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Whether one of these names is a key's: its own, or one that ends in `/` and begins it.
pub(crate) fn is_named(names: &[String], key: &str) -> bool {
    names.iter().any(|name| key == name || name.ends_with('/') && key.starts_with(name.as_str()))
}

/// Draws 64 random bits.
pub type Draw<'d> = &'d (dyn Fn() -> Result<u64> + Send + Sync);

/// Begins a document anew from its values, without its history and without the keys that `drops` names: what was under
/// them is gone for good. Returns how many changes the document had and has.
///
/// # Errors
/// [`Error::NotFound`] if there is no such document.
pub async fn re_root(
    store: &dyn Store,
    doc: DocId,
    drops: impl Fn(&str) -> bool + Send,
    draw: Draw<'_>,
    now: Timestamp,
) -> Result<(u64, u64)> {
    let mut tx = store.begin().await?;
    let counts = re_root_within(tx.as_mut(), doc, drops, draw, now).await?;
    tx.commit().await?;
    Ok(counts)
}

/// Documents whose history is shortened.
#[derive(Clone, Copy, Debug)]
pub struct Long {
    /// They have at least so many changes.
    pub changes_min: u64,
    /// Nobody has changed them since. A server that is restored from a backup forgets new beginnings that were made after it:
    /// what they stand for must be in the backup then, since phones do not hold it any more.
    pub unchanged_since: Timestamp,
}

/// Shortens the history of documents; returns how many documents.
///
/// # Errors
/// If the store fails; documents done before stay done.
pub async fn compact(store: &dyn Store, long: Long, draw: Draw<'_>, now: Timestamp) -> Result<u64> {
    let (mut after, mut done) = (None, 0);
    loop {
        let mut tx = store.begin().await?;
        let states = tx.documents(after, BATCH).await?;
        let Some(last) = states.last() else { return Ok(done) };
        after = Some(last.doc);
        for state in states.iter().filter(|state| state.changes >= long.changes_min) {
            let changes = tx.changes_of(state.doc).await?;
            if changes.iter().any(|change| change.received_at >= long.unchanged_since) {
                continue;
            }
            let (_, has) = re_root_within(tx.as_mut(), state.doc, |_| false, draw, now).await?;
            done += u64::from(has < state.changes);
        }
        tx.commit().await?;
    }
}

/// As [`re_root`], in a transaction of the caller's.
pub(crate) async fn re_root_within(
    tx: &mut dyn WriteTx,
    doc: DocId,
    drops: impl Fn(&str) -> bool + Send,
    draw: Draw<'_>,
    now: Timestamp,
) -> Result<(u64, u64)> {
    tx.claim(&Claim { docs: BTreeSet::from([doc]), ..Claim::default() }).await?;
    let mut state = tx.document(doc).await?.ok_or(Error::NotFound)?;
    let changes = tx.take_out(doc).await?;
    let roots = roots_of(&load(&state, &changes)?, state.created_by, drops, draw)?;
    let left: Vec<ChangeHash> = changes.iter().map(|change| change.hash).collect();
    tx.put_replaced(doc, &left).await?;
    tx.append_control(state.unit, &Control::ReRooted { doc }).await?;
    (state.max_op, state.size_bytes, state.changes, state.re_rooted) = (0, 0, 0, true);
    let received_at = changes.first().map_or(now, |change| change.received_at);
    let begun = begin_with(tx, state, roots, received_at).await?;
    Ok((changes.len() as u64, begun))
}

/// The changes of a new document that says what this one says, without the keys that `drops` names.
pub(crate) fn roots_of(
    document: &Document,
    author: UserId,
    drops: impl Fn(&str) -> bool,
    draw: Draw<'_>,
) -> Result<Vec<RootChange>> {
    let mut number = draw()?;
    let next_actor = || {
        number = number.wrapping_add(1);
        DeviceId::SERVER.actor(number.to_be_bytes())
    };
    document.re_root(author, drops, next_actor).map_err(|error| Error::Internal(Box::new(error)))
}

/// Writes changes as the beginning of a document; returns how many there are.
pub(crate) async fn begin_with(
    tx: &mut dyn WriteTx,
    mut state: DocumentState,
    roots: Vec<RootChange>,
    received_at: Timestamp,
) -> Result<u64> {
    let mut records = Vec::new();
    for root in roots {
        let scanned = scan(&root.raw).map_err(|error| Error::Internal(Box::new(error)))?;
        let record = ChangeRecord {
            unit: state.unit,
            doc: state.doc,
            kind: state.kind,
            hash: scanned.hash,
            raw: root.raw,
            device: DeviceId::SERVER,
            user: root.author,
            actor: scanned.actor,
            change_seq: scanned.seq,
            start_op: scanned.start_op,
            max_op: scanned.max_op,
            received_at,
        };
        tx.append(&record).await?;
        state.max_op = state.max_op.max(record.max_op);
        state.size_bytes += record.raw.len() as u64;
        state.changes += 1;
        records.push(record);
    }
    put(tx, &state, &records).await?;
    Ok(records.len() as u64)
}

fn load(state: &DocumentState, changes: &[ChangeRecord]) -> Result<Document> {
    let log = changes.iter().map(|change| LogChange {
        raw: change.raw.clone(),
        author: change.user,
        received_at: Some(change.received_at),
    });
    Document::load(state.kind, log).map_err(|error| Error::Internal(Box::new(error)))
}

/// Writes the state, the row and the projection that a document's changes make.
async fn put(tx: &mut dyn WriteTx, state: &DocumentState, changes: &[ChangeRecord]) -> Result<()> {
    let document = load(state, changes)?;
    let received_at = changes.first().map(|change| change.received_at).unwrap_or_default();
    let (row, projection) = projection::of(state.doc, &document, state.unit, state.created_by, received_at);
    tx.put_document(state, &row).await?;
    tx.put_projection(state.doc, state.unit.unit(), &projection).await?;
    Ok(())
}
