//! Who went: the writer, and colleagues of the same unit or of the one above. Administrators of the system visit nobody.
use leptos::prelude::*;
use zoufang_core::{
    record::{UnitId, UserId, list::Role},
    sync::wire::Directory,
};

use super::model::VisitForm;
use crate::{
    components::{choice::toggle, names::unit},
    context::{use_library, use_session},
    i18n::t,
};

/// The most colleagues offered.
const COLLEAGUES_MAX: usize = 12;

/// Chips of colleagues.
#[component]
pub(crate) fn Visitors(
    /// The form.
    form: RwSignal<VisitForm>,
) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let colleagues = Memo::new(move |_| {
        let user = session.user().get();
        library
            .directory()
            .with(|directory| user.map(|user| colleagues(directory, user.unit)).unwrap_or_default())
    });
    let chip = move |(id, name): (UserId, String)| {
        let chosen = move || form.with(|form| form.contact.visit.visitors.contains(&id));
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || chosen().to_string()
                on:click=move |_| form.update(|form| toggle(&mut form.contact.visit.visitors, id))
            >
                {name}
            </button>
        }
    };
    view! {
        <Show when=move || colleagues.with(|colleagues| colleagues.len() > 1)>
            <fieldset class="field" id="visitors">
                <legend class="field__label">{t::field_visitors}</legend>
                <div class="cluster cluster--close">{move || colleagues.get().into_iter().map(chip).collect_view()}</div>
            </fieldset>
        </Show>
    }
}

fn colleagues(directory: &Directory, home: UnitId) -> Vec<(UserId, String)> {
    let above = unit(directory, home).and_then(|unit| unit.parent);
    let near = |at: UnitId| at == home || Some(at) == above;
    directory
        .users
        .iter()
        .filter(|user| near(user.unit) && user.role != Role::SystemAdmin)
        .take(COLLEAGUES_MAX)
        .map(|user| (user.id, user.name.clone()))
        .collect()
}
