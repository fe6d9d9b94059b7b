//! One person in the long list: name, birth year, village and address group, what benefits there are.
use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    query::{PersonRow, Row},
    record::list::{Residence, ValueList},
};

use crate::i18n::{label, t};

/// The first words of a label, without what stands in brackets: `残疾军人`.
pub(crate) fn short_label<T: ValueList>(value: T) -> String {
    let words = label(value);
    words.split(['（', '(']).next().unwrap_or(words).trim().to_owned()
}

fn badges(row: &Row, person: &PersonRow) -> Vec<(&'static str, String)> {
    let mut badges = Vec::new();
    if person.death_on.is_some() {
        badges.push(("badge", t::person_deceased().to_owned()));
    }
    if row.conflicts > 0 {
        badges.push(("badge badge--warn", t::person_in_conflict().to_owned()));
    }
    if let Some(residence @ (Residence::Away | Residence::Moved | Residence::Institution)) = person.residence
    {
        badges.push(("badge", short_label(residence)));
    }
    badges.truncate(2);
    badges
}

/// One person.
#[component]
pub(crate) fn PersonRowView(
    /// The row.
    row: Arc<Row>,
    /// The village's name.
    village: String,
    /// Its place in the list, for the arrow keys.
    at: usize,
    /// Whether it is the one shown beside the list.
    #[prop(into)]
    current: Signal<bool>,
) -> impl IntoView {
    let Some(person) = row.person() else { return ().into_any() };
    let address = person.address.clone().unwrap_or_default();
    // Most addresses begin with the village.
    let place = match (village.is_empty() || address.starts_with(&village), address.is_empty()) {
        (true, _) => address,
        (false, true) => village,
        (false, false) => format!("{village} · {address}"),
    };
    let birth = person.birth.map(|birth| birth.year());
    let badges = badges(&row, person)
        .into_iter()
        .map(|(class, words)| view! { <span class=class>{words}</span> })
        .collect_view();
    view! {
        <a class="row person-row" href=format!("/people/{}", row.doc) data-at=at aria-current=move || current.get().then_some("true")>
            <div>
                <div class="person-row__name">
                    <span class="row__title">{person.name.clone()}</span>
                    {birth.map(|year| view! { <span class="person-row__birth">{move || t::person_born(t::day_year(year))}</span> })}
                </div>
                <div class="row__note person-row__place">{place}</div>
            </div>
            <div class="person-row__badges">{badges}</div>
        </a>
    }
    .into_any()
}
