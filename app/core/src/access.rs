//! Who works on what: the units in a user's scope and the kinds a role may write. Phone and server ask the same table.
//!
//! Issue 3 of the road map widens this to role x unit relation x kind x root key x verb; callers already ask here only.
mod log;
mod reading;
mod sensitive;

use minicbor::{Decode, Encode};

use crate::record::{Class, Kind, UnitId, list::Role};
pub use log::{LogReach, log_reach, person_log_reach};
pub use reading::{READINGS_MAX, Reading};
pub use sensitive::{Read, Sensitive, may_write_key, read_right};

/// A unit's level in the tree.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    serde::Serialize,
    serde::Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Province; only an ancestor.
    #[n(0)]
    Province,
    /// Prefecture; only an ancestor.
    #[n(1)]
    Prefecture,
    /// The county-level city.
    #[n(2)]
    County,
    /// Township or sub-district.
    #[n(3)]
    Township,
    /// Village or community.
    #[n(4)]
    Village,
}

/// A unit as far as access needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitNode {
    /// The unit.
    pub id: UnitId,
    /// Its level.
    pub level: Level,
    /// The unit above it.
    pub parent: Option<UnitId>,
}

/// The units that a user works on, in the order of `units`.
#[must_use]
pub fn units_in_scope(role: Role, home: UnitId, units: &[UnitNode]) -> Vec<UnitId> {
    let children =
        |parent: UnitId| units.iter().filter(move |unit| unit.parent == Some(parent)).map(|unit| unit.id);
    match role {
        Role::VillageWorker | Role::VillageBranch => vec![home],
        Role::TownshipHead | Role::TownshipWorker | Role::TownshipParty => {
            std::iter::once(home).chain(children(home)).collect()
        }
        Role::CityDuty | Role::CityDepartment | Role::CityLeader => vec![home],
        Role::PrivacyOfficer | Role::SystemAdmin => Vec::new(),
    }
}

/// Whether a role's phone holds people's files: those of the villages that it works in.
#[must_use]
pub fn keeps_files(role: Role) -> bool {
    match role {
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipHead
        | Role::TownshipWorker
        | Role::TownshipParty => true,
        Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer
        | Role::SystemAdmin => false,
    }
}

/// Whether a role looks at office pages.
#[must_use]
pub fn sees_office(role: Role) -> bool {
    match role {
        Role::VillageWorker | Role::VillageBranch => false,
        Role::TownshipHead | Role::TownshipWorker | Role::TownshipParty => true,
        Role::CityDuty | Role::CityDepartment | Role::CityLeader => true,
        Role::PrivacyOfficer | Role::SystemAdmin => false,
    }
}

/// Whether a role reads what stands in logs of a class, in the units that it works on.
#[must_use]
pub fn may_read(role: Role, class: Class) -> bool {
    match class {
        Class::Files => true,
        Class::Visits => matches!(role, Role::TownshipHead | Role::TownshipWorker | Role::VillageWorker),
        Class::Welfare => matches!(role, Role::TownshipHead | Role::TownshipWorker),
    }
}

/// The logs that a user's phone holds: those of the units in scope that the role may read.
#[must_use]
pub fn logs_in_scope(role: Role, home: UnitId, units: &[UnitNode]) -> Vec<UnitId> {
    let classes = Class::ALL.iter().filter(|class| may_read(role, **class));
    let logs = |unit: UnitId| classes.clone().map(move |class| unit.log(*class));
    units_in_scope(role, home, units).into_iter().flat_map(logs).collect()
}

/// The units whose figures and lists a user may read online.
#[must_use]
pub fn units_to_oversee(role: Role, home: UnitId, units: &[UnitNode]) -> Vec<UnitId> {
    match role {
        Role::CityDuty | Role::CityDepartment | Role::CityLeader => {
            let below = units
                .iter()
                .filter(|unit| matches!(unit.level, Level::County | Level::Township | Level::Village));
            below.map(|unit| unit.id).collect()
        }
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipHead
        | Role::TownshipWorker
        | Role::TownshipParty => units_in_scope(role, home, units),
        Role::PrivacyOfficer | Role::SystemAdmin => Vec::new(),
    }
}

/// Whether a role reads lists of records of a kind online, in the units that it oversees: names, days and codes, no texts. Whoever
/// answers for figures only reads none.
#[must_use]
pub fn may_list(role: Role, kind: Kind) -> bool {
    match role {
        Role::TownshipHead | Role::TownshipWorker => true,
        Role::VillageWorker | Role::CityDuty | Role::CityDepartment => kind != Kind::Welfare,
        Role::VillageBranch | Role::TownshipParty => kind.class() == Class::Files,
        Role::CityLeader | Role::PrivacyOfficer | Role::SystemAdmin => false,
    }
}

/// Whether a role may write documents of a kind.
#[must_use]
pub fn may_write(role: Role, kind: Kind) -> bool {
    match role {
        Role::TownshipHead | Role::TownshipWorker => true,
        Role::VillageWorker => matches!(kind, Kind::Person | Kind::Visit | Kind::Contact),
        Role::VillageBranch => matches!(kind, Kind::Contact),
        Role::TownshipParty => matches!(kind, Kind::Party | Kind::Contact),
        Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer
        | Role::SystemAdmin => false,
    }
}

/// Whose devices a role sees in the list and may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceReach {
    /// Their own.
    Own,
    /// Those of the people of their units, too.
    Units,
    /// All.
    All,
}

/// Whose devices a role sees in the list and may end.
#[must_use]
pub fn device_reach(role: Role) -> DeviceReach {
    match role {
        Role::TownshipHead => DeviceReach::Units,
        Role::SystemAdmin => DeviceReach::All,
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipWorker
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer => DeviceReach::Own,
    }
}

/// Whether a role decides what becomes of that which a revoked device brought to its units, and reads whose records were on it.
#[must_use]
pub fn may_review_late(role: Role) -> bool {
    role == Role::TownshipHead
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::list::ValueList;

    #[test]
    fn a_township_sees_its_villages_and_a_village_itself() {
        let unit = |id, level, parent| UnitNode { id: UnitId(id), level, parent };
        let units = [
            unit(1, Level::County, None),
            unit(2, Level::Township, Some(UnitId(1))),
            unit(3, Level::Village, Some(UnitId(2))),
            unit(4, Level::Village, Some(UnitId(9))),
        ];
        assert_eq!(units_in_scope(Role::TownshipHead, UnitId(2), &units), [UnitId(2), UnitId(3)]);
        assert_eq!(units_in_scope(Role::VillageWorker, UnitId(3), &units), [UnitId(3)]);
        assert_eq!(units_in_scope(Role::SystemAdmin, UnitId(1), &units), []);
        assert_eq!(units_to_oversee(Role::CityDuty, UnitId(1), &units).len(), 4);
        let logs = |role| logs_in_scope(role, UnitId(3), &units);
        assert_eq!(logs(Role::VillageWorker), [UnitId(3), UnitId(3).log(Class::Visits)]);
        assert_eq!(logs(Role::VillageBranch), [UnitId(3)], "a branch contact holds no visits");
    }

    #[test]
    fn who_writes_a_kind_reads_it() {
        for role in Role::ALL {
            for kind in Kind::ALL {
                assert!(!may_write(*role, *kind) || may_read(*role, kind.class()), "{role:?} {kind:?}");
            }
        }
    }
}
