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
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: &'static [Self] = &[Self::Person, Self::Party, Self::Visit, Self::Contact];

    /// The code on the wire and in the stores.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::Party => 2,
            Self::Visit => 3,
            Self::Contact => 4,
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
        }
    }
}
