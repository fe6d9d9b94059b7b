//! 同步: what is on this phone, what waits, when the last sync was, what was refused and why, how safe the data lie.
mod refused;

use leptos::prelude::*;
use zoufang_core::record::Kind;

use self::refused::Refused;
use crate::{
    components::{
        facts::Facts,
        icon::{Glyph, Icon},
        notice::{Notice, Weight},
        problem::ProblemNotice,
        progress::Progress,
        sync_chip::state_words,
    },
    context::{page_head, problem::Problem, sync::SyncState, use_library, use_sync},
    i18n::{Text, t},
    platform::{
        clock,
        storage::{Protection, StorageGuard},
    },
};

/// A tap that was meant for what stood there before comes within this time.
const TAP_MS: u64 = 600;

/// The page.
#[component]
pub(crate) fn SyncPage() -> impl IntoView {
    page_head(|| t::nav_sync().to_owned(), None);
    let sync = use_sync();
    let state = sync.state();
    let running = Memo::new(move |_| state.with(|state| matches!(state, SyncState::Running { .. })));
    let title = Signal::derive(move || state.with(|state| state_words(state, sync.waiting().get())));
    // The buttons stand in the same place: who wanted a sync that began by itself in that moment does not stop it.
    let running_since = StoredValue::new(0);
    Effect::new(move |_| {
        if running.get() {
            running_since.set_value(clock::steady_ms());
        }
    });
    let pause = move |_| {
        if clock::steady_ms().saturating_sub(running_since.get_value()) > TAP_MS {
            sync.pause();
        }
    };
    view! {
        <div class="stack stack--loose">
            <section class="stack">
                {move || match state.get() {
                    SyncState::Attention(Problem::SignInAgain) => view! {
                        <ProblemNotice problem=Signal::stored(Problem::SignInAgain)/>
                        <a class="button button--primary" href="/sign-in">{t::sign_in_again}</a>
                    }.into_any(),
                    SyncState::Attention(problem) => view! { <ProblemNotice problem=Signal::stored(problem)/> }.into_any(),
                    SyncState::Offline => view! {
                        <Notice weight=Weight::Info title=title><p>{t::sync_offline_text}</p></Notice>
                        <Show when=move || { sync.waiting().get() > 0 }><a class="button" href="/more/carry">{t::carry_title}</a></Show>
                    }.into_any(),
                    SyncState::Paused => view! { <Notice weight=Weight::Warn title=title><p>{t::sync_paused_text}</p></Notice> }.into_any(),
                    SyncState::Waiting(_) => view! { <Notice weight=Weight::Warn title=title><p>{t::sync_waiting_text}</p></Notice> }.into_any(),
                    SyncState::Running { .. } => view! { <Notice weight=Weight::Info title=title><Running/></Notice> }.into_any(),
                    SyncState::Done { .. } => view! { <Notice weight=Weight::Good title=title><p>{t::sync_done_text}</p></Notice> }.into_any(),
                }}
                {move || if running.get() { view! {
                    <button type="button" class="button button--large button--wide" on:click=pause>
                        <Glyph icon=Icon::Pause/>
                        {t::sync_pause}
                    </button>
                }.into_any() } else { view! {
                    <button type="button" class="button button--large button--wide" on:click=move |_| sync.resume()>
                        <Glyph icon=Icon::Sync/>
                        {t::sync_now}
                    </button>
                }.into_any() }}
            </section>
            <Refused/>
            <OnPhone/>
            <Safety/>
        </div>
    }
}

/// How far a sync is.
#[component]
fn Running() -> impl IntoView {
    let sync = use_sync();
    let parts = Signal::derive(move || match sync.state().get() {
        SyncState::Running { done, total } => (done, total),
        SyncState::Offline
        | SyncState::Paused
        | SyncState::Waiting(_)
        | SyncState::Done { .. }
        | SyncState::Attention(_) => (0, 0),
    });
    let words = move || match parts.get() {
        (done, 0) => t::sync_progress(done),
        (done, total) => t::sync_progress_of(done, total),
    };
    view! {
        <Progress done=Signal::derive(move || parts.get().0) total=Signal::derive(move || parts.get().1) words=Signal::derive(words)/>
    }
}

/// What is on this phone, by kind.
#[component]
fn OnPhone() -> impl IntoView {
    let (library, sync) = (use_library(), use_sync());
    let items = Signal::derive(move || {
        let index = library.index().get();
        let count = |kind| Some(index.count(kind).to_string());
        let facts: Vec<(Text, Option<String>)> = vec![
            (t::sync_people, count(Kind::Person)),
            (t::sync_party, count(Kind::Party)),
            (t::sync_visits, count(Kind::Visit)),
            (t::sync_contacts, count(Kind::Contact)),
            (t::welfare_title, Some(index.count(Kind::Welfare)).filter(|n| *n > 0).map(|n| n.to_string())),
            (t::sync_to_upload, Some(sync.waiting().get().to_string())),
            (
                t::sync_last,
                Some(sync.last_at().get().map_or_else(|| t::sync_never().to_owned(), clock::moment_words)),
            ),
        ];
        facts
    });
    view! {
        <section class="card">
            <h2>{t::sync_on_phone}</h2>
            <Facts items=items/>
        </section>
    }
}

/// Whether the browser promises to keep the data.
#[component]
fn Safety() -> impl IntoView {
    let guard: StorageGuard = expect_context();
    view! {
        <section class="card" data-storage=move || if guard.protection().get() == Protection::Protected { "protected" } else { "unprotected" }>
            <h2>{t::storage_title}</h2>
            {move || match guard.protection().get() {
                Protection::Protected => view! { <p class="strong">{t::storage_protected}</p><p class="muted">{t::storage_protected_text}</p> }.into_any(),
                Protection::Unprotected | Protection::Unknown => view! {
                    <p class="strong">{t::storage_unprotected}</p>
                    <p class="muted">{t::storage_unprotected_text}</p>
                    <p><button type="button" class="button" on:click=move |_| guard.ask()>{t::storage_ask}</button></p>
                }.into_any(),
            }}
        </section>
    }
}
