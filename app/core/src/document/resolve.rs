//! Reading a document through the merge classes: which of several concurrent values a record shows.
use super::{
    Document,
    conflict::Claim,
    shape::{self, Merge},
};
use crate::record::{Entries, Value};

/// All known keys with the value that their merge class gives them.
pub(super) fn entries(document: &Document) -> Entries {
    let shape = shape::of(document.kind());
    let mut entries = Entries::default();
    for key in document.keys() {
        if let Some(field) = shape.field(&key)
            && let Some(value) = resolve(field.merge, document.claims(&key))
        {
            entries.0.insert(key, value);
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
