//! What the office finds people by, in memory: the store keeps it sealed and cannot look into it.
//!
//! A unit's people are read again when its log has grown, since nothing changes a projection without it. The end of the log is
//! read first, so that what is kept is never older than it says. Some 300 bytes a person.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use zoufang_core::record::{DocId, UnitId};

use crate::projection::{PersonSays, said};
use crate::store::office::PersonLine;
use crate::store::{Result, Store};

/// The people of a unit, by id.
pub type OfUnit = Arc<[(DocId, PersonSays)]>;

/// The people of the units that somebody looked into.
#[derive(Default)]
pub struct People(RwLock<BTreeMap<UnitId, (u64, OfUnit)>>);

impl People {
    /// The people of these units as of now, in the order of units.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn of(&self, store: &dyn Store, units: &[UnitId]) -> Result<Vec<(UnitId, OfUnit)>> {
        let tails = store.tails(units).await?;
        let is_old = |unit: UnitId, last_seq: u64| {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&unit).is_none_or(|(known, _)| *known != last_seq)
        };
        let old: Vec<UnitId> =
            tails.iter().filter(|tail| is_old(tail.unit, tail.last_seq)).map(|tail| tail.unit).collect();
        if !old.is_empty() {
            let mut read: BTreeMap<UnitId, Vec<(DocId, PersonSays)>> = BTreeMap::new();
            for PersonLine { doc, unit, person } in store.people(&old).await? {
                read.entry(unit).or_default().push((doc, said(&person.body)?));
            }
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for tail in tails.iter().filter(|tail| old.contains(&tail.unit)) {
                let people = read.remove(&tail.unit).unwrap_or_default();
                known.insert(tail.unit, (tail.last_seq, people.into()));
            }
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut units = units.to_vec();
        units.sort_unstable();
        units.dedup();
        Ok(units.into_iter().filter_map(|unit| Some((unit, Arc::clone(&known.get(&unit)?.1)))).collect())
    }
}
