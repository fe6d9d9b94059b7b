//! What a document says to the office: made from the same rows that phones show, with numbers masked.

use zoufang_core::document::Document;
use zoufang_core::encode;
use zoufang_core::query::Row;
use zoufang_core::query::row::{PersonRow, RowBody, VisitRow};
use zoufang_core::query::search::NameKey;
use zoufang_core::record::list::ValueList;
use zoufang_core::record::{DocId, Timestamp, UnitId, UserId, phone};

use crate::store::office::{ContactProjection, PersonProjection, Projection, VisitProjection};

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
        RowBody::Person(person) => Projection::Person(of_person(person)),
        RowBody::Party(_) => Projection::Nothing,
        RowBody::Visit(visit) => Projection::Visit(of_visit(visit, created_by, received_at)),
        RowBody::Contact(contact) => Projection::Contact(ContactProjection {
            happened_on: day(&contact.visit),
            person: contact.visit.people.first().copied(),
            topic: contact.topic.map(code),
            channel: contact.visit.channel.map(code),
            result: contact.visit.result.map(code),
            created_by,
            received_at,
        }),
    };
    (encode(&row), projection)
}

fn of_person(person: &PersonRow) -> PersonProjection {
    let tails = person
        .phones
        .iter()
        .map(|(number, _)| number.as_str())
        .chain(person.id_masked.as_deref())
        .map(last_four);
    let key = NameKey::of(&person.name);
    let pinyin: String = key.sort_key().chars().filter(char::is_ascii_alphabetic).collect();
    let words = [person.name.to_lowercase(), pinyin, key.initials()].into_iter().chain(tails);
    PersonProjection {
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
        channel: visit.channel.map(code),
        result: visit.result.map(code),
        reasons: visit.reasons.iter().copied().map(code).collect(),
        needs: visit.needs.iter().copied().map(code).collect(),
        people: visit.people.clone(),
        created_by,
        received_at,
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
