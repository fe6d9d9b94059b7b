//! Nothing here, and not here yet: both are drawn.
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::i18n::{Text, t};

/// Nothing here: why, and what to do next.
#[component]
pub(crate) fn Empty(
    /// A picture.
    icon: Icon,
    /// What is not here.
    title: Text,
    /// Why, or what to do.
    #[prop(optional)]
    text: Option<Text>,
    /// A way on.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Glyph icon=icon/>
            <p class="empty__title">{title}</p>
            {text.map(|text| view! { <p>{text}</p> })}
            {children.map(|children| children())}
        </div>
    }
}

/// Grey shapes in place of rows that are being read.
#[component]
pub(crate) fn Skeleton(
    /// How many rows.
    #[prop(default = 4)]
    rows: usize,
) -> impl IntoView {
    view! {
        <div class="stack stack--close" role="status" aria-busy="true">
            <span class="visually-hidden">{t::state_loading}</span>
            {(0..rows).map(|_| view! { <div class="skeleton skeleton--row"></div> }).collect_view()}
        </div>
    }
}
