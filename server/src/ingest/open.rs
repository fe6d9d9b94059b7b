//! One document while a request's changes to it are taken in.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use zoufang_core::document::{Document, LogChange};
use zoufang_core::record::{ChangeHash, DocId, Kind, Timestamp, UnitId};
use zoufang_core::sync::gate::{self, Known, LATE_EDIT_MS, Passage, Refusal};
use zoufang_core::sync::scan::Scanned;
use zoufang_core::sync::wire::Verdict;

use super::{Authority, Checked};
use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::projection;
use crate::store::{ChangeRecord, DocumentState, WriteTx};
use crate::work::off_thread;

/// A document with more changes is loaded off the async threads.
const INLINE_CHANGES_MAX: u64 = 64;

/// What is known of a document, and itself once a change got as far as being applied.
pub(super) struct OpenDocument {
    doc: DocId,
    state: Option<DocumentState>,
    loaded: Option<Document>,
    first_received_at: Option<Timestamp>,
    refused: BTreeSet<ChangeHash>,
    any_refused: bool,
    changed: bool,
}

impl OpenDocument {
    pub(super) async fn open(tx: &mut dyn WriteTx, doc: DocId) -> Result<Self> {
        let state = tx.document(doc).await?;
        Ok(Self {
            doc,
            state,
            loaded: None,
            first_received_at: None,
            refused: BTreeSet::new(),
            any_refused: false,
            changed: false,
        })
    }

    /// Takes one change in, or says why not.
    pub(super) async fn take(
        &mut self,
        tx: &mut dyn WriteTx,
        authority: &Authority,
        change: Checked,
        now: Timestamp,
    ) -> Result<Verdict> {
        let hash = change.scanned.as_ref().ok().map(|scanned| scanned.hash);
        let verdict = self.decide(tx, authority, change, now).await?;
        if let Verdict::Refused(_) = verdict {
            self.any_refused = true;
            self.refused.extend(hash);
        }
        Ok(verdict)
    }

    /// Writes the row and the projection of what was taken in.
    pub(super) async fn finish(self, tx: &mut dyn WriteTx) -> Result<()> {
        let (true, Some(state), Some(document)) = (self.changed, self.state, self.loaded) else {
            return Ok(());
        };
        let received_at = self.first_received_at.unwrap_or_default();
        let (row, projection) =
            projection::of(self.doc, &document, state.unit, state.created_by, received_at);
        crash_point!("document.before");
        tx.put_document(&state, &row).await?;
        crash_point!("document.after");
        tx.put_projection(self.doc, state.unit.unit(), &projection).await?;
        crash_point!("projection.after");
        Ok(())
    }

