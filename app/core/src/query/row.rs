//! Rows: of each document what lists and searches show, small enough for ten thousand of them in memory.
//!
//! Sensitive fields are not in rows; an ID number is there only masked.
use minicbor::{Decode, Encode};

use crate::{
    document::{Document, shape},
    gather,
    record::{
        ChangeHash, Contact, Date, DocId, Entries, Kind, PartialDate, Party, Person, Record, Timestamp,
        UnitId, UserId, Visit, id_number,
        list::{
            Channel, ContactWish, Entitlement, Floating, NeedTopic, PartyContactTopic, PartyStatus,
            PersonKind, PhoneOwner, Residence, Sex, VisitReason, VisitResult,
        },
    },
    sync::scan::Scanned,
};

/// Longest piece of the facts that a row holds, in characters.
pub const EXCERPT_CHARS: usize = 40;

/// One document in a list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Row {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// The unit in whose log it stands.
    #[n(1)]
    pub unit: UnitId,
    /// The heads that the row was made from, sorted.
    #[n(2)]
    pub heads: Vec<ChangeHash>,
    /// Who made the document.
    #[n(3)]
    pub created_by: UserId,
    /// When, by the clock of the phone it was made on.
    #[n(4)]
    pub created_at: Timestamp,
    /// How many fields wait for a person's choice.
    #[n(5)]
    pub conflicts: u32,
    /// What the kind adds.
    #[n(6)]
    pub body: RowBody,
}

/// What the kind adds to a row.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RowBody {
    /// A person's file.
    #[n(1)]
    Person(#[n(0)] PersonRow),
    /// A Party membership.
    #[n(2)]
    Party(#[n(0)] PartyRow),
    /// A visit log.
    #[n(3)]
    Visit(#[n(0)] VisitRow),
    /// A Party-member contact.
    #[n(4)]
    Contact(#[n(0)] ContactRow),
    /// What a person's pension and help rest on; a row says nothing of it.
    #[n(5)]
    Welfare,
}

/// A person in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PersonRow {
    /// Name.
    #[n(0)]
    pub name: String,
    /// Kind.
    #[n(1)]
    pub kind: Option<PersonKind>,
    /// Sex.
    #[n(2)]
    pub sex: Option<Sex>,
    /// Birth.
    #[n(3)]
    pub birth: Option<PartialDate>,
    /// The ID number, masked; its last four characters can be searched.
    #[n(4)]
    pub id_masked: Option<String>,
    /// Numbers and whose they are.
    #[n(5)]
    pub phones: Vec<(String, Option<PhoneOwner>)>,
    /// Address.
    #[n(6)]
    pub address: Option<String>,
    /// Residence.
    #[n(7)]
    pub residence: Option<Residence>,
    /// Entitlements.
    #[n(8)]
    pub entitlements: Vec<Entitlement>,
    /// Whether visits are welcome.
    #[n(9)]
    pub contact_wish: Option<ContactWish>,
    /// Day of death.
    #[n(10)]
    pub death_on: Option<Date>,
}

/// A Party membership in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PartyRow {
    /// The member's file.
    #[n(0)]
    pub person: Option<DocId>,
    /// Status.
    #[n(1)]
    pub status: Option<PartyStatus>,
    /// Floating.
    #[n(2)]
    pub floating: Option<Floating>,
}

/// A visit in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct VisitRow {
    /// The people visited.
    #[n(0)]
    pub people: Vec<DocId>,
    /// The day.
    #[n(1)]
    pub happened_on: Option<Date>,
    /// Who went.
    #[n(2)]
    pub visitors: Vec<UserId>,
    /// How.
    #[n(3)]
    pub channel: Option<Channel>,
    /// What came of it.
    #[n(4)]
    pub result: Option<VisitResult>,
    /// Why.
    #[n(5)]
    pub reasons: Vec<VisitReason>,
    /// What is needed.
    #[n(6)]
    pub needs: Vec<NeedTopic>,
    /// The beginning of the facts.
    #[n(7)]
    pub excerpt: Option<String>,
}

/// A Party-member contact in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ContactRow {
    /// What a visit has, too.
    #[n(0)]
    pub visit: VisitRow,
    /// What it was about.
    #[n(1)]
    pub topic: Option<PartyContactTopic>,
}

