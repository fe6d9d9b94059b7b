//! How far long work is, in a bar and in words.
use leptos::prelude::*;

/// A bar; it moves to and fro while the total is not known.
#[component]
pub(crate) fn Progress(
    /// Done.
    #[prop(into)]
    done: Signal<u64>,
    /// Of so much; 0 while unknown.
    #[prop(into)]
    total: Signal<u64>,
    /// In words.
    #[prop(into)]
    words: Signal<String>,
) -> impl IntoView {
    let share =
        move || (total.get() > 0).then(|| (done.get() * 100 / total.get().max(1)).min(100).to_string());
    view! {
        <div class="progress">
            <progress class="progress__bar" max="100" value=share aria-label=move || words.get()></progress>
            <p class="small muted figures">{words}</p>
        </div>
    }
}
