//! What a phone holds and how it changes: the whole logic of the phone's store, without the store.
//!
//! Every change of what is held goes in three steps: a *plan* is made from what is held, the driver writes the plan's
//! batch in **one** transaction, and only then is the plan *settled* in memory. A transaction that fails leaves nothing
//! behind, in the store or here. The driver runs one plan at a time.
//!
//! Invariants: a change that has no receipt leaves the outbox only through [`verdict`] (with a receipt, or marked
//! refused) or by a person's word on a refused one; a cursor is written in the transaction that writes what it counts.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    document::{Document, DocumentError, LogChange},
    gather,
    query::Row,
    record::{ChangeHash, DocId, EpochId, Kind, Timestamp, UnitId},
    sync::{
        digest::Digest,
        scan,
        session::{Outgoing, WANT_BYTES, fit},
        wire::{Directory, Item, SyncRequest, VERSION},
    },
};

mod account;
mod anew;
mod control;
mod draft;
mod edit;
mod inbox;
mod offline;
mod outbox;
mod page;
mod parcel;
mod plan;
mod rebase;
mod repair;
mod scope;
mod stored;
mod verdict;

pub use account::{Account, SignInRefusal, emptied};
pub use draft::{Base, Draft, DraftText};
pub use edit::{Edit, EditError};
pub use inbox::{Brought, LETTER, QUESTION};
pub use offline::OfflineRight;
pub use page::SEGMENT_BYTES;
pub use plan::{Batch, Op, Plan, Settled, Table};
pub use stored::{OutState, OutboxRow, Saw, SegmentId, Stored, key_of_row};

use inbox::Inbox;
use outbox::Outbox;
use stored::SyncMeta;

/// Raw bytes of segments by their ids, as the driver read them for [`Phone::needs`] or [`Phone::segments_of`].
pub type Segments = BTreeMap<SegmentId, Vec<u8>>;

/// What the phone knows of one document without opening it.
#[derive(Clone, Debug)]
struct Place {
    row: Arc<Row>,
    /// The segments that hold its changes, oldest first.
    segments: Vec<SegmentId>,
}

/// What a phone holds, except for the bytes of the log.
#[derive(Clone, Debug, Default)]
pub struct Phone {
    account: Option<Account>,
    meta: SyncMeta,
    directory: Directory,
    /// The question that was left last.
    inbox: Option<Inbox>,
    places: BTreeMap<DocId, Place>,
    outbox: Outbox,
    /// The numbers of outbox rows that have a parcel.
    parcels: BTreeSet<u64>,
    /// Documents whose newest row stands in a block of rows and not by itself.
    in_blocks: BTreeSet<DocId>,
    blocks: BTreeSet<u64>,
    /// Which rows stand in which block, also those that are older than one by itself or in a later block.
    block_rows: BTreeSet<(DocId, u64)>,
    next_outbox: u64,
    next_segment: u32,
    next_block: u64,
}

impl Phone {
    /// The account, if the phone is enrolled.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Who and what ids stand for.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The units that the server said are in scope, with the lengths of their logs then.
    #[must_use]
    pub fn scope(&self) -> &[(UnitId, u64)] {
        &self.meta.scope
    }

