//! The form of a person's file: the record, and what is typed but cannot be read as a value yet.
use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::{
    gather,
    phone::DraftText,
    record::{
        ChangeHash, Entries, PartialDate, Patch, Person, Phone, Record, UserId, Value, id_number,
        id_number::IdWarning,
        list::PhoneOwner,
        name::{InvalidName, parse_name},
        phone::{looks_complete, parse_phone},
    },
};

use crate::{
    components::error_summary::Fault,
    i18n::t,
    platform::{clock, random},
};

/// Partial dates that are typed as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypedDate {
    Birth,
    Enlisted,
    Discharged,
}

impl TypedDate {
    /// The key in the record, and in the draft.
    fn key(self) -> &'static str {
        match self {
            Self::Birth => "birth",
            Self::Enlisted => "service.enlisted",
            Self::Discharged => "service.discharged",
        }
    }

    /// The id of the field.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Birth => "birth",
            Self::Enlisted => "enlisted",
            Self::Discharged => "discharged",
        }
    }
}

/// Before the id of a phone, in a draft.
const PHONE: &str = "phone/";

/// The form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonForm {
    /// What can be read. Phone numbers are here as typed until they are saved.
    pub(crate) person: Person,
    /// A new ID number; empty to leave the one in the file.
    pub(crate) id_typed: String,
    /// New numbers in place of those in the file, by entry id; empty to leave what is there.
    pub(crate) phones_typed: BTreeMap<String, String>,
    /// The phones of the file: their numbers are not shown in full here.
    in_file: BTreeSet<String>,
    typed: BTreeMap<&'static str, String>,
}

impl PersonForm {
    /// Of a record's entries.
    pub(crate) fn of(entries: Entries) -> Self {
        let person = Person::from_entries(&entries);
        let in_file = person.phones.keys().cloned().collect();
        Self { person, in_file, ..Self::default() }
    }

    /// What is kept while one types.
    pub(crate) fn draft(&self, base: Vec<ChangeHash>) -> DraftText {
        let mut text = DraftText { entries: self.person.to_entries(), base, ..DraftText::default() };
        text.typed.insert("id_number".to_owned(), self.id_typed.clone());
        for (id, typed) in &self.phones_typed {
            text.typed.insert(format!("{PHONE}{id}"), typed.clone());
        }
        for (key, typed) in &self.typed {
            text.typed.insert((*key).to_owned(), typed.clone());
        }
        text
    }

    /// With what an earlier draft holds.
    pub(crate) fn with_draft(&self, text: &DraftText) -> Self {
        let dates = [TypedDate::Birth, TypedDate::Enlisted, TypedDate::Discharged];
        let typed = |date: TypedDate| Some((date.key(), text.typed.get(date.key())?.clone()));
        Self {
            person: Person::from_entries(&text.entries),
            id_typed: text.typed.get("id_number").cloned().unwrap_or_default(),
            phones_typed: gather(text.typed.iter().filter_map(|(key, typed)| {
                Some((key.strip_prefix(PHONE)?.to_owned(), typed.clone()))
                    .filter(|(_, typed)| !typed.is_empty())
            })),
            in_file: self.in_file.clone(),
            typed: gather(dates.into_iter().filter_map(typed)),
        }
    }

    /// A date as it stands in its field.
    pub(crate) fn date_text(&self, date: TypedDate) -> String {
        let value = match date {
            TypedDate::Birth => self.person.birth,
            TypedDate::Enlisted => self.person.enlisted,
            TypedDate::Discharged => self.person.discharged,
        };
        self.typed
            .get(date.key())
            .cloned()
            .unwrap_or_else(|| value.map(|value| value.to_string()).unwrap_or_default())
    }

    /// Takes what is typed in a date's field; the value is set as soon as it can be read.
    pub(crate) fn type_date(&mut self, date: TypedDate, text: String) {
        let value = parse_typed_date(&text);
        let readable = text.trim().is_empty() || value.is_some();
        match date {
            TypedDate::Birth if readable => self.person.birth = value,
            TypedDate::Enlisted if readable => self.person.enlisted = value,
            TypedDate::Discharged if readable => self.person.discharged = value,
            TypedDate::Birth | TypedDate::Enlisted | TypedDate::Discharged => {}
        }
        self.typed.insert(date.key(), text);
    }

    /// Whether a phone is one of the file.
    pub(crate) fn is_in_file(&self, id: &str) -> bool {
        self.in_file.contains(id)
    }

    /// Takes what is typed in place of a number of the file.
    pub(crate) fn type_phone(&mut self, id: &str, text: String) {
        if text.is_empty() {
            self.phones_typed.remove(id);
        } else {
            self.phones_typed.insert(id.to_owned(), text);
        }
    }

