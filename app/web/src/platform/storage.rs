//! Whether the browser promises not to throw the stored data away when space runs short.
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What the browser said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not asked yet, or no answer yet.
    Unknown,
    /// The data stays until the user deletes it.
    Protected,
    /// The browser may delete the data when space runs short.
    Unprotected,
}

/// The browser's promise, shown on the sync page.
#[derive(Clone, Copy)]
pub(crate) struct StorageGuard {
    protection: RwSignal<Protection>,
}

impl StorageGuard {
    /// Reads what was promised earlier, without asking.
    pub(crate) fn new() -> Self {
        let guard = Self { protection: RwSignal::new(Protection::Unknown) };
        guard.settle(false);
        guard
    }

    /// What the browser said.
    pub(crate) fn protection(self) -> Signal<Protection> {
        self.protection.into()
    }

    /// Asks for the promise. Called after a save: browsers grant it to sites in use, and the user knows what it is for.
    pub(crate) fn ask(self) {
        if self.protection.get_untracked() != Protection::Protected {
            self.settle(true);
        }
    }

    fn settle(self, ask: bool) {
        leptos::task::spawn_local(async move {
            let storage = gloo::utils::window().navigator().storage();
            let promise = if ask { storage.persist() } else { storage.persisted() };
            let answer = match promise {
                Ok(promise) => JsFuture::from(promise).await.ok().and_then(|answer| answer.as_bool()),
                Err(_) => None,
            };
            let protection = match answer {
                Some(true) => Protection::Protected,
                Some(false) | None => Protection::Unprotected,
            };
            self.protection.try_set(protection);
        });
    }
}
