//! The offline right has ended: what happened, what is safe, what to do. No record is shown until the server was heard.
use leptos::prelude::*;

use super::{
    carry::MakeFile,
    sign_in::{LanguageSwitch, SignInPage},
};
use crate::{
    components::{
        icon::{Glyph, Icon},
        notice::{Notice, Weight},
        problem::ProblemNotice,
        sync_chip::SyncChip,
    },
    context::{problem::Problem, sync::SyncState, use_sync},
    i18n::t,
    platform::focus,
};

/// The page. The first whole answer of the server takes it away.
#[component]
pub(crate) fn OfflineEndedPage() -> impl IntoView {
    let (signs_in, state) = (RwSignal::new(false), use_sync().state());
    // Whoever has signed in sees how the sync goes on.
    let asks =
        move || signs_in.get() && state.with(|state| *state == SyncState::Attention(Problem::SignInAgain));
    view! {
        <Show when=asks fallback=move || view! { <Ended signs_in=signs_in/> }>
            <SignInPage/>
        </Show>
    }
}

#[component]
fn Ended(signs_in: RwSignal<bool>) -> impl IntoView {
    let sync = use_sync();
    let (state, waiting) = (sync.state(), sync.waiting());
    let running = Memo::new(move |_| state.with(|state| matches!(state, SyncState::Running { .. })));
    let problem = Memo::new(move |_| match state.get() {
        SyncState::Attention(problem) => Some(problem),
        SyncState::Offline
        | SyncState::Paused
        | SyncState::Waiting(_)
        | SyncState::Running { .. }
        | SyncState::Done { .. } => None,
    });
    Effect::new(move |_| {
        focus::set_title(&t::app_window_title(t::offline_title()));
        focus::focus_soon("main h1");
    });
    let safe = Signal::derive(move || match waiting.get() {
        0 => t::offline_safe().to_owned(),
        count => t::offline_safe_waiting(count),
    });
    view! {
        <main class="sign-in" id="main" data-offline-ended>
            <h1 tabindex="-1">{t::offline_title}</h1>
            <SyncChip state=state waiting=waiting alone=true/>
            <p>{t::offline_text}</p>
            <Notice weight=Weight::Good title=safe><p>{t::offline_safe_text}</p></Notice>
            <Notice weight=Weight::Info title=Signal::derive(|| t::offline_todo().to_owned())><p>{t::offline_todo_text}</p></Notice>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            <Show
                when=move || problem.get() == Some(Problem::SignInAgain)
                fallback=move || view! {
                    <button
                        type="button"
                        class="button button--primary button--large button--wide"
                        disabled=move || running.get()
                        on:click=move |_| sync.resume()
                    >
                        <Glyph icon=Icon::Sync/>
                        {move || if running.get() { t::sync_running() } else { t::sync_now() }}
                    </button>
                }
            >
                <button type="button" class="button button--primary button--large button--wide" on:click=move |_| signs_in.set(true)>
                    {t::sign_in_again}
                </button>
            </Show>
            <Show when=move || { waiting.get() > 0 }><MakeFile/></Show>
            <LanguageSwitch/>
        </main>
    }
}
