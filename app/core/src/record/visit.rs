//! A visit log (走访日志): needs and facts, never an opinion about the person.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Date, DocId, Entries, Kind, Record, Timestamp, UserId,
    list::{Channel, NeedTopic, VisitReason, VisitResult},
    person::{put_created, read_created},
};
use crate::gather;

/// Something promised on a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// What.
    pub what: String,
    /// By whom, in words.
    pub who: Option<String>,
    /// By when.
    pub by: Option<Date>,
}

/// Goods or money brought along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// What.
    pub what: String,
    /// Its value in fen (1/100 yuan).
    pub value_fen: Option<i64>,
}

/// A note that somebody else added to a log that is no longer theirs to edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The text.
    pub text: String,
    /// Who wrote it.
    pub by: Option<UserId>,
    /// When, by the clock of the phone.
    pub at: Option<Timestamp>,
}

/// One visit to one household.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// The user who wrote the log, and when by the clock of the phone.
    pub created: Option<(UserId, Timestamp)>,
    /// The people visited, 1 to [`Visit::PEOPLE_MAX`].
    pub people: BTreeSet<DocId>,
    /// The day, as typed.
    pub happened_on: Option<Date>,
    /// Why it is logged more than 60 days late.
    pub late_reason: Option<String>,
    /// Who went.
    pub visitors: BTreeSet<UserId>,
    /// How.
    pub channel: Option<Channel>,
    /// What came of it.
    pub result: Option<VisitResult>,
    /// Why; one visit may settle several duties.
    pub reasons: BTreeSet<VisitReason>,
    /// What is needed.
    pub needs: BTreeSet<NeedTopic>,
    /// Facts; required where there are needs.
    pub facts: Option<String>,
    /// Policies explained, answers brought.
    pub told_person: Option<String>,
    /// Promises by entry id.
    pub promises: BTreeMap<String, Promise>,
    /// Goods by entry id.
    pub goods: BTreeMap<String, Goods>,
    /// SHA-256 in hex of each photo by entry id, at most [`Visit::PHOTOS_MAX`]; the photo itself is stored apart.
    pub photos: BTreeMap<String, String>,
    /// Whether those in the photos agreed; required with a photo.
    pub photo_consent: bool,
    /// The drawn signature: strokes of `x,y` points, `;` between strokes. Never a condition for help.
    pub signature: Option<String>,
    /// Notes of others by entry id.
    pub notes: BTreeMap<String, Note>,
}

impl Visit {
    /// The most people of one household in one visit.
    pub const PEOPLE_MAX: usize = 6;
    /// The most photos of one visit.
    pub const PHOTOS_MAX: usize = 3;
    /// Older visits need a reason, in days.
    pub const LATE_DAYS: i32 = 60;
}

/// What keeps a visit from being saved; each names the field to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VisitFault {
    /// No person chosen.
    NoPerson,
    /// More than [`Visit::PEOPLE_MAX`].
    TooManyPeople,
    /// No day.
    NoDate,
    /// The day is to come.
    InFuture,
    /// The day is more than [`Visit::LATE_DAYS`] back, and no reason is given.
    LateWithoutReason,
    /// No visitor.
    NoVisitor,
    /// No channel.
    NoChannel,
    /// No result.
    NoResult,
    /// No reason.
    NoReason,
    /// Needs without facts.
    NeedsWithoutFacts,
    /// Facts longer than [`super::super::document::shape::FACTS_CHARS_MAX`].
    FactsTooLong,
    /// What was told is longer than [`super::super::document::shape::TOLD_CHARS_MAX`].
    ToldTooLong,
    /// More than [`Visit::PHOTOS_MAX`] photos.
    TooManyPhotos,
    /// A photo without the consent of those in it.
    PhotoWithoutConsent,
    /// A promise without a day or somebody to keep it.
    PromiseIncomplete,
    /// A Party contact without a topic.
    NoTopic,
}

