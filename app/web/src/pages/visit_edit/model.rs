//! The form of a visit or contact: the record itself, since all of it is chosen or free text.
use zoufang_core::{
    gather,
    query::Index,
    record::{
        Contact, DocId, Entries, Kind, Record, UnitId, UserId, Visit,
        visit::{Goods, Promise, VisitFault},
    },
};

use crate::{
    components::error_summary::Fault,
    i18n::t,
    platform::{clock, random},
};

/// The form; a visit uses only the visit in the contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VisitForm {
    /// Visit or contact.
    pub(crate) kind: Kind,
    /// What was answered.
    pub(crate) contact: Contact,
}

impl VisitForm {
    /// A new one, of today, by the user.
    pub(crate) fn new(kind: Kind, person: Option<DocId>, user: Option<UserId>) -> Self {
        let visit = Visit {
            people: gather(person),
            happened_on: Some(clock::today()),
            visitors: gather(user),
            ..Visit::default()
        };
        Self { kind, contact: Contact { visit, ..Contact::default() } }
    }

    /// Of a record's entries, or a draft's.
    pub(crate) fn of(kind: Kind, entries: &Entries) -> Self {
        Self { kind, contact: Contact::from_entries(entries) }
    }

    /// What keeps it from being saved.
    pub(crate) fn faults(&self) -> Vec<VisitFault> {
        let (today, contact) = (clock::today(), self.cleaned(None));
        if self.kind == Kind::Contact { contact.faults(today) } else { contact.visit.faults(today) }
    }

    /// The unit in whose log it belongs: that of the first person visited.
    pub(crate) fn unit(&self, index: &Index, home: UnitId) -> UnitId {
        let first = self.contact.visit.people.iter().find_map(|person| index.row(*person));
        first.map_or(home, |row| row.unit)
    }

    /// Whether the day is so long ago that a reason is asked.
    pub(crate) fn is_late(&self) -> bool {
        self.contact.visit.happened_on.is_some_and(|day| clock::today().days_since(day) > Visit::LATE_DAYS)
    }

    /// Adds an empty line of goods.
    pub(crate) fn add_goods(&mut self) {
        self.contact.visit.goods.insert(random::entry_id(), Goods::default());
    }

    /// Adds an empty promise, to be kept by `who` unless another name is typed.
    pub(crate) fn add_promise(&mut self, who: Option<String>) {
        self.contact.visit.promises.insert(random::entry_id(), Promise { who, ..Promise::default() });
    }

    /// The record to write; who made a record and when stays as it is.
    pub(crate) fn cleaned(&self, user: Option<UserId>) -> Contact {
        let mut contact = self.contact.clone();
        let visit = &mut contact.visit;
        visit.created = visit.created.or(user.map(|user| (user, clock::now())));
        visit.goods.retain(|_, goods| !goods.what.trim().is_empty());
        visit.promises.retain(|_, promise| !promise.what.trim().is_empty());
        for text in [
            &mut visit.late_reason,
            &mut visit.facts,
            &mut visit.told_person,
            &mut contact.took_part_where,
            &mut contact.wishes,
        ] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        }
        contact
    }
}

/// A text as a record keeps it: nothing if it is empty.
pub(crate) fn some_text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The field of a fault, and its words.
pub(crate) fn fault_words(fault: VisitFault) -> Fault {
    let (field, words) = match fault {
        VisitFault::NoPerson => ("people", t::fault_no_person().to_owned()),
        VisitFault::TooManyPeople => ("people", t::fault_too_many(Visit::PEOPLE_MAX)),
        VisitFault::NoDate => ("happened_on", t::fault_no_date().to_owned()),
        VisitFault::InFuture => ("happened_on", t::fault_future().to_owned()),
        VisitFault::LateWithoutReason => ("late_reason", t::fault_late(Visit::LATE_DAYS)),
        VisitFault::NoVisitor => ("visitors", t::fault_no_visitor().to_owned()),
        VisitFault::NoChannel => ("channel", t::fault_no_channel().to_owned()),
        VisitFault::NoResult => ("result", t::fault_no_result().to_owned()),
        VisitFault::NoReason => ("reasons", t::fault_no_reason().to_owned()),
        VisitFault::NeedsWithoutFacts => ("facts", t::fault_needs_facts().to_owned()),
        VisitFault::FactsTooLong => ("facts", t::fault_too_long().to_owned()),
        VisitFault::ToldTooLong => ("told_person", t::fault_too_long().to_owned()),
        VisitFault::PromiseIncomplete => ("promises", t::fault_promise().to_owned()),
        VisitFault::TooManyPhotos | VisitFault::PhotoWithoutConsent => {
            ("photo_consent", t::fault_photo_consent().to_owned())
        }
        VisitFault::NoTopic => ("topic", t::fault_no_topic().to_owned()),
    };
    (field, words)
}
