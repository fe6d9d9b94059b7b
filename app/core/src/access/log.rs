//! Who may read the access log: the lines that say who read whose sensitive value in full.
//!
//! Source: domain brief, sections d and f 7: the privacy officer sees the log and no content; the person may ask who looked.
use crate::record::list::Role;

/// Which lines of the access log a role reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogReach {
    /// None.
    Nothing,
    /// Those of its units.
    Units,
    /// All, without the names of the people that they are about.
    All,
}

/// Which lines of the access log a role reads.
#[must_use]
pub fn log_reach(role: Role) -> LogReach {
    match role {
        Role::TownshipHead => LogReach::Units,
        Role::PrivacyOfficer => LogReach::All,
        Role::VillageWorker
        | Role::VillageBranch
        | Role::TownshipWorker
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::SystemAdmin => LogReach::Nothing,
    }
}

/// Of which people a role reads all lines of one, to answer that person.
#[must_use]
pub fn person_log_reach(role: Role) -> LogReach {
    if role == Role::TownshipWorker { LogReach::Units } else { log_reach(role) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LogReach::{All, Nothing, Units};

    /// Role; its reach in the log, and for one person.
    const TABLE: &[(Role, LogReach, LogReach)] = &[
        (Role::VillageWorker, Nothing, Nothing),
        (Role::VillageBranch, Nothing, Nothing),
        (Role::TownshipWorker, Nothing, Units),
        (Role::TownshipHead, Units, Units),
        (Role::TownshipParty, Nothing, Nothing),
        (Role::CityDuty, Nothing, Nothing),
        (Role::CityDepartment, Nothing, Nothing),
        (Role::CityLeader, Nothing, Nothing),
        (Role::PrivacyOfficer, All, All),
        (Role::SystemAdmin, Nothing, Nothing),
    ];

    #[test]
    fn every_role_reads_of_the_log_what_the_table_says() {
        for (role, lists, person) in TABLE {
            assert_eq!(log_reach(*role), *lists, "{role:?}");
            assert_eq!(person_log_reach(*role), *person, "{role:?} for one person");
        }
    }
}