    /// How much of the logs is here, in changes: what is held, and of how many.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let total = self.meta.scope.iter().map(|(_, length)| *length).sum();
        let held: u64 = self.meta.cursors.values().map(|cursor| cursor.seq).sum();
        (held.min(total), total)
    }

    /// When the last whole answer came, by this phone's clock, and how far this clock is ahead of the server's, in ms.
    #[must_use]
    pub fn last_answer(&self) -> Option<(Timestamp, i64)> {
        self.meta.last_answer.map(|(here, server)| (here, here.0.saturating_sub(server.0)))
    }

    /// Everything in the outbox: what waits and what was refused, oldest first.
    pub fn outbox(&self) -> impl Iterator<Item = &OutboxRow> {
        self.outbox.values()
    }

    /// What of a document is in the outbox, oldest first.
    pub fn outbox_of(&self, doc: DocId) -> impl Iterator<Item = &OutboxRow> {
        self.outbox.of(doc).map(|(_, row)| row)
    }

    /// What was refused, oldest first.
    pub fn refused(&self) -> impl Iterator<Item = &OutboxRow> {
        self.outbox.refused()
    }

    /// How many changes wait for their receipt.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.places.values().map(|place| &place.row)
    }

    /// The segments to read before a document is opened or edited.
    #[must_use]
    pub fn segments_of(&self, doc: DocId) -> Vec<SegmentId> {
        self.places.get(&doc).map(|place| place.segments.clone()).unwrap_or_default()
    }

    /// Opens a document from the segments of [`Self::segments_of`] and the outbox; refused changes are left out.
    ///
    /// # Errors
    /// [`DocumentError`] if the bytes do not make a document.
    pub fn document(
        &self,
        doc: DocId,
        segments: &Segments,
    ) -> Result<Option<(Document, UnitId)>, DocumentError> {
        let place = self.places.get(&doc);
        let mut out = self.outbox.waiting_of(doc).peekable();
        let found = place.map(|place| (place.row.kind(), place.row.unit));
        let Some((kind, unit)) = found.or_else(|| out.peek().map(|row| (row.kind, row.unit))) else {
            return Ok(None);
        };
        let waiting = out.map(OutboxRow::log_change).collect();
        open(kind, self.logged(doc, segments), waiting).map(|document| Some((document, unit)))
    }

    /// The changes of a document in segments.
    fn logged(&self, doc: DocId, segments: &Segments) -> Vec<LogChange> {
        let ids = self.places.get(&doc).into_iter().flat_map(|place| &place.segments);
        let items = ids.filter_map(|id| segments.get(id)).flat_map(|bytes| stored::read_segment(bytes));
        // A change whose bytes went bad on the disk is as good as not there: the repair fetches it again.
        items.filter(|item| item.doc == doc && scan::scan(&item.raw).is_ok()).map(log_change).collect()
    }

    /// What the next request says. `segments` holds [`Self::needs_outgoing`].
    #[must_use]
    pub fn outgoing(&self, segments: &Segments) -> Option<Outgoing> {
        let account = self.account.as_ref()?;
        let waiting = |again: bool| {
            self.outbox.values().filter(move |row| row.again == again && row.state == OutState::Waiting)
        };
        let (hashes, push) = fit(waiting(true).chain(waiting(false)).map(|row| (row.hash, row.push())));
        let request = SyncRequest {
            epoch: self.meta.epoch,
            device: account.device,
            directory_version: self.directory.version,
            cursors: self.meta.cursors.iter().map(|(unit, cursor)| (*unit, cursor.seq)).collect(),
            push,
            want_bytes: WANT_BYTES,
            version: Some(VERSION),
            ticket: self.meta.ticket,
            probes: self.probes(segments),
            wants: self.wants(),
            held: Some(self.held_in_all()),
            told: (!self.meta.told.is_empty()).then(|| self.meta.told.clone()),
            strays: self.strays(),
        };
        let rest_waits = self.outbox.waiting() > hashes.len();
        Some(Outgoing { request, hashes, rest_waits })
    }

    /// The epoch of the log that the cursors are of.
    #[must_use]
    pub fn epoch(&self) -> EpochId {
        self.meta.epoch
    }

    /// Whether a unit of the user's has a log that goes further than what is held.
    #[must_use]
    pub fn is_behind(&self, unit: UnitId, seq: u64) -> bool {
        self.meta.cursors.get(&unit).is_some_and(|cursor| cursor.seq < seq)
    }

    /// The digest and the number of the changes held of a unit's log.
    #[must_use]
    pub fn held(&self, unit: UnitId) -> (Digest, u64) {
        self.meta.cursors.get(&unit).map(|cursor| (cursor.digest, cursor.count)).unwrap_or_default()
    }

    /// The digest and the number of all changes held.
    fn held_in_all(&self) -> (Digest, u64) {
        let cursors = self.meta.cursors.values();
        cursors.fold((Digest::default(), 0), |(digest, count), cursor| {
            (digest.and(cursor.digest), count + cursor.count)
        })
    }

    /// Whether what lies of a document in a segment is held. Of one that left with its last refused edit something may lie in a
    /// segment that others need.
    fn holds(&self, id: SegmentId, doc: DocId) -> bool {
        self.places.get(&doc).is_some_and(|place| place.segments.contains(&id))
    }

    fn writes_as(&self, device: Option<crate::record::DeviceId>) -> bool {
        self.account.as_ref().is_some_and(|account| account.writes_as(device))
    }

    /// The version of the shapes that documents may have by now; above the core's own an update of the app shows more.
    #[must_use]
    pub fn schema(&self) -> u32 {
        self.meta.schema
    }

    /// Whether the server said that this storage is a copy of another phone's.
    #[must_use]
    pub fn is_cloned(&self) -> bool {
        self.meta.cloned
    }

    fn kind_of(&self, doc: DocId) -> Option<Kind> {
        self.places.get(&doc).map(|place| place.row.kind())
    }
}

/// A document of its log and of those changes that wait of which everything is here that they build on: one may wait for what a
/// restored server lost and was dropped here, and must not keep the record from being read.
fn open(kind: Kind, logged: Vec<LogChange>, waiting: Vec<LogChange>) -> Result<Document, DocumentError> {
    match Document::load(kind, logged.iter().chain(&waiting).cloned()) {
        Err(DocumentError::MissingDependency) if !waiting.is_empty() => {}
        done => return done,
    }
    let scanned = |change: LogChange| scan::scan(&change.raw).ok().map(|scanned| (change, scanned));
    let mut known: BTreeSet<ChangeHash> =
        gather(logged.iter().filter_map(|change| scan::scan(&change.raw).ok()).map(|scanned| scanned.hash));
    let mut whole = logged;
    let mut left: Vec<_> = waiting.into_iter().filter_map(scanned).collect();
    loop {
        let before = left.len();
        let (here, without): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(_, scanned)| scanned.deps.iter().all(|dep| known.contains(dep)));
        known.extend(here.iter().map(|(_, scanned)| scanned.hash));
        whole.extend(here.into_iter().map(|(change, _)| change));
        left = without;
        if left.len() == before {
            return Document::load(kind, whole);
        }
    }
}

/// Marks what builds on marked changes, and what builds on that; `above` says how, by the mark below.
fn mark_above<M: Copy>(
    marked: &mut BTreeMap<ChangeHash, M>,
    changes: &[scan::Scanned],
    above: impl Fn(M) -> M,
) {
    // A log has a change after those that it builds on, but the logs of two units may be read in any order.
    loop {
        let before = marked.len();
        for change in changes {
            let below = change.deps.iter().find_map(|dep| marked.get(dep)).copied();
            if let Some(below) = below.filter(|_| !marked.contains_key(&change.hash)) {
                marked.insert(change.hash, above(below));
            }
        }
        if marked.len() == before {
            return;
        }
    }
}

fn log_change(item: Item) -> LogChange {
    LogChange { raw: item.raw, author: item.author, received_at: Some(item.received_at) }
}

#[cfg(test)]
mod tests;
