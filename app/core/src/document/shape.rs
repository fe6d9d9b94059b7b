//! The shape table: every key that a document of a kind may have, its type and its merge class.
//!
//! The gate of the server refuses other keys; a reader leaves them alone. A key is a pattern: `*` stands for one entry
//! id or set member (`phone/*.number`, `need/*`).
use crate::record::{Kind, PartialDate, Value, list::ValueList};

mod party;
mod person;
mod visit;
mod welfare;

/// Longest facts of a visit, in characters.
pub const FACTS_CHARS_MAX: usize = 500;
/// Longest text of what was told, in characters.
pub const TOLD_CHARS_MAX: usize = 300;
/// Longest address, reason for a late entry, or promise, in characters.
pub const LINE_CHARS_MAX: usize = 200;
/// Longest line that says what was brought, in characters.
pub const GOODS_CHARS_MAX: usize = 100;
/// Longest name of a place at which somebody took part, in characters.
pub const TOOK_PART_CHARS_MAX: usize = 60;
/// Longest name of a person, or of a place far away, in characters.
pub const NAME_CHARS_MAX: usize = 40;
/// Longest signature, in characters: a drawing as its strokes, `x,y x,y …` and `;` between two strokes.
pub const SIGNATURE_CHARS_MAX: usize = 4_000;
/// Longest entry id or set member, in bytes.
const MEMBER_BYTES_MAX: usize = 40;

/// What happens to concurrent values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Both are kept and shown; a person chooses.
    Keep,
    /// Entries of a set or list: all stay; taking out is an entry too.
    Union,
    /// The newest by the writers' clocks is shown, the older stand in the history.
    Latest,
    /// Written by the record's author only; a correction is a new version, the old one stands in the history.
    Append,
    /// Goes forward only: the greatest value is shown.
    Forward,
}

/// What a value must be.
#[derive(Clone, Copy)]
pub enum FieldType {
    /// Text of at most so many characters.
    Text(usize),
    /// A whole number between the two.
    Int(i64, i64),
    /// A day.
    Date,
    /// A day that may lack its parts.
    PartialDate,
    /// A code that the list has.
    Code(fn(&str) -> bool),
    /// A document's id.
    Ref,
    /// Yes or no.
    Flag,
    /// Yes or no; the member must be a code of the list.
    FlagOf(fn(&str) -> bool),
}

/// One key of a shape.
pub struct Field {
    /// The key, or its pattern.
    pub key: &'static str,
    /// What its value must be.
    pub value: FieldType,
    /// Its merge class.
    pub merge: Merge,
    /// Whether it is sensitive (domain brief, section f 3): never in list views.
    pub sensitive: bool,
}

const fn field(key: &'static str, value: FieldType, merge: Merge) -> Field {
    Field { key, value, merge, sensitive: false }
}

const fn sensitive(key: &'static str, value: FieldType, merge: Merge) -> Field {
    Field { key, value, merge, sensitive: true }
}

fn code<T: ValueList>(code: &str) -> bool {
    T::of_code(code).is_some()
}

/// All keys of a kind.
pub struct Shape {
    /// The kind.
    pub kind: Kind,
    /// The keys, in one or more tables.
    tables: &'static [&'static [Field]],
}

/// The shape of a kind.
#[must_use]
pub fn of(kind: Kind) -> Shape {
    let tables: &'static [&'static [Field]] = match kind {
        Kind::Person => &[person::FIELDS],
        Kind::Party => &[party::FIELDS],
        Kind::Visit => &[visit::FIELDS],
        Kind::Contact => &[visit::FIELDS, visit::CONTACT_FIELDS],
        Kind::Welfare => &[welfare::FIELDS],
    };
    Shape { kind, tables }
}

impl Shape {
    /// The field of a key, if the shape has it.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields().find(|field| matches(field.key, key).is_some())
    }

    /// Where the field of a key stands in the order in which people read the record; unknown keys come last.
    #[must_use]
    pub fn place(&self, key: &str) -> usize {
        self.fields().position(|field| matches(field.key, key).is_some()).unwrap_or(usize::MAX)
    }

    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.tables.iter().copied().flatten()
    }
}

impl Field {
    /// Whether a value may stand under a key of this field.
    #[must_use]
    pub fn accepts(&self, key: &str, value: &Value) -> bool {
        match (self.value, value) {
            (FieldType::Text(max), Value::Text(text)) => text.chars().count() <= max,
            (FieldType::Int(min, max), Value::Int(number)) => (min..=max).contains(number),
            (FieldType::Date, Value::Text(text)) => text.parse::<crate::record::Date>().is_ok(),
            (FieldType::PartialDate, Value::Text(text)) => text.parse::<PartialDate>().is_ok(),
            (FieldType::Code(known), Value::Text(text)) => known(text),
            (FieldType::Ref, Value::Text(text)) => text.parse::<crate::record::DocId>().is_ok(),
            (FieldType::Flag, Value::Bool(_)) => true,
            (FieldType::FlagOf(known), Value::Bool(_)) => matches(self.key, key).flatten().is_some_and(known),
            (
                FieldType::Text(_)
                | FieldType::Int(..)
                | FieldType::Date
                | FieldType::PartialDate
                | FieldType::Code(_)
                | FieldType::Ref
                | FieldType::Flag
                | FieldType::FlagOf(_),
                Value::Text(_) | Value::Int(_) | Value::Bool(_),
            ) => false,
        }
    }
}

/// Whether a key fits a pattern, and what stood for its `*`.
fn matches<'k>(pattern: &str, key: &'k str) -> Option<Option<&'k str>> {
    match pattern.split_once('*') {
        None => (pattern == key).then_some(None),
        Some((head, tail)) => {
            let member = key.strip_prefix(head)?.strip_suffix(tail)?;
            let plain =
                !member.is_empty() && member.len() <= MEMBER_BYTES_MAX && !member.contains(['/', '.']);
            plain.then_some(Some(member))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_field_and_no_other() {
        let shape = of(Kind::Person);
        assert_eq!(shape.field("phone/01ABC.number").map(|field| field.key), Some("phone/*.number"));
        assert!(shape.field("phone/.number").is_none());
        assert!(shape.field("phone/a/b.number").is_none());
        assert!(shape.field("phone/01ABC.colour").is_none());
        assert!(shape.field("attitude").is_none(), "no field for opinions");
    }

    #[test]
    fn no_key_is_in_a_shape_twice() {
        for kind in Kind::ALL {
            let mut keys: Vec<&str> = of(*kind).fields().map(|field| field.key).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all, "{}", kind.name());
        }
    }

    #[test]
    fn values_are_held_to_their_type() {
        let shape = of(Kind::Visit);
        let accepts =
            |key: &str, value: Value| shape.field(key).is_some_and(|field| field.accepts(key, &value));
        assert!(accepts("need/medical", Value::Bool(true)));
        assert!(!accepts("need/attitude", Value::Bool(true)));
        assert!(accepts("facts", Value::Text("字".repeat(FACTS_CHARS_MAX))));
        assert!(!accepts("facts", Value::Text("字".repeat(FACTS_CHARS_MAX + 1))));
        assert!(!accepts("happened_on", Value::Text("2026-02-30".into())));
        assert!(!accepts("channel", Value::Int(1)));
    }
}
