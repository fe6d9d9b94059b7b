//! A record's history: every change ever made, newest first, with who and when. Nothing is ever out of sight.
use leptos::prelude::*;
use zoufang_core::{
    document::history::Step,
    record::{DocId, Value},
};

use super::load::{doc_in_path, read_view, use_record};
use crate::{
    components::{names::user_name, problem::ProblemNotice, values},
    context::{page_head, problem::Problem, use_library},
    i18n::t,
    platform::clock,
};

/// The history of a person's file.
#[component]
pub(crate) fn HistoryPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => {
            page_head(|| t::history_title().to_owned(), Some(format!("/people/{doc}")));
            let library = use_library();
            let has_beside = move || library.index().with(|index| index.row(doc.beside()).is_some());
            view! {
                <History doc=doc/>
                <Show when=has_beside>
                    <section class="section"><h2>{t::welfare_title}</h2><History doc=doc.beside()/></section>
                </Show>
            }
            .into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

/// All changes of a record, newest first.
#[component]
pub(crate) fn History(
    /// The record.
    doc: DocId,
) -> impl IntoView {
    let library = use_library();
    let steps = use_record(doc, |opened| opened.document.history());
    read_view(steps, move |steps| {
        let item = |step: &Step| {
            let (author, at, change) = (step.author, step.at, step.change);
            let who = move || library.directory().with(|directory| user_name(directory, author));
            let sets: Vec<_> = step.sets.iter().filter(|(key, _)| !values::is_inner(key)).cloned().collect();
            view! {
                <li class="timeline__item">
                    <p class="timeline__when">
                        {move || t::conflict_origin(clock::moment_words(at), who())}
                        <Show when=move || library.is_waiting(doc, change)>" · "{t::record_only_here}</Show>
                    </p>
                    {sets.into_iter().map(set_line).collect_view()}
                </li>
            }
        };
        view! { <ol class="timeline">{steps.iter().rev().map(item).collect_view()}</ol> }
    })
}

/// One field that a change set.
pub(crate) fn set_line((key, value): (String, Option<Value>)) -> impl IntoView {
    move || {
        let field = values::field_words(&key);
        match &value {
            Some(value) => {
                view! { <p>{t::history_set(field, values::value_words(&key, value))}</p> }.into_any()
            }
            None => view! { <p class="muted">{t::history_cleared(field)}</p> }.into_any(),
        }
    }
}
