//! Plans: what one transaction writes, and what memory says after it.
use std::{collections::BTreeMap, sync::Arc};

use super::{
    Account, Phone, Place,
    inbox::Inbox,
    stored::{META_ACCOUNT, META_DIRECTORY, META_SYNC, OutState, OutboxRow, SegmentId, StoredRow, SyncMeta},
};
use crate::{
    encode,
    query::Row,
    record::DocId,
    sync::wire::{Directory, Item},
};

/// The tables of the phone's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Account, cursors, directory.
    Meta,
    /// Changes without a receipt: the only data that exists nowhere else.
    Outbox,
    /// Segments of the logs.
    Log,
    /// Rows in blocks of many, read at start.
    Block,
    /// Rows by themselves, newer than those in blocks.
    Row,
    /// What is being typed.
    Draft,
    /// A second copy of what waits in the outbox, under the same keys: what the store seals to [`Phone::sync_key`] and not for
    /// itself. An empty one was delivered and waits for its receipt.
    Parcel,
    /// Readings of sensitive values that the server's access log does not have yet, by ids drawn for them.
    Reading,
    /// The question that the store seals to [`Phone::sync_key`] for the service worker, and the sealed letters that the worker puts there.
    Inbox,
}

impl Table {
    /// All tables.
    pub const ALL: &'static [Self] = &[
        Self::Meta,
        Self::Outbox,
        Self::Log,
        Self::Block,
        Self::Row,
        Self::Draft,
        Self::Parcel,
        Self::Reading,
        Self::Inbox,
    ];

    /// The name in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Outbox => "outbox",
            Self::Log => "log",
            Self::Block => "block",
            Self::Row => "row",
            Self::Draft => "draft",
            Self::Parcel => "parcel",
            Self::Reading => "reading",
            Self::Inbox => "inbox",
        }
    }
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put(Table, String, Vec<u8>),
    /// Takes a key away.
    Delete(Table, String),
    /// Empties a table.
    Clear(Table),
}

/// What one transaction writes, in this order.
pub type Batch = Vec<Op>;

/// A change of what the phone holds: write [`Plan::batch`] in one transaction, then [`Phone::settle`].
#[derive(Clone, Debug, Default)]
#[must_use = "a plan does nothing until its batch is written and it is settled"]
pub struct Plan {
    /// What to write.
    pub batch: Batch,
    pub(super) account: Option<Option<Account>>,
    pub(super) meta: Option<SyncMeta>,
    pub(super) directory: Option<Directory>,
    pub(super) inbox: Option<Option<Inbox>>,
    pub(super) places: BTreeMap<DocId, Option<Place>>,
    pub(super) outbox: BTreeMap<u64, Option<OutboxRow>>,
    pub(super) blocks: BTreeMap<u64, Option<Vec<DocId>>>,
    pub(super) next_outbox: u64,
    pub(super) next_segment: u32,
    pub(super) next_block: u64,
    pub(super) forget: bool,
    pub(super) drafts: Vec<String>,
    pub(super) wake: bool,
    /// The server's sync key is known: what waits has a parcel.
    pub(super) seals: bool,
    /// Rows that were there before and have a parcel now.
    pub(super) parcels: Vec<u64>,
}

/// What lists must learn of a settled plan.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// New or changed rows.
    pub rows: Vec<Arc<Row>>,
    /// Documents that are no longer here.
    pub removed: Vec<DocId>,
    /// Everything is gone: the phone changed hands.
    pub forgotten: bool,
    /// There is something to send or to ask for at once.
    pub wake: bool,
    /// Keys of drafts that went with an erased document.
    pub drafts: Vec<String>,
    /// The outbox says something else than before.
    pub outbox: bool,
}

impl Plan {
    pub(super) fn of(phone: &Phone) -> Self {
        Self {
            next_outbox: phone.next_outbox,
            next_segment: phone.next_segment,
            next_block: phone.next_block,
            seals: phone.sync_key().is_some(),
            ..Self::default()
        }
    }

    pub(super) fn set_account(&mut self, account: Option<Account>) {
        self.batch.push(match &account {
            Some(account) => Op::Put(Table::Meta, META_ACCOUNT.to_owned(), encode(account)),
            None => Op::Delete(Table::Meta, META_ACCOUNT.to_owned()),
        });
        self.account = Some(account);
        self.drop_inbox();
    }

    pub(super) fn set_meta(&mut self, meta: SyncMeta) {
        self.batch.push(Op::Put(Table::Meta, META_SYNC.to_owned(), encode(&meta)));
        self.meta = Some(meta);
    }

    pub(super) fn set_directory(&mut self, directory: Directory) {
        self.batch.push(Op::Put(Table::Meta, META_DIRECTORY.to_owned(), encode(&directory)));
        self.directory = Some(directory);
    }

