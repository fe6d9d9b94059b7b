//! What was promised, by whom and by when; folded away, since most visits end without a promise.
use leptos::prelude::*;
use zoufang_core::{
    document::shape::{LINE_CHARS_MAX, NAME_CHARS_MAX},
    record::visit::Promise,
};

use super::model::{VisitForm, some_text};
use crate::{
    components::{
        date_field::DateField,
        error_summary::Fault,
        icon::{Glyph, Icon},
        text_field::{FieldFault, TextField},
    },
    context::use_session,
    i18n::t,
    pages::person_edit::fault_of,
};

/// The promises of a visit.
#[component]
pub(crate) fn PromiseFields(
    /// The form.
    form: RwSignal<VisitForm>,
    /// What is wrong.
    #[prop(into)]
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let user = use_session().user();
    let ids =
        Memo::new(move |_| form.with(|form| form.contact.visit.promises.keys().cloned().collect::<Vec<_>>()));
    let add = move |_| {
        let name = user.with_untracked(|user| user.as_ref().map(|user| user.name.clone()));
        form.update(|form| form.add_promise(name));
    };
    view! {
        <fieldset class="field" id="promises">
            <legend class="field__label">
                {t::field_promise}
                <span class="field__optional">{t::form_optional}</span>
            </legend>
            <p class="field__hint">{t::visit_promise_hint}</p>
            <FieldFault error=fault_of(faults, "promises")/>
            <div class="stack">
                <For each=move || ids.get() key=Clone::clone children=move |id| view! { <PromiseLine form=form id=id/> }/>
                <button type="button" class="button" on:click=add>
                    <Glyph icon=Icon::Plus/>
                    {t::visit_add_promise}
                </button>
            </div>
        </fieldset>
    }
}

#[component]
fn PromiseLine(form: RwSignal<VisitForm>, id: String) -> impl IntoView {
    let id = StoredValue::new(id);
    let promise = Signal::derive(move || {
        form.with(|form| id.with_value(|id| form.contact.visit.promises.get(id).cloned())).unwrap_or_default()
    });
    let change = move |change: &dyn Fn(&mut Promise)| {
        form.update(|form| {
            if let Some(promise) = id.with_value(|id| form.contact.visit.promises.get_mut(id)) {
                change(promise);
            }
        });
    };
    let remove = move |_| {
        form.update(|form| {
            id.with_value(|id| form.contact.visit.promises.remove(id));
        });
    };
    view! {
        <div class="card">
            <TextField
                id=id.with_value(|id| format!("promise-{id}"))
                label=t::visit_promise_what
                chars_max=LINE_CHARS_MAX
                value=Signal::derive(move || promise.get().what)
                on_input=move |text: String| change(&|promise| promise.what.clone_from(&text))
            />
            <TextField
                id=id.with_value(|id| format!("keeper-{id}"))
                label=t::visit_promise_who
                chars_max=NAME_CHARS_MAX
                value=Signal::derive(move || promise.get().who.unwrap_or_default())
                on_input=move |text: String| change(&|promise| promise.who = some_text(text.clone()))
            />
            <DateField
                id=id.with_value(|id| format!("by-{id}"))
                label=t::visit_promise_by
                value=Signal::derive(move || promise.get().by)
                on_pick=move |day| change(&|promise| promise.by = day)
                chips=false
                ahead=true
            />
            <p><button type="button" class="button button--problem" on:click=remove>{t::action_remove}</button></p>
        </div>
    }
}
