//! The bar on top: the way back, the page's title, and what stands at its end.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::i18n::t;

/// The bar.
#[component]
pub(crate) fn AppBar(
    /// The page's title.
    #[prop(into)]
    title: Signal<String>,
    /// Where the back arrow leads.
    #[prop(into)]
    back: Signal<Option<String>>,
    /// What stands at the end.
    children: Children,
) -> impl IntoView {
    let arrow = move || {
        back.get().map(|path| view! { <a class="app-bar__back" href=path aria-label=t::action_back><Glyph icon=Icon::Back/></a> })
    };
    view! {
        <div class="app-bar">
            {arrow}
            <h1 class="app-bar__title" tabindex="-1">{title}</h1>
            {children()}
        </div>
    }
}
