//! Several lines of text, with a counter against their bound.
use leptos::prelude::*;

use super::text_field::FieldFault;
use crate::i18n::{Text, t};

/// A labelled text of several lines, to be used within a form with `autocomplete="off"`: else the browser keeps what is typed for
/// its next session, in clear. Longer text than the bound stays typed and is marked, never cut.
#[component]
pub(crate) fn TextArea(
    /// The id, also the target of the error summary.
    id: &'static str,
    /// The label.
    label: Text,
    /// What stands in it.
    #[prop(into)]
    value: Signal<String>,
    /// Called with each change.
    #[prop(into)]
    on_input: Callback<String>,
    /// The most characters. The browser takes no more; a save with more would be refused by the server, for good.
    chars_max: usize,
    /// Help under the label.
    #[prop(optional)]
    hint: Option<Text>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether it may stay empty.
    #[prop(optional, into)]
    optional: Signal<bool>,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = format!("{hint_id} {error_id}");
    let invalid = move || error.with(Option::is_some);
    let count = move || value.with(|text| text.chars().count());
    view! {
        <div class="field" data-invalid=move || invalid().to_string()>
            <label class="field__label" for=id>
                {label}
                <Show when=move || optional.get()><span class="field__optional">{t::form_optional}</span></Show>
            </label>
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            <div id=error_id><FieldFault error=error/></div>
            <textarea
                class="input"
                id=id
                rows="4"
                autocomplete="off"
                maxlength=chars_max.to_string()
                aria-invalid=move || invalid().then_some("true")
                aria-describedby=described
                prop:value=value
                on:input=move |event| on_input.run(event_target_value(&event))
            ></textarea>
            <span class="field__count" data-over=move || (count() > chars_max).to_string()>
                {move || format!("{} / {chars_max}", count())}
            </span>
        </div>
    }
}
