//! The directory frame: who and what the ids stand for, as far as the user's scope goes.

use std::collections::BTreeSet;

use zoufang_core::access::Level;
use zoufang_core::record::UnitId;
use zoufang_core::sync::wire::{Directory, DirectoryUnit, DirectoryUser};

use crate::error::Result;
use crate::store::{Account, Store};
use crate::units::UnitTable;

/// The directory for an account: the units it works on or oversees with those above them, and the people at work in its
/// scope and above. A village knows the workers of the other villages of its township, too: files move between them, and
/// their histories name who wrote.
///
/// # Errors
/// If the store fails.
pub async fn read(store: &dyn Store, table: &UnitTable, account: &Account) -> Result<Directory> {
    let scope = table.scope(account);
    let above = table.lineage(account.unit);
    let at_work: BTreeSet<UnitId> = scope.iter().chain(&above).copied().collect();
    let named: BTreeSet<UnitId> = at_work.iter().copied().chain(table.overseen(account)).collect();
    let village = table.units.get(&account.unit).filter(|unit| unit.level == Level::Village);
    let beside = |unit: &UnitId| {
        village.is_some_and(|village| {
            village.parent.is_some()
                && table.units.get(unit).is_some_and(|unit| unit.parent == village.parent)
        })
    };
    let users = store.accounts().await?.into_iter();
    let users = users.filter(|account| at_work.contains(&account.unit) || beside(&account.unit));
    let users = users
        .map(|account| DirectoryUser {
            id: account.id,
            name: account.name,
            role: account.role,
            unit: account.unit,
        })
        .collect();
    let units = named.iter().filter_map(|unit| table.units.get(unit)).map(|unit| DirectoryUnit {
        id: unit.id,
        code: table.codes.get(&unit.id).cloned().unwrap_or_default(),
        name: unit.name.clone(),
        short_name: unit.short_name.clone(),
        level: unit.level,
        parent: unit.parent,
        initials: unit.initials.clone(),
    });
    Ok(Directory {
        version: table.version,
        users,
        units: units.collect(),
        sync_key: table.sync_key,
        recovery_key: table.recovery_key,
    })
}
