//! The foot of every form: save, and what is known of the draft.
use leptos::prelude::*;
use zoufang_core::record::Timestamp;

use super::draft::Keeper;
use crate::{
    components::problem::ProblemNotice,
    context::toasts::Toasts,
    i18n::{Text, t},
    platform::clock,
};

/// Throws an earlier draft away, with a way back: the form says again what `original` says.
pub(crate) fn drops_draft<T: Clone + Send + Sync + 'static>(
    form: RwSignal<T>,
    original: StoredValue<T>,
    restored_at: RwSignal<Option<Timestamp>>,
    toasts: Toasts,
) -> Callback<()> {
    Callback::new(move |()| {
        let (typed, at) = (form.get_untracked(), restored_at.get_untracked());
        form.set(original.get_value());
        restored_at.set(None);
        let undo = move || {
            form.try_set(typed.clone());
            restored_at.try_set(at);
        };
        toasts.say_with_undo(t::draft_dropped(), undo);
    })
}

/// The save button and the state of the draft.
#[component]
pub(crate) fn FormFoot(
    /// The word on the button.
    label: Text,
    /// Whether a save is on its way.
    #[prop(into)]
    busy: Signal<bool>,
    /// Why the last save failed.
    #[prop(into)]
    problem: Signal<Option<crate::context::problem::Problem>>,
    /// Keeps the text.
    keeper: Keeper,
) -> impl IntoView {
    let draft = move || keeper.kept_at.get().map(|at| t::draft_kept(clock::time_of_day(at)));
    let failed = Signal::derive(move || problem.get().or(keeper.problem.get()));
    view! {
        {move || failed.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
        <div class="form__actions">
            <button type="submit" class="button button--primary button--large button--wide" disabled=busy>{label}</button>
            <p class="form__draft" role="status">{draft}</p>
        </div>
    }
}

/// Says that an earlier draft was taken up again, with a way to throw it away.
#[component]
pub(crate) fn DraftNotice(
    /// When it was kept.
    kept_at: Timestamp,
    /// Throws it away.
    #[prop(into)]
    on_drop: Callback<()>,
) -> impl IntoView {
    use crate::components::notice::{Notice, Weight};
    let title = Signal::derive(move || t::draft_restored(clock::moment_words(kept_at)));
    view! {
        <Notice weight=Weight::Info title=title>
            <p><button type="button" class="button button--quiet" on:click=move |_| on_drop.run(())>{t::draft_drop}</button></p>
        </Notice>
    }
}
