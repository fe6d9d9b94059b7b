//! Reading the projections.

use zoufang_core::record::UnitId;

use super::State;
use crate::store::office::{ContactLine, Filter, PeopleFilter, PersonLine, UnitFigures, VisitLine};

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
        last_received_ms: state
            .log
            .get(unit)
            .and_then(|log| log.entries().last())
            .map(|entry| entry.received_at.0),
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
            let name = |person| {
                state.people.get(&(*unit, person)).map(|found| found.name.clone()).unwrap_or_default()
            };
            let names = visit.people.iter().copied().map(name).collect();
            VisitLine { doc: *doc, unit: *unit, visit, names }
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
                name: person.map(|found| found.name.clone()).unwrap_or_default(),
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

pub(super) fn people(state: &State, filter: &PeopleFilter) -> Vec<PersonLine> {
    let found = state.people.iter().filter(|((unit, doc), person)| {
        filter.units.contains(unit)
            && filter.after.is_none_or(|after| (*unit, *doc) > after)
            && person.search.contains(&filter.text)
    });
    let line = |((unit, doc), person): (&(UnitId, _), &crate::store::office::PersonProjection)| {
        let visits = state.visits.values().filter(|(_, visit)| visit.people.contains(doc));
        let last_visit_on = visits.map(|(_, visit)| visit.happened_on.clone()).max();
        PersonLine {
            doc: *doc,
            unit: *unit,
            person: crate::store::office::PersonProjection { search: String::new(), ..person.clone() },
            last_visit_on,
        }
    };
    found.take(filter.limit as usize).map(line).collect()
}

fn within(filter: &Filter, day: &str) -> bool {
    filter.from.as_deref().is_none_or(|from| day >= from) && filter.to.as_deref().is_none_or(|to| day <= to)
}
