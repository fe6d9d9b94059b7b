//! Reading a document through the merge classes: which of several concurrent values a record shows.
use automerge::{ROOT, ReadDoc};

use super::{
    Document,
    conflict::Claim,
    read_value,
    shape::{self, Merge},
};
use crate::record::{Entries, Value};

/// All known keys with the value that their merge class gives them. Automerge goes once over the document; only where values stand
/// beside each other are their writers asked for.
pub(super) fn entries(document: &Document) -> Entries {
    let shape = shape::of(document.kind());
    let mut entries = Entries::default();
    for item in document.inner.map_range(ROOT, ..) {
        let Some(field) = shape.field(&item.key) else { continue };
        let value = if item.conflict {
            resolve(field.merge, document.claims(&item.key))
        } else {
            read_value(&item.value.into_value())
        };
        if let Some(value) = value {
            entries.0.insert(item.key.into_owned(), value);
        }
    }
    entries
}

/// The value that stands for concurrent claims. Every rule is a function of the set of claims alone, so that all
/// replicas show the same.
fn resolve(merge: Merge, mut claims: Vec<Claim>) -> Option<Value> {
    match merge {
        // Shown until a person chooses: the newest by the writers' clocks; the other is shown beside it.
        Merge::Keep | Merge::Latest | Merge::Append => claims.sort_by_key(|claim| (claim.at, claim.change)),
        // In the set beats out of the set; further on beats less far.
        Merge::Union | Merge::Forward => claims.sort_by(|a, b| a.value.cmp(&b.value)),
    }
    claims.pop().map(|claim| claim.value)
}
