//! Notes that colleagues add to a log which is not theirs to edit.
use std::collections::BTreeMap;

use leptos::prelude::*;
use zoufang_core::{
    gather,
    record::{DocId, Patch, Value, visit::Note},
};

use crate::{
    components::{names::user_name, problem::ProblemNotice, text_area::TextArea},
    context::{problem::Problem, use_library, use_session},
    i18n::t,
    platform::{clock, random},
};

/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 300;

/// The notes, and a field for a new one.
#[component]
pub(crate) fn Notes(
    /// The record.
    doc: DocId,
    /// Its notes by entry id.
    notes: BTreeMap<String, Note>,
) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let text = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<Problem>);
    let note = move |note: Note| {
        let Note { text, by, at } = note;
        let who = move || library.directory().with(|directory| user_name(directory, by));
        view! {
            <li class="timeline__item">
                <p class="timeline__when">{move || t::conflict_origin(at.map(clock::moment_words).unwrap_or_default(), who())}</p>
                <p class="keep-lines">{text}</p>
            </li>
        }
    };
    let add = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let words = text.get_untracked().trim().to_owned();
        if words.is_empty() || words.chars().count() > NOTE_CHARS_MAX {
            return;
        }
        let user = session.user().with_untracked(|user| user.as_ref().map(|user| user.id));
        let prefix = format!("note/{}", random::entry_id());
        let entries = [
            (format!("{prefix}.text"), Some(Value::Text(words))),
            (format!("{prefix}.by"), user.map(|user| Value::Int(user.0.into()))),
            (format!("{prefix}.at"), Some(Value::Int(clock::now().0))),
        ];
        let patch = Patch(gather(entries.into_iter().filter(|(_, value)| value.is_some())));
        leptos::task::spawn_local(async move {
            match library.edit(doc, Vec::new(), patch).await {
                Ok(()) => {
                    text.try_set(String::new());
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
        });
    };
    view! {
        <section class="card">
            <h2>{t::visit_notes}</h2>
            <ol class="timeline">{notes.into_values().map(note).collect_view()}</ol>
            <form class="stack" novalidate autocomplete="off" on:submit=add>
                <TextArea
                    id="note"
                    label=t::visit_add_note
                    hint=t::visit_facts_hint
                    chars_max=NOTE_CHARS_MAX
                    value=text
                    on_input=move |words| text.set(words)
                />
                {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
                <p><button type="submit" class="button">{t::visit_save_note}</button></p>
            </form>
        </section>
    }
}
