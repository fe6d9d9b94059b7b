//! Edits made on a history that is no more: they are made again on what the document says now.
use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{
    Phone, Segments,
    plan::Plan,
    stored::{OutState, OutboxRow},
};
use crate::{
    document::Document,
    gather,
    query::Row,
    record::{ChangeHash, DocId, Patch, Timestamp},
    sync::{gate::Refusal, scan},
};

impl Phone {
    /// The documents with edits that are to be made again.
    pub(super) fn docs_to_rebase(&self) -> BTreeSet<DocId> {
        gather(self.outbox.refused().filter(|row| row.state.is_re_rooted()).map(|row| row.doc))
    }

    /// Makes the unsent edits again of documents that began anew, as far as their new beginning is here.
    pub(super) fn rebase_all(&self, segments: &Segments, plan: &mut Plan, now: Timestamp) {
        for doc in self.docs_to_rebase() {
            // The plan has just let it go.
            if matches!(plan.places.get(&doc), Some(None)) {
                continue;
            }
            self.rebase(doc, self.logged(doc, segments), plan, now);
        }
    }

    /// Makes the unsent edits of a document again that do not build on these changes of its log. Nothing is done while the
    /// log is not here.
    pub(super) fn rebase(
        &self,
        doc: DocId,
        logged: Vec<crate::document::LogChange>,
        plan: &mut Plan,
        now: Timestamp,
    ) {
        let (Some(place), Some(account)) = (self.places.get(&doc), self.account.as_ref()) else { return };
        let mut known: BTreeSet<ChangeHash> = gather(
            logged.iter().filter_map(|change| scan::scan(&change.raw).ok()).map(|scanned| scanned.hash),
        );
        let Ok(mut document) = Document::load(place.row.kind(), logged) else { return };
        if document.is_empty() {
            return;
        }
        for (number, row) in self.outbox.of(doc).filter(|(_, row)| is_open(row)) {
            let Ok(scanned) = scan::scan(&row.raw) else { continue };
            if scanned.deps.iter().all(|dep| known.contains(dep)) {
                if document.apply([row.log_change()]).is_ok() {
                    known.insert(row.hash);
                    plan.put_outbox(number, OutboxRow { state: OutState::Waiting, ..row.clone() });
                    plan.wake = true;
                }
                continue;
            }
            let patch = Patch(gather(scanned.ops.into_iter().map(|op| (op.key, op.value))));
            let at = Timestamp(scanned.time.saturating_mul(1000));
            let actor = account.device.actor(again(row.hash));
            match document.commit(actor, row.author, at, &patch) {
                Ok(Some(raw)) => {
                    let Ok(made) = scan::scan(&raw) else { continue };
                    known.insert(made.hash);
                    let state = OutState::Waiting;
                    plan.put_outbox(number, OutboxRow { hash: made.hash, raw, state, ..row.clone() });
                    plan.wake = true;
                }
                // The document says it already.
                Ok(None) => plan.delete_outbox(number),
                Err(_) => {
                    let state = OutState::Refused(Refusal::ReRooted, now);
                    plan.put_outbox(number, OutboxRow { state, ..row.clone() });
                }
            }
        }
        plan.put_row(Row::of(doc, &document, place.row.unit).into(), place.segments.clone());
    }
}

/// Waits, or was refused for the very reason that is mended here.
fn is_open(row: &OutboxRow) -> bool {
    row.state == OutState::Waiting || row.state.is_re_rooted()
}

/// The session part of the actor with which a change is made again: of the change alone, so that a crash in between makes
/// the same change, and of no other change.
fn again(hash: ChangeHash) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::new().chain_update(b"again").chain_update(hash.0).finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}
