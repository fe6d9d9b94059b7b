//! The door: user, password, and a label for this phone. Shown at every address while nobody is signed in.
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

use crate::{
    components::{
        code_field::OneTimeCode,
        credentials::{CredentialFields, Credentials},
        mark::Mark,
        notice::{Notice, Weight},
        problem::ProblemNotice,
        text_field::TextField,
    },
    context::{problem::Problem, use_session},
    i18n::{Language, language, set_language, t},
    platform::{
        focus,
        install::{Install, InstallWay},
        link::Link,
    },
};

/// The page.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    let path = use_location().pathname;
    let link: Link = expect_context();
    let known_name = session.user().with_untracked(|user| user.as_ref().map(|user| user.name.clone()));
    let credentials = Credentials::new(RwSignal::new(String::new()), OneTimeCode::new());
    let code = credentials.code;
    let device = RwSignal::new(t::sign_in_device_default().to_owned());
    let (busy, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    Effect::new(move |_| focus::set_title(&t::app_window_title(t::sign_in_title())));

    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let Some((name, word)) = credentials.given().filter(|_| !busy.get_untracked()) else { return };
        let label = device.get_untracked();
        busy.set(true);
        problem.set(None);
        let navigate = navigate.clone();
        leptos::task::spawn_local(async move {
            match session.sign_in(&name, &word, label.trim(), code.get().as_deref()).await {
                Ok(()) => {
                    link.code.set(None);
                    if path.get_untracked() == "/sign-in" {
                        navigate("/", NavigateOptions { replace: true, ..Default::default() });
                    }
                }
                Err(cause) => {
                    code.look_at(&cause);
                    problem.try_set(Some(cause));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <main class="sign-in">
            <div class="sign-in__brand">
                <Mark size=64/>
                <div>
                    <h1 class="sign-in__name" tabindex="-1">{t::app_name}</h1>
                    <p class="muted">{t::app_purpose}</p>
                </div>
            </div>
            <LeaveWeChat/>
            {known_name.map(|name| view! { <Notice weight=Weight::Info title=Signal::derive(move || t::sign_in_known(&name))><p>{t::sign_in_known_text}</p></Notice> })}
            {move || session.is_copy().get().then(|| view! { <Notice weight=Weight::Warn title=Signal::derive(|| t::sign_in_copy().to_owned())><p>{t::sign_in_copy_text}</p></Notice> })}
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            <form class="stack" novalidate on:submit=submit>
                <CredentialFields credentials=credentials/>
                <TextField
                    id="device"
                    label=t::sign_in_device
                    hint=t::sign_in_device_hint
                    value=device
                    on_input=move |text| device.set(text)
                />
                <button type="submit" class="button button--primary button--large button--wide" disabled=move || busy.get()>
                    {move || if busy.get() { t::sign_in_busy() } else { t::sign_in_do() }}
                </button>
            </form>
            <p class="muted small">{t::sign_in_first_text}</p>
            <LanguageSwitch/>
        </main>
    }
}

/// WeChat's own browser can neither install nor keep data well.
#[component]
fn LeaveWeChat() -> impl IntoView {
    let install: Install = expect_context();
    view! {
        <Show when=move || install.way().get() == InstallWay::LeaveWeChat>
            <Notice weight=Weight::Warn title=Signal::derive(|| t::install_wechat().to_owned())><p>{t::install_wechat_text}</p></Notice>
        </Show>
    }
}

/// The other language.
#[component]
pub(crate) fn LanguageSwitch() -> impl IntoView {
    let button = |language_of: Language, words: &'static str| {
        view! {
            <button
                type="button"
                class="chip"
                lang=language_of.tag()
                aria-pressed=move || (language() == language_of).to_string()
                on:click=move |_| set_language(language_of)
            >
                {words}
            </button>
        }
    };
    view! { <div class="cluster cluster--close" role="group" aria-label=t::more_language>{button(Language::Zh, "中文")}{button(Language::En, "English")}</div> }
}
