//! The page of one visit or contact: what was recorded, where the record is, notes of others, corrections.
mod notes;

use leptos::prelude::*;
use zoufang_core::record::{Contact, DocId, Kind, Record};

use self::notes::Notes;
use super::{
    history::History,
    load::{Read, doc_in_path, read_view, use_record},
};
use crate::{
    components::{
        facts::Facts,
        names::{people_names, user_name},
        problem::ProblemNotice,
        record_state::RecordStateBadge,
        values::yuan,
    },
    context::{page_head, problem::Problem, use_library, use_session},
    i18n::{Text, label, labels, t},
    platform::clock,
};

/// The page; drawn anew when the address names another record.
#[component]
pub(crate) fn VisitPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => view! { <VisitView doc=doc/> }.into_any(),
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

#[component]
fn VisitView(doc: DocId) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let read: RwSignal<Read<(Kind, Contact)>> =
        use_record(doc, |opened| (opened.document.kind(), Contact::from_entries(&opened.document.entries())));
    let row = Memo::new(move |_| library.index().with(|index| index.row(doc).cloned()));
    let is_contact = move || row.with(|row| row.as_ref().is_some_and(|row| row.kind() == Kind::Contact));
    let back = row.with_untracked(|row| {
        row.as_ref().and_then(|row| row.visit().and_then(|visit| visit.people.first().copied()))
    });
    let back = back.map_or_else(|| "/".to_owned(), |person| format!("/people/{person}"));
    page_head(move || if is_contact() { t::contact_kind() } else { t::visit_kind() }.to_owned(), Some(back));
    read_view(read, move |(kind, contact)| {
        let (kind, contact) = (*kind, contact.clone());
        let people = contact.visit.people.clone();
        let link = move |person: DocId| {
            let name = move || library.index().with(|index| people_names(index, [&person]));
            view! { <a class="button" href=format!("/people/{person}")>{name}</a> }
        };
        let mine = contact.visit.created.map(|(author, _)| author)
            == session.user().with_untracked(|user| user.as_ref().map(|user| user.id));
        let edit = if kind == Kind::Contact {
            format!("/contacts/{doc}/edit")
        } else {
            format!("/visits/{doc}/edit")
        };
        let notes = contact.visit.notes.clone();
        view! {
            <div class="stack stack--loose">
                <div class="cluster cluster--apart">
                    <div class="cluster cluster--close">{people.into_iter().map(link).collect_view()}</div>
                    <RecordStateBadge state=Signal::derive(move || library.record_state(doc))/>
                </div>
                <section class="card">
                    <VisitFacts kind=kind contact=contact/>
                    {mine.then(|| view! { <p><a class="button" href=edit>{t::visit_correct}</a></p> })}
                </section>
                <Notes doc=doc notes=notes/>
                <details class="card">
                    <summary class="strong">{t::visit_history}</summary>
                    <History doc=doc/>
                </details>
            </div>
        }
    })
}

/// What was recorded.
#[component]
fn VisitFacts(kind: Kind, contact: Contact) -> impl IntoView {
    let library = use_library();
    let items = Signal::derive(move || {
        let directory = library.directory().get();
        let visit = &contact.visit;
        let visitors = visit
            .visitors
            .iter()
            .map(|user| user_name(&directory, Some(*user)))
            .collect::<Vec<_>>()
            .join("、");
        let goods = visit.goods.values().map(|goods| match goods.value_fen {
            Some(fen) => format!("{} {}", goods.what, yuan(fen)),
            None => goods.what.clone(),
        });
        let promises = visit.promises.values().map(|promise| {
            let who = promise.who.as_deref().unwrap_or_default();
            let by = promise.by.map(clock::day_words).unwrap_or_default();
            t::visit_promise_words(by, &promise.what, who)
        });
        let mut facts: Vec<(Text, Option<String>)> = vec![
            (t::field_happened_on, visit.happened_on.map(clock::day_words)),
            (t::field_late_reason, visit.late_reason.clone()),
            (t::field_visitors, Some(visitors)),
            (t::field_channel, visit.channel.map(|channel| label(channel).to_owned())),
            (t::field_result, visit.result.map(|result| label(result).to_owned())),
            (t::field_reasons, Some(labels(&visit.reasons))),
            (t::field_needs, Some(labels(&visit.needs))),
            (t::field_facts, visit.facts.clone()),
            (t::field_told, visit.told_person.clone()),
            (t::field_goods, Some(goods.collect::<Vec<_>>().join("、"))),
            (t::field_promise, Some(promises.collect::<Vec<_>>().join("；"))),
        ];
        if kind == Kind::Contact {
            facts.extend([
                (t::field_topic as Text, contact.topic.map(|topic| label(topic).to_owned())),
                (t::field_took_part, contact.took_part_where.clone()),
                (t::field_took_part_on, contact.took_part_on.map(clock::day_words)),
                (t::field_wishes, contact.wishes.clone()),
            ]);
        }
        let written = visit.created.map(|(author, at)| {
            t::conflict_origin(clock::moment_words(at), user_name(&directory, Some(author)))
        });
        facts.push((t::field_written, written));
        facts
    });
    view! { <Facts items=items/> }
}
