//! Who holds the phone whose PIN is forgotten: user, password and, where the server wants one, a code.
use leptos::prelude::*;

use crate::{
    components::{
        code_field::OneTimeCode,
        credentials::{CredentialFields, Credentials},
    },
    i18n::Text,
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
    let credentials = Credentials::new(user, code);
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if let Some(given) = credentials.given().filter(|_| !busy.get_untracked()) {
            on_submit.run(given);
        }
    };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <CredentialFields credentials=credentials/>
            <button type="submit" class="button button--primary button--large button--wide" disabled=move || busy.get()>
                {move || if busy.get() { busy_word() } else { word() }}
            </button>
        </form>
    }
}