impl Visit {
    /// What keeps this visit from being saved on the day `today`, in the order of the form.
    #[must_use]
    pub fn faults(&self, today: Date) -> Vec<VisitFault> {
        use super::super::document::shape::{FACTS_CHARS_MAX, TOLD_CHARS_MAX};
        let longer =
            |text: &Option<String>, max: usize| text.as_ref().is_some_and(|text| text.chars().count() > max);
        let mut faults = Vec::new();
        let mut check = |wrong: bool, fault| {
            if wrong {
                faults.push(fault);
            }
        };
        check(self.people.is_empty(), VisitFault::NoPerson);
        check(self.people.len() > Self::PEOPLE_MAX, VisitFault::TooManyPeople);
        match self.happened_on {
            None => check(true, VisitFault::NoDate),
            Some(day) => {
                check(day > today, VisitFault::InFuture);
                let late = today.days_since(day) > Self::LATE_DAYS;
                check(late && self.late_reason.is_none(), VisitFault::LateWithoutReason);
            }
        }
        check(self.visitors.is_empty(), VisitFault::NoVisitor);
        check(self.channel.is_none(), VisitFault::NoChannel);
        check(self.result.is_none(), VisitFault::NoResult);
        check(self.reasons.is_empty(), VisitFault::NoReason);
        check(!self.needs.is_empty() && self.facts.is_none(), VisitFault::NeedsWithoutFacts);
        check(longer(&self.facts, FACTS_CHARS_MAX), VisitFault::FactsTooLong);
        check(longer(&self.told_person, TOLD_CHARS_MAX), VisitFault::ToldTooLong);
        let incomplete = |promise: &Promise| promise.who.is_none() || promise.by.is_none();
        check(self.promises.values().any(incomplete), VisitFault::PromiseIncomplete);
        check(self.photos.len() > Self::PHOTOS_MAX, VisitFault::TooManyPhotos);
        check(!self.photos.is_empty() && !self.photo_consent, VisitFault::PhotoWithoutConsent);
        faults
    }
}

impl Record for Visit {
    const KIND: Kind = Kind::Visit;

    fn from_entries(e: &Entries) -> Self {
        let promise = |id: String| {
            let what = e.text(&format!("promise/{id}.what"))?;
            let who = e.text(&format!("promise/{id}.who"));
            let by = e.parsed(&format!("promise/{id}.by"));
            Some((id, Promise { what, who, by }))
        };
        let goods = |id: String| {
            let what = e.text(&format!("goods/{id}.what"))?;
            let value_fen = e.int(&format!("goods/{id}.value_fen"));
            Some((id, Goods { what, value_fen }))
        };
        let photo = |id: String| {
            let sha256 = e.text(&format!("photo/{id}.sha256"))?;
            Some((id, sha256))
        };
        let note = |id: String| {
            let text = e.text(&format!("note/{id}.text"))?;
            let by = e.int(&format!("note/{id}.by")).map(UserId);
            let at = e.int(&format!("note/{id}.at")).map(Timestamp);
            Some((id, Note { text, by, at }))
        };
        Self {
            created: read_created(e),
            people: e.set("person"),
            happened_on: e.parsed("happened_on"),
            late_reason: e.text("late_reason"),
            visitors: e.set("visitor"),
            channel: e.parsed("channel"),
            result: e.parsed("result"),
            reasons: e.set("reason"),
            needs: e.set("need"),
            facts: e.text("facts"),
            told_person: e.text("told_person"),
            promises: gather(e.ids("promise").into_iter().filter_map(promise)),
            goods: gather(e.ids("goods").into_iter().filter_map(goods)),
            photos: gather(e.ids("photo").into_iter().filter_map(photo)),
            photo_consent: e.flag("photo_consent"),
            signature: e.text("signature"),
            notes: gather(e.ids("note").into_iter().filter_map(note)),
        }
    }

    fn to_entries(&self) -> Entries {
        let mut e = Entries::default();
        put_created(&mut e, self.created);
        e.put_set("person", &self.people);
        e.put_text("happened_on", self.happened_on);
        e.put_text("late_reason", self.late_reason.as_ref());
        e.put_set("visitor", &self.visitors);
        e.put_code("channel", self.channel);
        e.put_code("result", self.result);
        e.put_set("reason", &self.reasons);
        e.put_set("need", &self.needs);
        e.put_text("facts", self.facts.as_ref());
        e.put_text("told_person", self.told_person.as_ref());
        for (id, promise) in &self.promises {
            e.put_text(&format!("promise/{id}.what"), Some(&promise.what));
            e.put_text(&format!("promise/{id}.who"), promise.who.as_ref());
            e.put_text(&format!("promise/{id}.by"), promise.by);
        }
        for (id, goods) in &self.goods {
            e.put_text(&format!("goods/{id}.what"), Some(&goods.what));
            e.put_int(&format!("goods/{id}.value_fen"), goods.value_fen);
        }
        for (id, sha256) in &self.photos {
            e.put_text(&format!("photo/{id}.sha256"), Some(sha256));
        }
        e.put_flag("photo_consent", self.photo_consent);
        e.put_text("signature", self.signature.as_ref());
        for (id, note) in &self.notes {
            e.put_text(&format!("note/{id}.text"), Some(&note.text));
            e.put_int(&format!("note/{id}.by"), note.by.map(|user| user.0));
            e.put_int(&format!("note/{id}.at"), note.at.map(|at| at.0));
        }
        e
    }
}
