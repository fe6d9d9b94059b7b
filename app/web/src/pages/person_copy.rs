//! 本人资料: everything on this device about one person, in full and in plain words, to print for that person.
//!
//! Nothing of it is drawn before the readings of what is sensitive in it are kept. Of others who were visited with the person it
//! tells only how many they are.
use std::collections::BTreeSet;

use leptos::prelude::*;
use zoufang_core::{
    access::Sensitive,
    record::{DocId, Entries, Kind, PartialDate, Value, list::AccessReason},
};

use super::load::doc_in_path;
use crate::{
    components::{
        names::{unit_name, user_name},
        problem::ProblemNotice,
        values,
    },
    context::{
        library::Library,
        page_head,
        problem::Problem,
        readings::{Readings, use_readings},
        use_library, use_session,
    },
    i18n::t,
    platform::clock,
};

/// One record about the person.
#[derive(Clone)]
struct Part {
    kind: Kind,
    entries: Entries,
}

/// All of it, the person's file first.
type Whole = Vec<Part>;

/// The page.
#[component]
pub(crate) fn PersonCopyPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => {
            page_head(|| t::copy_title().to_owned(), Some(format!("/people/{doc}")));
            view! { <Desk doc=doc/> }.into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

#[component]
fn Desk(doc: DocId) -> impl IntoView {
    let (library, readings) = (use_library(), use_readings());
    let (busy, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let copy = RwSignal::new(None::<Whole>);
    let make = move |_| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match gather(library, readings, doc).await {
                Ok(made) => drop(copy.try_set(Some(made))),
                Err(cause) => drop(problem.try_set(Some(cause))),
            }
            busy.try_set(false);
        });
    };
    view! {
        <div class="stack stack--loose">
            <section class="card no-print">
                <p>{t::copy_text}</p>
                <p class="strong">{t::copy_check}</p>
                <div class="cluster">
                    <button type="button" class="button button--primary" disabled=move || busy.get() on:click=make>{t::copy_make}</button>
                    <Show when=move || copy.with(Option::is_some)>
                        <button type="button" class="button" on:click=move |_| drop(gloo::utils::window().print())>{t::privacy_print}</button>
                    </Show>
                </div>
            </section>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            {move || copy.get().map(|copy| view! { <Sheet doc=doc copy=copy/> })}
        </div>
    }
}

/// Reads everything, and keeps that it was read.
async fn gather(library: Library, readings: Readings, doc: DocId) -> Result<Whole, Problem> {
    let (beside, visits) = library.index().with_untracked(|index| {
        let beside = [index.membership_of(doc), index.row(doc.beside())].into_iter().flatten();
        let beside: Vec<DocId> = beside.map(|row| row.doc).collect();
        (beside, index.visits_of(doc).into_iter().map(|row| row.doc))
    });
    let mut copy = Whole::new();
    for record in std::iter::once(doc).chain(beside).chain(visits) {
        let opened = library.open(record).await?;
        copy.push(Part { kind: opened.document.kind(), entries: opened.document.entries() });
    }
    let keys = copy.iter().flat_map(|part| part.entries.0.keys().map(|key| (part.kind, key)));
    let mut found: Vec<Sensitive> = keys.filter_map(|(kind, key)| Sensitive::of_key(kind, key)).collect();
    found.sort_unstable();
    found.dedup();
    for what in found {
        readings.note(doc, what, AccessReason::PersonAsked).await?;
    }
    Ok(copy)
}

/// What is printed.
#[component]
fn Sheet(doc: DocId, copy: Whole) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let row = library.index().with_untracked(|index| index.row(doc).cloned());
    let name =
        row.as_ref().and_then(|row| row.person().map(|person| person.name.clone())).unwrap_or_default();
    let unit = row.map(|row| row.unit);
    let head = move || {
        let unit = unit.map(|unit| library.directory().with(|directory| unit_name(directory, unit)));
        let by = session.user().with(|user| user.as_ref().map(|user| user.name.clone()));
        t::copy_head(
            clock::partial_words(PartialDate::Day(clock::today())),
            by.unwrap_or_default(),
            unit.unwrap_or_default(),
        )
    };
    let no_visits = !copy.iter().any(|part| matches!(part.kind, Kind::Visit | Kind::Contact));
    view! {
        <article class="stack stack--loose copy">
            <header>
                <h2>{move || t::copy_of(&name)}</h2>
                <p class="muted">{head}</p>
            </header>
            {copy.into_iter().map(|part| view! { <PartCard part=part/> }).collect_view()}
            {no_visits.then(|| view! { <p>{t::copy_none}</p> })}
            <footer>
                <p>{t::copy_rights}</p>
                <p>{t::copy_again}</p>
            </footer>
        </article>
    }
}