impl Row {
    /// The row of a document that stands in the log of `unit`.
    #[must_use]
    pub fn of(doc: DocId, document: &Document, unit: UnitId) -> Self {
        let entries = document.entries();
        let conflicts = u32::try_from(document.conflicts().len()).unwrap_or(u32::MAX);
        Self { heads: document.heads(), conflicts, ..Self::saying((doc, document.kind(), unit), &entries) }
    }

    /// The row of a document that is one change, which builds on nothing: what [`Self::of`] says of it, without opening it. `None`
    /// if it builds on something.
    #[must_use]
    pub fn of_first(doc: DocId, kind: Kind, first: Scanned, unit: UnitId) -> Option<Self> {
        if !first.deps.is_empty() {
            return None;
        }
        let shape = shape::of(kind);
        let known = first.ops.into_iter().filter(|op| shape.field(&op.key).is_some());
        let entries = Entries(gather(known.filter_map(|op| Some((op.key, op.value?)))));
        Some(Self { heads: vec![first.hash], ..Self::saying((doc, kind, unit), &entries) })
    }

    /// The row of what a document says, without its heads.
    fn saying((doc, kind, unit): (DocId, Kind, UnitId), entries: &Entries) -> Self {
        let body = match kind {
            Kind::Person => RowBody::Person(person(&Person::from_entries(entries))),
            Kind::Party => {
                let party = Party::from_entries(entries);
                RowBody::Party(PartyRow {
                    person: party.person,
                    status: party.status,
                    floating: party.floating,
                })
            }
            Kind::Visit => RowBody::Visit(visit(&Visit::from_entries(entries))),
            Kind::Contact => {
                let contact = Contact::from_entries(entries);
                RowBody::Contact(ContactRow { visit: visit(&contact.visit), topic: contact.topic })
            }
            Kind::Welfare => RowBody::Welfare,
        };
        Self {
            doc,
            unit,
            heads: Vec::new(),
            created_by: entries.int("created_by").map(UserId).unwrap_or_default(),
            created_at: entries.int("created_at").map(Timestamp).unwrap_or_default(),
            conflicts: 0,
            body,
        }
    }

    /// The kind of the document.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.body {
            RowBody::Person(_) => Kind::Person,
            RowBody::Party(_) => Kind::Party,
            RowBody::Visit(_) => Kind::Visit,
            RowBody::Contact(_) => Kind::Contact,
            RowBody::Welfare => Kind::Welfare,
        }
    }

    /// The person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonRow> {
        match &self.body {
            RowBody::Person(row) => Some(row),
            RowBody::Party(_) | RowBody::Visit(_) | RowBody::Contact(_) | RowBody::Welfare => None,
        }
    }

    /// The visit, or the visit in a contact.
    #[must_use]
    pub fn visit(&self) -> Option<&VisitRow> {
        match &self.body {
            RowBody::Visit(row) => Some(row),
            RowBody::Contact(row) => Some(&row.visit),
            RowBody::Person(_) | RowBody::Party(_) | RowBody::Welfare => None,
        }
    }
}

fn person(person: &Person) -> PersonRow {
    PersonRow {
        name: person.name.clone(),
        kind: person.kind,
        sex: person.sex,
        birth: person.birth,
        id_masked: person.id_number.as_deref().map(id_number::masked),
        phones: person.phones.values().map(|phone| (phone.number.clone(), phone.owner)).collect(),
        address: person.address.clone(),
        residence: person.residence,
        entitlements: person.entitlements.iter().copied().collect(),
        contact_wish: person.contact_wish,
        death_on: person.death_on,
    }
}

fn visit(visit: &Visit) -> VisitRow {
    VisitRow {
        people: visit.people.iter().copied().collect(),
        happened_on: visit.happened_on,
        visitors: visit.visitors.iter().copied().collect(),
        channel: visit.channel,
        result: visit.result,
        reasons: visit.reasons.iter().copied().collect(),
        needs: visit.needs.iter().copied().collect(),
        excerpt: visit.facts.as_ref().map(|facts| facts.chars().take(EXCERPT_CHARS).collect()),
    }
}
