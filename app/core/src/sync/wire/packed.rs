//! A page as phones of version 3 read it: each row stands behind the change that it goes with, and what the receiver can
//! tell by itself is left out.
//!
//! Deflate looks back 32 KiB: beside its change nearly all of a row's text is a copy. A head is a hash, which no compression
//! makes smaller, and mostly that of the very change.
use minicbor::{Decode, Encode};

use super::{Control, Item, Page};
use crate::{
    query::{Row, RowBody},
    record::{ChangeHash, DocId, Kind, Timestamp, UnitId, UserId},
    sync::{digest::Digest, scan},
};

/// [`Page`], packed.
#[derive(Encode, Decode)]
pub(super) struct Packed {
    #[n(0)]
    unit: UnitId,
    #[n(1)]
    from_seq: u64,
    #[n(2)]
    to_seq: u64,
    #[n(3)]
    entries: Vec<Entry>,
    #[n(4)]
    digest: Digest,
    #[n(5)]
    count: u64,
    #[n(6)]
    complete: bool,
    #[cbor(n(7), default)]
    controls: Vec<Control>,
}

/// An item, and the row of its document behind the last item of it.
#[derive(Encode, Decode)]
struct Entry {
    #[n(0)]
    doc: DocId,
    #[n(1)]
    kind: Kind,
    #[n(2)]
    author: UserId,
    #[n(3)]
    received_at: Timestamp,
    /// The change without magic and checksum.
    #[cbor(n(4), with = "minicbor::bytes")]
    chunk: Vec<u8>,
    #[n(5)]
    row: Option<EntryRow>,
}

#[derive(Encode, Decode)]
struct EntryRow {
    #[n(0)]
    created_by: UserId,
    #[n(1)]
    created_at: Timestamp,
    #[n(2)]
    conflicts: u32,
    #[n(3)]
    body: RowBody,
    /// `None`: the change that it stands behind.
    #[n(4)]
    heads: Option<Vec<ChangeHash>>,
}

impl Packed {
    /// The page, packed; the page itself if that cannot be: a change is no chunk, a row is of another unit or has no
    /// change of its own in the page.
    pub(super) fn of(page: Page) -> Result<Self, Box<Page>> {
        let mut entries = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let Some((chunk, hash)) = scan::without_checksum(&item.raw) else { return Err(Box::new(page)) };
            entries.push((item, chunk, hash, None));
        }
        for row in &page.rows {
            let last = entries.iter_mut().rfind(|(item, ..)| item.doc == row.doc);
            match last {
                Some((.., place)) if place.is_none() && row.unit == page.unit => *place = Some(row),
                _ => return Err(Box::new(page)),
            }
        }
        let entries = entries.into_iter().map(|(item, chunk, hash, row)| Entry {
            doc: item.doc,
            kind: item.kind,
            author: item.author,
            received_at: item.received_at,
            chunk: chunk.to_vec(),
            row: row.map(|row| EntryRow {
                created_by: row.created_by,
                created_at: row.created_at,
                conflicts: row.conflicts,
                body: row.body.clone(),
                heads: (row.heads != [hash]).then(|| row.heads.clone()),
            }),
        });
        Ok(Self {
            unit: page.unit,
            from_seq: page.from_seq,
            to_seq: page.to_seq,
            entries: entries.collect(),
            digest: page.digest,
            count: page.count,
            complete: page.complete,
            controls: page.controls,
        })
    }

    /// The page that was packed; its rows are in the order of their changes.
    pub(super) fn into_page(self) -> Page {
        let mut items = Vec::with_capacity(self.entries.len());
        let mut rows = Vec::new();
        for entry in self.entries {
            let (raw, hash) = scan::with_checksum(&entry.chunk);
            rows.extend(entry.row.map(|row| Row {
                doc: entry.doc,
                unit: self.unit,
                heads: row.heads.unwrap_or_else(|| vec![hash]),
                created_by: row.created_by,
                created_at: row.created_at,
                conflicts: row.conflicts,
                body: row.body,
            }));
            let Entry { doc, kind, author, received_at, .. } = entry;
            items.push(Item { doc, kind, author, received_at, raw });
        }
        Page {
            unit: self.unit,
            from_seq: self.from_seq,
            to_seq: self.to_seq,
            items,
            rows,
            digest: self.digest,
            count: self.count,
            complete: self.complete,
            controls: self.controls,
        }
    }
}