    /// Adds an empty phone.
    pub(crate) fn add_phone(&mut self) {
        let phone = Phone { owner: Some(PhoneOwner::Own), ..Phone::default() };
        self.person.phones.insert(random::entry_id(), phone);
    }

    /// What keeps the form from being saved.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        match parse_name(&self.person.name) {
            Ok(_) => {}
            Err(InvalidName::Empty) => faults.push(("name", t::fault_name_empty().to_owned())),
            Err(InvalidName::TooLong | InvalidName::NotAName) => {
                faults.push(("name", t::fault_name().to_owned()))
            }
        }
        for date in [TypedDate::Birth, TypedDate::Enlisted, TypedDate::Discharged] {
            let text = self.date_text(date);
            if !text.trim().is_empty() && parse_typed_date(&text).is_none() {
                faults.push((date.field(), t::fault_date().to_owned()));
            }
        }
        // A number that looks wrong is taken, but the record has no room for a longer one.
        if id_number::normalise(&self.id_typed).chars().count() > id_number::CHARS_MAX {
            faults.push(("id_number", t::fault_id_long().to_owned()));
        }
        let numbers =
            self.person.phones.values().map(|phone| &phone.number).chain(self.phones_typed.values());
        if numbers.filter(|number| !number.trim().is_empty()).any(|number| parse_phone(number).is_err()) {
            faults.push(("phones", t::fault_phone().to_owned()));
        }
        faults
    }

    /// What looks wrong with the ID number. It is taken all the same.
    pub(crate) fn id_warning(&self) -> Option<String> {
        let number = id_number::normalise(&self.id_typed);
        if number.is_empty() {
            return None;
        }
        let found = id_number::warnings(&number, self.person.birth, self.person.sex);
        found.first().map(|warning| id_warning_words(*warning).to_owned())
    }

    /// The cleaned record.
    fn cleaned(&self) -> Person {
        let mut person = self.person.clone();
        if let Ok(name) = parse_name(&person.name) {
            person.name = name;
        }
        for (id, typed) in self.phones_typed.iter().filter(|(_, typed)| !typed.trim().is_empty()) {
            if let Some(phone) = person.phones.get_mut(id) {
                phone.number.clone_from(typed);
            }
        }
        person.phones.retain(|_, phone| !phone.number.trim().is_empty());
        for phone in person.phones.values_mut() {
            if let Ok(number) = parse_phone(&phone.number) {
                phone.number = number;
            }
        }
        let number = id_number::normalise(&self.id_typed);
        if !number.is_empty() {
            person.id_number = Some(number);
        }
        person
    }

    /// What to write so that the file says what the form says. A phone that was taken out is marked, not erased.
    pub(crate) fn patch(&self, original: &Self) -> Patch {
        let cleaned = self.cleaned();
        let mut patch = Patch::between(&original.person.to_entries(), &cleaned.to_entries());
        for id in original.person.phones.keys().filter(|id| !cleaned.phones.contains_key(*id)) {
            let prefix = format!("phone/{id}.");
            patch.0.retain(|key, _| !key.starts_with(&prefix));
            patch.0.insert(format!("{prefix}removed"), Some(Value::Bool(true)));
        }
        patch
    }

    /// The entries of a new file.
    pub(crate) fn new_entries(&self, user: Option<UserId>) -> Entries {
        let person = Person { created: user.map(|user| (user, clock::now())), ..self.cleaned() };
        person.to_entries()
    }
}

/// Whether a number is taken but looks short.
pub(crate) fn phone_warning(number: &str) -> Option<String> {
    let cleaned = parse_phone(number).ok()?;
    (!looks_complete(&cleaned)).then(|| t::fault_phone_short().to_owned())
}

/// A date of which the month or the day may lack, as people type it: `1951`, `1951.3`, `1951年3月5日`, `19510305`.
fn parse_typed_date(text: &str) -> Option<PartialDate> {
    let parts: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [packed] if packed.len() == 8 => {
            format!("{}-{}-{}", packed.get(..4)?, packed.get(4..6)?, packed.get(6..)?).parse().ok()
        }
        [year] => year.parse().ok(),
        [year, month] => format!("{year}-{month:0>2}").parse().ok(),
        [year, month, day] => format!("{year}-{month:0>2}-{day:0>2}").parse().ok(),
        _ => None,
    }
}

fn id_warning_words(warning: IdWarning) -> &'static str {
    match warning {
        IdWarning::Length => t::id_length(),
        IdWarning::Fifteen => t::id_fifteen(),
        IdWarning::Characters => t::id_characters(),
        IdWarning::CheckDigit => t::id_check_digit(),
        IdWarning::BirthDate => t::id_birth_date(),
        IdWarning::BirthDiffers => t::id_birth_differs(),
        IdWarning::SexDiffers => t::id_sex_differs(),
        IdWarning::LostDigits => t::id_lost_digits(),
    }
}
