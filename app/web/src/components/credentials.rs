//! Who signs in: user, password and, where the server wants one, a one-time code.
use leptos::prelude::*;

use super::{
    code_field::{CodeField, OneTimeCode},
    text_field::TextField,
};
use crate::i18n::t;

/// What is typed.
#[derive(Clone, Copy)]
pub(crate) struct Credentials {
    user: RwSignal<String>,
    password: RwSignal<String>,
    /// The code, where one is asked for.
    pub(crate) code: OneTimeCode,
    tried: RwSignal<bool>,
}

impl Credentials {
    /// Nothing is typed yet but the user, where that is known.
    pub(crate) fn new(user: RwSignal<String>, code: OneTimeCode) -> Self {
        Self { user, password: RwSignal::new(String::new()), code, tried: RwSignal::new(false) }
    }

    /// User and password, if both are there; from now on the fields say what is missing.
    pub(crate) fn given(self) -> Option<(String, String)> {
        self.tried.set(true);
        let (user, password) = (self.user.get_untracked().trim().to_owned(), self.password.get_untracked());
        (!user.is_empty() && !password.is_empty()).then_some((user, password))
    }
}

/// Their fields.
#[component]
pub(crate) fn CredentialFields(
    /// What is typed.
    credentials: Credentials,
) -> impl IntoView {
    let Credentials { user, password, code, tried } = credentials;
    let missing = move |value: RwSignal<String>| {
        Signal::derive(move || {
            (tried.get() && value.with(|value| value.trim().is_empty())).then(|| t::fault_empty().to_owned())
        })
    };
    view! {
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
    }
}
