//! Sensitive keys of a person: which there are, how a role may read each, and which keys a role may write.
//!
//! Source: the bureau's plan names the roles; what each sees is our default (domain brief, sections d and f 3, 5, 6).
//! It says nothing of units: a caller asks for the scope first.
use minicbor::{Decode, Encode};

use super::may_write;
use crate::record::{Kind, list::Role};

/// A group of keys with a permission of its own.
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
pub enum Sensitive {
    /// The ID number.
    #[n(0)]
    IdNumber,
    /// A phone number, also one of the family.
    #[n(1)]
    Phone,
    /// A disability.
    #[n(2)]
    Health,
    /// Support for those in hardship.
    #[n(3)]
    Money,
}

impl Sensitive {
    /// All groups.
    pub const ALL: &'static [Self] = &[Self::IdNumber, Self::Phone, Self::Health, Self::Money];

    /// Its code, as it is stored and sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::IdNumber => "id_number",
            Self::Phone => "phone",
            Self::Health => "health",
            Self::Money => "money",
        }
    }

    /// The group of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|what| what.code() == code)
    }

    /// The group that a root key belongs to, if it is in one.
    #[must_use]
    pub fn of_key(kind: Kind, key: &str) -> Option<Self> {
        match kind {
            Kind::Person => Self::of_person_key(key),
            Kind::Welfare => Self::of_welfare_key(key),
            Kind::Party | Kind::Visit | Kind::Contact => None,
        }
    }

    fn of_person_key(key: &str) -> Option<Self> {
        let of_phone = key.starts_with("phone/") && key.ends_with(".number");
        let of_kin = key.starts_with("kin/") && key.ends_with(".phone");
        match key {
            "id_number" => Some(Self::IdNumber),
            _ if of_phone || of_kin => Some(Self::Phone),
            _ => None,
        }
    }

    fn of_welfare_key(key: &str) -> Option<Self> {
        match key {
            "support_status" => Some(Self::Money),
            _ if key.starts_with("disability.") => Some(Self::Health),
            _ => None,
        }
    }
}

/// How a role may read a sensitive value of a person in its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// Only that something is there.
    Hidden,
    /// Masked, and never in full.
    Masked,
    /// Masked; in full for a reason, and logged.
    OnReason,
    /// In full on the person's page, never in a list.
    Clear,
}

/// How a role may read a sensitive value of a person in its scope.
#[must_use]
pub fn read_right(role: Role, what: Sensitive) -> Read {
    match role {
        Role::TownshipHead | Role::TownshipWorker => match what {
            Sensitive::IdNumber | Sensitive::Phone => Read::OnReason,
            Sensitive::Health | Sensitive::Money => Read::Clear,
        },
        Role::VillageWorker => match what {
            Sensitive::IdNumber => Read::Masked,
            Sensitive::Phone => Read::OnReason,
            Sensitive::Health | Sensitive::Money => Read::Hidden,
        },
        Role::VillageBranch | Role::TownshipParty => match what {
            Sensitive::Phone => Read::OnReason,
            Sensitive::IdNumber | Sensitive::Health | Sensitive::Money => Read::Hidden,
        },
        Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer
        | Role::SystemAdmin => Read::Hidden,
    }
}

/// Whether a role may write a root key of a kind. A number may be typed by who may not read it in full.
#[must_use]
pub fn may_write_key(role: Role, kind: Kind, key: &str) -> bool {
    may_write(role, kind) && !(role == Role::VillageWorker && kind == Kind::Person && of_township(key))
}

/// Keys of a person that the township station establishes: benefits.
fn of_township(key: &str) -> bool {
    key.starts_with("entitlement/") || key == "entitlements_confirmed_on"
}

#[cfg(test)]
mod tests {
    use super::super::may_read;
    use super::*;
    use Read::{Clear, Hidden, Masked, OnReason};

    /// Role; reading of ID number, phone, health and money; writing of the same.
    const TABLE: &[(Role, [Read; 4], [bool; 4])] = &[
        (Role::VillageWorker, [Masked, OnReason, Hidden, Hidden], [true, true, false, false]),
        (Role::VillageBranch, [Hidden, OnReason, Hidden, Hidden], [false; 4]),
        (Role::TownshipWorker, [OnReason, OnReason, Clear, Clear], [true; 4]),
        (Role::TownshipHead, [OnReason, OnReason, Clear, Clear], [true; 4]),
        (Role::TownshipParty, [Hidden, OnReason, Hidden, Hidden], [false; 4]),
        (Role::CityDuty, [Hidden; 4], [false; 4]),
        (Role::CityDepartment, [Hidden; 4], [false; 4]),
        (Role::CityLeader, [Hidden; 4], [false; 4]),
        (Role::PrivacyOfficer, [Hidden; 4], [false; 4]),
        (Role::SystemAdmin, [Hidden; 4], [false; 4]),
    ];

    fn keys(what: Sensitive) -> (Kind, &'static [&'static str]) {
        match what {
            Sensitive::IdNumber => (Kind::Person, &["id_number"]),
            Sensitive::Phone => (Kind::Person, &["phone/01ABC.number", "kin/01ABC.phone"]),
            Sensitive::Health => (Kind::Welfare, &["disability.grade", "disability.nature"]),
            Sensitive::Money => (Kind::Welfare, &["support_status"]),
        }
    }

    #[test]
    fn every_role_reads_and_writes_what_the_table_says() {
        for (role, reads, writes) in TABLE {
            for ((what, read), write) in Sensitive::ALL.iter().zip(reads).zip(writes) {
                assert_eq!(read_right(*role, *what), *read, "{role:?} reads {what:?}");
                let (kind, keys) = keys(*what);
                let holds = may_read(*role, kind.class());
                assert!(
                    *read != Hidden || kind == Kind::Person || !holds,
                    "{role:?} holds {what:?} for nothing"
                );
                for key in keys {
                    assert_eq!(Sensitive::of_key(kind, key), Some(*what), "{key}");
                    assert_eq!(may_write_key(*role, kind, key), *write, "{role:?} writes {key}");
                }
            }
        }
    }

    #[test]
    fn a_code_is_the_same_in_every_form() {
        for what in Sensitive::ALL {
            assert_eq!(serde_json::to_value(what).unwrap(), what.code());
            assert_eq!(Sensitive::of_code(what.code()), Some(*what));
        }
    }

    #[test]
    fn a_village_worker_writes_a_person_but_no_benefits() {
        let may = |key| may_write_key(Role::VillageWorker, Kind::Person, key);
        assert!(["name", "address", "phone/01ABC.owner", "death.on"].into_iter().all(may));
        assert!(!["entitlement/martyr", "entitlements_confirmed_on"].into_iter().any(may));
        assert!(!may_write_key(Role::VillageWorker, Kind::Party, "status"));
    }
}
