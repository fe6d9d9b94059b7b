//! Reading the projections.

use zoufang_core::record::{DocId, UnitId};

use super::State;
use crate::store::office::{ContactLine, Filter, PersonLine, UnitFigures, VisitLine};

pub(super) fn overview(state: &State, units: &[UnitId], month: &str) -> Vec<UnitFigures> {
    let count = |n: usize| n as u64;
    let of = |unit: &UnitId| UnitFigures {
        unit: *unit,
        people: count(state.people.keys().filter(|(home, _)| home == unit).count()),
        visits_month: count(
            state
                .visits
                .values()
                .filter(|(home, visit)| home == unit && visit.happened_on.starts_with(month))
                .count(),
        ),
        visits: count(state.visits.values().filter(|(home, _)| home == unit).count()),
        contacts: count(state.contacts.values().filter(|(home, _)| home == unit).count()),
        last_received_ms: unit
            .logs()
            .filter_map(|log| state.log.get(&log)?.entries().last())
            .map(|entry| entry.received_at.0)
            .max(),
    };
    units.iter().map(of).collect()
}

pub(super) fn visits(state: &State, filter: &Filter) -> Vec<VisitLine> {
    let mut lines: Vec<VisitLine> = state
        .visits
        .iter()
        .filter(|(_, (unit, _))| filter.units.contains(unit))
        .map(|(doc, (unit, visit))| {
            let mut visit = visit.clone();
            visit.people.sort();
            let body = |person| state.people.get(&(*unit, person)).map(|found| found.body.clone());
            let people = visit.people.iter().copied().map(body).collect();
            VisitLine { doc: *doc, unit: *unit, visit, people }
        })
        .collect();
    lines.retain(|line| {
        within(filter, &line.visit.happened_on)
            && filter
                .after
                .as_ref()
                .is_none_or(|after| (line.visit.happened_on.as_str(), line.doc) < (after.0.as_str(), after.1))
    });
    lines.sort_by(|a, b| (&b.visit.happened_on, b.doc).cmp(&(&a.visit.happened_on, a.doc)));
    lines.truncate(filter.limit as usize);
    lines
}

pub(super) fn contacts(state: &State, filter: &Filter) -> Vec<ContactLine> {
    let mut lines: Vec<ContactLine> = state
        .contacts
        .iter()
        .filter(|(_, (unit, _))| filter.units.contains(unit))
        .map(|(doc, (unit, contact))| {
            let person = contact.person.and_then(|person| state.people.get(&(*unit, person)));
            ContactLine {
                doc: *doc,
                unit: *unit,
                contact: contact.clone(),
                person: person.map(|found| found.body.clone()),
            }
        })
        .collect();
    lines.retain(|line| {
        within(filter, &line.contact.happened_on)
            && filter.after.as_ref().is_none_or(|after| {
                (line.contact.happened_on.as_str(), line.doc) < (after.0.as_str(), after.1)
            })
    });
    lines.sort_by(|a, b| (&b.contact.happened_on, b.doc).cmp(&(&a.contact.happened_on, a.doc)));
    lines.truncate(filter.limit as usize);
    lines
}

pub(super) fn people(state: &State, units: &[UnitId]) -> Vec<PersonLine> {
    let of = state.people.iter().filter(|((unit, _), _)| units.contains(unit));
    of.map(|((unit, doc), person)| PersonLine { doc: *doc, unit: *unit, person: person.clone() }).collect()
}

pub(super) fn last_visits(state: &State, people: &[DocId]) -> Vec<(DocId, String)> {
    let last = |person: &DocId| {
        let visits = state.visits.values().filter(|(_, visit)| visit.people.contains(person));
        Some((*person, visits.map(|(_, visit)| visit.happened_on.clone()).max()?))
    };
    people.iter().filter_map(last).collect()
}

fn within(filter: &Filter, day: &str) -> bool {
    filter.from.as_deref().is_none_or(|from| day >= from) && filter.to.as_deref().is_none_or(|to| day <= to)
}