    pub(super) fn put_outbox(&mut self, number: u64, row: OutboxRow) {
        let key = format!("{number:020}");
        self.batch.push(Op::Put(Table::Outbox, key.clone(), encode(&row)));
        self.follow_with_parcel(key, Some(&row));
        self.outbox.insert(number, Some(row));
        self.next_outbox = self.next_outbox.max(number + 1);
    }

    /// The one place where an outbox row is deleted; see the callers for the receipt or the person's word.
    pub(super) fn delete_outbox(&mut self, number: u64) {
        let key = format!("{number:020}");
        self.batch.push(Op::Delete(Table::Outbox, key.clone()));
        self.follow_with_parcel(key, None);
        self.outbox.insert(number, None);
    }

    /// Whether it deletes this outbox row.
    pub(super) fn deletes(&self, number: u64) -> bool {
        matches!(self.outbox.get(&number), Some(None))
    }

    /// Writes items of one unit's log as a new segment.
    pub(super) fn put_segment(&mut self, unit: crate::record::UnitId, items: &[Item]) -> SegmentId {
        let id = SegmentId { unit, number: self.next_segment };
        self.next_segment += 1;
        self.batch.push(Op::Put(Table::Log, id.to_string(), encode(&items)));
        id
    }

    /// Writes a row by itself.
    pub(super) fn put_row(&mut self, row: Arc<Row>, segments: Vec<SegmentId>) {
        let stored = StoredRow { row: Row::clone(&row), segments };
        self.batch.push(Op::Put(Table::Row, row.doc.to_string(), encode(&stored)));
        self.places.insert(row.doc, Some(Place { row, segments: stored.segments }));
    }

    /// Writes rows of documents that are new here as one block.
    pub(super) fn put_block(&mut self, rows: Vec<(Arc<Row>, Vec<SegmentId>)>) {
        let number = self.next_block;
        self.next_block += 1;
        self.write_block(number, &rows);
        for (row, segments) in rows {
            self.places.insert(row.doc, Some(Place { row, segments }));
        }
    }

    /// Writes a block anew with these rows, which are as they were.
    pub(super) fn write_block(&mut self, number: u64, rows: &[(Arc<Row>, Vec<SegmentId>)]) {
        let key = format!("{number:020}");
        if rows.is_empty() {
            self.batch.push(Op::Delete(Table::Block, key));
            self.blocks.insert(number, None);
            return;
        }
        let stored: Vec<StoredRow> = rows
            .iter()
            .map(|(row, segments)| StoredRow { row: Row::clone(row), segments: segments.clone() })
            .collect();
        self.batch.push(Op::Put(Table::Block, key, encode(&stored)));
        self.blocks.insert(number, Some(rows.iter().map(|(row, _)| row.doc).collect()));
    }

    pub(super) fn remove_place(&mut self, doc: DocId) {
        self.batch.push(Op::Delete(Table::Row, doc.to_string()));
        self.places.insert(doc, None);
    }
}

impl Phone {
    /// Takes a plan over after its batch was written.
    pub fn settle(&mut self, plan: Plan) -> Settled {
        if plan.forget {
            *self = Self::default();
        }
        let mut settled =
            Settled { forgotten: plan.forget, drafts: plan.drafts, wake: plan.wake, ..Settled::default() };
        settled.outbox = plan.forget || !plan.outbox.is_empty();
        if let Some(account) = plan.account {
            self.account = account;
        }
        if let Some(meta) = plan.meta {
            self.meta = meta;
        }
        if let Some(directory) = plan.directory {
            self.directory = directory;
        }
        if let Some(inbox) = plan.inbox {
            self.inbox = inbox;
        }
        self.parcels.extend(plan.parcels);
        for (number, row) in plan.outbox {
            let has_parcel = plan.seals && row.as_ref().is_some_and(|row| row.state == OutState::Waiting);
            if has_parcel {
                self.parcels.insert(number);
            } else {
                self.parcels.remove(&number);
            }
            match row {
                Some(row) => self.outbox.insert(number, row),
                None => self.outbox.remove(number),
            }
        }
        for (doc, place) in plan.places {
            self.in_blocks.remove(&doc);
            match place {
                Some(place) => {
                    settled.rows.push(Arc::clone(&place.row));
                    self.places.insert(doc, place);
                }
                None => {
                    self.places.remove(&doc);
                    settled.removed.push(doc);
                }
            }
        }
        if plan.blocks.keys().any(|number| self.blocks.contains(number)) {
            self.block_rows.retain(|(_, number)| !plan.blocks.contains_key(number));
        }
        for (number, docs) in plan.blocks {
            match docs {
                Some(docs) => {
                    self.blocks.insert(number);
                    self.block_rows.extend(docs.iter().map(|doc| (*doc, number)));
                    self.in_blocks.extend(docs);
                }
                None => drop(self.blocks.remove(&number)),
            }
        }
        self.next_outbox = plan.next_outbox;
        self.next_segment = plan.next_segment;
        self.next_block = plan.next_block;
        settled
    }
}
