//! The head of the page: its title, the way back, the focus after a change of page.
use leptos::prelude::*;

use crate::{
    i18n::{Text, t},
    platform::focus,
};

/// Title and way back of the page shown now.
#[derive(Clone, Copy)]
pub(crate) struct PageHead {
    /// The title, also in the window's title.
    pub(crate) title: RwSignal<String>,
    /// Where the back arrow leads.
    pub(crate) back: RwSignal<Option<String>>,
    moved: StoredValue<bool>,
}

impl PageHead {
    /// Without a title until a page sets one.
    pub(crate) fn new() -> Self {
        Self {
            title: RwSignal::new(String::new()),
            back: RwSignal::new(None),
            moved: StoredValue::new(false),
        }
    }
}

/// Names the page, leads back to `back`, and moves the focus to the heading unless this is the first page shown.
pub(crate) fn page_head(title: impl Fn() -> String + Send + Sync + 'static, back: Option<String>) {
    set_head(move || (title(), None), back);
}

/// As [`page_head`], for a page that is named after a person: the browser writes the window's title into its history, in clear, so
/// that one says only what kind of page it is.
pub(crate) fn page_head_of_person(
    name: impl Fn() -> Option<String> + Send + Sync + 'static,
    kind: Text,
    back: Option<String>,
) {
    set_head(move || (name().unwrap_or_else(|| kind().to_owned()), Some(kind().to_owned())), back);
}

/// The title, and what the window says where that is something else.
fn set_head(titles: impl Fn() -> (String, Option<String>) + 'static, back: Option<String>) {
    let head: PageHead = expect_context();
    head.back.set(back);
    Effect::new(move |_| {
        let (title, of_window) = titles();
        focus::set_title(&t::app_window_title(of_window.as_ref().unwrap_or(&title)));
        head.title.set(title);
    });
    if head.moved.get_value() {
        focus::to_top();
        focus::focus_soon("h1");
    }
    head.moved.set_value(true);
}
