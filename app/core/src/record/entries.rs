//! The flat form of a record: scalars under text keys, as they stand under the root of an Automerge document.
//!
//! Collections are entries of the root too (`phone/<id>.number`, `need/medical`), so that any two phones merge field by
//! field and no nested object can shadow another.
use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::list::ValueList;
use crate::gather;

/// A scalar of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Value {
    /// Text; also the form of dates, codes and references.
    #[n(0)]
    Text(#[n(0)] String),
    /// A whole number.
    #[n(1)]
    Int(#[n(0)] i64),
    /// Yes or no; `true` is "in the set".
    #[n(2)]
    Bool(#[n(0)] bool),
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(_) | Self::Bool(_) => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }
}

/// The flat entries of one record, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Entries(#[n(0)] pub BTreeMap<String, Value>);

impl Entries {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The text of a key; `None` also for an empty text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A text that parses as `T` (a date, a code, an id).
    #[must_use]
    pub fn parsed<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(Value::as_text)?.parse().ok()
    }

    /// A number that fits `T`.
    #[must_use]
    pub fn int<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(Value::as_int).and_then(|number| T::try_from(number).ok())
    }

    /// Whether a key is set to yes.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    /// The members of the set `<prefix>/<member>` that parse as `T`.
    #[must_use]
    pub fn set<T: std::str::FromStr + Ord>(&self, prefix: &str) -> BTreeSet<T> {
        let members = self.under(prefix).filter(|(_, value)| **value == Value::Bool(true));
        gather(members.filter_map(|(member, _)| member.parse().ok()))
    }

    /// The ids of the list `<prefix>/<id>.<field>`, without those marked removed.
    #[must_use]
    pub fn ids(&self, prefix: &str) -> Vec<String> {
        // The fields of one entry stand together, since keys are in order.
        let mut ids: Vec<&str> =
            self.under(prefix).filter_map(|(rest, _)| rest.split_once('.')).map(|(id, _)| id).collect();
        ids.dedup();
        ids.into_iter()
            .filter(|id| !self.flag(&format!("{prefix}/{id}.removed")))
            .map(str::to_owned)
            .collect()
    }

    fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?.strip_prefix('/')?, value)))
    }

    /// Sets a text if there is one.
    pub fn put_text(&mut self, key: &str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.0.insert(key.to_owned(), Value::Text(text.to_string()));
        }
    }

    /// Sets a number if there is one.
    pub fn put_int(&mut self, key: &str, number: Option<impl Into<i64>>) {
        if let Some(number) = number {
            self.0.insert(key.to_owned(), Value::Int(number.into()));
        }
    }

    /// Sets a yes.
    pub fn put_flag(&mut self, key: &str, flag: bool) {
        if flag {
            self.0.insert(key.to_owned(), Value::Bool(true));
        }
    }

    /// Sets the members of a set.
    pub fn put_set<T: ToString>(&mut self, prefix: &str, members: impl IntoIterator<Item = T>) {
        for member in members {
            self.0.insert(format!("{prefix}/{}", member.to_string()), Value::Bool(true));
        }
    }

    /// Sets a code of a value list if there is one.
    pub fn put_code<T: ValueList>(&mut self, key: &str, value: Option<T>) {
        self.put_text(key, value.map(ValueList::code));
    }
}

/// A change of entries: what to set and what to take away. Only keys in it make operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch(pub BTreeMap<String, Option<Value>>);

impl Patch {
    /// What must change so that a record that said `before` says `after`. A set member or list entry that went is kept
    /// as a "no": a removal is an entry too, so that it merges as a fact and not as a hole.
    #[must_use]
    pub fn between(before: &Entries, after: &Entries) -> Self {
        let mut patch = BTreeMap::new();
        for (key, value) in &after.0 {
            if before.get(key) != Some(value) {
                patch.insert(key.clone(), Some(value.clone()));
            }
        }
        for (key, value) in &before.0 {
            if after.get(key).is_none() {
                let gone = match value {
                    Value::Bool(true) if key.contains('/') => Some(Value::Bool(false)),
                    Value::Text(_) | Value::Int(_) | Value::Bool(_) => None,
                };
                patch.insert(key.clone(), gone);
            }
        }
        Self(patch)
    }

    /// A patch that sets one key; the way to choose between concurrent values.
    #[must_use]
    pub fn set(key: &str, value: Value) -> Self {
        Self(gather([(key.to_owned(), Some(value))]))
    }

    /// Whether nothing is to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Entries> for Patch {
    fn from(entries: Entries) -> Self {
        Self(gather(entries.0.into_iter().map(|(key, value)| (key, Some(value)))))
    }
}
