//! How records are spread over a unit's logs, and what brings data of before to it.
//!
//! Before there were logs by class all of a unit's records stood in one, and disability and hardship in a person's file. Records are
//! moved as the office moves them, and files begin anew without what was in them, so that phones follow. Each batch is a transaction
//! and can be done again; that all is done is noted last. Nobody else writes meanwhile.

use zoufang_core::document::{Document, LogChange, shape};
use zoufang_core::record::{Class, Kind, Timestamp};

use crate::command::{Draw, begin_with, move_within, re_root_within, roots_of};
use crate::error::{Error, Result};
use crate::store::{DocumentState, Mark, Store, WriteTx};

/// 1: visits, and what a person's pension and help rest on, in logs of their own.
const LAYOUT: u32 = 1;
const BATCH: u32 = 500;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Records that lay in another log than their kind's.
    pub records: usize,
    /// Files of people that said what stands beside them now.
    pub files: usize,
}

/// Brings each record to the log of its kind.
///
/// # Errors
/// If the store fails; the next call goes on.
pub async fn bring_up_to_date(store: &dyn Store, draw: Draw<'_>, now: Timestamp) -> Result<Moved> {
    let mut moved = Moved::default();
    if store.mark(Mark::Layout).await?.is_some_and(|layout| layout >= LAYOUT) {
        return Ok(moved);
    }
    let mut after = None;
    loop {
        let mut tx = store.begin().await?;
        let states = tx.documents(after, BATCH).await?;
        let Some(last) = states.last() else { break };
        after = Some(last.doc);
        for state in states {
            if state.unit != state.unit.log(state.kind.class()) {
                moved.records += move_within(tx.as_mut(), &[state.doc], state.unit.unit(), now).await?;
            } else if state.kind == Kind::Person {
                moved.files += usize::from(set_apart(tx.as_mut(), state, draw, now).await?);
            }
        }
        tx.commit().await?;
    }
    store.put_mark(Mark::Layout, LAYOUT).await?;
    Ok(moved)
}

/// Takes what only the township may read out of a person's file into a document beside it, with its authors and with concurrent values.
async fn set_apart(
    tx: &mut dyn WriteTx,
    file: DocumentState,
    draw: Draw<'_>,
    now: Timestamp,
) -> Result<bool> {
    let beside = file.doc.beside();
    let entries = tx.changes_of(file.doc).await?;
    let received_at = entries.first().map_or(now, |entry| entry.received_at);
    let changes = entries.into_iter().map(LogChange::from);
    let document = Document::load(Kind::Person, changes).map_err(|error| Error::Internal(Box::new(error)))?;
    let (welfare, person) = (shape::of(Kind::Welfare), shape::of(Kind::Person));
    let is_apart = |key: &str| welfare.field(key).is_some() && person.field(key).is_none();
    let says = welfare.fields().any(|field| is_apart(field.key) && !document.values(field.key).is_empty());
    if !says || tx.document(beside).await?.is_some() || tx.is_erased(beside).await? {
        return Ok(false);
    }
    let roots = roots_of(&document, file.created_by, |key| welfare.field(key).is_none(), draw)?;
    let state = DocumentState {
        doc: beside,
        kind: Kind::Welfare,
        unit: file.unit.log(Class::Welfare),
        max_op: 0,
        size_bytes: 0,
        changes: 0,
        re_rooted: false,
        ..file
    };
    begin_with(tx, state, roots, received_at).await?;
    re_root_within(tx, file.doc, is_apart, draw, now).await?;
    Ok(true)
}
