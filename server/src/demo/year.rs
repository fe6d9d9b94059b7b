//! A year of visits and contacts, week by week, in the order in which they would have come in.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use zoufang_core::query::row::{PartyRow, RowBody};
use zoufang_core::query::{PersonRow, Row};
use zoufang_core::record::list::{Channel, Floating, NeedTopic, PartyContactTopic, VisitReason, VisitResult};
use zoufang_core::record::{Contact, Date, DocId, Entries, Kind, Record, Timestamp, UnitId, Visit};
use zoufang_core::sync::wire::Push;

use super::{Author, DAY_MS, dice::Dice, words};
use crate::import::first_change;

const DAYS: u32 = 364;
const DAYS_A_WEEK: u32 = 7;
const SEED: u64 = 20_200_401;
/// First day of the lunar year. Source: table of lunar years (new moons in Beijing time).
const SPRING_FESTIVALS: &[(i32, u8, u8)] =
    &[(2025, 1, 29), (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3)];
const FESTIVAL_LEAD_DAYS: i32 = 30;

/// What came in one week.
pub(super) struct Week {
    pub(super) received_at: Timestamp,
    pub(super) pushes: Vec<(Author, Vec<Push>)>,
}

/// A record to be made.
struct Planned {
    days_ago: u32,
    doc: DocId,
    unit: UnitId,
    kind: Kind,
    entries: Entries,
}

/// Visits and contacts of the year before `now`, oldest week first.
pub(super) fn plan(rows: &[Row], authors: &BTreeMap<UnitId, Author>, now: Timestamp) -> Vec<Week> {
    let mut planned = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut dice = Dice::new(SEED ^ (index as u64) << 20);
        let Some(author) = authors.get(&row.unit) else { continue };
        match &row.body {
            RowBody::Person(person) if person.death_on.is_none() => {
                visits_of(row, person, *author, now, &mut dice, &mut planned)
            }
            RowBody::Party(party) => contacts_of(row, party, *author, now, &mut dice, &mut planned),
            RowBody::Person(_) | RowBody::Visit(_) | RowBody::Contact(_) | RowBody::Welfare => {}
        }
    }
    (0..DAYS / DAYS_A_WEEK).rev().map(|week| week_of(&planned, authors, week, now)).collect()
}

fn week_of(planned: &[Planned], authors: &BTreeMap<UnitId, Author>, week: u32, now: Timestamp) -> Week {
    let received_at = moment(week * DAYS_A_WEEK, now);
    let mut pushes: BTreeMap<UnitId, Vec<Push>> = BTreeMap::new();
    for record in planned.iter().filter(|record| record.days_ago / DAYS_A_WEEK == week) {
        let Some(author) = authors.get(&record.unit) else { continue };
        let at = moment(record.days_ago, now);
        let entries = record.entries.clone();
        if let Ok(push) =
            first_change(author.device, author.user, at, record.doc, record.kind, record.unit, entries)
        {
            pushes.entry(record.unit).or_default().push(push);
        }
    }
    let pushes =
        pushes.into_iter().filter_map(|(unit, pushes)| Some((*authors.get(&unit)?, pushes))).collect();
    Week { received_at, pushes }
}

fn visits_of(
    row: &Row,
    person: &PersonRow,
    author: Author,
    now: Timestamp,
    dice: &mut Dice,
    planned: &mut Vec<Planned>,
) {
    let count = if person.entitlements.is_empty() { dice.below(4) } else { 3 + dice.below(3) };
    for number in 0..count {
        let days_ago = dice.below(DAYS);
        let day = Date::in_china(moment(days_ago, now));
        let visit = visit(row.doc, person, author, day, dice);
        planned.push(Planned {
            days_ago,
            doc: id("visit", row.doc, number),
            unit: row.unit,
            kind: Kind::Visit,
            entries: visit.to_entries(),
        });
    }
}

