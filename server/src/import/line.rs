//! One line of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use csv::StringRecord;
use zoufang_core::document::shape;
use zoufang_core::record::list::{GloryPlaque, PartyStatus, SupportStatus};
use zoufang_core::record::{
    Entries, Kind, Party, Person, Phone, Record, UnitId, Welfare, id_number, name::parse_name,
    phone::parse_phone,
};

use super::document_id;

/// Where each column stands.
pub(super) struct Head(BTreeMap<String, usize>);

impl Head {
    /// The columns of the head, if those that a person needs are there.
    pub(super) fn of(record: &StringRecord) -> Option<Self> {
        let columns: BTreeMap<String, usize> = record
            .iter()
            .enumerate()
            .map(|(at, name)| (name.trim_start_matches('\u{feff}').to_owned(), at))
            .collect();
        ["person_id", "village_code", "name", "kind"]
            .iter()
            .all(|name| columns.contains_key(*name))
            .then_some(Self(columns))
    }
}

/// What a line says.
pub(super) struct Line {
    pub(super) person_id: String,
    pub(super) unit: UnitId,
    pub(super) person: Entries,
    pub(super) party: Option<Entries>,
    pub(super) welfare: Option<Entries>,
    /// Cells that could not be used.
    pub(super) faults: Vec<&'static str>,
}

/// The cells of a line, and which of them could not be used.
struct Cells<'a> {
    head: &'a Head,
    record: &'a StringRecord,
    faults: Vec<&'static str>,
}

impl Cells<'_> {
    fn text(&self, column: &str) -> Option<String> {
        let cell = self.head.0.get(column).and_then(|at| self.record.get(*at))?.trim();
        (!cell.is_empty()).then(|| cell.to_owned())
    }

    fn parsed<T: FromStr>(&mut self, column: &'static str) -> Option<T> {
        let parsed = self.text(column)?.parse().ok();
        if parsed.is_none() {
            self.faults.push(column);
        }
        parsed
    }

    fn set<T: FromStr + Ord>(&mut self, column: &'static str) -> BTreeSet<T> {
        let text = self.text(column).unwrap_or_default();
        let mut members = BTreeSet::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            match part.parse() {
                Ok(member) => drop(members.insert(member)),
                Err(_) => self.faults.push(column),
            }
        }
        members
    }

    fn phone(&mut self, column: &'static str) -> Option<String> {
        let number = parse_phone(&self.text(column)?).ok();
        if number.is_none() {
            self.faults.push(column);
        }
        number
    }
}

/// Reads a line; the error names what keeps it from being used at all.
pub(super) fn read(
    head: &Head,
    record: &StringRecord,
    villages: &BTreeMap<&str, UnitId>,
) -> Result<Line, &'static str> {
    let mut cells = Cells { head, record, faults: Vec::new() };
    let person_id = cells.text("person_id").ok_or("person_id")?;
    let village = cells.text("village_code").ok_or("village_code")?;
    let unit = *villages.get(village.as_str()).ok_or("village_code")?;
    let name = parse_name(&cells.text("name").ok_or("name")?).map_err(|_| "name")?;
    let mut person = person(&mut cells, name).to_entries();
    let mut party = party(&mut cells, &person_id).map(|party| party.to_entries());
    let mut welfare = welfare(&mut cells).map(|welfare| welfare.to_entries());
    let mut faults = cells.faults;
    faults.extend(fit(Kind::Person, &mut person));
    faults.extend(party.as_mut().map(|party| fit(Kind::Party, party)).unwrap_or_default());
    faults.extend(welfare.as_mut().map(|welfare| fit(Kind::Welfare, welfare)).unwrap_or_default());
    Ok(Line { person_id, unit, person, party, welfare, faults })
}

/// Leaves out what the gate would refuse, such as a text that is too long, and names the fields.
fn fit(kind: Kind, entries: &mut Entries) -> Vec<&'static str> {
    let mut faults = Vec::new();
    entries.0.retain(|key, value| match shape::of(kind).field(key) {
        Some(field) if field.accepts(key, value) => true,
        Some(field) => {
            faults.push(field.key);
            false
        }
        None => false,
    });
    faults
}

fn person(cells: &mut Cells<'_>, name: String) -> Person {
    let mut phones = BTreeMap::new();
    if let Some(number) = cells.phone("phone") {
        phones.insert("1".to_owned(), Phone { number, owner: cells.parsed("phone_owner"), worked_on: None });
    }
    if let Some(number) = cells.phone("phone2") {
        phones.insert("2".to_owned(), Phone { number, owner: None, worked_on: None });
    }
    Person {
        name,
        kind: cells.parsed("kind"),
        sex: cells.parsed("sex"),
        birth: cells.parsed("birth_date"),
        id_number: cells.text("id_number").map(|number| id_number::normalise(&number)),
        phones,
        address: cells.text("address"),
        residence: cells.parsed("residence"),
        away_place: cells.text("away_place"),
        entitlements: cells.set("entitlements"),
        enlisted: cells.parsed("enlist_date"),
        discharged: cells.parsed("discharge_date"),
        service_class: cells.parsed("service_class"),
        service_branch: cells.parsed("branch"),
        settlement: cells.parsed("settlement"),
        honors: cells.set("honors"),
        relation_to_soldier: cells.parsed("relation_to_soldier"),
        glory_plaque: cells.text("glory_plaque_date").map(|_| GloryPlaque::Hung),
        glory_plaque_on: cells.parsed("glory_plaque_date"),
        preference_card: cells.parsed("preference_card"),
        death_on: cells.parsed("death_date"),
        notice_given: cells.parsed("notice_given_date"),
        ..Person::default()
    }
}

/// Disability and hardship; nothing of whom the line says nothing.
fn welfare(cells: &mut Cells<'_>) -> Option<Welfare> {
    let welfare = Welfare {
        created: None,
        disability_grade: cells.parsed("disability_grade"),
        disability_nature: cells.parsed("disability_nature"),
        // What nobody needs is no reason to keep a record.
        support_status: cells.parsed("support_status").filter(|status| *status != SupportStatus::None),
    };
    (!welfare.is_empty()).then_some(welfare)
}

/// The membership of a Party member; nothing for everybody else.
fn party(cells: &mut Cells<'_>, person_id: &str) -> Option<Party> {
    let status = cells
        .parsed("party_status")
        .filter(|status| matches!(status, PartyStatus::Full | PartyStatus::Probationary))?;
    Some(Party {
        person: Some(document_id(Kind::Person, person_id)),
        status: Some(status),
        joined: cells.parsed("party_join_date"),
        floating: cells.parsed("party_floating"),
        ..Party::default()
    })
}
