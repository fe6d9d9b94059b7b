//! Rows and projections, built anew from the log.

use zoufang_core::document::{Document, LogChange};
use zoufang_core::record::DocId;

use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::projection;
use crate::store::Store;

const BATCH: u32 = 500;

/// Empties the projections and builds them and all rows again, in one transaction; returns how many documents there are.
///
/// # Errors
/// If the store fails, or a document of the log cannot be loaded; everything is as before then.
pub async fn rebuild(store: &dyn Store) -> Result<u64> {
    let mut tx = store.begin().await?;
    crash_point!("rebuild.begin.after");
    tx.clear_projections().await?;
    crash_point!("rebuild.clear.after");
    let (mut after, mut count): (Option<DocId>, u64) = (None, 0);
    loop {
        let states = tx.documents(after, BATCH).await?;
        let Some(last) = states.last() else { break };
        after = Some(last.doc);
        for state in states {
            let entries = tx.changes_of(state.doc).await?;
            let received_at = entries.first().map(|entry| entry.received_at).unwrap_or_default();
            let changes = entries.into_iter().map(LogChange::from);
            let document =
                Document::load(state.kind, changes).map_err(|error| Error::Internal(Box::new(error)))?;
            let (row, projection) =
                projection::of(state.doc, &document, state.unit, state.created_by, received_at);
            tx.put_document(&state, &row).await?;
            crash_point!("rebuild.document.after");
            tx.put_projection(state.doc, state.unit.unit(), &projection).await?;
            crash_point!("rebuild.projection.after");
            count += 1;
        }
    }
    crash_point!("rebuild.commit.before");
    tx.commit().await?;
    crash_point!("rebuild.commit.after");
    Ok(count)
}