fn visit(person_doc: DocId, person: &PersonRow, author: Author, day: Date, dice: &mut Dice) -> Visit {
    let festival = !person.entitlements.is_empty() && in_festival_window(day);
    let reason = if festival {
        VisitReason::Festival
    } else {
        dice.weighed(&[
            (VisitReason::Routine, 70),
            (VisitReason::PersonAsked, 12),
            (VisitReason::Hardship, 8),
            (VisitReason::LookBack, 6),
            (VisitReason::MajorChange, 2),
            (VisitReason::Award, 2),
        ])
    };
    let channel = dice.weighed(&[
        (Channel::Home, 62),
        (Channel::Phone, 18),
        (Channel::Station, 12),
        (Channel::Video, 5),
        (Channel::Event, 3),
    ]);
    let result = dice.weighed(&[
        (VisitResult::Met, 78),
        (VisitResult::MetFamily, 10),
        (VisitResult::NotIn, 7),
        (VisitResult::Away, 5),
    ]);
    let met = matches!(result, VisitResult::Met | VisitResult::MetFamily);
    let need = (met && (reason == VisitReason::Hardship || dice.percent(16)))
        .then(|| dice.weighed::<NeedTopic>(words::NEEDS));
    Visit {
        people: BTreeSet::from([person_doc]),
        happened_on: Some(day),
        visitors: BTreeSet::from([author.user]),
        channel: Some(channel),
        result: Some(result),
        reasons: BTreeSet::from([reason]),
        facts: need.map(|need| words::facts(need, dice).to_owned()),
        needs: need.into_iter().collect(),
        told_person: (met && dice.percent(45)).then(|| (*dice.pick(words::TOLD)).to_owned()),
        ..Visit::default()
    }
}

fn contacts_of(
    row: &Row,
    party: &PartyRow,
    author: Author,
    now: Timestamp,
    dice: &mut Dice,
    planned: &mut Vec<Planned>,
) {
    let Some(person) = party.person else { return };
    let away = party.floating == Some(Floating::Out);
    let count = if away { 4 } else { dice.below(3) };
    for number in 0..count {
        let days_ago = dice.below(DAYS);
        let day = Date::in_china(moment(days_ago, now));
        let topic = if away {
            PartyContactTopic::FloatingContact
        } else {
            dice.weighed(&[
                (PartyContactTopic::OrgLife, 50),
                (PartyContactTopic::Material, 30),
                (PartyContactTopic::PracticalNeed, 12),
                (PartyContactTopic::RelationTransfer, 8),
            ])
        };
        let took_part = dice.percent(40);
        let contact = Contact {
            visit: Visit {
                people: BTreeSet::from([person]),
                happened_on: Some(day),
                visitors: BTreeSet::from([author.user]),
                channel: Some(if away {
                    Channel::Phone
                } else {
                    dice.weighed(&[(Channel::Home, 60), (Channel::Event, 25), (Channel::Phone, 15)])
                }),
                result: Some(VisitResult::Met),
                reasons: BTreeSet::from([VisitReason::PartyContact]),
                ..Visit::default()
            },
            topic: Some(topic),
            took_part_where: took_part.then(|| (*dice.pick(words::TOOK_PART)).to_owned()),
            took_part_on: took_part.then(|| day.plus_days(-7)),
            wishes: dice.percent(30).then(|| (*dice.pick(words::WISHES)).to_owned()),
        };
        planned.push(Planned {
            days_ago,
            doc: id("contact", row.doc, number),
            unit: row.unit,
            kind: Kind::Contact,
            entries: contact.to_entries(),
        });
    }
}

/// Late in the afternoon of that day, China time; today, just now.
fn moment(days_ago: u32, now: Timestamp) -> Timestamp {
    let today = now.0.div_euclid(DAY_MS) * DAY_MS;
    let afternoon = today - i64::from(days_ago) * DAY_MS + 9 * 3_600_000;
    Timestamp(if days_ago == 0 { now.0.min(afternoon) } else { afternoon })
}

fn in_festival_window(day: Date) -> bool {
    let leads_to = |festival: Option<Date>| {
        festival.is_some_and(|festival| (0..=FESTIVAL_LEAD_DAYS).contains(&festival.days_since(day)))
    };
    let spring =
        SPRING_FESTIVALS.iter().any(|(year, month, date)| leads_to(Date::from_ymd(*year, *month, *date)));
    spring || leads_to(Date::from_ymd(day.ymd().0, 8, 1))
}

fn id(what: &str, doc: DocId, number: u32) -> DocId {
    let hash: [u8; 32] = Sha256::digest(format!("demo:{what}:{doc}:{number}")).into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    DocId(id)
}
