//! What the office reads: projections of people, visits and contacts, written with each accepted change.
//!
//! Names are here since the office must find people; numbers are here only masked. Units, days and ids lie in clear, since the store
//! lists by them.

use serde::Serialize;
use utoipa::ToSchema;
use zoufang_core::record::{DocId, Timestamp, UnitId, UserId};

/// What a document says to the office. What only a reader needs is a `body`, which the store neither reads nor compares: so it can be
/// sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// A person's file.
    Person(PersonProjection),
    /// A visit.
    Visit(VisitProjection),
    /// A contact with a Party member.
    Contact(ContactProjection),
    /// Nothing (a membership, or a document without what a list needs).
    Nothing,
}

/// A person in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PersonProjection {
    /// [`crate::projection::PersonSays`].
    pub body: Vec<u8>,
}

/// A visit in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitProjection {
    /// The day, `YYYY-MM-DD`; empty if it cannot be read.
    pub happened_on: String,
    /// The people visited.
    pub people: Vec<DocId>,
    /// The author.
    pub created_by: UserId,
    /// When its first change came.
    pub received_at: Timestamp,
    /// [`crate::projection::VisitSays`].
    pub body: Vec<u8>,
}

/// A contact in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactProjection {
    /// The day, `YYYY-MM-DD`; empty if it cannot be read.
    pub happened_on: String,
    /// The Party member.
    pub person: Option<DocId>,
    /// The author.
    pub created_by: UserId,
    /// When its first change came.
    pub received_at: Timestamp,
    /// [`crate::projection::ContactSays`].
    pub body: Vec<u8>,
}

/// Which visits or contacts to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these units.
    pub units: Vec<UnitId>,
    /// First day, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Last day.
    pub to: Option<String>,
    /// Only what comes after this day and id.
    pub after: Option<(String, DocId)>,
    /// At most so many.
    pub limit: u32,
}

/// Figures of one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnitFigures {
    /// The unit's id.
    #[schema(value_type = u32)]
    pub unit: UnitId,
    /// People on file.
    pub people: u64,
    /// Visits in the month asked for.
    pub visits_month: u64,
    /// Visits in all.
    pub visits: u64,
    /// Contacts with Party members in all.
    pub contacts: u64,
    /// When the last change came, in milliseconds since 1970; none if nothing came.
    pub last_received_ms: Option<i64>,
}

/// One visit in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitLine {
    /// The document.
    pub doc: DocId,
    /// Its unit.
    pub unit: UnitId,
    /// What it says.
    pub visit: VisitProjection,
    /// What the files of the people visited say, in the order of `visit.people`; none where a file is not in the visit's unit.
    pub people: Vec<Option<Vec<u8>>>,
}

/// One contact in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactLine {
    /// The document.
    pub doc: DocId,
    /// Its unit.
    pub unit: UnitId,
    /// What it says.
    pub contact: ContactProjection,
    /// What the Party member's file says; none where it is not in the contact's unit.
    pub person: Option<Vec<u8>>,
}

/// One person in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLine {
    /// The document.
    pub doc: DocId,
    /// The unit.
    pub unit: UnitId,
    /// What it says.
    pub person: PersonProjection,
}
