//! What a person's pension and help rest on (保障情况): its own document, in a log that only the township holds. Its id follows from the
//! person's ([`super::DocId::beside`]).
use super::{
    Entries, Kind, Record, Timestamp, UserId,
    list::{DisabilityNature, SupportStatus},
    person::{put_created, read_created},
};

/// Disability and hardship; no income, no property, no diagnosis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Welfare {
    /// The user who made the record, and when by the clock of the phone.
    pub created: Option<(UserId, Timestamp)>,
    /// Disability grade, 1 to 10.
    pub disability_grade: Option<u8>,
    /// Cause of the disability.
    pub disability_nature: Option<DisabilityNature>,
    /// Social assistance.
    pub support_status: Option<SupportStatus>,
}

impl Welfare {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { created: self.created, ..Self::default() }
    }
}

impl Record for Welfare {
    const KIND: Kind = Kind::Welfare;

    fn from_entries(e: &Entries) -> Self {
        Self {
            created: read_created(e),
            disability_grade: e.int("disability.grade"),
            disability_nature: e.parsed("disability.nature"),
            support_status: e.parsed("support_status"),
        }
    }

    fn to_entries(&self) -> Entries {
        let mut e = Entries::default();
        put_created(&mut e, self.created);
        e.put_int("disability.grade", self.disability_grade);
        e.put_code("disability.nature", self.disability_nature);
        e.put_code("support_status", self.support_status);
        e
    }
}
