//! The one-time code, asked for only where the server wants one.
use leptos::prelude::*;

use super::text_field::TextField;
use crate::{context::problem::Problem, i18n::t, platform::link::Link};

/// What is typed as a code, and whether one is asked for.
#[derive(Clone, Copy)]
pub(crate) struct OneTimeCode {
    typed: RwSignal<String>,
    asked: RwSignal<bool>,
}

impl OneTimeCode {
    /// Not asked for yet, unless a link brought one.
    pub(crate) fn new() -> Self {
        let link: Link = expect_context();
        let code = Self { typed: RwSignal::new(String::new()), asked: RwSignal::new(false) };
        Effect::new(move |_| {
            if let Some(brought) = link.code.get() {
                code.typed.set(brought);
                code.asked.set(true);
            }
        });
        code
    }

    /// What is to be sent.
    pub(crate) fn get(self) -> Option<String> {
        Some(self.typed.get_untracked()).filter(|typed| !typed.trim().is_empty())
    }

    /// Asks for it if that is what was missing.
    pub(crate) fn look_at(self, cause: &Problem) {
        if matches!(cause, Problem::CodeNeeded | Problem::CodeWrong) {
            self.asked.try_set(true);
        }
    }
}

/// The field; nothing before it is asked for.
#[component]
pub(crate) fn CodeField(
    /// What is typed.
    code: OneTimeCode,
) -> impl IntoView {
    view! {
        <Show when=move || code.asked.get()>
            <TextField
                id="code"
                label=t::sign_in_code
                hint=t::sign_in_code_hint
                keyboard="numeric"
                autocomplete="one-time-code"
                value=code.typed
                on_input=move |text| code.typed.set(text)
            />
        </Show>
    }
}