    async fn decide(
        &mut self,
        tx: &mut dyn WriteTx,
        authority: &Authority,
        change: Checked,
        now: Timestamp,
    ) -> Result<Verdict> {
        let scanned = match change.scanned {
            Ok(scanned) => scanned,
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        if let Some(known) = tx.change(scanned.hash).await? {
            let here = known.doc == self.doc;
            return Ok(if here {
                Verdict::Duplicate(known.seq)
            } else {
                Verdict::Refused(Refusal::WrongDocument)
            });
        }
        // A change that was left behind with an old history was taken in: it must not come back as new.
        let re_rooted = self.state.as_ref().is_some_and(|state| state.re_rooted);
        if re_rooted && tx.is_replaced(self.doc, scanned.hash).await? {
            return Ok(Verdict::Duplicate(0));
        }
        // A phone that held the document elsewhere before the server was put back to an older state edits it where it is.
        let follows = |unit: UnitId| !scanned.deps.is_empty() && authority.scope.contains(&unit);
        let unit = match self.home(tx, (change.kind, change.unit), follows, now).await? {
            Ok(unit) => unit,
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        if scanned.deps.iter().any(|dep| self.refused.contains(dep)) {
            return Ok(Verdict::Refused(Refusal::AfterRefused));
        }
        let max_ops = self.max_ops(tx, &scanned).await?;
        let known = self.known();
        match gate::check(&scanned, change.raw.len(), change.kind, authority.pusher(), &known, |dep| {
            max_ops.get(&dep).copied()
        }) {
            // Its author does not get the new beginning, and would bring the edit again and again.
            Err(Refusal::ReRooted) if !authority.scope.contains(&unit) => {
                return Ok(Verdict::Refused(Refusal::Moved));
            }
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
            // What it waits for may be a change of this request that could not even be read.
            Ok(Passage::Pending) if self.any_refused => return Ok(Verdict::Refused(Refusal::AfterRefused)),
            Ok(Passage::Pending) => return Ok(Verdict::Pending),
            Ok(Passage::Pass) => {}
        }
        if let Some(refusal) = self.check_change_seq(tx, &scanned).await? {
            return Ok(Verdict::Refused(refusal));
        }
        let log_change =
            LogChange { raw: change.raw.clone(), author: authority.user, received_at: Some(now) };
        if !self.apply(tx, change.kind, &scanned, log_change).await? {
            return Ok(Verdict::Refused(Refusal::Malformed));
        }
        self.append(tx, authority, change.raw, change.kind, unit, &scanned, now).await
    }

    /// The unit that the change belongs to: where the document is now, if it is there, or went there lately, or its author
    /// works there, too.
    async fn home(
        &self,
        tx: &mut dyn WriteTx,
        (kind, unit): (Kind, UnitId),
        follows: impl Fn(UnitId) -> bool,
        now: Timestamp,
    ) -> Result<std::result::Result<UnitId, Refusal>> {
        let Some(state) = &self.state else {
            return Ok(if tx.is_erased(self.doc).await? { Err(Refusal::Erased) } else { Ok(unit) });
        };
        if state.kind != kind {
            return Ok(Err(Refusal::WrongDocument));
        }
        if state.unit == unit || follows(state.unit) {
            return Ok(Ok(state.unit));
        }
        let moves = tx.moves_of(self.doc).await?;
        let last = moves.iter().filter(|moved| moved.from == unit).map(|moved| moved.at).max();
        Ok(match last {
            None => Err(Refusal::WrongDocument),
            Some(at) if now.0.saturating_sub(at.0) > LATE_EDIT_MS => Err(Refusal::Moved),
            Some(_) => Ok(state.unit),
        })
    }

    fn known(&self) -> Known {
        self.state.as_ref().map_or_else(Known::default, |state| Known {
            created_by: Some(state.created_by),
            max_op: state.max_op,
            changes: state.changes,
            bytes: state.size_bytes,
            re_rooted: state.re_rooted,
        })
    }

    /// The newest operation of each dependency that this document has.
    async fn max_ops(&self, tx: &mut dyn WriteTx, scanned: &Scanned) -> Result<BTreeMap<ChangeHash, u64>> {
        let mut max_ops = BTreeMap::new();
        for dep in &scanned.deps {
            if let Some(known) = tx.change(*dep).await?.filter(|known| known.doc == self.doc) {
                max_ops.insert(*dep, known.max_op);
            }
        }
        Ok(max_ops)
    }

    /// An actor's changes are numbered 1, 2, 3 … and no number comes twice.
    async fn check_change_seq(&self, tx: &mut dyn WriteTx, scanned: &Scanned) -> Result<Option<Refusal>> {
        if tx.has_change_seq(self.doc, &scanned.actor, scanned.seq).await? {
            return Ok(Some(Refusal::DuplicateSeq));
        }
        let follows =
            scanned.seq == 1 || tx.has_change_seq(self.doc, &scanned.actor, scanned.seq - 1).await?;
        Ok((!follows).then_some(Refusal::Malformed))
    }

    /// Applies a change; `false` if Automerge does not take it. The document is then read anew for the next one.
    async fn apply(
        &mut self,
        tx: &mut dyn WriteTx,
        kind: Kind,
        scanned: &Scanned,
        change: LogChange,
    ) -> Result<bool> {
        let document = match self.loaded.take() {
            Some(document) => document,
            None => self.load(tx, kind).await?,
        };
        if !document.admits(scanned) {
            self.loaded = Some(document);
            return Ok(false);
        }
        let many = self.state.as_ref().is_some_and(|state| state.changes > INLINE_CHANGES_MAX);
        let applied = if many {
            off_thread(move || applied(document, change)).await?
        } else {
            applied(document, change)
        };
        self.loaded = applied;
        Ok(self.loaded.is_some())
    }

    async fn load(&mut self, tx: &mut dyn WriteTx, kind: Kind) -> Result<Document> {
        if self.state.is_none() {
            return Ok(Document::new(kind));
        }
        let entries = tx.changes_of(self.doc).await?;
        self.first_received_at = self.first_received_at.or(entries.first().map(|entry| entry.received_at));
        let changes: Vec<LogChange> = entries.into_iter().map(LogChange::from).collect();
        let loaded = off_thread(move || Document::load(kind, changes)).await?;
        loaded.map_err(|error| Error::Internal(Box::new(error)))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one part of the record, and it is made here only")]
    async fn append(
        &mut self,
        tx: &mut dyn WriteTx,
        authority: &Authority,
        raw: Vec<u8>,
        kind: Kind,
        unit: UnitId,
        scanned: &Scanned,
        now: Timestamp,
    ) -> Result<Verdict> {
        let record = ChangeRecord {
            unit,
            doc: self.doc,
            kind,
            hash: scanned.hash,
            raw,
            device: authority.device,
            user: authority.user,
            actor: scanned.actor.clone(),
            change_seq: scanned.seq,
            start_op: scanned.start_op,
            max_op: scanned.max_op,
            received_at: now,
        };
        crash_point!("append.before");
        let seq = tx.append(&record).await?;
        crash_point!("append.after");
        let first = DocumentState {
            doc: self.doc,
            kind,
            unit,
            created_by: authority.user,
            max_op: 0,
            size_bytes: 0,
            changes: 0,
            re_rooted: false,
        };
        let state = self.state.get_or_insert(first);
        state.max_op = state.max_op.max(scanned.max_op);
        state.size_bytes += record.raw.len() as u64;
        state.changes += 1;
        self.first_received_at.get_or_insert(now);
        self.changed = true;
        Ok(Verdict::Accepted(seq))
    }
}

/// The document with one more change, or nothing if Automerge refuses it. A panic in there, which no change past the
/// gate should make, is a refusal, too.
fn applied(mut document: Document, change: LogChange) -> Option<Document> {
    catch_unwind(AssertUnwindSafe(move || document.apply([change]).is_ok().then_some(document)))
        .ok()
        .flatten()
}
