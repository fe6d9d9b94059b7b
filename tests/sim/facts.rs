//! What the office did to records: as the server knows it, which a restored one does only as far as its backup went, and
//! all that was ever done.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::record::{DocId, UnitId};

use crate::oracle::Seen;

/// What the server knows.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Where the records are that moved.
    moved: BTreeMap<DocId, UnitId>,
    erased: BTreeSet<DocId>,
    re_rooted: BTreeSet<DocId>,
    /// Edits that a new beginning stands for.
    gone: Seen,
    /// New beginnings.
    roots: Seen,
}

/// What was ever done.
#[derive(Debug, Default)]
struct Ever {
    /// Every unit in which a record lay that moved.
    moved: BTreeMap<DocId, BTreeSet<UnitId>>,
    erased: BTreeSet<DocId>,
    re_rooted: BTreeSet<DocId>,
    gone: Seen,
}

/// Both, and what the last backup has.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    known: Known,
    backed_up: Known,
    /// The changes in the backup; `None` before the first.
    backup: Option<BTreeSet<[u8; 32]>>,
    ever: Ever,
    restored: bool,
}

impl Facts {
    /// A record lies in another unit.
    pub(crate) fn moved(&mut self, doc: DocId, from: UnitId, to: UnitId) {
        self.known.moved.insert(doc, to);
        self.ever.moved.entry(doc).or_default().extend([from, to]);
    }

    /// A record was erased.
    pub(crate) fn erased(&mut self, doc: DocId) {
        self.known.erased.insert(doc);
        self.ever.erased.insert(doc);
    }

    /// A record began anew: with these roots, in the place of those edits.
    pub(crate) fn re_rooted(&mut self, doc: DocId, roots: Seen, gone: Seen) {
        self.known.re_rooted.insert(doc);
        self.ever.re_rooted.insert(doc);
        self.known.roots.extend(roots);
        self.ever.gone.extend(&gone);
        self.known.gone.extend(gone);
    }

    /// The server keeps a backup with these changes.
    pub(crate) fn back_up(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.backed_up = self.known.clone();
        self.backup = Some(changes);
    }

    /// The server is as it was at the backup; gives the new beginnings that it does not have any more.
    pub(crate) fn restore(&mut self) -> Seen {
        let known = std::mem::replace(&mut self.known, self.backed_up.clone());
        self.restored = true;
        known.roots.difference(&self.known.roots).copied().collect()
    }

    /// Whether a record of these changes may begin anew: what a backup does not have would be lost with a restored server.
    pub(crate) fn is_settled(&self, changes: &[[u8; 32]]) -> bool {
        self.backup.as_ref().is_none_or(|backup| changes.iter().all(|change| backup.contains(change)))
    }

    /// Whether the server was ever put back to a backup.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored
    }

    /// Whether, as far as the server knows, nothing was ever taken out of a log.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.moved.is_empty() && self.known.erased.is_empty() && self.known.re_rooted.is_empty()
    }

    /// Whether a record that was begun in a unit may lie in another: where the server moved it, or, if it was put back to
    /// before that and a phone brought the record there once more, where it ever was.
    pub(crate) fn may_lie(&self, doc: DocId, begun: UnitId, unit: UnitId) -> bool {
        match self.known.moved.get(&doc) {
            Some(moved) => *moved == unit,
            None => begun == unit || self.ever.moved.get(&doc).is_some_and(|units| units.contains(&unit)),
        }
    }

    /// Whether a record that was begun in a unit may have lain in one of these.
    pub(crate) fn may_have_lain(&self, doc: DocId, begun: UnitId, units: &BTreeSet<UnitId>) -> bool {
        units.contains(&begun) || self.ever.moved.get(&doc).is_some_and(|ever| !ever.is_disjoint(units))
    }

    /// Whether the server has erased a record and knows it.
    pub(crate) fn is_erased(&self, doc: DocId) -> bool {
        self.known.erased.contains(&doc)
    }

    /// Whether, as far as the server knows, another edit stands for this one.
    pub(crate) fn is_gone(&self, edit: u32) -> bool {
        self.known.gone.contains(&edit)
    }

    /// Whether another edit ever stood for this one since its record began anew.
    pub(crate) fn was_ever_gone(&self, edit: u32) -> bool {
        self.ever.gone.contains(&edit)
    }

    /// Whether a record was ever moved.
    pub(crate) fn was_ever_moved(&self, doc: DocId) -> bool {
        self.ever.moved.contains_key(&doc)
    }

    /// Whether a record was ever erased.
    pub(crate) fn was_ever_erased(&self, doc: DocId) -> bool {
        self.ever.erased.contains(&doc)
    }

    /// Whether a record ever began anew.
    pub(crate) fn was_ever_re_rooted(&self, doc: DocId) -> bool {
        self.ever.re_rooted.contains(&doc)
    }

    /// Whether the office ever did anything to a record.
    pub(crate) fn ever_concern(&self, doc: DocId) -> bool {
        self.was_ever_moved(doc) || self.was_ever_erased(doc) || self.was_ever_re_rooted(doc)
    }

    /// Whether the office never did anything.
    pub(crate) fn are_none(&self) -> bool {
        self.ever.moved.is_empty() && self.ever.erased.is_empty() && self.ever.re_rooted.is_empty()
    }
}
