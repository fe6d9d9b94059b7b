//! The PIN is forgotten: where somebody can let this phone in, nothing is lost; else what was saved is delivered, then the phone begins anew.
mod anew;
mod ask;
mod sign_in;

use leptos::prelude::*;

use crate::{
    components::empty::Skeleton,
    context::{recovery::Found, use_lock, use_recovery},
    i18n::t,
    platform::focus,
};
use anew::BeginAnew;
use ask::LetIn;

/// What stays safe, what does not, and the ways on.
#[component]
pub(crate) fn ForgottenPage() -> impl IntoView {
    let (recovery, view) = (use_recovery(), use_lock().view());
    let gone = move || view.with(|view| view.gone);
    let (found, anew) = (RwSignal::new(None::<Found>), RwSignal::new(false));
    Effect::new(move |_| {
        focus::set_title(&t::app_window_title(t::forgotten_title()));
        focus::focus_soon("main h1");
    });
    // A slot that cannot be read is none: the other way is still there.
    leptos::task::spawn_local(async move {
        let looked = recovery.look().await.unwrap_or_default();
        found.try_set(Some(looked));
    });
    let switch = move |to: bool| {
        anew.set(to);
        focus::focus_soon("main h1");
    };
    view! {
        <h1 tabindex="-1">{move || if gone() { t::forgotten_gone() } else { t::forgotten_title() }}</h1>
        {move || match (found.get(), anew.get()) {
            (None, _) => view! { <Skeleton rows=2/> }.into_any(),
            (Some(Found { may_ask: false, .. }), _) => view! { <BeginAnew/> }.into_any(),
            (Some(found), false) => view! {
                <LetIn asked=found.asked/>
                <button type="button" class="button button--wide" on:click=move |_| switch(true)>{t::recovery_instead}</button>
            }.into_any(),
            (Some(_), true) => view! {
                <BeginAnew/>
                <button type="button" class="button button--wide" on:click=move |_| switch(false)>{t::recovery_instead_back}</button>
            }.into_any(),
        }}
    }
}
