//! A Party membership (党籍): its own document, since it has its own authority and its own permission.
use std::collections::BTreeSet;

use super::{
    Date, DocId, Entries, Kind, PartialDate, Record, Timestamp, UserId,
    list::{Floating, PartyStatus},
    person::{put_created, read_created},
};

/// What is known of a membership. Fees, appraisal grades and opinions are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The user who made the record, and when by the clock of the phone.
    pub created: Option<(UserId, Timestamp)>,
    /// The member's file.
    pub person: Option<DocId>,
    /// Full, probationary, none.
    pub status: Option<PartyStatus>,
    /// When the member joined.
    pub joined: Option<PartialDate>,
    /// The branch that the member belongs to, in words.
    pub branch: Option<String>,
    /// Away for six months or more without a transfer, or here from elsewhere.
    pub floating: Option<Floating>,
    /// Away since.
    pub away_since: Option<Date>,
    /// Branches in which the member takes part (belongs to one, joins many).
    pub joins_at: BTreeSet<String>,
    /// Who keeps in touch.
    pub branch_contact: Option<String>,
}

impl Record for Party {
    const KIND: Kind = Kind::Party;

    fn from_entries(e: &Entries) -> Self {
        Self {
            created: read_created(e),
            person: e.parsed("person"),
            status: e.parsed("status"),
            joined: e.parsed("joined"),
            branch: e.text("branch"),
            floating: e.parsed("floating"),
            away_since: e.parsed("away_since"),
            joins_at: e.set("joins"),
            branch_contact: e.text("branch_contact"),
        }
    }

    fn to_entries(&self) -> Entries {
        let mut e = Entries::default();
        put_created(&mut e, self.created);
        e.put_text("person", self.person);
        e.put_code("status", self.status);
        e.put_text("joined", self.joined);
        e.put_text("branch", self.branch.as_ref());
        e.put_code("floating", self.floating);
        e.put_text("away_since", self.away_since);
        e.put_set("joins", &self.joins_at);
        e.put_text("branch_contact", self.branch_contact.as_ref());
        e
    }
}
