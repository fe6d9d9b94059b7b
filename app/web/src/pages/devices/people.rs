//! Whose records were on a revoked device, for those who must tell them.
use leptos::prelude::*;

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice},
    context::{
        devices::{self, OnDevice},
        use_session,
    },
    i18n::t,
    pages::load::Read,
};

/// The button, and under it the people once they are asked for.
#[component]
pub(super) fn DevicePeople(
    /// The device's id.
    device: String,
) -> impl IntoView {
    let session = use_session();
    let device = StoredValue::new(device);
    let open = RwSignal::new(false);
    let read: RwSignal<Read<Vec<OnDevice>>> = RwSignal::new(None);
    let load = move || {
        read.set(None);
        let device = device.get_value();
        leptos::task::spawn_local(async move {
            read.try_set(Some(devices::people(session, &device).await));
        });
    };
    let press = move |_| {
        open.update(|open| *open = !*open);
        if open.get_untracked() {
            load();
        }
    };
    let count = move || {
        let people = read.with(|read| match read {
            Some(Ok(people)) => Some(people.len()),
            None | Some(Err(_)) => None,
        });
        people.filter(|_| open.get()).map(|people| match people {
            0 => t::device_people_none().to_owned(),
            _ => t::device_people_count(people),
        })
    };
    view! {
        <div class="stack stack--close device-people">
            <button type="button" class="button button--wide" aria-expanded=move || open.get().to_string() on:click=press>
                {t::device_people}
            </button>
            <p class="strong" role="status">{count}</p>
            <Show when=move || open.get()>
                {move || read.with(|read| match read {
                    None => view! { <Skeleton rows=1/> }.into_any(),
                    Some(Ok(people)) => view! { <Names people=people.clone()/> }.into_any(),
                    Some(Err(problem)) => {
                        let problem = problem.clone();
                        view! { <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load())/> }.into_any()
                    }
                })}
            </Show>
        </div>
    }
}

/// The names by unit, in the order of the answer.
#[component]
fn Names(people: Vec<OnDevice>) -> impl IntoView {
    let mut units: Vec<(String, Vec<String>)> = Vec::new();
    for OnDevice { name, unit_name } in people {
        match units.iter_mut().find(|(unit, _)| *unit == unit_name) {
            Some((_, names)) => names.push(name),
            None => units.push((unit_name, vec![name])),
        }
    }
    let some = !units.is_empty();
    let unit = |(unit, names): (String, Vec<String>)| {
        let count = names.len();
        view! {
            <h4>{move || t::device_people_of(count, &unit)}</h4>
            <p>{names.join("、")}</p>
        }
    };
    view! {
        {some.then(|| view! { <p>{t::device_people_tell}</p> })}
        {units.into_iter().map(unit).collect_view()}
    }
}