#[component]
fn PartCard(part: Part) -> impl IntoView {
    let library = use_library();
    let Part { kind, entries } = part;
    let date = match entries.0.get("happened_on") {
        Some(Value::Text(day)) => day.parse().ok(),
        Some(Value::Int(_) | Value::Bool(_)) | None => None,
    };
    let title = move || {
        let words = match kind {
            Kind::Person => return t::person_file().to_owned(),
            Kind::Party => return t::copy_party().to_owned(),
            Kind::Welfare => return t::welfare_title().to_owned(),
            Kind::Visit => t::visit_kind(),
            Kind::Contact => t::contact_kind(),
        };
        t::copy_visit_of(date.map(clock::day_words).unwrap_or_default(), words)
    };
    let is_set = |value: &Value| *value == Value::Bool(true);
    let people = entries.0.iter().filter(|(key, value)| key.starts_with("person/") && is_set(value)).count();
    let visitors: Vec<_> = entries
        .0
        .iter()
        .filter(|(_, value)| is_set(value))
        .filter_map(|(key, _)| key.strip_prefix("visitor/")?.parse().ok())
        .collect();
    let visitors = move || {
        let name = |id| library.directory().with(|directory| user_name(directory, Some(id)));
        visitors.iter().map(|id| name(*id)).collect::<Vec<_>>().join("、")
    };
    let removed = entries.0.iter().filter(|(_, value)| is_set(value));
    let taken_out: BTreeSet<String> =
        removed.filter_map(|(key, _)| key.strip_suffix(".removed")).map(str::to_owned).collect();
    let mut lines: Vec<(String, Value)> =
        entries.0.into_iter().filter(|(key, value)| is_told(key, value)).collect();
    lines.sort_by_key(|(key, _)| place_of(key));
    let line = move |(key, value): (String, Value)| {
        let name = key.clone();
        // What was taken out is kept, and so it is told.
        let is_out = key.split_once('.').is_some_and(|(entry, _)| taken_out.contains(entry));
        let words = move || {
            let words = values::whole_words(&key, &value);
            if is_out { format!("{words}（{}）", t::value_removed()) } else { words }
        };
        view! {
            <div class="facts__item">
                <dt>{move || values::field_words(&name)}</dt>
                <dd class="keep-lines">{words}</dd>
            </div>
        }
    };
    view! {
        <section class="card">
            <h3>{title}</h3>
            <dl class="facts">
                {lines.into_iter().map(line).collect_view()}
                {matches!(kind, Kind::Visit | Kind::Contact).then(|| view! {
                    <div class="facts__item"><dt>{t::copy_visitors}</dt><dd>{visitors}</dd></div>
                })}
            </dl>
            {(people > 1).then(|| view! { <p>{move || t::copy_others(people - 1)}</p> })}
        </section>
    }
}

/// What a person looks for first stands first; the rest as it comes.
fn place_of(key: &str) -> usize {
    let first = ["name", "sex", "birth", "id_number", "phone/", "address", "residence", "happened_on"];
    first
        .iter()
        .position(|name| key == *name || name.ends_with('/') && key.starts_with(name))
        .unwrap_or(first.len())
}

/// Ids of people, and what the app notes for itself, tell the person nothing.
fn is_told(key: &str, value: &Value) -> bool {
    let of_people = key == "person" || key.starts_with("person/") || key.starts_with("visitor/");
    let by_id = matches!(key, "death.reported_by" | "branch_contact");
    !of_people
        && !by_id
        && !values::is_inner(key)
        && *value != Value::Bool(false)
        && !key.ends_with(".removed")
}
