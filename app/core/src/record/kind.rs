//! The record kinds. A new kind is added here, in its shape table, its row and its pages, and nowhere else.
use minicbor::{Decode, Encode};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// A person's file (人员档案).
    #[n(1)]
    Person,
    /// A Party membership (党籍), apart from the person's file since it has its own authority.
    #[n(2)]
    Party,
    /// A visit log (走访日志).
    #[n(3)]
    Visit,
    /// A Party-member contact record (党员联系记录).
    #[n(4)]
    Contact,
    /// What a person's pension and help rest on: disability, hardship (保障情况). Apart from the person's file since fewer may read it.
    #[n(5)]
    Welfare,
}

/// What a log holds. A role gets those of a unit's logs that it may read, so a phone does not even hold the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// People's files, Party memberships, contacts with Party members.
    Files = 0,
    /// What was said and done at visits.
    Visits = 1,
    /// Disability and hardship.
    Welfare = 2,
}

impl Class {
    /// All classes.
    pub const ALL: &'static [Self] = &[Self::Files, Self::Visits, Self::Welfare];
}

impl Kind {
    /// In which of a unit's logs documents of the kind stand.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Person | Self::Party | Self::Contact => Class::Files,
            Self::Visit => Class::Visits,
            Self::Welfare => Class::Welfare,
        }
    }

    /// All kinds, in the order of their codes.
    pub const ALL: &'static [Self] = &[Self::Person, Self::Party, Self::Visit, Self::Contact, Self::Welfare];

    /// The code on the wire and in the stores.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::Party => 2,
            Self::Visit => 3,
            Self::Contact => 4,
            Self::Welfare => 5,
        }
    }

    /// The kind of a code.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// The name used in logs, tables and the JSON API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Party => "party",
            Self::Visit => "visit",
            Self::Contact => "contact",
            Self::Welfare => "welfare",
        }
    }
}
