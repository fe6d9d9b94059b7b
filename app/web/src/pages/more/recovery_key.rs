//! The recovery key: its fingerprint, to be compared, and another one that the server says.
use leptos::prelude::*;
use zoufang_core::seal::PublicKey;

use crate::{
    components::{
        dialog::Confirm,
        facts::Facts,
        notice::{Notice, Weight},
        problem::ProblemNotice,
    },
    context::{problem::Problem, toasts::use_toasts, use_recovery},
    i18n::{Text, t},
};

/// Nothing where the organisation has no recovery key.
#[component]
pub(super) fn RecoveryKey() -> impl IntoView {
    let view = use_recovery().view();
    move || {
        view.get().map(|view| {
            let facts: Vec<(Text, Option<String>)> = vec![(t::recovery_key, Some(view.key.fingerprint()))];
            view! {
                <p>{t::recovery_key_text}</p>
                <div id="recovery-key"><Facts items=Signal::stored(facts)/></div>
                {view.other.map(|other| view! { <Other key=other/> })}
            }
        })
    }
}

/// Another key: it takes the place of the one that there is on a person's word only.
#[component]
fn Other(key: PublicKey) -> impl IntoView {
    let (recovery, toasts) = (use_recovery(), use_toasts());
    let (asking, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let take = move |()| {
        leptos::task::spawn_local(async move {
            match recovery.take_key(key).await {
                Ok(()) => toasts.say(t::recovery_key_taken()),
                Err(cause) => drop(problem.try_set(Some(cause))),
            }
        });
    };
    view! {
        <Confirm
            open=asking
            title=t::recovery_key_take_title
            about=Signal::derive(move || key.fingerprint())
            text=t::recovery_key_take_text
            action=t::recovery_key_take
            on_yes=take
        />
        <Notice weight=Weight::Warn title=Signal::derive(|| t::recovery_key_other().to_owned())>
            <p>{move || t::recovery_key_other_text(key.fingerprint())}</p>
            <p><button type="button" class="button" on:click=move |_| asking.set(true)>{t::recovery_key_take}</button></p>
        </Notice>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
    }
}
