//! The PIN is forgotten: what was saved is delivered, then the phone begins anew with a new one.
use leptos::prelude::*;

use super::{carry::MakeFile, lock::Waiting};
use crate::{
    components::{
        code_field::{CodeField, OneTimeCode},
        dialog::Confirm,
        notice::{Notice, Weight},
        problem::ProblemNotice,
        text_field::TextField,
    },
    context::{problem::Problem, use_lock, use_session},
    i18n::t,
    platform::focus,
};

/// What stays safe, what does not, and the sign-in that begins anew.
#[component]
pub(crate) fn ForgottenPage() -> impl IntoView {
    let (session, view) = (use_session(), use_lock().view());
    let (user, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    let code = OneTimeCode::new();
    let gone = move || view.with(|view| view.gone);
    let only_by_pin = move || view.with(|view| view.held.map_or(0, |held| held.only_by_pin));
    let waits = Memo::new(move |_| view.with(|view| view.held.is_some_and(|held| held.waiting > 0)));
    let asking = RwSignal::new(false);
    Effect::new(move |_| {
        focus::set_title(&t::app_window_title(t::forgotten_title()));
        focus::focus_soon("main h1");
    });
    let missing = move |value: RwSignal<String>| {
        Signal::derive(move || {
            (tried.get() && value.with(|value| value.trim().is_empty())).then(|| t::fault_empty().to_owned())
        })
    };
    let begin = move || {
        let (name, word) = (user.get_untracked().trim().to_owned(), password.get_untracked());
        if busy.get_untracked() || name.is_empty() || word.is_empty() {
            return;
        }
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            if let Err(cause) = session.begin_anew(&name, &word, code.get().as_deref()).await {
                code.look_at(&cause);
                problem.try_set(Some(cause));
            }
            busy.try_set(false);
        });
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if untrack(only_by_pin) > 0 {
            asking.set(true);
        } else {
            begin();
        }
    };
    let about = Signal::derive(move || t::forgotten_only_by_pin(only_by_pin()));
    view! {
        <Confirm open=asking title=t::forgotten_sure about=about text=t::forgotten_sure_text action=t::forgotten_do on_yes=move |()| begin()/>
        <h1 tabindex="-1">{move || if gone() { t::forgotten_gone() } else { t::forgotten_title() }}</h1>
        <Notice weight=Weight::Good title=Signal::derive(|| t::forgotten_safe().to_owned())><p>{t::forgotten_safe_text}</p></Notice>
        <Notice weight=Weight::Warn title=Signal::derive(|| t::forgotten_lost().to_owned())>
            <p>{t::forgotten_lost_text}</p>
            {move || (only_by_pin() > 0).then(|| view! { <p>{t::forgotten_only_by_pin(only_by_pin())}</p> })}
        </Notice>
        <Waiting/>
        <Show when=move || waits.get()><MakeFile/></Show>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <form class="stack" novalidate on:submit=submit>
            <TextField id="user" label=t::sign_in_user autocomplete="username" value=user on_input=move |text| user.set(text) error=missing(user)/>
            <TextField
                id="password"
                label=t::sign_in_password
                kind="password"
                autocomplete="current-password"
                value=password
                on_input=move |text| password.set(text)
                error=missing(password)
            />
            <CodeField code=code/>
            <button type="submit" class="button button--primary button--large button--wide" disabled=move || busy.get()>
                {move || if busy.get() { t::forgotten_busy() } else { t::forgotten_do() }}
            </button>
        </form>
    }
}
