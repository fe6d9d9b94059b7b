//! The installable web app of Zoufang: mounts the app on the page. What it is made of stands in `app`.
#![expect(unreachable_pub, reason = "the component macro of leptos writes `pub` where nothing can reach it")]

mod app;
#[cfg(feature = "bench")]
mod bench;
mod components;
mod context;
mod i18n;
mod pages;
mod platform;
mod store;
mod sync;

fn main() {
    if store::serve_worker() {
        return;
    }
    if let Some(start) = gloo::utils::document().query_selector("[data-start-page]").ok().flatten() {
        start.remove();
    }
    leptos::mount::mount_to_body(app::App);
}
