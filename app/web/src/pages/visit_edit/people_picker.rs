//! Whom: up to six people of one household, found by the same search as the list.
use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    query::Row,
    record::{DocId, Visit},
};

use super::model::VisitForm;
use crate::{
    components::{
        error_summary::Fault,
        icon::{Glyph, Icon},
        names::{people_names, unit_name},
        text_field::FieldFault,
    },
    context::use_library,
    i18n::t,
    pages::person_edit::fault_of,
};

/// How many are offered at a time.
const OFFERED_MAX: usize = 8;

/// The people chosen, and a search for more.
#[component]
pub(crate) fn PeoplePicker(
    /// The form.
    form: RwSignal<VisitForm>,
    /// What is wrong.
    #[prop(into)]
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let library = use_library();
    let people =
        Memo::new(move |_| form.with(|form| form.contact.visit.people.iter().copied().collect::<Vec<_>>()));
    let searching = RwSignal::new(people.with_untracked(Vec::is_empty));
    let text = RwSignal::new(String::new());
    let offered = Memo::new(move |_| offered(&library.index().get(), &text.get(), &people.get()));

    let chip = move |person: DocId| {
        let name = move || library.index().with(|index| people_names(index, [&person]));
        let remove = move |_| {
            form.update(|form| {
                form.contact.visit.people.remove(&person);
            });
        };
        view! {
            <span class="chip">
                {name}
                <button type="button" class="chip__remove" aria-label=move || t::visit_remove_person(name()) on:click=remove><Glyph icon=Icon::Remove small=true/></button>
            </span>
        }
    };
    let pick = move |person: DocId| {
        form.update(|form| {
            form.contact.visit.people.insert(person);
        });
        text.set(String::new());
        searching.set(false);
    };
    let room = move || people.with(Vec::len) < Visit::PEOPLE_MAX;
    view! {
        <fieldset class="field" id="people">
            <legend class="field__label">{t::field_people}</legend>
            <FieldFault error=fault_of(faults, "people")/>
            <div class="cluster cluster--close">
                <For each=move || people.get() key=|person| *person children=chip/>
                <Show when=move || room() && !searching.get()>
                    <button type="button" class="chip" on:click=move |_| searching.set(true)>
                        <Glyph icon=Icon::Plus small=true/>
                        {t::visit_add_person}
                    </button>
                </Show>
            </div>
            <Show when=move || room() && searching.get()>
                <label class="search">
                    <span class="visually-hidden">{t::people_search}</span>
                    <Glyph icon=Icon::Search/>
                    <input
                        class="input"
                        type="search"
                        autocomplete="off"
                        placeholder=t::people_search_hint
                        prop:value=text
                        on:input=move |event| text.set(event_target_value(&event))
                        on:keydown=|event| if event.key() == "Enter" { event.prevent_default() }
                    />
                </label>
                <div class="card card--flush">
                    <div class="rows">
                        <For each=move || offered.get() key=|row| row.doc children=move |row| view! { <Offer row=row on_pick=pick/> }/>
                    </div>
                </div>
                <p class="small muted" role="status">{move || offered.with(Vec::is_empty).then(t::people_none_found)}</p>
            </Show>
        </fieldset>
    }
}

/// The people offered for a text: those of the chosen people's village first while nothing is typed.
fn offered(index: &zoufang_core::query::Index, text: &str, chosen: &[DocId]) -> Vec<Arc<Row>> {
    let unit = chosen.iter().find_map(|person| index.row(*person)).map(|row| row.unit);
    let unit = unit.filter(|_| text.trim().is_empty());
    let found = index.search(text.trim(), unit);
    found.into_iter().filter(|row| !chosen.contains(&row.doc)).take(OFFERED_MAX).collect()
}

/// One person offered.
#[component]
fn Offer(
    /// The row.
    row: Arc<Row>,
    /// Called with the person picked.
    #[prop(into)]
    on_pick: Callback<DocId>,
) -> impl IntoView {
    let library = use_library();
    let (doc, unit) = (row.doc, row.unit);
    let person = row.person().cloned().unwrap_or_default();
    let address = person.address.unwrap_or_default();
    let birth = person.birth.map(|birth| birth.year());
    let place = move || library.directory().with(|directory| unit_name(directory, unit));
    view! {
        <button type="button" class="row" on:click=move |_| on_pick.run(doc)>
            <span>
                <span class="row__title">{person.name}</span>
                " "
                <span class="row__note">{move || birth.map(|year| t::person_born(t::day_year(year)))}" "{place}" "{address}</span>
            </span>
            <Glyph icon=Icon::Plus/>
        </button>
    }
}
