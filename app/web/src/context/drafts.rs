//! Drafts that are being written: how many are not kept yet, and the word to keep them at once.
use leptos::prelude::*;

/// Asked before anything that leaves the page: an update, a sign-out.
#[derive(Clone, Copy)]
pub(crate) struct DraftDesk {
    /// Forms with typed text that is not kept yet.
    pub(crate) unkept: RwSignal<usize>,
    /// Grows when every form is to keep its text at once.
    pub(crate) keep_now: RwSignal<u32>,
}

impl DraftDesk {
    /// Nothing typed yet.
    pub(crate) fn new() -> Self {
        Self { unkept: RwSignal::new(0), keep_now: RwSignal::new(0) }
    }

    /// Tells every form to keep its text at once.
    pub(crate) fn keep(self) {
        self.keep_now.update(|count| *count = count.wrapping_add(1));
    }
}
