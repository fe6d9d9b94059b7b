//! The units of the county: read from the statistical list, and kept at hand for every request.
//!
//! A unit's id is ours: its place in the list of 2023, from 1. Codes and names of other years hang on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use zoufang_core::access::{UnitNode, logs_in_scope, units_in_scope, units_to_oversee};
use zoufang_core::record::UnitId;
use zoufang_core::seal::PublicKey;

use crate::store::{Account, Result, Store, StoreError, Unit, UnitCode, level_of};

const UNITS_CSV: &str = include_str!("../data/units.csv");
const CHANGES_CSV: &str = include_str!("../data/unit_changes.csv");
/// The first list we know of; what it has may be older.
const FIRST_YEAR: u16 = 2019;

/// The units of 2023 and all their codes and names since 2019.
///
/// # Errors
/// If the embedded tables have not the form they should have.
pub fn listed() -> Result<(Vec<Unit>, Vec<UnitCode>)> {
    let corrupt = |_| StoreError::Corrupt("table of units");
    let mut ids = BTreeMap::new();
    let (mut units, mut codes) = (Vec::new(), Vec::new());
    for (index, record) in csv::Reader::from_reader(UNITS_CSV.as_bytes()).records().enumerate() {
        let record = record.map_err(corrupt)?;
        let column = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let id = UnitId(u32::try_from(index + 1).unwrap_or(u32::MAX));
        ids.insert(column(0), id);
        units.push(Unit {
            id,
            parent: ids.get(&column(5)).copied(),
            level: level_of(&column(3)).ok_or(StoreError::Corrupt("level of a unit"))?,
            kind: column(4),
            name: column(1),
            short_name: column(2),
            pinyin: column(6),
            initials: column(7),
        });
        codes.push(UnitCode {
            code: column(0),
            from_year: FIRST_YEAR,
            until_year: None,
            unit: id,
            name: column(1),
        });
    }
    for record in csv::Reader::from_reader(CHANGES_CSV.as_bytes()).records() {
        let record = record.map_err(corrupt)?;
        let column = |at: usize| record.get(at).unwrap_or_default();
        let year = column(1).parse::<u16>().map_err(|_| StoreError::Corrupt("year of a unit's change"))?;
        // A dropped code has no unit of ours: whose it became is not in the lists.
        let Some(known) =
            codes.iter_mut().find(|known| known.code == column(3) && known.until_year.is_none())
        else {
            continue;
        };
        known.from_year = year;
        let unit = known.unit;
        if column(6) == "name_changed_same_code" {
            let (code, name) = (column(3).to_owned(), column(4).to_owned());
            codes.push(UnitCode { code, from_year: FIRST_YEAR, until_year: Some(year), unit, name });
        }
    }
    Ok((units, codes))
}

/// All units as of one version of the directory.
#[derive(Debug)]
pub struct UnitTable {
    /// The directory's version.
    pub version: u32,
    /// By id.
    pub units: BTreeMap<UnitId, Unit>,
    /// Today's code of each unit.
    pub codes: BTreeMap<UnitId, String>,
    /// The key to which phones seal parcels.
    pub sync_key: Option<PublicKey>,
    /// The key to which phones seal their data key, if there is one.
    pub recovery_key: Option<PublicKey>,
    nodes: Vec<UnitNode>,
}

impl UnitTable {
    /// Reads the table.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn read(store: &dyn Store) -> Result<Self> {
        let version = store.directory_version().await?;
        let units = store.units().await?;
        let nodes = units.iter().map(Unit::node).collect();
        let today = store.unit_codes().await?.into_iter().filter(|code| code.until_year.is_none());
        let codes = today.map(|code| (code.unit, code.code)).collect();
        let sync_key = store.sync_key().await?;
        let recovery_key = store.recovery_key().await?;
        let units = units.into_iter().map(|unit| (unit.id, unit)).collect();
        Ok(Self { version, units, codes, sync_key, recovery_key, nodes })
    }

    /// The units that an account works on.
    #[must_use]
    pub fn scope(&self, account: &Account) -> Vec<UnitId> {
        units_in_scope(account.role, account.unit, &self.nodes)
    }

    /// The logs whose documents an account holds and may push to.
    #[must_use]
    pub fn logs(&self, account: &Account) -> Vec<UnitId> {
        logs_in_scope(account.role, account.unit, &self.nodes)
    }

    /// The units whose lists and figures an account may read online.
    #[must_use]
    pub fn overseen(&self, account: &Account) -> Vec<UnitId> {
        units_to_oversee(account.role, account.unit, &self.nodes)
    }

    /// A unit's name as people say it; nothing of one that is not there.
    #[must_use]
    pub fn short_name(&self, unit: UnitId) -> &str {
        self.units.get(&unit).map_or("", |unit| &unit.short_name)
    }

    /// A unit and all above it, nearest first.
    #[must_use]
    pub fn lineage(&self, unit: UnitId) -> Vec<UnitId> {
        let mut line = Vec::new();
        let mut next = Some(unit);
        while let Some(unit) = next.filter(|unit| !line.contains(unit)) {
            line.push(unit);
            next = self.units.get(&unit).and_then(|unit| unit.parent);
        }
        line
    }

    /// The unit that has this code today.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<UnitId> {
        self.codes.iter().find(|(_, known)| *known == code).map(|(unit, _)| *unit)
    }

    /// All logs of all units.
    #[must_use]
    pub fn all_logs(&self) -> BTreeSet<UnitId> {
        self.units.keys().flat_map(|unit| unit.logs()).collect()
    }
}

/// The newest table that was read; one small query per request tells whether it is still true.
#[derive(Debug, Default)]
pub struct UnitCache(RwLock<Option<Arc<UnitTable>>>);

impl UnitCache {
    /// The table as of now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn table(&self, store: &dyn Store) -> Result<Arc<UnitTable>> {
        self.table_of(store, store.directory_version().await?).await
    }

    /// The table, whose version is this one as of now.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn table_of(&self, store: &dyn Store, version: u32) -> Result<Arc<UnitTable>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(table) = known.filter(|table| table.version == version) {
            return Ok(table);
        }
        let table = Arc::new(UnitTable::read(store).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&table));
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_unit_and_its_parent() {
        let (units, codes) = listed().unwrap();
        assert_eq!(units.len(), 335);
        assert_eq!(units.iter().filter(|unit| unit.parent.is_none()).count(), 1);
        let names = |code: &str| {
            codes
                .iter()
                .filter(|known| known.code == code)
                .map(|known| known.name.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("211381003011"),
            ["三宝社区", "医院社区"],
            "a code changes hands and the history stays"
        );
    }
}
