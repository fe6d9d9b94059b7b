//! The number on the app's icon, where there is one: how much waits for a line, and nothing of whom. While the app is closed the
//! service worker sets it (`public/post.js`).
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Shows that so many wait.
pub(crate) fn show(waiting: usize) {
    let navigator = JsValue::from(gloo::utils::window().navigator());
    let (name, count) = if waiting > 0 { ("setAppBadge", waiting as f64) } else { ("clearAppBadge", 0.0) };
    let Some(set) = Reflect::get(&navigator, &name.into()).ok().and_then(|it| it.dyn_into::<Function>().ok())
    else {
        return;
    };
    if let Ok(promise) = set.call1(&navigator, &count.into()).and_then(JsCast::dyn_into::<Promise>) {
        // An app that is not installed has no icon.
        leptos::task::spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}
