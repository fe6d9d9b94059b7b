//! Whether what a store says in several places is the same in all of them: log, unit logs, documents and rows; and whether the access log
//! is one whole chain.
//!
//! It reads everything, so it is for tests and for the office hours of an operator, not for every start.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::document::{Document, LogChange};
use zoufang_core::query::Row;
use zoufang_core::record::{ChangeHash, DocId, UnitId};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::scan::scan;

use crate::error::Result;
use crate::projection;
use crate::readings::Head;
use crate::store::office::Filter;
use crate::store::{DocumentState, LogEntry, LogPage, Store, StoreError};

/// Documents or lines read at once.
const BATCH: u32 = 500;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Where each logged change stands.
    pub changes: BTreeMap<ChangeHash, (UnitId, u64)>,
    /// How many documents there are.
    pub documents: usize,
    /// How many lines the access log has.
    pub readings: u64,
    /// What does not agree: places and ids, never what is written there.
    pub faults: Vec<String>,
}

/// Reads everything and compares.
///
/// # Errors
/// If the store fails.
pub async fn audit(store: &dyn Store) -> Result<Audit> {
    let mut audit = Audit::default();
    let mut logged: BTreeMap<DocId, Vec<LogEntry>> = BTreeMap::new();
    for unit in store.units_with_log().await? {
        for entry in audit.read_unit(store, unit).await? {
            logged.entry(entry.doc).or_default().push(entry);
        }
    }
    for state in documents(store).await? {
        audit.documents += 1;
        let entries = logged.remove(&state.doc).unwrap_or_default();
        audit.check_document(store, &state, entries).await?;
    }
    match access_log(store, None).await {
        Ok(head) => audit.readings = head.seq,
        Err(ChainError::Store(error)) => return Err(error.into()),
        Err(broken @ (ChainError::Broken(_) | ChainError::Gone(_))) => audit.faults.push(broken.to_string()),
    }
    audit.faults.extend(logged.into_keys().map(|doc| format!("{doc}: in the log only")));
    Ok(audit)
}

impl Audit {
    async fn read_unit(&mut self, store: &dyn Store, unit: UnitId) -> Result<Vec<LogEntry>> {
        let LogPage { entries, controls, tail, to_seq } = store.read_log(unit, 0, usize::MAX).await?;
        let mut digest = Digest::default();
        let numbers: BTreeSet<u64> =
            entries.iter().map(|entry| entry.seq).chain(controls.iter().map(|(seq, _)| *seq)).collect();
        let given = (entries.len() + controls.len()) as u64;
        // Only what was taken out leaves a gap, and no number is given twice or beyond the end.
        if numbers.len() as u64 != given
            || numbers.last().is_some_and(|last| *last > tail.last_seq)
            || tail.cuts == 0 && tail.last_seq != given
            || to_seq != tail.last_seq
        {
            self.faults.push(format!("unit {unit}: numbers of the log"));
        }
        for entry in &entries {
            digest = digest.with(entry.hash);
            let whole = scan(&entry.raw).is_ok_and(|scanned| scanned.hash == entry.hash);
            if !whole {
                self.faults.push(format!("unit {unit}: change {} of the log", entry.seq));
            }
            if self.changes.insert(entry.hash, (unit, entry.seq)).is_some() {
                self.faults.push(format!("unit {unit}: change {} is there twice", entry.seq));
            }
        }
        let size_bytes: u64 = entries.iter().map(|entry| entry.raw.len() as u64).sum();
        let count = entries.len() as u64;
        if (tail.count, tail.digest, tail.size_bytes) != (count, digest, size_bytes) {
            self.faults.push(format!("unit {unit}: figures of the log"));
        }
        Ok(entries)
    }

    async fn check_document(
        &mut self,
        store: &dyn Store,
        state: &DocumentState,
        entries: Vec<LogEntry>,
    ) -> Result<()> {
        let doc = state.doc;
        let (changes, received_at) =
            (entries.len() as u64, entries.first().map(|entry| entry.received_at).unwrap_or_default());
        let size_bytes: u64 = entries.iter().map(|entry| entry.raw.len() as u64).sum();
        let changes_of = entries.into_iter().map(LogChange::from);
        let Ok(document) = Document::load(state.kind, changes_of) else {
            self.faults.push(format!("{doc}: cannot be loaded"));
            return Ok(());
        };
        if (state.changes, state.size_bytes, state.max_op) != (changes, size_bytes, document.max_op()) {
            self.faults.push(format!("{doc}: figures of the document"));
        }
        let (row, _) = projection::of(doc, &document, state.unit, state.created_by, received_at);
        let kept = store.rows(&[doc]).await?.into_iter().next().map(|(_, row)| row);
        if kept.as_ref() != Some(&row) || minicbor::decode::<Row>(&row).is_err() {
            self.faults.push(format!("{doc}: row"));
        }
        Ok(())
    }
}

/// Why the access log is not what it was.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// This line is the first that does not follow on the one before, or is not what somebody wrote down.
    #[error("the access log breaks at reading {0}")]
    Broken(u64),
    /// It ends before this line, which somebody wrote down.
    #[error("the access log ends before reading {0}, which was written down")]
    Gone(u64),
    /// It could not be read.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Walks along the access log to its end, and past a head that somebody wrote down.
///
/// # Errors
/// [`ChainError::Broken`] or [`ChainError::Gone`] if it is not whole, [`ChainError::Store`] if the store fails.
pub async fn access_log(store: &dyn Store, written: Option<Head>) -> std::result::Result<Head, ChainError> {
    let (mut head, mut count) = (Head::default(), BATCH);
    loop {
        let lines = match store.readings_after(head.seq, count).await {
            // A line that cannot even be read is found by reading one at a time.
            Err(StoreError::Corrupt(_)) if count > 1 => {
                count = 1;
                continue;
            }
            Err(StoreError::Corrupt(_)) => return Err(ChainError::Broken(head.seq + 1)),
            lines => lines?,
        };
        if lines.is_empty() {
            break;
        }
        for line in lines {
            let is_other = written.is_some_and(|written| written.seq == line.seq && written != line.head());
            if !line.follows(head) || is_other {
                return Err(ChainError::Broken(head.seq + 1));
            }
            head = line.head();
        }
    }
    match written.filter(|written| written.seq > head.seq) {
        Some(written) => Err(ChainError::Gone(written.seq)),
        None => Ok(head),
    }
}

async fn documents(store: &dyn Store) -> Result<Vec<DocumentState>> {
    let mut tx = store.begin().await?;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let batch = tx.documents(after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(all) };
        after = Some(last.doc);
        all.extend(batch);
    }
}

/// Everything that the office can read, as text: two stores that say the same have the same.
///
/// # Errors
/// If the store fails.
pub async fn office(store: &dyn Store) -> Result<String> {
    let units = store.units_with_log().await?;
    let filter = Filter { units: units.clone(), limit: u32::MAX, ..Filter::default() };
    let people = store.people(&units).await?;
    let docs: Vec<DocId> = people.iter().map(|line| line.doc).collect();
    Ok(format!(
        "{:?}\n{:?}\n{:?}\n{people:?}\n{:?}",
        store.overview(&units, "2026-11").await?,
        store.visits(&filter).await?,
        store.contacts(&filter).await?,
        store.last_visits(&docs).await?,
    ))
}
