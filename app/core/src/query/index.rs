//! The rows of a phone in memory: by document, people in the order of their names, visits by person and by day.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    row::{Row, RowBody},
    search::NameKey,
};
use crate::record::{Date, DocId, Kind, UnitId};

/// A person with what the search needs.
#[derive(Clone, Debug)]
pub struct PersonEntry {
    /// The row.
    pub row: Arc<Row>,
    /// The name's readings.
    pub key: Arc<NameKey>,
}

/// All rows of this phone.
#[derive(Clone, Debug, Default)]
pub struct Index {
    rows: BTreeMap<DocId, Arc<Row>>,
    people: BTreeMap<(String, DocId), PersonEntry>,
    /// Visits and contacts of a person, oldest first.
    visits: BTreeMap<DocId, BTreeSet<(Option<Date>, DocId)>>,
    /// Visits and contacts by day.
    days: BTreeSet<(Option<Date>, DocId)>,
    memberships: BTreeMap<DocId, DocId>,
}

impl Index {
    /// Puts rows in, in place of older ones of the same documents.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Arc<Row>>) {
        for row in rows {
            self.insert(row);
        }
    }

    fn insert(&mut self, row: Arc<Row>) {
        if let Some(old) = self.rows.insert(row.doc, Arc::clone(&row)) {
            self.unlink(&old);
        }
        match &row.body {
            RowBody::Person(person) => {
                let key = Arc::new(NameKey::of(&person.name));
                self.people.insert((key.sort_key(), row.doc), PersonEntry { row, key });
            }
            RowBody::Party(party) => {
                if let Some(person) = party.person {
                    self.memberships.insert(person, row.doc);
                }
            }
            RowBody::Welfare => {}
            RowBody::Visit(_) | RowBody::Contact(_) => {
                let Some(visit) = row.visit() else { return };
                self.days.insert((visit.happened_on, row.doc));
                for person in &visit.people {
                    self.visits.entry(*person).or_default().insert((visit.happened_on, row.doc));
                }
            }
        }
    }

    fn unlink(&mut self, old: &Row) {
        if let Some(person) = old.person() {
            self.people.remove(&(NameKey::of(&person.name).sort_key(), old.doc));
        }
        if let Some(visit) = old.visit() {
            self.days.remove(&(visit.happened_on, old.doc));
            for person in &visit.people {
                if let Some(visits) = self.visits.get_mut(person) {
                    visits.remove(&(visit.happened_on, old.doc));
                }
            }
        }
    }

    /// Takes a document out (its unit left the phone's scope).
    pub fn remove(&mut self, doc: DocId) {
        if let Some(old) = self.rows.remove(&doc) {
            self.unlink(&old);
            self.memberships.retain(|_, membership| *membership != doc);
        }
    }

    /// The row of a document.
    #[must_use]
    pub fn row(&self, doc: DocId) -> Option<&Arc<Row>> {
        self.rows.get(&doc)
    }

    /// How many documents of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.rows.values().filter(|row| row.kind() == kind).count()
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows, by document.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values()
    }

    /// All people in the order of their names' readings.
    pub fn people(&self) -> impl Iterator<Item = &PersonEntry> {
        self.people.values()
    }

    /// The people that a typed text finds (a name, pinyin in full or by initials, the end of a phone or ID number), of one
    /// unit or of all, in the order of their names. An empty text finds all.
    #[must_use]
    pub fn search(&self, text: &str, unit: Option<UnitId>) -> Vec<Arc<Row>> {
        let query = super::search::Query::of(text);
        let fits =
            |entry: &&PersonEntry| unit.is_none_or(|unit| entry.row.unit == unit) && query.finds(entry);
        self.people.values().filter(fits).map(|entry| Arc::clone(&entry.row)).collect()
    }

    /// Visits and contacts of a person, newest first.
    #[must_use]
    pub fn visits_of(&self, person: DocId) -> Vec<Arc<Row>> {
        let visits = self.visits.get(&person).into_iter().flatten().rev();
        visits.filter_map(|(_, doc)| self.rows.get(doc).cloned()).collect()
    }

    /// Visits and contacts, newest first.
    pub fn recent(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.days.iter().rev().filter_map(|(_, doc)| self.rows.get(doc))
    }

    /// A person's Party membership.
    #[must_use]
    pub fn membership_of(&self, person: DocId) -> Option<&Arc<Row>> {
        self.rows.get(self.memberships.get(&person)?)
    }
}
