//! Asking to be let in: the request, the number to be told, and looking what became of it. The page can be left and come back to.
use gloo::timers::callback::Interval;
use leptos::prelude::*;

use super::sign_in::SignInForm;
use crate::{
    components::{
        code_field::OneTimeCode,
        dialog::Confirm,
        notice::{Notice, Weight},
        problem::ProblemNotice,
    },
    context::{
        problem::Problem,
        recovery::{AskedView, Fate},
        use_recovery,
    },
    i18n::t,
    pages::lock::Waiting,
    platform::{clock, focus},
};

/// So often it is looked by itself, while the page is there and somebody is signed in.
const LOOK_EVERY_MS: u32 = 15_000;

/// What the page says last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    TakenBack,
    Gone,
}

/// The way on which nothing is lost.
#[component]
pub(super) fn LetIn(
    /// What was asked before.
    asked: Option<AskedView>,
) -> impl IntoView {
    let (asked, said) = (RwSignal::new(asked), RwSignal::new(Said::Nothing));
    let ended = move |how: Said| {
        asked.set(None);
        said.set(how);
        focus::focus_soon("main h1");
    };
    let notice = move || {
        match said.get() {
        Said::Nothing => None,
        Said::TakenBack => Some(view! {
            <Notice weight=Weight::Info title=Signal::derive(|| t::recovery_taken_back().to_owned())/>
        }.into_any()),
        Said::Gone => Some(view! {
            <Notice weight=Weight::Warn title=Signal::derive(|| t::recovery_gone().to_owned())><p>{t::recovery_gone_text}</p></Notice>
        }.into_any()),
    }
    };
    view! {
        <div role="status">{notice}</div>
        {move || match asked.get() {
            None => view! { <Ask on_asked=move |view| { said.set(Said::Nothing); asked.set(Some(view)); focus::focus_soon("main h1"); }/> }.into_any(),
            Some(view) => view! { <Asked asked=view on_taken_back=move |()| ended(Said::TakenBack) on_gone=move |()| ended(Said::Gone)/> }.into_any(),
        }}
    }
}

/// What happens, and the sign-in that asks.
#[component]
fn Ask(
    /// It is asked.
    #[prop(into)]
    on_asked: Callback<AskedView>,
) -> impl IntoView {
    let recovery = use_recovery();
    let (user, busy) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (problem, code) = (RwSignal::new(None::<Problem>), OneTimeCode::new());
    let ask = move |(name, password): (String, String)| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match recovery.ask(&name, &password, code.get().as_deref()).await {
                Ok(view) => drop(on_asked.try_run(view)),
                Err(cause) => {
                    code.look_at(&cause);
                    problem.try_set(Some(cause));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <Notice weight=Weight::Good title=Signal::derive(|| t::recovery_safe().to_owned())><p>{t::recovery_safe_text}</p></Notice>
        <ol class="steps">
            <li>{t::recovery_step_ask}</li>
            <li>{t::recovery_step_tell}</li>
            <li>{t::recovery_step_look}</li>
        </ol>
        <Waiting/>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <SignInForm user=user code=code busy=busy word=t::recovery_ask busy_word=t::recovery_asking on_submit=ask/>
    }
}

/// The number to be told, what became of the request, and taking it back.
#[component]
fn Asked(
    /// What was asked.
    asked: AskedView,
    /// It is taken back.
    #[prop(into)]
    on_taken_back: Callback<()>,
    /// The server has it no more.
    #[prop(into)]
    on_gone: Callback<()>,
) -> impl IntoView {
    let recovery = use_recovery();
    let AskedView { check_number, login, at } = asked;
    let (head, tail) = check_number.split_at_checked(3).unwrap_or((&check_number, ""));
    let digits = format!("{head} {tail}");
    let (user, busy, problem) = (RwSignal::new(login), RwSignal::new(false), RwSignal::new(None::<Problem>));
    let (may_look, looked, asking) =
        (RwSignal::new(recovery.may_look()), RwSignal::new(None::<String>), RwSignal::new(false));
    let failed = move |cause: Problem| {
        if cause == Problem::SignInAgain {
            may_look.try_set(false);
        }
        problem.try_set(Some(cause));
    };
    let look = move |by_itself: bool| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            match recovery.check().await {
                Ok(Fate::Waiting) => {
                    problem.try_set(None);
                    looked.try_set(Some(clock::time_of_day(clock::now())));
                }
                Ok(Fate::Gone) => drop(on_gone.try_run(())),
                // The choice of a PIN has taken this page's place.
                Ok(Fate::LetIn) => {}
                // A line that is gone for a moment is not said each time.
                Err(Problem::Offline | Problem::ServerDown) if by_itself => {}
                Err(cause) => failed(cause),
            }
            busy.try_set(false);
        });
    };
    let come_back = move |(name, password): (String, String)| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            let signed_in = recovery.come_back(&name, &password).await;
            busy.try_set(false);
            match signed_in {
                Ok(()) => {
                    may_look.try_set(true);
                    look(false);
                }
                Err(cause) => failed(cause),
            }
        });
    };
    let take_back = move |()| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            let taken_back = recovery.take_back().await;
            busy.try_set(false);
            match taken_back {
                Ok(()) => drop(on_taken_back.try_run(())),
                Err(cause) => failed(cause),
            }
        });
    };
    let tick = move || {
        if may_look.get_untracked() {
            look(true);
        }
    };
    StoredValue::new_local(Interval::new(LOOK_EVERY_MS, tick));
    let status = move || looked.get().map(t::recovery_not_yet).unwrap_or_default();
    view! {
        <Confirm open=asking title=t::recovery_take_back_title text=t::recovery_take_back_text action=t::recovery_take_back on_yes=take_back/>
        <Notice weight=Weight::Info title=Signal::derive(|| t::recovery_asked().to_owned())>
            <p>{t::recovery_tell}</p>
            <p class="figures one-time-code" id="check-number">{digits}</p>
            <p>{move || t::recovery_asked_at(clock::moment_words(at))}</p>
        </Notice>
        <p>{t::recovery_next}</p>
        <p class="muted" role="status">{status}</p>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <Show
            when=move || may_look.get()
            fallback=move || view! {
                <p>{t::recovery_come_back}</p>
                <SignInForm user=user code=OneTimeCode::new() busy=busy word=t::recovery_look busy_word=t::recovery_looking on_submit=come_back/>
            }
        >
            <button type="button" class="button button--primary button--large button--wide" disabled=move || busy.get() on:click=move |_| look(false)>
                {move || if busy.get() { t::recovery_looking() } else { t::recovery_look() }}
            </button>
            <button type="button" class="button button--wide" disabled=move || busy.get() on:click=move |_| asking.set(true)>{t::recovery_take_back}</button>
        </Show>
        <Waiting/>
    }
}
