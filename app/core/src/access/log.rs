//! Who may read the access log: the lines that say who read whose sensitive value in full.
//!
//! Source: domain brief, sections d and f 7: the privacy officer sees the log and no content; the person may ask who looked.
use super::{Read, Sensitive, read_right};
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

/// Whether a role reads anything in full for a reason, so that its devices have readings to tell of.
#[must_use]
pub fn has_readings(role: Role) -> bool {
    Sensitive::ALL.iter().any(|what| read_right(role, *what) == Read::OnReason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use LogReach::{All, Nothing, Units};

    /// Role; its reach in the log, and for one person; whether it has readings.
    const TABLE: &[(Role, LogReach, LogReach, bool)] = &[
        (Role::VillageWorker, Nothing, Nothing, true),
        (Role::VillageBranch, Nothing, Nothing, true),
        (Role::TownshipWorker, Nothing, Units, true),
        (Role::TownshipHead, Units, Units, true),
        (Role::TownshipParty, Nothing, Nothing, true),
        (Role::CityDuty, Nothing, Nothing, false),
        (Role::CityDepartment, Nothing, Nothing, false),
        (Role::CityLeader, Nothing, Nothing, false),
        (Role::PrivacyOfficer, All, All, false),
        (Role::SystemAdmin, Nothing, Nothing, false),
    ];

    #[test]
    fn every_role_reads_of_the_log_what_the_table_says() {
        for (role, lists, person, readings) in TABLE {
            assert_eq!(log_reach(*role), *lists, "{role:?}");
            assert_eq!(person_log_reach(*role), *person, "{role:?} for one person");
            assert_eq!(has_readings(*role), *readings, "{role:?} has readings");
        }
    }
}
