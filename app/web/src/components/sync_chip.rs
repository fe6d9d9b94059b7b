//! The sync state in words, on every page; it leads to the sync page.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::{context::sync::SyncState, i18n::t, platform::clock};

fn name(state: &SyncState) -> &'static str {
    match state {
        SyncState::Offline => "offline",
        SyncState::Paused => "paused",
        SyncState::Waiting(_) => "waiting",
        SyncState::Running { .. } => "running",
        SyncState::Done { .. } => "done",
        SyncState::Attention(_) => "attention",
    }
}

fn icon(state: &SyncState) -> Icon {
    match state {
        SyncState::Offline => Icon::Offline,
        SyncState::Paused => Icon::Pause,
        SyncState::Waiting(_) => Icon::Upload,
        SyncState::Running { .. } => Icon::Sync,
        SyncState::Done { .. } => Icon::Check,
        SyncState::Attention(_) => Icon::Warning,
    }
}

/// The state in words.
pub(crate) fn state_words(state: &SyncState, waiting: usize) -> String {
    match state {
        SyncState::Offline if waiting > 0 => t::sync_offline_waiting(waiting),
        SyncState::Offline => t::sync_offline().to_owned(),
        SyncState::Paused if waiting > 0 => t::sync_paused_waiting(waiting),
        SyncState::Paused => t::sync_paused().to_owned(),
        SyncState::Waiting(count) => t::sync_waiting(count),
        SyncState::Running { .. } => t::sync_running().to_owned(),
        SyncState::Done { at } => t::sync_done(clock::time_of_day(*at)),
        SyncState::Attention(_) => t::sync_attention().to_owned(),
    }
}

/// The chip.
#[component]
pub(crate) fn SyncChip(
    /// What the sync is doing.
    #[prop(into)]
    state: Signal<SyncState>,
    /// How many changes wait.
    #[prop(into)]
    waiting: Signal<usize>,
    /// It leads nowhere: there is no other page now.
    #[prop(optional)]
    alone: bool,
) -> impl IntoView {
    let words = view! {
        <span class="sync-chip__text" role="status">
            <Glyph icon=Signal::derive(move || state.with(icon)) small=true/>
            {move || state.with(|state| state_words(state, waiting.get()))}
        </span>
    };
    let (name, waiting) = (move || state.with(name), move || waiting.get());
    if alone {
        view! { <p class="sync-chip" data-state=name data-waiting=waiting>{words}</p> }.into_any()
    } else {
        view! { <a class="sync-chip" href="/sync" data-state=name data-waiting=waiting>{words}</a> }
            .into_any()
    }
}
