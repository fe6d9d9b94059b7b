//! What keeps a form from being saved, on top of it, each leading to its field. It takes the focus when it appears.
use leptos::prelude::*;

use crate::{i18n::t, platform::focus};

/// One fault: the id of its field and the words, the same as at the field.
pub(crate) type Fault = (&'static str, String);

/// The faults of a form; nothing while there are none.
#[component]
pub(crate) fn ErrorSummary(
    /// The faults, in the order of the form.
    #[prop(into)]
    faults: Signal<Vec<Fault>>,
) -> impl IntoView {
    let some = Memo::new(move |_| !faults.with(Vec::is_empty));
    Effect::new(move |_| {
        if some.get() {
            focus::focus_soon(".error-summary");
        }
    });
    let lines = move || {
        let line = |(field, words): Fault| {
            let go = move |event: web_sys::MouseEvent| {
                event.prevent_default();
                focus::focus(&format!(
                    "#{field} input, #{field} textarea, #{field} button, input#{field}, textarea#{field}"
                ));
            };
            view! { <li><a class="error-summary__link" href=format!("#{field}") on:click=go>{words}</a></li> }
        };
        faults.get().into_iter().map(line).collect_view()
    };
    view! {
        <Show when=move || some.get()>
            <div class="error-summary" role="alert" tabindex="-1">
                <h2 class="error-summary__title">{move || t::form_faults(faults.with(Vec::len))}</h2>
                <ul class="error-summary__list">{lines}</ul>
            </div>
        </Show>
    }
}
