//! A page as phones of version 3 read it: each row stands behind the change that it goes with, and what the receiver can
//! tell by itself is left out.
//!
//! Deflate looks back 32 KiB: beside its change nearly all of a row's text is a copy. A head is a hash, which no compression
//! makes smaller, and mostly that of the very change.
use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{Control, Item, Page};
use crate::{
    gather,
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

/// An item, and the row of its document behind the last item of it. Where that is the whole document there is no row: the
/// receiver makes it.
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

/// The row of a document that is this one change.
fn row_of_first(doc: DocId, kind: Kind, chunk: &[u8], hash: ChangeHash, unit: UnitId) -> Option<Row> {
    Row::of_first(doc, kind, scan::scan_hashed(chunk, hash).ok()?, unit)
}

/// Whether the receiver can make this row of the change alone.
fn is_of_first(row: &Row, item: &Item, chunk: &[u8], hash: ChangeHash) -> bool {
    row.heads == [hash] && row_of_first(row.doc, item.kind, chunk, hash, row.unit).as_ref() == Some(row)
}

impl Packed {
    /// The page, packed; the page itself if that cannot be: a change is no chunk, a row is of another unit or has no
    /// change of its own in the page, or the receiver would make a row that the page does not have.
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
        let last: BTreeMap<DocId, usize> =
            gather(entries.iter().enumerate().map(|(at, (item, ..))| (item.doc, at)));
        let mut rowless = last.values().map(|at| &entries[*at]).filter(|(.., row)| row.is_none());
        let would_get_one = |(item, chunk, hash, _): &(&Item, &[u8], ChangeHash, Option<&Row>)| {
            row_of_first(item.doc, item.kind, chunk, *hash, page.unit).is_some()
        };
        if rowless.any(would_get_one) {
            return Err(Box::new(page));
        }
        let entries = entries.into_iter().map(|(item, chunk, hash, row)| Entry {
            doc: item.doc,
            kind: item.kind,
            author: item.author,
            received_at: item.received_at,
            chunk: chunk.to_vec(),
            row: row.filter(|row| !is_of_first(row, item, chunk, hash)).map(|row| EntryRow {
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
        let last: BTreeMap<DocId, usize> =
            gather(self.entries.iter().enumerate().map(|(at, entry)| (entry.doc, at)));
        for (at, entry) in self.entries.into_iter().enumerate() {
            let (raw, hash) = scan::with_checksum(&entry.chunk);
            let first = (entry.row.is_none() && last.get(&entry.doc) == Some(&at))
                .then(|| row_of_first(entry.doc, entry.kind, &entry.chunk, hash, self.unit));
            rows.extend(first.flatten());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::{Document, LogChange},
        record::{DeviceId, Patch, Value},
    };

    const UNIT: UnitId = UnitId(5);

    fn made(number: u8, kind: Kind, entries: &[(&str, Value)]) -> (Item, Document) {
        let (doc, author, received_at) = (DocId([number; 16]), UserId(7), Timestamp(9));
        let mut patch = Patch::default();
        for (key, value) in entries {
            patch.0.insert((*key).into(), Some(value.clone()));
        }
        let mut document = Document::new(kind);
        let actor = DeviceId(7).actor([number; 8]);
        let raw = document.commit(actor, author, Timestamp(1_000), &patch).unwrap().unwrap();
        let log = LogChange { raw: raw.clone(), author, received_at: Some(received_at) };
        (Item { doc, kind, author, received_at, raw }, Document::load(kind, [log]).unwrap())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a_page_without_the_row_of_a_first_change_is_not_packed() {
        let (item, document) =
            made(1, Kind::Person, &[("created_by", Value::Int(7)), ("name", text("张伟"))]);
        let row = Row::of(item.doc, &document, UNIT);
        let page = Page {
            unit: UNIT,
            from_seq: 0,
            to_seq: 1,
            items: vec![item],
            rows: vec![row],
            digest: Digest::default(),
            count: 1,
            complete: true,
            controls: Vec::new(),
        };
        assert!(Packed::of(page.clone()).is_ok_and(|packed| packed.into_page() == page));
        let rowless = Page { rows: Vec::new(), ..page };
        assert_eq!(Packed::of(rowless.clone()).err().map(|page| *page), Some(rowless));
    }

    fn made_of_each_kind() -> Vec<(Item, Document)> {
        let created = [("created_at", Value::Int(1_795_000_000_000)), ("created_by", Value::Int(7))];
        let person =
            [("name", text("张伟")), ("id_number", text("211381194901010011")), ("sex", text("male"))];
        let visit = [
            ("person/01J00000000000000000000000", Value::Bool(true)),
            ("visitor/7", Value::Bool(true)),
            ("need/medical", Value::Bool(false)),
            ("happened_on", text("2026-11-26")),
            ("facts", text(&"屋顶漏雨。".repeat(20))),
        ];
        let party = [("status", text("full")), ("branch", text("第一支部"))];
        let of = |number, kind, more: &[(&str, Value)]| made(number, kind, &[&created[..], more].concat());
        vec![
            of(1, Kind::Person, &person),
            of(2, Kind::Visit, &visit),
            of(3, Kind::Party, &party),
            of(4, Kind::Contact, &[&visit[..], &[("topic", text("study"))]].concat()),
            made(5, Kind::Person, &[("name", text("李娜"))]),
        ]
    }

    fn page(items: Vec<Item>, rows: Vec<Row>) -> Page {
        let (digest, controls) = (Digest::default(), Vec::new());
        Page { unit: UNIT, from_seq: 0, to_seq: 9, items, rows, digest, count: 9, complete: true, controls }
    }

    fn packed(page: &Page) -> (usize, Page) {
        let packed = Packed::of(page.clone()).unwrap_or_else(|_| panic!("a page that can be packed"));
        let rows = packed.entries.iter().filter(|entry| entry.row.is_some()).count();
        let bytes = minicbor::to_vec(&packed).unwrap();
        (rows, minicbor::decode::<Packed>(&bytes).unwrap().into_page())
    }

    #[test]
    fn the_row_of_a_document_that_is_one_change_is_made_by_the_receiver() {
        let made = made_of_each_kind();
        let rows: Vec<Row> = made.iter().map(|(item, document)| Row::of(item.doc, document, UNIT)).collect();
        let sent = page(made.into_iter().map(|(item, _)| item).collect(), rows);
        assert_eq!(packed(&sent), (0, sent));
    }

    #[test]
    fn any_other_row_is_sent_as_it_is() {
        let mut made = made_of_each_kind();
        let rows: Vec<Row> = made.iter().map(|(item, document)| Row::of(item.doc, document, UNIT)).collect();
        let [mut disputed, mut of_another, newer, ..] = <[Row; 5]>::try_from(rows).unwrap();
        disputed.conflicts = 1;
        of_another.heads = vec![ChangeHash([9; 32])];
        // The second change of a document has its row behind it, the first none.
        let (first, document) = &mut made[2];
        let patch = Patch::set("branch", text("第二支部"));
        let raw = document.commit(DeviceId(7).actor([9; 8]), UserId(7), Timestamp(2_000), &patch).unwrap();
        let second = Item { raw: raw.unwrap(), ..first.clone() };
        let newer = Row::of(newer.doc, document, UNIT);
        let items = vec![made[0].0.clone(), made[1].0.clone(), made[2].0.clone(), second.clone()];
        let sent = page(items, vec![disputed, of_another, newer]);
        assert_eq!(packed(&sent), (3, sent));
        // A change that builds on something and has no row gets none.
        let alone = page(vec![second], Vec::new());
        assert_eq!(packed(&alone), (0, alone));
    }
}
