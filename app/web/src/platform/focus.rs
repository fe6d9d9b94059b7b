//! Moving the focus and the view, and the title of the window.
use wasm_bindgen::JsCast;

/// Focuses the first element that a selector finds, once the view is drawn.
pub(crate) fn focus_soon(selector: &'static str) {
    leptos::prelude::request_animation_frame(move || focus(selector));
}

/// Focuses the first element that a selector finds.
pub(crate) fn focus(selector: &str) {
    let found = gloo::utils::document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Scrolls the page to its top.
pub(crate) fn to_top() {
    gloo::utils::window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Names the window.
pub(crate) fn set_title(title: &str) {
    gloo::utils::document().set_title(title);
}

/// Whether keys typed now go into a field.
pub(crate) fn is_typing() -> bool {
    let focused = gloo::utils::document().active_element();
    focused.is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}
