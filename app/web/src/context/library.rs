//! The records on this phone: read, made and changed here, and nowhere else.
//!
//! "Saved" is said only when the strict transaction has committed.
use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    document::Document,
    gather,
    phone::{Draft, DraftText, Edit, EditError, OutState, OutboxRow},
    query::Index,
    record::{ChangeHash, Class, DocId, Entries, Kind, Patch, UnitId},
    sync::{session::Phase as LinePhase, wire::Directory},
};

use super::{hub::Hub, problem::Problem};
use crate::{platform::clock, store::random};

/// Whether the records are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They are being read.
    Loading,
    /// They are there, behind the lock.
    Locked,
    /// They are there.
    Ready,
    /// They cannot be read.
    Failed(Problem),
}

/// Where a record's newest change is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordState {
    /// Only on this phone.
    OnlyHere,
    /// On its way.
    Sending,
    /// The server's receipt is stored.
    Delivered,
    /// The server refused it, with this code.
    Refused(String),
}

/// A record opened to read or to edit.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// The document.
    pub(crate) document: Document,
    /// The unit in whose log it stands.
    pub(crate) unit: UnitId,
}

/// The records, as pages use them.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    hub: Hub,
}

impl Library {
    /// The records of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// Whether the records are there.
    pub(crate) fn phase(self) -> Signal<Phase> {
        self.hub.phase.into()
    }

    /// Tries to open the store again, here and not in another tab.
    pub(crate) fn open_here(self) {
        self.hub.open(true);
    }

    /// All rows.
    pub(crate) fn index(self) -> Signal<Arc<Index>> {
        self.hub.index.into()
    }

    /// Who and what ids stand for.
    pub(crate) fn directory(self) -> Signal<Arc<Directory>> {
        self.hub.directory.into()
    }

    /// Opens a record.
    pub(crate) async fn open(self, doc: DocId) -> Result<Opened, Problem> {
        let store = self.hub.device()?.store;
        let found = store
            .read(|phone| gather(phone.segments_of(doc)), |phone, segments| phone.document(doc, segments))
            .await?;
        match found {
            Ok(Some((document, unit))) if !document.is_empty() => Ok(Opened { document, unit }),
            Ok(None) => Err(Problem::NotFound),
            // Its bytes stay where they are; the server is asked for what is missing of its unit.
            Ok(Some(_)) | Err(_) => {
                self.fetch_again(doc).await?;
                Err(Problem::Damaged)
            }
        }
    }

