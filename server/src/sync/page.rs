//! Pages: a piece of a unit's log with the newest rows of its documents.

use std::collections::BTreeSet;

use zoufang_core::query::Row;
use zoufang_core::record::{ChangeHash, DocId, UnitId};
use zoufang_core::sync::wire::{Item, Page, Want, encode_page};

use crate::error::Result;
use crate::store::{LogEntry, LogPage, Store, StoreError};
use crate::work::off_thread;

/// Raw bytes of changes in a page, at most (one change may be more).
pub const PAGE_BYTES_MAX: usize = 192 * 1024;

/// Reads the page of a unit that goes on from a cursor, as a phone of this version of the protocol reads it; without the
/// changes to be left out, unless controls are in it. There is one also where nothing is new: it says what the log's digest is.
///
/// # Errors
/// If the store fails.
pub async fn read(
    store: &dyn Store,
    unit: UnitId,
    from_seq: u64,
    leave_out: &BTreeSet<ChangeHash>,
    version: u8,
) -> Result<Page> {
    let read = store.read_log(unit, from_seq, PAGE_BYTES_MAX).await?;
    of_log(store, from_seq, read, leave_out, version).await
}

/// The page of a piece of the log.
///
/// # Errors
/// If the store fails.
pub async fn of_log(
    store: &dyn Store,
    from_seq: u64,
    read: LogPage,
    leave_out: &BTreeSet<ChangeHash>,
    version: u8,
) -> Result<Page> {
    let tail = read.tail;
    // A phone of version 1 drops nothing: what it holds of a log that something was taken out of cannot be compared.
    let complete = read.is_complete() && (version >= 2 || tail.cuts == 0);
    // A control may tell the phone to drop what it has of a document.
    let leaves_out = |entry: &LogEntry| read.controls.is_empty() && leave_out.contains(&entry.hash);
    let entries = read.entries.into_iter().filter(|entry| !leaves_out(entry));
    let (items, rows) = contents(store, entries).await?;
    Ok(Page {
        unit: tail.unit,
        from_seq,
        to_seq: read.to_seq,
        items,
        rows,
        digest: if complete { tail.digest } else { Default::default() },
        count: tail.count,
        complete,
        controls: read.controls.into_iter().map(|(_, control)| control).collect(),
    })
}

/// Changes of a unit's log that a phone asked for once more; it moves no cursor.
///
/// # Errors
/// If the store fails.
pub async fn of_want(store: &dyn Store, want: &Want) -> Result<Page> {
    let (items, rows) = contents(store, store.changes(want.unit, &want.hashes).await?).await?;
    Ok(Page { items, rows, ..apart(want.unit) })
}

/// A page of nothing that stands beside the log: it moves no cursor.
#[must_use]
pub fn apart(unit: UnitId) -> Page {
    Page {
        unit,
        from_seq: 0,
        to_seq: 0,
        items: Vec::new(),
        rows: Vec::new(),
        digest: Default::default(),
        count: 0,
        complete: false,
        controls: Vec::new(),
    }
}

/// The items of entries, and the newest rows of their documents.
///
/// # Errors
/// If the store fails.
pub async fn contents(
    store: &dyn Store,
    entries: impl IntoIterator<Item = LogEntry>,
) -> Result<(Vec<Item>, Vec<Row>)> {
    let items: Vec<Item> = entries
        .into_iter()
        .map(|entry| Item {
            doc: entry.doc,
            kind: entry.kind,
            author: entry.user,
            received_at: entry.received_at,
            raw: entry.raw,
        })
        .collect();
    let docs: BTreeSet<DocId> = items.iter().map(|item| item.doc).collect();
    let docs: Vec<DocId> = docs.into_iter().collect();
    let rows = if docs.is_empty() { Vec::new() } else { rows(store, &docs).await? };
    Ok((items, rows))
}

/// The newest rows of documents; unknown ones are left out.
///
/// # Errors
/// If the store fails.
pub async fn rows(store: &dyn Store, docs: &[DocId]) -> Result<Vec<Row>> {
    let rows = store.rows(docs).await?;
    let decode = |bytes: &[u8]| minicbor::decode(bytes).map_err(|_| StoreError::Corrupt("row"));
    rows.iter().map(|(_, bytes)| Ok(decode(bytes)?)).collect()
}

/// Encodes and compresses, for a phone of this version of the protocol, off the async threads.
///
/// # Errors
/// If the work was stopped.
pub async fn encode(page: Page, version: u8) -> Result<Vec<u8>> {
    off_thread(move || encode_page(page, version)).await
}
