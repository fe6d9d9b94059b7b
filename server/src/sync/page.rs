//! Pages: a piece of a unit's log with the newest rows of its documents.

use std::collections::BTreeSet;

use zoufang_core::query::Row;
use zoufang_core::record::{ChangeHash, DocId};
use zoufang_core::sync::wire::{Frame, Item, Page, encode_frame};

use crate::error::Result;
use crate::store::{LogEntry, Store, StoreError, Tail};
use crate::work::off_thread;

/// Raw bytes of changes in a page, at most (one change may be more).
pub const PAGE_BYTES_MAX: usize = 192 * 1024;

/// Reads the page of a unit that goes on from a cursor; `None` if there is nothing after it.
///
/// # Errors
/// If the store fails.
pub async fn read(
    store: &dyn Store,
    tail: &Tail,
    from_seq: u64,
    leave_out: &BTreeSet<ChangeHash>,
) -> Result<Option<Page>> {
    let entries = store.read_log(tail.unit, from_seq, PAGE_BYTES_MAX).await?;
    of_entries(store, tail, from_seq, entries, leave_out).await
}

/// The page of these entries.
///
/// # Errors
/// If the store fails.
pub async fn of_entries(
    store: &dyn Store,
    tail: &Tail,
    from_seq: u64,
    entries: Vec<LogEntry>,
    leave_out: &BTreeSet<ChangeHash>,
) -> Result<Option<Page>> {
    let Some((to_seq, digest)) = entries.last().map(|entry| (entry.seq, entry.digest)) else {
        return Ok(None);
    };
    let kept = entries.into_iter().filter(|entry| !leave_out.contains(&entry.hash));
    let items: Vec<Item> = kept
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
    let complete = to_seq >= tail.last_seq;
    let digest = if complete { digest } else { Default::default() };
    Ok(Some(Page {
        unit: tail.unit,
        from_seq,
        to_seq,
        items,
        rows,
        digest,
        count: tail.count.max(to_seq),
        complete,
    }))
}

async fn rows(store: &dyn Store, docs: &[DocId]) -> Result<Vec<Row>> {
    let rows = store.rows(docs).await?;
    let decode = |bytes: &[u8]| minicbor::decode(bytes).map_err(|_| StoreError::Corrupt("row"));
    rows.iter().map(|(_, bytes)| Ok(decode(bytes)?)).collect()
}

/// Encodes and compresses off the async threads.
///
/// # Errors
/// If the work was stopped.
pub async fn encode(page: Page) -> Result<Vec<u8>> {
    off_thread(move || encode_frame(&Frame::Page(page))).await
}
