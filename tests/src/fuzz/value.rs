//! What people type and what documents hold: dates, numbers, names, ids, keys and values.

use std::{fmt::Display, str::FromStr, sync::Arc};

use zoufang_core::{
    document::shape,
    query::{Index, Row, RowBody, row::PersonRow},
    record::{
        Contact, Date, DeviceId, DocId, Entries, Kind, PartialDate, Party, Person, Record, Timestamp, UnitId,
        UserId, Value, Visit, id_number, name::parse_name, phone,
    },
};

use super::pieces::Pieces;

/// Entries of a record in one input, at most.
const ENTRIES_MAX: usize = 64;

/// The whole input as a text, and then as the entries of a record.
pub(super) fn value(input: &[u8]) {
    let typed = String::from_utf8_lossy(input);
    text(&typed);
    let mut pieces = Pieces(input);
    date(Timestamp(pieces.long().cast_signed()), i32::from(pieces.number().cast_signed()));
    let mut entries = Entries::default();
    while !pieces.is_empty() && entries.0.len() < ENTRIES_MAX {
        let (kind, key) = (pieces.byte(), pieces.text());
        let value = match kind % 3 {
            0 => Value::Text(pieces.text()),
            1 => Value::Int(pieces.long().cast_signed()),
            _ => Value::Bool(pieces.byte() & 1 == 1),
        };
        entries.0.insert(key, value);
    }
    record(&entries);
}

/// What reads back as itself.
fn round<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert!(value.to_string().parse::<T>().is_ok_and(|again| again == value), "reads back");
    }
}

fn text(typed: &str) {
    round::<Date>(typed);
    round::<PartialDate>(typed);
    round::<DocId>(typed);
    round::<DeviceId>(typed);
    round::<UserId>(typed);
    round::<UnitId>(typed);
    if let Ok(number) = phone::parse_phone(typed) {
        assert_eq!(phone::parse_phone(&number).as_ref(), Ok(&number), "a cleaned number is clean");
        let _ = phone::looks_complete(&number);
    }
    assert_eq!(phone::masked(typed).chars().count(), typed.chars().count());
    if let Ok(name) = parse_name(typed) {
        assert_eq!(parse_name(&name).as_ref(), Ok(&name), "a cleaned name is clean");
        find(&name, typed);
    }
    let number = id_number::normalise(typed);
    assert_eq!(id_number::normalise(&number), number, "a cleaned number is clean");
    for number in [typed, &number] {
        let (birth, sex) = (id_number::birth(number), id_number::sex(number));
        let _ = id_number::warnings(number, birth.map(PartialDate::Day), sex);
        assert_eq!(id_number::masked(number).chars().count(), number.chars().count());
        let _ = id_number::check_character(number);
    }
    for kind in Kind::ALL {
        if let Some(field) = shape::of(*kind).field(typed) {
            for value in [Value::Text(typed.to_owned()), Value::Int(-1), Value::Bool(true)] {
                let _ = field.accepts(typed, &value);
            }
        }
    }
}

/// A person of this name is found by it, and any text may be searched for.
fn find(name: &str, typed: &str) {
    let body = RowBody::Person(PersonRow { name: name.to_owned(), ..PersonRow::default() });
    let row = Row {
        doc: DocId([1; 16]),
        unit: UnitId(1),
        heads: Vec::new(),
        created_by: UserId(1),
        created_at: Timestamp(0),
        conflicts: 0,
        body,
    };
    let mut index = Index::default();
    index.extend([Arc::new(row)]);
    let _ = index.search(typed, None);
    let _ = index.search(name, Some(UnitId(1)));
}

fn date(at: Timestamp, days: i32) {
    let day = Date::in_china(at);
    let moved = day.plus_days(days);
    assert!(moved == day || moved.days_since(day) == days);
    assert!(day.weekday() < 7);
}

fn record(entries: &Entries) {
    let _ = Person::from_entries(entries).to_entries();
    let _ = Party::from_entries(entries).to_entries();
    let _ = Visit::from_entries(entries).faults(Date::in_china(Timestamp(0)));
    let contact = Contact::from_entries(entries);
    // What a record says of itself, it says again.
    assert_eq!(Contact::from_entries(&contact.to_entries()), contact);
    let person = Person::from_entries(entries);
    assert_eq!(Person::from_entries(&person.to_entries()), person);
}
