//! A person's page: what waits for a choice, ways to reach them, facts, visits and contacts.
mod cards;
mod welfare;

use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    access::{LogReach, may_write_key, person_log_reach},
    document::conflict::Conflict,
    query::Row,
    record::{ChangeHash, Class, DocId, Kind, Patch, Person, Record, UnitId, Value},
};

use self::{
    cards::{FactsCard, ReachCard},
    welfare::WelfareCard,
};
use super::load::{doc_in_path, read_view, use_record};
use crate::{
    components::{
        conflict_card::ConflictCard,
        empty::Empty,
        icon::{Glyph, Icon},
        names::unit_name,
        notice::{Notice, Weight},
        person_row::short_label,
        problem::ProblemNotice,
        sensitive::{Reveal, RevealDialog, RevealProblem},
        visit_row::VisitRowView,
    },
    context::{
        library::Opened, page_head_of_person, problem::Problem, toasts::use_toasts, use_library, use_session,
    },
    i18n::{label, t},
    platform::clock,
};

/// What the page reads of the record.
#[derive(Clone)]
struct PersonFile {
    person: Person,
    unit: UnitId,
    conflicts: Vec<Conflict>,
    heads: Vec<ChangeHash>,
}

impl PersonFile {
    fn of(opened: Opened) -> Self {
        let person = Person::from_entries(&opened.document.entries());
        let (conflicts, heads) = (opened.document.conflicts(), opened.document.heads());
        Self { person, unit: opened.unit, conflicts, heads }
    }
}

/// The page; drawn anew when the address names another person.
#[component]
pub(crate) fn PersonPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => view! { <PersonView doc=doc/> }.into_any(),
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

#[component]
fn PersonView(doc: DocId) -> impl IntoView {
    let library = use_library();
    let name = move || {
        library
            .index()
            .with(|index| index.row(doc).and_then(|row| row.person().map(|person| person.name.clone())))
    };
    page_head_of_person(name, t::person_kind, Some("/people".to_owned()));
    let reveal = Reveal::new(doc);
    provide_context(reveal);
    let session = use_session();
    let user = session.user();
    let tells = Memo::new(move |_| {
        user.with(|user| user.as_ref().is_some_and(|user| person_log_reach(user.role) != LogReach::Nothing))
    });
    let file = use_record(doc, PersonFile::of);
    read_view(file, move |file| {
        view! {
            <div class="stack stack--loose" data-heads=heads_text(&file.heads)>
                <Head file=file.clone()/>
                <Conflicts doc=doc kind=Kind::Person conflicts=file.conflicts.clone() heads=file.heads.clone()/>
                <div class="person__actions">
                    <Show when=move || session.may_write(Kind::Visit)>
                        <a class="button button--primary" href=format!("/visits/new?person={doc}")><Glyph icon=Icon::Plus/>{t::visit_new}</a>
                    </Show>
                    <Show when=move || session.may_write(Kind::Contact)>
                        <a class="button" href=format!("/contacts/new?person={doc}")><Glyph icon=Icon::Plus/>{t::person_new_contact}</a>
                    </Show>
                </div>
                <RevealProblem reveal=reveal/>
                <ReachCard doc=doc person=file.person.clone()/>
                <FactsCard doc=doc person=file.person.clone()/>
                <Show when=move || session.may_read(Class::Welfare)><WelfareCard person=doc/></Show>
                <Visits doc=doc/>
                <p class="cluster">
                    <a class="button" href=format!("/people/{doc}/history")>{t::person_history}</a>
                    <Show when=move || tells.get()>
                        <a class="button" href=format!("/people/{doc}/access")>{t::access_of_person}</a>
                        <a class="button" href=format!("/people/{doc}/copy")>{t::copy_title}</a>
                    </Show>
                </p>
                <RevealDialog reveal=reveal/>
            </div>
        }
    })
}

/// The heads that the page was drawn from, for support and tests.
fn heads_text(heads: &[ChangeHash]) -> String {
    heads.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Who it is, in one line, and what a visitor must know first.
#[component]
fn Head(file: PersonFile) -> impl IntoView {
    let library = use_library();
    let PersonFile { person, unit, .. } = file;
    let place = move || library.directory().with(|directory| unit_name(directory, unit));
    let (kind, sex, birth) = (person.kind, person.sex, person.birth);
    let line = move || {
        let parts = [
            kind.map(short_label),
            sex.map(|sex| label(sex).to_owned()),
            birth.map(|birth| t::person_born(clock::partial_words(birth))),
            Some(place()),
        ];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    };
    let wish = person.contact_wish.filter(|wish| {
        use zoufang_core::record::list::ContactWish;
        matches!(wish, ContactWish::NoVisits | ContactWish::PhoneOnly)
    });
    let death = person.death_on;
    view! {
        <div class="person__head">
            <h2 class="person__name">{person.name}</h2>
            <p class="muted">{line}</p>
        </div>
        {death.map(|day| view! { <Notice weight=Weight::Info title=Signal::derive(move || t::person_died_on(clock::day_words(day)))/> })}
        {wish.map(|wish| view! { <Notice weight=Weight::Warn title=Signal::derive(move || label(wish).to_owned())/> })}
    }
}

/// The fields for which a person must choose.
#[component]
fn Conflicts(doc: DocId, kind: Kind, conflicts: Vec<Conflict>, heads: Vec<ChangeHash>) -> impl IntoView {
    let (library, toasts) = (use_library(), use_toasts());
    let problem = RwSignal::new(None::<Problem>);
    let heads = StoredValue::new(heads);
    // What this role does not write, it does not decide on.
    let role = use_session().user().with_untracked(|user| user.as_ref().map(|user| user.role));
    let decides = move |key: &str| role.is_some_and(|role| may_write_key(role, kind, key));
    let conflicts = conflicts.into_iter().filter(move |conflict| decides(&conflict.key));
    let choose = move |(key, value): (String, Value)| {
        // On what the person saw: a value that came in meanwhile is still in question.
        let heads = heads.get_value();
        leptos::task::spawn_local(async move {
            match library.edit(doc, heads, Patch::set(&key, value)).await {
                Ok(()) => toasts.say(t::conflict_chosen()),
                Err(cause) => problem.set(Some(cause)),
            }
        });
    };
    view! {
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        {conflicts.map(|conflict| view! { <ConflictCard conflict=conflict directory=library.directory() on_choose=choose/> }).collect_view()}
    }
}

/// Visits and contacts, newest first.
#[component]
fn Visits(doc: DocId) -> impl IntoView {
    let library = use_library();
    let rows = Memo::new(move |_| library.index().with(|index| index.visits_of(doc)));
    let row = move |row: Arc<Row>| {
        let visit = row.doc;
        let day = row.visit().and_then(|visit| visit.happened_on);
        let title = Signal::derive(move || day.map(clock::day_words).unwrap_or_default());
        view! { <VisitRowView row=row title=title dated=false state=Signal::derive(move || library.record_state(visit))/> }
    };
    view! {
        <section class="section">
            <h2>{t::person_visits}</h2>
            <Show
                when=move || !rows.with(Vec::is_empty)
                fallback=|| view! { <Empty icon=Icon::Today title=t::person_no_visits text=t::person_no_visits_text/> }
            >
                <div class="card card--flush">
                    <div class="rows"><For each=move || rows.get() key=|row| (row.doc, row.heads.clone()) children=row/></div>
                </div>
            </Show>
        </section>
    }
}
