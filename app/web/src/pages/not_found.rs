//! An address that leads nowhere.
use leptos::prelude::*;

use crate::{
    components::{empty::Empty, icon::Icon},
    context::page_head,
    i18n::t,
};

/// The page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    page_head(|| t::not_found_title().to_owned(), Some("/".to_owned()));
    view! {
        <Empty icon=Icon::Search title=t::not_found_what text=t::not_found_text>
            <a class="button" href="/">{t::not_found_home}</a>
        </Empty>
    }
}
