//! The lock: the PIN, the wait after wrong ones, and the way on for whoever has forgotten it.
use gloo::timers::callback::Interval;
use leptos::prelude::*;

use super::{later::later, sign_in::LanguageSwitch};
use crate::{
    components::{
        mark::Mark,
        notice::{Notice, Weight},
        problem::ProblemNotice,
        text_field::TextField,
    },
    context::{problem::Problem, use_lock},
    i18n::t,
    platform::{clock, focus, preference},
};

/// A PIN is tried as soon as it has so many digits.
pub(crate) const PIN_DIGITS: usize = 6;
const TICK_MS: u32 = 1_000;
const DELIVER_EVERY_MS: u32 = 15_000;
/// The wait is kept so often that a reload costs little of it.
const KEEP_MS: u64 = 5_000;

/// The page.
#[component]
pub(crate) fn LockPage() -> impl IntoView {
    let lock = use_lock();
    let forgot = RwSignal::new(false);
    let gone = Memo::new(move |_| lock.view().with(|view| view.gone));
    view! {
        <main class="sign-in" id="main" data-lock>
            <Show
                when=move || gone.get() || forgot.get()
                fallback=move || view! { <Enter forgot=forgot/> }
            >
                {later(|pages| pages.forgotten)()}
                <Show when=move || !gone.get()>
                    <button type="button" class="button button--wide" on:click=move |_| forgot.set(false)>{t::forgotten_back}</button>
                </Show>
            </Show>
            <LanguageSwitch/>
        </main>
    }
}

/// Where the PIN is typed.
#[component]
fn Enter(forgot: RwSignal<bool>) -> impl IntoView {
    let lock = use_lock();
    let view = lock.view();
    let (text, busy) = (RwSignal::new(String::new()), RwSignal::new(false));
    let wrong = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    let is_passphrase = preference::read(preference::PASSPHRASE).is_some();
    let left_ms = wait();
    let must_wait = move || left_ms.get() > 0;
    Effect::new(move |_| {
        focus::set_title(&t::app_window_title(t::lock_title()));
        focus::focus_soon("#pin");
    });

    let open = move || {
        let typed = text.get_untracked();
        if busy.get_untracked() || typed.is_empty() || left_ms.get_untracked() > 0 {
            return;
        }
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match lock.open(&typed).await {
                Ok(true) => return,
                Ok(false) => {
                    wrong.try_set(true);
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
            text.try_set(String::new());
            busy.try_set(false);
            focus::focus_soon("#pin");
        });
    };
    let typed = move |typed: String| {
        let whole = !is_passphrase && typed.chars().count() == PIN_DIGITS;
        text.set(typed);
        if whole {
            open();
        }
    };
    let error = Signal::derive(move || {
        let left = view.with(|view| view.left);
        wrong.get().then(|| if left == 1 { t::lock_wrong_last().to_owned() } else { t::lock_wrong(left) })
    });
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        open();
    };
    view! {
        <div class="sign-in__brand">
            <Mark size=64/>
            <h1 class="sign-in__name" tabindex="-1">{t::app_name}</h1>
        </div>
        {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <form class="stack" novalidate on:submit=submit data-left=move || view.with(|view| view.left).to_string()>
            <TextField
                id="pin"
                label=if is_passphrase { t::lock_passphrase } else { t::lock_pin }
                kind="password"
                keyboard=if is_passphrase { "text" } else { "numeric" }
                value=text
                on_input=typed
                error=error
            />
            <Show when=must_wait>
                <Notice weight=Weight::Warn title=Signal::derive(move || t::lock_wait(clock::span_words(left_ms.get())))>
                    <p>{t::lock_wait_text}</p>
                </Notice>
            </Show>
            <button type="submit" class="button button--primary button--large button--wide" disabled=move || busy.get() || must_wait()>
                {move || if busy.get() { t::lock_busy() } else { t::lock_open() }}
            </button>
        </form>
        <Waiting/>
        <button type="button" class="button button--wide" on:click=move |_| forgot.set(true)>{t::lock_forgot}</button>
    }
}

/// What waits while the phone is locked: it is delivered as soon as there is a line.
#[component]
pub(super) fn Waiting() -> impl IntoView {
    let lock = use_lock();
    let view = lock.view();
    let held = Memo::new(move |_| view.with(|view| view.held));
    let count = Memo::new(move |_| held.get().map_or(0, |held| held.waiting));
    let words = move || match held.get() {
        Some(held) if held.waiting > 0 => t::lock_waiting(held.waiting),
        Some(held) if held.only_by_pin > 0 => t::lock_returned(held.only_by_pin),
        Some(_) => t::lock_safe().to_owned(),
        None => String::new(),
    };
    let deliver = move || {
        if count.get_untracked() > 0 {
            leptos::task::spawn_local(lock.deliver());
        }
    };
    deliver();
    StoredValue::new_local(Interval::new(DELIVER_EVERY_MS, deliver));
    let online = window_event_listener_untyped("online", move |_| deliver());
    on_cleanup(move || online.remove());
    view! {
        <p class="muted" role="status">{words}</p>
    }
}

/// How long to wait still, in ms; counted down while this page is here, by the browser's steady clock.
fn wait() -> Signal<u64> {
    let lock = use_lock();
    let (passed, since) = (RwSignal::new(0), StoredValue::new(clock::steady_ms()));
    let left = Signal::derive(move || lock.view().with(|view| view.wait_ms).saturating_sub(passed.get()));
    let tick = move || {
        let now = clock::steady_ms();
        let step = now.saturating_sub(since.get_value());
        since.set_value(now);
        if left.get_untracked() == 0 && passed.get_untracked() == 0 {
            return;
        }
        let so_far = passed.get_untracked() + step;
        passed.set(so_far);
        if so_far >= KEEP_MS || left.get_untracked() == 0 {
            passed.set(0);
            leptos::task::spawn_local(async move {
                // What could not be kept is waited for again.
                let _ = lock.waited(so_far).await;
            });
        }
    };
    // It ticks as long as this page's values live.
    StoredValue::new_local(Interval::new(TICK_MS, tick));
    left
}
