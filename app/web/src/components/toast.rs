//! Where things said in passing are shown.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::{context::toasts::Toast, i18n::t};

/// The toasts, above the tabs.
#[component]
pub(crate) fn ToastPlace(
    /// Those shown now.
    #[prop(into)]
    toasts: Signal<Vec<Toast>>,
    /// Takes one away.
    #[prop(into)]
    on_close: Callback<u32>,
) -> impl IntoView {
    let one = move |toast: Toast| {
        let Toast { id, text, undo } = toast;
        let undo_button = undo.map(|undo| {
            let press = move |_| {
                undo();
                on_close.run(id);
            };
            view! { <button type="button" class="toast__action" on:click=press>{t::action_undo}</button> }
        });
        view! {
            <div class="toast">
                <span>{text}</span>
                <span class="cluster cluster--close">
                    {undo_button}
                    <button type="button" class="toast__action" aria-label=t::action_close on:click=move |_| on_close.run(id)>
                        <Glyph icon=Icon::Remove/>
                    </button>
                </span>
            </div>
        }
    };
    view! {
        <div class="toast-place" role="status">
            <For each=move || toasts.get() key=|toast| toast.id children=one/>
        </div>
    }
}
