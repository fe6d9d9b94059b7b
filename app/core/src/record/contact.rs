//! A Party-member contact record (党员联系记录): a visit log with a topic. No text on views or attitude.
use super::{Date, Entries, Kind, Record, Visit, list::PartyContactTopic, visit::VisitFault};

/// One contact with a Party member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// What a visit log says, too.
    pub visit: Visit,
    /// What it was about.
    pub topic: Option<PartyContactTopic>,
    /// Where the member lately took part in Party life.
    pub took_part_where: Option<String>,
    /// When.
    pub took_part_on: Option<Date>,
    /// What the member would like the branch to do.
    pub wishes: Option<String>,
}

impl Contact {
    /// What keeps this contact from being saved on the day `today`.
    #[must_use]
    pub fn faults(&self, today: Date) -> Vec<VisitFault> {
        let mut faults = self.visit.faults(today);
        // The reason of a contact is the contact itself.
        faults.retain(|fault| *fault != VisitFault::NoReason);
        if self.topic.is_none() {
            faults.push(VisitFault::NoTopic);
        }
        faults
    }
}

impl Record for Contact {
    const KIND: Kind = Kind::Contact;

    fn from_entries(e: &Entries) -> Self {
        Self {
            visit: Visit::from_entries(e),
            topic: e.parsed("topic"),
            took_part_where: e.text("took_part.where"),
            took_part_on: e.parsed("took_part.on"),
            wishes: e.text("wishes"),
        }
    }

    fn to_entries(&self) -> Entries {
        let mut e = self.visit.to_entries();
        e.put_code("topic", self.topic);
        e.put_text("took_part.where", self.took_part_where.as_ref());
        e.put_text("took_part.on", self.took_part_on);
        e.put_text("wishes", self.wishes.as_ref());
        e
    }
}
