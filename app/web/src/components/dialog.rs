//! A question that must be answered: the browser's own dialog, which keeps the focus inside and closes on Escape.
use leptos::{html, prelude::*};

use crate::i18n::{Text, t};

/// A node for a dialog that is shown while `open` says so.
pub(super) fn modal(open: impl Into<Signal<bool>>) -> NodeRef<html::Dialog> {
    let (node, open): (NodeRef<html::Dialog>, Signal<bool>) = (NodeRef::new(), open.into());
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() {
            let _ = dialog.show_modal();
        } else if dialog.open() {
            dialog.close();
        }
    });
    node
}

/// A question with two answers.
#[component]
pub(crate) fn Confirm(
    /// Whether it is asked.
    open: RwSignal<bool>,
    /// The question.
    title: Text,
    /// What it is about, where there are several.
    #[prop(optional, into)]
    about: Signal<String>,
    /// What each answer means.
    text: Text,
    /// The word on the button that does it.
    action: Text,
    /// Does it.
    #[prop(into)]
    on_yes: Callback<()>,
) -> impl IntoView {
    let node = modal(open);
    let yes = move |_| {
        open.set(false);
        on_yes.run(());
    };
    view! {
        <dialog class="dialog" node_ref=node aria-label=title on:close=move |_| open.set(false)>
            <div class="dialog__body">
                <h2>{title}</h2>
                <Show when=move || !about.with(String::is_empty)><p class="strong">{about}</p></Show>
                <p class="keep-lines">{text}</p>
                <div class="dialog__actions">
                    <button type="button" class="button" on:click=move |_| open.set(false)>{t::action_cancel}</button>
                    <button type="button" class="button button--primary" on:click=yes>{action}</button>
                </div>
            </div>
        </dialog>
    }
}
