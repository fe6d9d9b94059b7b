//! Choosing a PIN: at the first sign-in, and in the place of another one.
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use zoufang_core::seal::WeakPin;

use super::sign_in::LanguageSwitch;
use crate::{
    components::{
        notice::{Notice, Weight},
        problem::ProblemNotice,
        text_field::TextField,
    },
    context::{lock::PinFault, page_head, problem::Problem, toasts::use_toasts, use_lock, use_recovery},
    i18n::{Text, t},
    platform::focus,
};

/// The page that comes after the first sign-in.
#[component]
pub(crate) fn FirstPinPage() -> impl IntoView {
    Effect::new(move |_| {
        focus::set_title(&t::app_window_title(t::pin_title()));
        focus::focus_soon("#new-pin");
    });
    view! {
        <main class="sign-in" id="main">
            <h1 tabindex="-1">{t::pin_title}</h1>
            {use_recovery().is_let_in().then(|| view! {
                <Notice weight=Weight::Good title=Signal::derive(|| t::recovery_let_in().to_owned())><p>{t::recovery_let_in_text}</p></Notice>
            })}
            <p>{t::pin_text}</p>
            <Choose is_first=true on_chosen=move |()| ()/>
            <LanguageSwitch/>
        </main>
    }
}

/// The page that changes it.
#[component]
pub(crate) fn ChangePinPage() -> impl IntoView {
    page_head(|| t::pin_change().to_owned(), Some("/more".to_owned()));
    let (navigate, toasts) = (use_navigate(), use_toasts());
    let chosen = move |()| {
        toasts.say(t::pin_changed());
        navigate("/more", NavigateOptions { replace: true, ..Default::default() });
    };
    view! { <div class="stack"><p>{t::pin_text}</p><Choose is_first=false on_chosen=chosen/></div> }
}

/// What is typed, and typed again.
#[component]
fn Choose(
    /// There is none yet.
    is_first: bool,
    /// It is taken.
    #[prop(into)]
    on_chosen: Callback<()>,
) -> impl IntoView {
    let lock = use_lock();
    let (today, text, again) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let is_passphrase = RwSignal::new(false);
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let (weak, wrong_now) = (RwSignal::new(None::<WeakPin>), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    let differ = move || text.with(|text| again.with(|again| text != again));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        weak.set(None);
        wrong_now.set(false);
        if busy.get_untracked() || untrack(differ) {
            return;
        }
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            let (typed, now) = (text.get_untracked(), today.get_untracked());
            match lock.choose((!is_first).then_some(now.as_str()), &typed).await {
                // The first one takes this page away.
                Ok(()) => {
                    let _ = on_chosen.try_run(());
                }
                Err(PinFault::Weak(why)) => drop(weak.try_set(Some(why))),
                Err(PinFault::WrongNow) => drop(wrong_now.try_set(true)),
                Err(PinFault::Problem(cause)) => drop(problem.try_set(Some(cause))),
            }
            busy.try_set(false);
        });
    };
    let keyboard = move || if is_passphrase.get() { "text" } else { "numeric" };
    let fault = Signal::derive(move || weak.get().map(|why| weakness(why).to_owned()));
    let unlike = Signal::derive(move || (tried.get() && differ()).then(|| t::pin_differ().to_owned()));
    let wrong = Signal::derive(move || wrong_now.get().then(|| t::pin_wrong_now().to_owned()));
    view! {
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <form class="stack" novalidate data-busy=move || busy.get().to_string() on:submit=submit>
            {(!is_first).then(|| view! {
                <TextField id="pin-now" label=t::pin_now kind="password" value=today on_input=move |text| today.set(text) error=wrong/>
            })}
            {move || {
                let keyboard = keyboard();
                let (label, hint): (Text, Text) = if is_passphrase.get() { (t::pin_new_passphrase, t::pin_hint_passphrase) } else { (t::pin_new, t::pin_hint) };
                view! {
                    <TextField id="new-pin" label=label hint=hint kind="password" autocomplete="new-password" keyboard=keyboard value=text on_input=move |typed| text.set(typed) error=fault/>
                    <TextField id="new-pin-again" label=t::pin_again kind="password" autocomplete="new-password" keyboard=keyboard value=again on_input=move |typed| again.set(typed) error=unlike/>
                }
            }}
            <button type="submit" class="button button--primary button--large button--wide" disabled=move || busy.get()>
                {move || if busy.get() { t::pin_busy() } else { t::pin_do() }}
            </button>
            <button type="button" class="button button--wide" on:click=move |_| is_passphrase.update(|is| *is = !*is)>
                {move || if is_passphrase.get() { t::pin_use_digits() } else { t::pin_use_passphrase() }}
            </button>
        </form>
    }
}

fn weakness(why: WeakPin) -> &'static str {
    match why {
        WeakPin::Length => t::pin_fault_length(),
        WeakPin::Common => t::pin_fault_common(),
        WeakPin::Birthday => t::pin_fault_birthday(),
    }
}
