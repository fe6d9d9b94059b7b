//! Big choices out of a value list: one, or any number.
use std::collections::BTreeSet;

use leptos::prelude::*;
use zoufang_core::record::list::ValueList;

use super::text_field::FieldFault;
use crate::i18n::{Text, label as words, t};

/// One value of a list, as a group of radio buttons.
#[component]
pub(crate) fn ChoiceOne<T: ValueList + Send + Sync>(
    /// The id, also the target of the error summary.
    id: &'static str,
    /// The question.
    label: Text,
    /// What is chosen.
    value: Signal<Option<T>>,
    /// Called with the new choice.
    #[prop(into)]
    on_pick: Callback<T>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// The values offered; all of the list by default.
    #[prop(default = T::ALL)]
    offered: &'static [T],
    /// Whether it may stay unanswered.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let option = move |choice: &T| {
        let choice = *choice;
        view! {
            <label class="choice__option">
                <input
                    class="choice__input"
                    type="radio"
                    name=id
                    value=choice.code()
                    prop:checked=move || value.get() == Some(choice)
                    on:change=move |_| on_pick.run(choice)
                />
                <span>{move || words(choice)}</span>
            </label>
        }
    };
    view! {
        <fieldset class="field choice" id=id data-invalid=move || error.with(Option::is_some).to_string()>
            <legend class="field__label">
                {label}
                {optional.then(|| view! { <span class="field__optional">{t::form_optional}</span> })}
            </legend>
            <FieldFault error=error/>
            <div class="choice__list">{offered.iter().map(option).collect_view()}</div>
        </fieldset>
    }
}

/// Any number of values of a list, as chips with check boxes.
#[component]
pub(crate) fn ChoiceMany<T: ValueList + Ord + Send + Sync>(
    /// The id, also the target of the error summary.
    id: &'static str,
    /// The question.
    label: Text,
    /// What is chosen.
    value: Signal<BTreeSet<T>>,
    /// Called with a value that was chosen or let go.
    #[prop(into)]
    on_toggle: Callback<T>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether it may stay unanswered.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let option = move |choice: &T| {
        let choice = *choice;
        view! {
            <label class="choice__option">
                <input
                    class="choice__input"
                    type="checkbox"
                    value=choice.code()
                    prop:checked=move || value.with(|chosen| chosen.contains(&choice))
                    on:change=move |_| on_toggle.run(choice)
                />
                <span>{move || words(choice)}</span>
            </label>
        }
    };
    view! {
        <fieldset class="field choice choice--chips" id=id data-invalid=move || error.with(Option::is_some).to_string()>
            <legend class="field__label">
                {label}
                {optional.then(|| view! { <span class="field__optional">{t::form_optional}</span> })}
            </legend>
            <FieldFault error=error/>
            <div class="choice__list">{T::ALL.iter().map(option).collect_view()}</div>
        </fieldset>
    }
}

/// Puts a value in a set, or takes it out.
pub(crate) fn toggle<T: Ord>(set: &mut BTreeSet<T>, value: T) {
    if !set.remove(&value) {
        set.insert(value);
    }
}
