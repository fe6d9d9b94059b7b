//! One value of a list in a drop-down, for questions that are asked seldom.
use leptos::prelude::*;
use zoufang_core::record::list::ValueList;

use crate::i18n::{Text, label as words, t};

/// A labelled drop-down of a value list; its first line is "not known".
#[component]
pub(crate) fn SelectField<T: ValueList + Send + Sync>(
    /// The id.
    #[prop(into)]
    id: String,
    /// The label.
    label: Text,
    /// What is chosen.
    value: Signal<Option<T>>,
    /// Called with the new choice.
    #[prop(into)]
    on_pick: Callback<Option<T>>,
) -> impl IntoView {
    let option = move |choice: &T| {
        let choice = *choice;
        view! { <option value=choice.code() prop:selected=move || value.get() == Some(choice)>{move || words(choice)}</option> }
    };
    view! {
        <div class="field">
            <label class="field__label" for=id.clone()>{label}</label>
            <select class="input" id=id on:change=move |event| on_pick.run(T::of_code(&event_target_value(&event)))>
                <option value="" prop:selected=move || value.get().is_none()>{t::form_not_known}</option>
                {T::ALL.iter().map(option).collect_view()}
            </select>
        </div>
    }
}
