//! What became of documents of which a phone holds more than a log has, as after a restore: those that lie in another unit went
//! there, and those that began anew are sent whole.

use zoufang_core::record::UnitId;
use zoufang_core::sync::wire::{Control, Page, Stray};

use super::page;
use crate::error::Result;
use crate::store::Store;

/// Documents that are looked up at once.
const DOCS: usize = 50;

/// What was asked after in units of the scope, in small parts.
pub(super) fn parts(strays: impl Iterator<Item = Stray>, scope: &[UnitId]) -> Vec<Stray> {
    let part = |unit: UnitId, docs: &[_]| Stray { unit, docs: docs.to_vec() };
    let in_scope = strays.filter(|stray| scope.contains(&stray.unit));
    let parts = |stray: Stray| stray.docs.chunks(DOCS).map(|docs| part(stray.unit, docs)).collect::<Vec<_>>();
    in_scope.flat_map(parts).collect()
}

/// What is said of documents that were asked after, in pages that move no cursor; nothing of those that are where the phone has
/// them, and of those that nobody knows.
///
/// # Errors
/// If the store fails.
pub(super) async fn told(store: &dyn Store, stray: &Stray) -> Result<Vec<Page>> {
    let mut pages = vec![page::apart(stray.unit)];
    for row in page::rows(store, &stray.docs).await? {
        if row.unit != stray.unit {
            pages[0].controls.push(Control::MovedOut { doc: row.doc, to: row.unit });
            continue;
        }
        let changes = store.begun_anew(stray.unit, row.doc).await?;
        if !changes.is_empty() {
            let (items, rows) = page::contents(store, changes).await?;
            let controls = vec![Control::ReRooted { doc: row.doc }];
            pages.push(Page { controls, items, rows, ..page::apart(stray.unit) });
        }
    }
    pages.retain(|page| !page.controls.is_empty());
    Ok(pages)
}

/// What is said of documents that were pushed to another log than theirs before the phone hears what became of the pushes: where they
/// are, but nothing yet of those that began anew: what is pushed of the history that is no more is known, and its receipt would put it
/// beside the new one.
///
/// # Errors
/// If the store fails.
pub(super) async fn moved(store: &dyn Store, stray: &Stray) -> Result<Option<Page>> {
    let mut controls = Vec::new();
    for row in page::rows(store, &stray.docs).await? {
        if row.unit != stray.unit && store.begun_anew(row.unit, row.doc).await?.is_empty() {
            controls.push(Control::MovedOut { doc: row.doc, to: row.unit });
        }
    }
    Ok((!controls.is_empty()).then(|| Page { controls, ..page::apart(stray.unit) }))
}