    async fn fetch_again(self, doc: DocId) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        let unit = self.hub.index.with_untracked(|index| index.row(doc).map(|row| row.unit));
        if let Some(unit) = unit.filter(|_| !store.phone().is_repairing()) {
            let settled = store
                .run_with(
                    |phone| phone.segments_of_unit(unit),
                    |phone, segments| Ok::<_, Problem>(Some(phone.plan_recount(unit, segments))),
                )
                .await?;
            self.hub.take(settled.unwrap_or_default());
            self.hub.wake();
        }
        Ok(())
    }

    /// Makes what the server refused of a record again, on what the record says now, as one save.
    pub(crate) async fn make_again(
        self,
        doc: DocId,
        kind: Kind,
        patch: Patch,
        home: UnitId,
    ) -> Result<(), Problem> {
        let is_here = self.hub.index.with_untracked(|index| index.row(doc).is_some());
        if is_here {
            return self.save(doc, None, Vec::new(), patch).await;
        }
        let entries = Entries(gather(patch.0.into_iter().filter_map(|(key, value)| Some((key, value?)))));
        self.create(kind, home, entries).await.map(drop)
    }

    /// Makes a record in a unit; it is saved when this resolves.
    pub(crate) async fn create(self, kind: Kind, unit: UnitId, entries: Entries) -> Result<DocId, Problem> {
        let doc = DocId::from_parts(clock::now(), random()?);
        self.save(doc, Some((kind, unit.log(kind.class()))), Vec::new(), entries.into()).await?;
        Ok(doc)
    }

    /// Makes what stands beside a person's file, in the unit of the file; it is saved when this resolves.
    pub(crate) async fn create_beside(
        self,
        person: DocId,
        unit: UnitId,
        entries: Entries,
    ) -> Result<(), Problem> {
        let new = (Kind::Welfare, unit.log(Class::Welfare));
        self.save(person.beside(), Some(new), Vec::new(), entries.into()).await
    }

    /// Makes a record under the id that the bench's data name, so that it is the same on every phone.
    #[cfg(feature = "bench")]
    pub(crate) async fn create_as(
        self,
        doc: DocId,
        kind: Kind,
        unit: UnitId,
        entries: Entries,
    ) -> Result<(), Problem> {
        self.save(doc, Some((kind, unit.log(kind.class()))), Vec::new(), entries.into()).await
    }

    /// Changes a record of which the person saw the heads `base`; it is saved when this resolves.
    pub(crate) async fn edit(self, doc: DocId, base: Vec<ChangeHash>, patch: Patch) -> Result<(), Problem> {
        self.save(doc, None, base, patch).await
    }

    async fn save(
        self,
        doc: DocId,
        new: Option<(Kind, UnitId)>,
        base: Vec<ChangeHash>,
        patch: Patch,
    ) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        let (device, author) = {
            let phone = store.phone();
            let account = phone.account().ok_or(Problem::SignInAgain)?;
            (account.device, account.user)
        };
        let edit = Edit { doc, new, base, patch, actor: device.actor(random()?), author, at: clock::now() };
        let settled = store
            .run_with(
                |phone| gather(phone.segments_of(doc)),
                |phone, segments| {
                    phone.plan_edit(&edit, segments).map_err(|error| match error {
                        EditError::NotFound => Problem::NotFound,
                        EditError::Document(_) => Problem::Damaged,
                    })
                },
            )
            .await?;
        if let Some(settled) = settled {
            self.hub.take(settled);
            self.hub.wake();
        }
        Ok(())
    }

    /// Where a record's newest change is; tracked.
    pub(crate) fn record_state(self, doc: DocId) -> RecordState {
        let sending = self.hub.line.get() == LinePhase::Running;
        let state = self.hub.of_outbox(|phone| {
            if phone.outbox_of(doc).any(|row| row.state == OutState::Waiting) {
                return if sending { RecordState::Sending } else { RecordState::OnlyHere };
            }
            let refused = phone.outbox_of(doc).find_map(|row| match row.state {
                OutState::Refused(refusal, _) => Some(refusal.code()),
                OutState::Waiting => None,
            });
            refused.map_or(RecordState::Delivered, RecordState::Refused)
        });
        state.unwrap_or(RecordState::Delivered)
    }

    /// Whether a change of a record still waits for the server; tracked.
    pub(crate) fn is_waiting(self, doc: DocId, change: ChangeHash) -> bool {
        let waits = |row: &OutboxRow| row.hash == change && row.state == OutState::Waiting;
        self.hub.of_outbox(|phone| phone.outbox_of(doc).any(waits)).unwrap_or_default()
    }

    /// Keeps what was typed.
    pub(crate) async fn save_draft(self, key: &str, text: DraftText) -> Result<(), Problem> {
        let draft = Draft { saved_at: clock::now(), text };
        self.hub.draft_store()?.put_draft(key, Some(&draft)).await?;
        self.hub.drafts.update(|drafts| {
            drafts.insert(key.to_owned(), draft);
        });
        Ok(())
    }

    /// What was typed earlier.
    pub(crate) fn load_draft(self, key: &str) -> Option<Draft> {
        self.hub.drafts.with_untracked(|drafts| drafts.get(key).cloned())
    }

    /// Forgets what was typed: it is saved, or the user threw it away.
    pub(crate) async fn drop_draft(self, key: &str) -> Result<(), Problem> {
        self.hub.draft_store()?.put_draft(key, None).await?;
        self.hub.drafts.update(|drafts| {
            drafts.remove(key);
        });
        Ok(())
    }

    /// All drafts by the keys of their forms; tracked.
    pub(crate) fn drafts(self) -> Signal<Vec<(String, Draft)>> {
        let drafts = self.hub.drafts;
        let pair = |(key, draft): (&String, &Draft)| (key.clone(), draft.clone());
        Signal::derive(move || drafts.with(|drafts| drafts.iter().map(pair).collect()))
    }
}

/// The library of this app.
pub(crate) fn use_library() -> Library {
    expect_context()
}
