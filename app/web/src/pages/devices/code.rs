//! A one-time code for somebody whose phone is to be enrolled, or who has forgotten the PIN.
use leptos::prelude::*;
use zoufang_core::record::Timestamp;

use crate::{
    components::{
        notice::{Notice, Weight},
        problem::ProblemNotice,
        qr::Qr,
        text_field::TextField,
    },
    context::{
        devices::{self, MadeCode},
        problem::Problem,
        use_session,
    },
    i18n::t,
    platform::{clock, link},
};

/// Makes a code for a user.
#[component]
pub(super) fn CodeCard() -> impl IntoView {
    let session = use_session();
    let (login, busy) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (problem, made) = (RwSignal::new(None::<Problem>), RwSignal::new(None::<MadeCode>));
    let make = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let user = login.get_untracked().trim().to_owned();
        if user.is_empty() || busy.get_untracked() {
            return;
        }
        busy.set(true);
        problem.set(None);
        made.set(None);
        leptos::task::spawn_local(async move {
            match devices::make_code(session, &user).await {
                Ok(code) => drop(made.try_set(Some(code))),
                Err(cause) => drop(problem.try_set(Some(cause))),
            }
            busy.try_set(false);
        });
    };
    view! {
        <section class="card stack" id="code-card">
            <h2>{t::code_title}</h2>
            <p>{t::code_text}</p>
            <form class="stack" novalidate autocomplete="off" on:submit=make>
                <TextField id="code-user" label=t::code_user value=login on_input=move |text| login.set(text)/>
                <p><button type="submit" class="button button--primary" disabled=move || busy.get()>{t::code_make}</button></p>
            </form>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            <div role="status">{move || made.get().map(|made| view! { <Made made=made/> })}</div>
        </section>
    }
}

#[component]
fn Made(made: MadeCode) -> impl IntoView {
    let MadeCode { code, user_name, expires_at_ms, wanted } = made;
    let (head, tail) = code.split_at_checked(4).unwrap_or((&code, ""));
    let digits = format!("{head} {tail}");
    let link = link::with_code(&code);
    view! {
        <Notice weight=Weight::Good title=Signal::derive(move || t::code_for(&user_name))>
            <p class="figures one-time-code">{digits}</p>
            {link.map(|link| view! { <Qr text=link alt=t::code_qr/> })}
            <p>{t::code_qr_text}</p>
            <p>{move || t::code_until(clock::moment_words(Timestamp(expires_at_ms)))}</p>
            {(!wanted).then(|| view! { <p>{t::code_not_wanted}</p> })}
        </Notice>
    }
}
