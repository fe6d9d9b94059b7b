//! A new version is there: it is used when the user says so, and only after every draft is kept.
use leptos::prelude::*;

use crate::i18n::t;

/// The bar; nothing while there is no new version.
#[component]
pub(crate) fn UpdateBar(
    /// Whether a new version waits.
    #[prop(into)]
    ready: Signal<bool>,
    /// How many forms hold text that is not kept yet.
    #[prop(into)]
    unkept: Signal<usize>,
    /// Tells every form to keep its text at once.
    #[prop(into)]
    on_keep: Callback<()>,
    /// Uses the new version.
    #[prop(into)]
    on_apply: Callback<()>,
) -> impl IntoView {
    let pressed = RwSignal::new(false);
    Effect::new(move |_| {
        if pressed.get() && unkept.get() == 0 {
            pressed.set(false);
            on_apply.run(());
        }
    });
    let press = move |_| {
        on_keep.run(());
        pressed.set(true);
    };
    view! {
        <Show when=move || ready.get()>
            <div class="update-bar" role="status">
                <span>{t::update_ready}</span>
                <button type="button" class="button" disabled=move || pressed.get() on:click=press>{t::update_use}</button>
            </div>
        </Show>
    }
}
