//! One line of text with its label, hint, error and warning.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::i18n::{Text, t};

/// A labelled line of text.
#[component]
pub(crate) fn TextField(
    /// The id, also the target of the error summary.
    #[prop(into)]
    id: String,
    /// The label.
    label: Text,
    /// What stands in it.
    #[prop(into)]
    value: Signal<String>,
    /// Called with each change.
    #[prop(into)]
    on_input: Callback<String>,
    /// Help under the label.
    #[prop(optional)]
    hint: Option<Text>,
    /// What is wrong.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// What looks wrong but is taken.
    #[prop(optional, into)]
    warning: Signal<Option<String>>,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// Which keyboard to show.
    #[prop(default = "text")]
    keyboard: &'static str,
    /// What the browser may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// The most characters. The browser takes no more; a save with more would be refused by the server, for good.
    #[prop(optional)]
    chars_max: Option<usize>,
    /// Few characters.
    #[prop(optional)]
    short: bool,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let described = format!("{hint_id} {error_id}");
    let invalid = move || error.with(Option::is_some);
    view! {
        <div class="field" data-invalid=move || invalid().to_string()>
            <label class="field__label" for=id.clone()>
                {label}
                {optional.then(|| view! { <span class="field__optional">{t::form_optional}</span> })}
            </label>
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            <div id=error_id>
                <FieldFault error=error warning=warning/>
            </div>
            <input
                class=if short { "input input--short" } else { "input" }
                id=id
                type=kind
                inputmode=keyboard
                autocomplete=autocomplete
                maxlength=chars_max.map(|chars| chars.to_string())
                aria-invalid=move || invalid().then_some("true")
                aria-describedby=described
                prop:value=value
                on:input=move |event| on_input.run(event_target_value(&event))
            />
        </div>
    }
}

/// What is wrong with a field, and what looks wrong.
#[component]
pub(crate) fn FieldFault(
    /// What is wrong.
    error: Signal<Option<String>>,
    /// What looks wrong but is taken.
    #[prop(optional, into)]
    warning: Signal<Option<String>>,
) -> impl IntoView {
    let line = |class: &'static str, words: String| view! { <p class=class><Glyph icon=Icon::Warning small=true/><span>{words}</span></p> };
    view! {
        {move || error.get().map(|words| line("field__error", words))}
        {move || warning.get().map(|words| line("field__warning", words))}
    }
}
