//! Edits made on a history that is no more: they are made again on what the document says now.
use std::collections::{BTreeMap, BTreeSet};

use automerge::ActorId;
use sha2::{Digest as _, Sha256};

use super::{
    Phone, Segments, log_change,
    plan::Plan,
    stored::{OutState, OutboxRow, SegmentId},
};
use crate::{
    document::{Document, DocumentError, LogChange},
    gather,
    query::Row,
    record::{ChangeHash, DeviceId, DocId, Patch, Timestamp, Value},
    sync::{gate::Refusal, scan},
};

impl Phone {
    /// The documents with edits that are to be made again.
    pub(super) fn docs_to_rebase(&self) -> BTreeSet<DocId> {
        gather(self.outbox.refused().filter(|row| row.state.is_re_rooted()).map(|row| row.doc))
    }

    /// Makes the unsent edits again of documents that began anew, as far as their new beginning is here.
    pub(super) fn rebase_all(
        &self,
        segments: &Segments,
        written: &[(SegmentId, Vec<u8>)],
        plan: &mut Plan,
        now: Timestamp,
    ) {
        let orphaned = plan.outbox.values().flatten().filter(|row| row.state.is_re_rooted());
        let docs: BTreeSet<DocId> =
            gather(self.docs_to_rebase().into_iter().chain(orphaned.map(|row| row.doc)));
        for doc in docs {
            let logged = self.items_of(doc, segments, written, plan).into_iter().map(log_change);
            self.rebase(doc, logged.collect(), plan, now);
        }
    }

    /// Makes the unsent edits of a document again that do not build on these changes of its log. Nothing is done while the
    /// log is not here.
    pub(super) fn rebase(&self, doc: DocId, logged: Vec<LogChange>, plan: &mut Plan, now: Timestamp) {
        // The plan may have let it go, or segments of it.
        let (Some(place), Some(account)) = (self.planned(doc, plan), self.account.as_ref()) else { return };
        let mut known: BTreeSet<ChangeHash> = gather(
            logged.iter().filter_map(|change| scan::scan(&change.raw).ok()).map(|scanned| scanned.hash),
        );
        let Ok(document) = Document::load(place.row.kind(), logged) else { return };
        if document.is_empty() {
            return;
        }
        let mut made = Made { document, beside: Vec::new() };
        // An edit that is made again as two takes new numbers, and so do all after it: they go up in their order.
        let mut renumber = false;
        for (number, row) in &self.planned_open(doc, plan) {
            let number = *number;
            let Ok(scanned) = scan::scan(&row.raw) else { continue };
            let again: Vec<OutboxRow> = if scanned.deps.iter().all(|dep| known.contains(dep)) {
                if made.document.apply([row.log_change()]).is_err() {
                    continue;
                }
                vec![OutboxRow { state: OutState::Waiting, ..row.clone() }]
            } else {
                match made.again(row, scanned, account.device) {
                    Ok(again) => again,
                    Err(_) => {
                        let state = OutState::Refused(Refusal::ReRooted, now);
                        plan.put_outbox(number, OutboxRow { state, ..row.clone() });
                        continue;
                    }
                }
            };
            known.extend(again.iter().map(|row| row.hash));
            renumber |= again.len() > 1;
            plan.wake |= !again.is_empty();
            // The document may say it already.
            if again.is_empty() || renumber {
                plan.delete_outbox(number);
            }
            for row in again {
                let number = if renumber { plan.next_outbox } else { number };
                plan.put_outbox(number, row);
            }
        }
        plan.put_row(Row::of(doc, &made.document, place.row.unit).into(), place.segments);
    }
}

/// A document while edits of its old history are made again.
struct Made {
    /// The new beginning, and what was made on it.
    document: Document,
    /// What was made beside it: changes that build on each other, and on nothing else.
    beside: Vec<Vec<LogChange>>,
}

impl Made {
    /// Makes an edit again. What replaces a value that its author had not seen is written beside it, so that both stand.
    fn again(
        &mut self,
        row: &OutboxRow,
        scanned: scan::Scanned,
        device: DeviceId,
    ) -> Result<Vec<OutboxRow>, DocumentError> {
        let (mut on_top, mut beside) = (Patch::default(), Patch::default());
        // A choice between values takes all away before it writes its own: the last word counts.
        let said: BTreeMap<String, Option<Value>> =
            gather(scanned.ops.into_iter().map(|op| (op.key, op.value)));
        for (key, value) in said {
            let now = self.document.values(&key);
            let known = now.iter().all(|value| saw(row, &key).contains(value));
            // What is taken away is only what was seen; it may be what was made beside.
            match value {
                value if known => drop(on_top.0.insert(key, value)),
                // It is there, and stands against nothing that its author saw.
                Some(value)
                    if now.contains(&value)
                        && !now.iter().any(|other| *other != value && saw(row, &key).contains(other)) => {}
                value => drop(beside.0.insert(key, value)),
            }
        }
        let at = Timestamp(scanned.time.saturating_mul(1000));
        let mut made = Vec::new();
        for (part, patch) in [(Part::OnTop, on_top), (Part::Beside, beside)] {
            let actor = device.actor(session_of(row.hash, part));
            let raw = match part {
                Part::OnTop => self.document.commit(actor, row.author, at, &patch)?,
                Part::Beside => self.commit_beside(actor, row, at, &patch)?,
            };
            let Some(raw) = raw else { continue };
            let hash = scan::scan(&raw).map_err(|_| DocumentError::Unreadable)?.hash;
            made.push(OutboxRow { hash, raw, state: OutState::Waiting, saw: Vec::new(), ..row.clone() });
        }
        Ok(made)
    }

    /// Writes beside the document, on what was made beside it and its author saw.
    fn commit_beside(
        &mut self,
        actor: ActorId,
        row: &OutboxRow,
        at: Timestamp,
        patch: &Patch,
    ) -> Result<Option<Vec<u8>>, DocumentError> {
        let kind = self.document.kind();
        let (mut seen, mut unseen) = (Vec::new(), Vec::new());
        for changes in std::mem::take(&mut self.beside) {
            let document = Document::load(kind, changes.iter().cloned())?;
            let known = |key: &String| document.values(key).iter().all(|value| saw(row, key).contains(value));
            if patch.0.keys().all(known) { seen.extend(changes) } else { unseen.push(changes) }
        }
        let mut document = Document::load(kind, seen.iter().cloned())?;
        let raw = document.commit(actor, row.author, at, patch)?;
        if let Some(raw) = &raw {
            let change = LogChange { raw: raw.clone(), author: row.author, received_at: None };
            self.document.apply([change.clone()])?;
            seen.push(change);
        }
        self.beside = unseen;
        self.beside.push(seen);
        Ok(raw)
    }
}

/// What the author of an edit saw under a key.
fn saw<'r>(row: &'r OutboxRow, key: &str) -> &'r [Value] {
    row.saw.iter().find(|(other, _)| other == key).map(|(_, values)| values.as_slice()).unwrap_or_default()
}

/// How a part of an edit is made again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// On what the document says now.
    OnTop,
    /// Beside it.
    Beside,
}

/// The session part of the actor with which a change is made again: of the change alone, so that a crash in between makes
/// the same change, and of no other change.
fn session_of(hash: ChangeHash, part: Part) -> [u8; 8] {
    let word: &[u8] = if part == Part::OnTop { b"again" } else { b"beside" };
    let digest: [u8; 32] = Sha256::new().chain_update(word).chain_update(hash.0).finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}
