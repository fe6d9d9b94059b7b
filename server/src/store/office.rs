//! What the office reads: projections of people, visits and contacts, written with each accepted change.
//!
//! Names are here since the office must find people; numbers are here only masked.

use serde::Serialize;
use utoipa::ToSchema;
use zoufang_core::record::{DocId, Timestamp, UnitId, UserId};

/// What a document says to the office.
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
    /// The name.
    pub name: String,
    /// Name, pinyin, initials, last four digits of phones and ID: what a search looks into, in lower case.
    pub search: String,
    /// Code of the person's kind.
    pub kind: Option<String>,
    /// Year of birth, to tell two people of one name apart.
    pub birth_year: Option<i32>,
    /// The first phone, masked.
    pub phone_masked: Option<String>,
    /// The ID number, masked.
    pub id_masked: Option<String>,
}

/// A visit in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitProjection {
    /// The day, `YYYY-MM-DD`; empty if it cannot be read.
    pub happened_on: String,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Code of the result.
    pub result: Option<String>,
    /// Codes of the reasons.
    pub reasons: Vec<String>,
    /// Codes of the needs.
    pub needs: Vec<String>,
    /// The people visited.
    pub people: Vec<DocId>,
    /// The author.
    pub created_by: UserId,
    /// When its first change came.
    pub received_at: Timestamp,
}

/// A contact in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactProjection {
    /// The day, `YYYY-MM-DD`; empty if it cannot be read.
    pub happened_on: String,
    /// The Party member.
    pub person: Option<DocId>,
    /// Code of the topic.
    pub topic: Option<String>,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Code of the result.
    pub result: Option<String>,
    /// The author.
    pub created_by: UserId,
    /// When its first change came.
    pub received_at: Timestamp,
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

/// Which people to list.
#[derive(Clone, Debug, Default)]
pub struct PeopleFilter {
    /// Of these units.
    pub units: Vec<UnitId>,
    /// In lower case; empty finds everybody.
    pub text: String,
    /// Only people after this unit and id.
    pub after: Option<(UnitId, DocId)>,
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
    /// Names of the people visited, in the order of `visit.people`; empty where a file is missing.
    pub names: Vec<String>,
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
    /// Name of the Party member; empty where the file is missing.
    pub name: String,
}

/// One person in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonLine {
    /// The document.
    pub doc: DocId,
    /// The unit.
    pub unit: UnitId,
    /// What the list shows.
    pub person: PersonProjection,
    /// Day of the last visit.
    pub last_visit_on: Option<String>,
}
