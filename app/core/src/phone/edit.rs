//! Saving what a person did.
use std::collections::BTreeSet;

use automerge::ActorId;

use super::{
    Phone, Segments,
    plan::Plan,
    stored::{OutState, OutboxRow, SegmentId},
};
use crate::{
    document::{Document, DocumentError, LogChange},
    gather,
    query::Row,
    record::{ChangeHash, DocId, Kind, Patch, Timestamp, UnitId, UserId},
    sync::scan,
};

/// One save.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The document.
    pub doc: DocId,
    /// For a new document: its kind and the unit in whose log it will stand.
    pub new: Option<(Kind, UnitId)>,
    /// The heads that the person saw while editing; empty for the newest. What came in since is then concurrent to this
    /// save, and a field that both changed shows both values instead of losing one.
    pub base: Vec<ChangeHash>,
    /// What changes.
    pub patch: Patch,
    /// A fresh actor of this device.
    pub actor: ActorId,
    /// Who saves.
    pub author: UserId,
    /// The phone's clock.
    pub at: Timestamp,
}

/// Why a save is not possible.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such document on this phone.
    #[error("no such document")]
    NotFound,
    /// The document cannot be opened or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl Phone {
    /// Plans a save; `None` if nothing differs. `segments` holds [`Phone::segments_of`] the document.
    ///
    /// # Errors
    /// [`EditError`]; nothing is planned then.
    pub fn plan_edit(&self, edit: &Edit, segments: &Segments) -> Result<Option<Plan>, EditError> {
        // Edits that wait are no document where the rest of it moved away.
        if edit.new.is_none() && !self.places.contains_key(&edit.doc) {
            return Err(EditError::NotFound);
        }
        let (mut document, unit) = match (self.document(edit.doc, segments)?, edit.new) {
            (Some(found), _) => found,
            (None, Some((kind, unit))) => (Document::new(kind), unit),
            (None, None) => return Err(EditError::NotFound),
        };
        let write =
            |document: &mut Document| document.commit(edit.actor.clone(), edit.author, edit.at, &edit.patch);
        // Heads that are no longer here (their change was refused meanwhile) leave only the newest to write on.
        let seen = if edit.base.is_empty() { None } else { document.at(&edit.base) };
        let written = match seen {
            Some(mut seen) => {
                let raw = write(&mut seen)?;
                let own = |raw| LogChange { raw, author: edit.author, received_at: None };
                document.apply(raw.clone().map(own))?;
                raw
            }
            None => write(&mut document)?,
        };
        let Some(raw) = written else { return Ok(None) };
        let hash = scan::scan(&raw).map(|scanned| scanned.hash).map_err(|_| DocumentError::Unreadable)?;
        let mut plan = Plan::of(self);
        let row = OutboxRow {
            doc: edit.doc,
            kind: document.kind(),
            unit,
            hash,
            raw,
            author: edit.author,
            saved_at: edit.at,
            state: OutState::Waiting,
            again: false,
            saw: Vec::new(),
        };
        plan.put_outbox(self.next_outbox, row);
        plan.put_row(Row::of(edit.doc, &document, unit).into(), self.segments_of(edit.doc));
        Ok(Some(plan))
    }

    /// The segments that [`Phone::plan_dismiss`] wants to see: its document may go with the change.
    #[must_use]
    pub fn needs_dismiss(&self, hash: ChangeHash) -> BTreeSet<SegmentId> {
        let row = self.outbox.values().find(|row| row.hash == hash);
        gather(row.into_iter().flat_map(|row| self.segments_of(row.doc)))
    }

    /// A person has read a refused change and lets it go.
    pub fn plan_dismiss(&self, hash: ChangeHash, segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let dismissed = self.outbox.iter().find(|(_, row)| row.hash == hash);
        if let Some((number, row)) = dismissed
            && matches!(row.state, OutState::Refused(..))
        {
            plan.delete_outbox(*number);
            self.leave([row.doc], segments, &mut plan);
        }
        plan
    }
}
