//! Finding people by what the core's search knows (names, pinyin, last digits) and by the village they live in.
use std::{collections::BTreeSet, sync::Arc};

use zoufang_core::{
    gather,
    query::{Index, Row},
    record::UnitId,
    sync::wire::Directory,
};

use crate::components::names::unit_name;

/// The people that a text finds, in the order of their names; those found by their village come after those found by name.
pub(crate) fn find(index: &Index, directory: &Directory, text: &str, unit: Option<UnitId>) -> Vec<Arc<Row>> {
    let text = text.trim();
    let mut found = index.search(text, unit);
    let villages = villages(directory, text);
    if !villages.is_empty() {
        let known: BTreeSet<_> = gather(found.iter().map(|row| row.doc));
        let of_villages = index.people().map(|entry| &entry.row).filter(|row| villages.contains(&row.unit));
        let narrowed =
            of_villages.filter(|row| unit.is_none_or(|unit| row.unit == unit) && !known.contains(&row.doc));
        found.extend(narrowed.cloned());
    }
    found
}

/// The villages whose name begins with the text, or whose initials it is.
fn villages(directory: &Directory, text: &str) -> BTreeSet<UnitId> {
    if text.chars().count() < 2 {
        return BTreeSet::new();
    }
    let fits = |name: &str, initials: &str| name.starts_with(text) || initials.eq_ignore_ascii_case(text);
    directory
        .units
        .iter()
        .filter(|unit| fits(&unit.short_name, &unit.initials) || unit.name.starts_with(text))
        .map(|unit| unit.id)
        .collect()
}

/// The villages in which there are people on this phone, by name.
pub(crate) fn units(index: &Index, directory: &Directory) -> Vec<(UnitId, String)> {
    let units: BTreeSet<UnitId> = gather(index.people().map(|entry| entry.row.unit));
    // Village names are not unique: the id keeps two of one name apart.
    let by_name: BTreeSet<(String, UnitId)> =
        gather(units.into_iter().map(|unit| (unit_name(directory, unit), unit)));
    by_name.into_iter().map(|(name, unit)| (unit, name)).collect()
}
