//! 更多: devices, language, theme, size of the text, installing the app, the account, what this app is.
mod recovery_key;

use leptos::prelude::*;
use zoufang_core::access::{LogReach, log_reach, may_review_late};

use super::sign_in::LanguageSwitch;
use crate::{
    components::{dialog::Confirm, facts::Facts, problem::ProblemNotice},
    context::{
        drafts::DraftDesk, page_head, problem::Problem, toasts::use_toasts, use_lock, use_session, use_sync,
    },
    i18n::{Text, label, t},
    platform::{
        install::{Install, InstallWay},
        preference,
    },
};
use recovery_key::RecoveryKey;

/// The page.
#[component]
pub(crate) fn MorePage() -> impl IntoView {
    page_head(|| t::nav_more().to_owned(), None);
    let session = use_session();
    view! {
        <div class="stack stack--loose">
            <Show when=move || session.sees_office()>
                <a class="button button--large button--wide" href="/office">{t::nav_office}</a>
            </Show>
            <DevicesCard/>
            <section class="card">
                <h2>{t::carry_title}</h2>
                <p>{t::carry_more_text}</p>
                <a class="button button--large button--wide" href="/more/carry">{t::carry_title}</a>
            </section>
            <AccessCard/>
            <section class="card">
                <h2>{t::more_language}</h2>
                <LanguageSwitch/>
            </section>
            <Look
                title=t::more_theme
                key=preference::THEME
                attribute="data-theme"
                choices=&[(None, t::more_theme_system), (Some("light"), t::more_theme_light), (Some("dark"), t::more_theme_dark)]
            />
            <Look
                title=t::more_text
                key=preference::TEXT
                attribute="data-text"
                choices=&[(None, t::more_text_standard), (Some("large"), t::more_text_large), (Some("largest"), t::more_text_largest)]
            />
            <LockCard/>
            <InstallCard/>
            <Account/>
            <About/>
        </div>
    }
}

/// The ways to the devices, and to what revoked ones brought. High on the page: whoever has lost a phone is in a hurry.
#[component]
fn DevicesCard() -> impl IntoView {
    let user = use_session().user();
    let may_review = move || user.with(|user| user.as_ref().is_some_and(|user| may_review_late(user.role)));
    view! {
        <section class="card">
            <h2>{t::device_title}</h2>
            <p>{t::device_card_text}</p>
            <a class="button button--large button--wide" href="/more/devices">{t::device_open}</a>
            <Show when=may_review>
                <a class="button button--large button--wide" href="/more/late">{t::late_title}</a>
            </Show>
        </section>
    }
}

/// The way to the access log.
#[component]
fn AccessCard() -> impl IntoView {
    let user = use_session().user();
    let may_read =
        move || user.with(|user| user.as_ref().is_some_and(|user| log_reach(user.role) != LogReach::Nothing));
    view! {
        <Show when=may_read>
            <section class="card">
                <h2>{t::access_title}</h2>
                <p>{t::access_card_text}</p>
                <a class="button button--large button--wide" href="/more/access">{t::access_title}</a>
            </section>
        </Show>
    }
}

/// One choice of how the app looks, kept in this browser.
#[component]
fn Look(
    /// What is chosen.
    title: Text,
    /// Under which name it is kept.
    key: &'static str,
    /// The attribute of the root element.
    attribute: &'static str,
    /// The choices.
    choices: &'static [(Option<&'static str>, Text)],
) -> impl IntoView {
    let chosen = RwSignal::new(preference::read(key));
    let chip = move |(value, words): &(Option<&'static str>, Text)| {
        let (value, words) = (*value, *words);
        let pick = move |_| {
            preference::write(key, value);
            preference::mark_root(attribute, value);
            chosen.set(value.map(str::to_owned));
        };
        view! {
            <button type="button" class="chip" aria-pressed=move || (chosen.get().as_deref() == value).to_string() on:click=pick>{words}</button>
        }
    };
    view! {
        <section class="card">
            <h2>{title}</h2>
            <div class="cluster cluster--close" role="group" aria-label=title>{choices.iter().map(chip).collect_view()}</div>
        </section>
    }
}

/// Locking now, and another PIN.
#[component]
fn LockCard() -> impl IntoView {
    let lock = use_lock();
    view! {
        <section class="card">
            <h2>{t::lock_card}</h2>
            <p>{t::lock_card_text}</p>
            <div class="cluster">
                <button type="button" class="button button--primary" on:click=move |_| lock.close()>{t::lock_now}</button>
                <a class="button" href="/more/pin">{t::pin_change}</a>
            </div>
            <RecoveryKey/>
        </section>
    }
}

/// The browser's own prompt, or how to do it by hand.
#[component]
fn InstallCard() -> impl IntoView {
    let install: Install = expect_context();
    view! {
        <section class="card">
            <h2>{t::install_title}</h2>
            {move || match install.way().get() {
                InstallWay::Installed => view! { <p>{t::install_done}</p> }.into_any(),
                InstallWay::Prompt => view! {
                    <p>{t::install_text}</p>
                    <p><button type="button" class="button button--primary" on:click=move |_| install.prompt()>{t::install_do}</button></p>
                }.into_any(),
                InstallWay::ShareMenu => view! { <p>{t::install_share}</p> }.into_any(),
                InstallWay::LeaveWeChat => view! { <p class="strong">{t::install_wechat}</p><p>{t::install_wechat_text}</p> }.into_any(),
                InstallWay::BrowserMenu => view! { <p>{t::install_menu}</p> }.into_any(),
            }}
        </section>
    }
}

/// Who is signed in, and the way out.
#[component]
fn Account() -> impl IntoView {
    let (session, sync, toasts) = (use_session(), use_sync(), use_toasts());
    let desk: DraftDesk = expect_context();
    let asking = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    let items = Signal::derive(move || {
        let user = session.user().get();
        let facts: Vec<(Text, Option<String>)> = vec![
            (t::more_user, user.as_ref().map(|user| user.name.clone())),
            (t::more_unit, user.as_ref().map(|user| user.unit_name.clone())),
            (t::more_role, user.as_ref().map(|user| label(user.role).to_owned())),
        ];
        facts
    });
    let sign_out = move |()| {
        desk.keep();
        leptos::task::spawn_local(async move {
            match session.sign_out().await {
                Ok(true) => {}
                Ok(false) => toasts.say(t::more_signed_out_kept()),
                Err(cause) => drop(problem.try_set(Some(cause))),
            }
        });
    };
    view! {
        <section class="card">
            <h2>{t::more_account}</h2>
            <Facts items=items/>
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            {move || (sync.waiting().get() > 0).then(|| view! { <p>{move || t::today_waiting(sync.waiting().get())}</p> })}
            <p><button type="button" class="button button--problem" on:click=move |_| asking.set(true)>{t::more_sign_out}</button></p>
            <Confirm open=asking title=t::more_sign_out_title text=t::more_sign_out_text action=t::more_sign_out on_yes=sign_out/>
        </section>
    }
}

/// What this app is, and what it does not do.
#[component]
fn About() -> impl IntoView {
    view! {
        <section class="card">
            <h2>{t::more_about}</h2>
            <p>{t::more_about_text}</p>
            <p><a class="button" href="/more/privacy">{t::privacy_title}</a></p>
            <p class="muted small">{t::more_version(env!("CARGO_PKG_VERSION"))}</p>
        </section>
    }
}
