//! A day: today and yesterday as chips, any other day by the browser's own picker.
use leptos::prelude::*;
use zoufang_core::record::Date;

use super::text_field::FieldFault;
use crate::{
    i18n::{Text, t},
    platform::clock,
};

/// A labelled day.
#[component]
pub(crate) fn DateField(
    /// The id, also the target of the error summary.
    #[prop(into)]
    id: String,
    /// The label.
    label: Text,
    /// The day.
    #[prop(into)]
    value: Signal<Option<Date>>,
    /// Called with each change.
    #[prop(into)]
    on_pick: Callback<Option<Date>>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether the chips are shown.
    #[prop(default = true)]
    chips: bool,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// Whether the day lies ahead: from today on, instead of up to today.
    #[prop(optional)]
    ahead: bool,
) -> impl IntoView {
    let chip = move |label: Text, days: i32| {
        let day = clock::today().plus_days(-days);
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || (value.get() == Some(day)).to_string()
                on:click=move |_| on_pick.run(Some(day))
            >
                {label}
            </button>
        }
    };
    let invalid = move || error.with(Option::is_some);
    view! {
        <fieldset class="field" id=id data-invalid=move || invalid().to_string()>
            <legend class="field__label">
                {label}
                {optional.then(|| view! { <span class="field__optional">{t::form_optional}</span> })}
            </legend>
            <FieldFault error=error/>
            <div class="cluster cluster--close">
                {chips.then(|| chip(t::day_today, 0))}
                {chips.then(|| chip(t::day_yesterday, 1))}
                <input
                    class="input input--short"
                    type="date"
                    aria-label=label
                    aria-invalid=move || invalid().then_some("true")
                    max=(!ahead).then(|| clock::today().to_string())
                    min=ahead.then(|| clock::today().to_string())
                    prop:value=move || value.get().map(|day| day.to_string()).unwrap_or_default()
                    on:change=move |event| on_pick.run(event_target_value(&event).parse().ok())
                />
            </div>
        </fieldset>
    }
}
