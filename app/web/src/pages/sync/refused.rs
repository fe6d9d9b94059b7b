//! Changes that the server refused: why, and what they said, so that nothing typed is lost.
use leptos::prelude::*;
use zoufang_core::record::Kind;

use crate::{
    components::{problem::refusal_words, values},
    context::{sync::RefusedChange, toasts::use_toasts, use_library, use_session, use_sync},
    i18n::t,
    pages::history::set_line,
    platform::clock,
};

/// The refused changes; nothing while there are none.
#[component]
pub(crate) fn Refused() -> impl IntoView {
    let sync = use_sync();
    let some = Memo::new(move |_| !sync.refused().with(|refused| refused.is_empty()));
    view! {
        <Show when=move || some.get()>
            <section class="section">
                <h2>{t::refused_title}</h2>
                <p>{t::refused_text}</p>
                {move || sync.refused().with(|refused| refused.iter().cloned().map(|change| view! { <RefusedCard change=change/> }).collect_view())}
            </section>
        </Show>
    }
}

#[component]
fn RefusedCard(change: RefusedChange) -> impl IntoView {
    let (sync, toasts) = (use_sync(), use_toasts());
    let RefusedChange { doc, kind, code, at, values } = change;
    let (name, path) = match kind {
        Kind::Person | Kind::Party => (t::person_kind as crate::i18n::Text, format!("/people/{doc}")),
        Kind::Welfare => (t::welfare_title as crate::i18n::Text, format!("/people/{}", doc.beside())),
        Kind::Visit => (t::visit_kind as crate::i18n::Text, format!("/visits/{doc}")),
        Kind::Contact => (t::contact_kind as crate::i18n::Text, format!("/contacts/{doc}")),
    };
    let sets: Vec<_> = values.0.into_iter().filter(|(key, _)| !values::is_inner(key)).collect();
    let shown_code = code.clone();
    let (library, session) = (use_library(), use_session());
    let again = move |_| {
        let home =
            session.user().with_untracked(|user| user.as_ref().map(|user| user.unit)).unwrap_or_default();
        leptos::task::spawn_local(async move {
            let patch = sync.refused_values(doc);
            match library.make_again(doc, kind, patch, home).await {
                Ok(()) => {
                    let _ = sync.dismiss(doc).await;
                    toasts.say(t::saved_here());
                }
                Err(_) => toasts.say(t::refused_again_failed()),
            }
        });
    };
    let dismiss = move |_| {
        leptos::task::spawn_local(async move {
            if sync.dismiss(doc).await.is_ok() {
                toasts.say(t::refused_dismissed());
            }
        });
    };
    view! {
        <article class="card">
            <div class="card__head">
                <h3>{name}</h3>
                <span class="muted small">{move || clock::moment_words(at)}</span>
            </div>
            <p class="strong">{move || refusal_words(&code)}</p>
            <div>{sets.into_iter().map(set_line).collect_view()}</div>
            <p class="notice__code">{move || t::problem_code(format!("R-{shown_code}"))}</p>
            <div class="cluster">
                <button type="button" class="button" on:click=again>{t::refused_again}</button>
                <a class="button button--quiet" href=path>{t::refused_open}</a>
                <button type="button" class="button button--quiet" on:click=dismiss>{t::refused_dismiss}</button>
            </div>
        </article>
    }
}
