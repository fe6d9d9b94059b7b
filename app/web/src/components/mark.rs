//! The app's mark, beside its name.
use leptos::prelude::*;

/// An address that is no literal: an element of literals alone would be parsed from markup, which the browser is told to refuse.
const ADDRESS: &str = "/icons/icon.svg";

/// The mark; a page's style gives its size where none is given.
#[component]
pub(crate) fn Mark(
    /// In pixels.
    #[prop(optional)]
    size: Option<u32>,
) -> impl IntoView {
    view! { <img src=ADDRESS alt="" width=size height=size/> }
}
