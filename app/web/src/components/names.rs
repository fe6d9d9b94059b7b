//! Names behind ids, from the directory and the rows on this phone.
use zoufang_core::{
    query::Index,
    record::{DocId, UnitId, UserId},
    sync::wire::{Directory, DirectoryUnit},
};

use crate::i18n::t;

/// A user's name, with the unit if it is another than `home`.
pub(crate) fn user_name(directory: &Directory, user: Option<UserId>) -> String {
    let found = user.and_then(|id| directory.users.iter().find(|user| user.id == id));
    match found {
        Some(user) => {
            let unit = unit_name(directory, user.unit);
            if unit.is_empty() { user.name.clone() } else { t::name_of_unit(&user.name, unit) }
        }
        None => t::name_unknown_user().to_owned(),
    }
}

/// A unit.
pub(crate) fn unit(directory: &Directory, id: UnitId) -> Option<&DirectoryUnit> {
    directory.units.iter().find(|unit| unit.id == id)
}

/// A unit's name as people say it.
pub(crate) fn unit_name(directory: &Directory, id: UnitId) -> String {
    unit(directory, id).map(|unit| unit.short_name.clone()).unwrap_or_default()
}

/// The names of people, in the order given; those not on this phone are counted.
pub(crate) fn people_names<'a>(index: &Index, people: impl IntoIterator<Item = &'a DocId>) -> String {
    let mut names = Vec::new();
    let mut unknown = 0_usize;
    for person in people {
        match index.row(*person).and_then(|row| row.person().map(|person| person.name.clone())) {
            Some(name) => names.push(name),
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        names.push(t::name_unknown_people(unknown));
    }
    names.join("、")
}
