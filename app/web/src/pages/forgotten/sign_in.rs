//! Who holds the phone whose PIN is forgotten: user, password and, where the server wants one, a code.
use leptos::prelude::*;

use crate::{
    components::{
        code_field::{CodeField, OneTimeCode},
        text_field::TextField,
    },
    i18n::{Text, t},
};

/// The form; what is typed is handed on when both are there.
#[component]
pub(super) fn SignInForm(
    /// What the user signs in with.
    user: RwSignal<String>,
    /// The code, where one is asked for.
    code: OneTimeCode,
    /// Something is under way.
    busy: RwSignal<bool>,
    /// The word on the button.
    word: Text,
    /// The word on it meanwhile.
    busy_word: Text,
    /// Gets user and password.
    #[prop(into)]
    on_submit: Callback<(String, String)>,
) -> impl IntoView {
    let (password, tried) = (RwSignal::new(String::new()), RwSignal::new(false));
    let missing = move |value: RwSignal<String>| {
        Signal::derive(move || {
            (tried.get() && value.with(|value| value.trim().is_empty())).then(|| t::fault_empty().to_owned())
        })
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        let (name, typed) = (user.get_untracked().trim().to_owned(), password.get_untracked());
        if !busy.get_untracked() && !name.is_empty() && !typed.is_empty() {
            on_submit.run((name, typed));
        }
    };
    view! {
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
                {move || if busy.get() { busy_word() } else { word() }}
            </button>
        </form>
    }
}
