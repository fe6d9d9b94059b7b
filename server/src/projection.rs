//! What a document says to the office: made from the same rows that phones show, with numbers masked.

use minicbor::{Decode, Encode};
use zoufang_core::document::Document;
use zoufang_core::encode;
use zoufang_core::query::Row;
use zoufang_core::query::row::{PersonRow, RowBody, VisitRow};
use zoufang_core::query::search::NameKey;
use zoufang_core::record::list::ValueList;
use zoufang_core::record::{DocId, Timestamp, UnitId, UserId, phone};

use crate::store::office::{ContactProjection, PersonProjection, Projection, VisitProjection};
use crate::store::{Result, StoreError};

/// A person in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub struct PersonSays {
    /// The name.
    #[n(0)]
    pub name: String,
    /// Name, pinyin, initials, last four digits of phones and ID: what a search looks into, in lower case.
    #[n(1)]
    pub search: String,
    /// Code of the person's kind.
    #[n(2)]
    pub kind: Option<String>,
    /// Year of birth, to tell two people of one name apart.
    #[n(3)]
    pub birth_year: Option<i32>,
    /// The first phone, masked.
    #[n(4)]
    pub phone_masked: Option<String>,
    /// The ID number, masked.
    #[n(5)]
    pub id_masked: Option<String>,
}

/// A visit in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub struct VisitSays {
    /// Code of the channel.
    #[n(0)]
    pub channel: Option<String>,
    /// Code of the result.
    #[n(1)]
    pub result: Option<String>,
    /// Codes of the reasons.
    #[n(2)]
    pub reasons: Vec<String>,
    /// Codes of the needs.
    #[n(3)]
    pub needs: Vec<String>,
}

/// A contact in the office's lists.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
pub struct ContactSays {
    /// Code of the topic.
    #[n(0)]
    pub topic: Option<String>,
    /// Code of the channel.
    #[n(1)]
    pub channel: Option<String>,
    /// Code of the result.
    #[n(2)]
    pub result: Option<String>,
}

/// What the body of a projection says.
///
/// # Errors
/// If it is none of ours.
pub fn said<'b, T: Decode<'b, ()>>(body: &'b [u8]) -> Result<T> {
    minicbor::decode(body).map_err(|_| StoreError::Corrupt("projection"))
}

/// The name that a person's file says; empty where there is none.
///
/// # Errors
/// If the body is none of ours.
pub fn name_in(body: Option<&[u8]>) -> Result<String> {
    body.map_or(Ok(String::new()), |body| said::<PersonSays>(body).map(|person| person.name))
}

/// The row of a document, encoded as the store keeps it, and its projection.
#[must_use]
pub fn of(
    doc: DocId,
    document: &Document,
    unit: UnitId,
    created_by: UserId,
    received_at: Timestamp,
) -> (Vec<u8>, Projection) {
    let row = Row::of(doc, document, unit);
    let projection = match &row.body {
        RowBody::Person(person) => Projection::Person(PersonProjection { body: encode(&of_person(person)) }),
        RowBody::Party(_) | RowBody::Welfare => Projection::Nothing,
        RowBody::Visit(visit) => Projection::Visit(of_visit(visit, created_by, received_at)),
        RowBody::Contact(contact) => Projection::Contact(ContactProjection {
            happened_on: day(&contact.visit),
            person: contact.visit.people.first().copied(),
            created_by,
            received_at,
            body: encode(&ContactSays {
                topic: contact.topic.map(code),
                channel: contact.visit.channel.map(code),
                result: contact.visit.result.map(code),
            }),
        }),
    };
    (encode(&row), projection)
}

fn of_person(person: &PersonRow) -> PersonSays {
    let tails = person
        .phones
        .iter()
        .map(|(number, _)| number.as_str())
        .chain(person.id_masked.as_deref())
        .map(last_four);
    let key = NameKey::of(&person.name);
    let pinyin: String = key.sort_key().chars().filter(char::is_ascii_alphabetic).collect();
    let words = [person.name.to_lowercase(), pinyin, key.initials()].into_iter().chain(tails);
    PersonSays {
        name: person.name.clone(),
        search: words.collect::<Vec<_>>().join(" "),
        kind: person.kind.map(code),
        birth_year: person.birth.map(|birth| birth.year()),
        phone_masked: person.phones.first().map(|(number, _)| phone::masked(number)),
        id_masked: person.id_masked.clone(),
    }
}

fn of_visit(visit: &VisitRow, created_by: UserId, received_at: Timestamp) -> VisitProjection {
    VisitProjection {
        happened_on: day(visit),
        people: visit.people.clone(),
        created_by,
        received_at,
        body: encode(&VisitSays {
            channel: visit.channel.map(code),
            result: visit.result.map(code),
            reasons: visit.reasons.iter().copied().map(code).collect(),
            needs: visit.needs.iter().copied().map(code).collect(),
        }),
    }
}

fn day(visit: &VisitRow) -> String {
    visit.happened_on.map(|day| day.to_string()).unwrap_or_default()
}

fn code<T: ValueList>(value: T) -> String {
    value.code().to_owned()
}

/// The last four characters in lower case, as far as they are not masked.
fn last_four(number: &str) -> String {
    let chars: Vec<char> = number.chars().collect();
    let tail: String = chars[chars.len().saturating_sub(4)..].iter().collect();
    if tail.contains('*') { String::new() } else { tail.to_lowercase() }
}
