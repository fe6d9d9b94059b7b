//! 人员: the long list, with the person beside it where there is room.
mod finder;

use std::sync::Arc;

use leptos::{html, prelude::*};
use leptos_router::{components::Outlet, hooks::use_location};
use zoufang_core::{
    query::Row,
    record::{ChangeHash, DocId, Kind, UnitId},
};

use crate::{
    components::{
        empty::{Empty, Skeleton},
        icon::{Glyph, Icon},
        names::unit_name,
        no_files::NoFiles,
        person_row::PersonRowView,
        problem::ProblemNotice,
        window_list::WindowList,
    },
    context::{library::Phase, page_head, use_library, use_session},
    i18n::t,
    platform::focus,
};

/// What was searched and how far it was scrolled; outlives the page, so that the way back leads to the same place.
#[derive(Clone, Copy)]
pub(crate) struct PeoplePlace {
    text: RwSignal<String>,
    unit: RwSignal<Option<UnitId>>,
    top_px: RwSignal<f64>,
}

impl PeoplePlace {
    /// At the top, with everybody.
    pub(crate) fn new() -> Self {
        Self { text: RwSignal::new(String::new()), unit: RwSignal::new(None), top_px: RwSignal::new(0.0) }
    }
}

/// The list, and beside it what the rest of the address names.
#[component]
pub(crate) fn PeoplePage() -> impl IntoView {
    let path = use_location().pathname;
    let detail = move || path.with(|path| path.trim_end_matches('/') != "/people").to_string();
    view! {
        <div class="split" data-detail=detail>
            <div class="split__list"><PeopleList/></div>
            <div class="split__detail"><Outlet/></div>
        </div>
    }
}

/// What stands beside the list while nobody is chosen.
#[component]
pub(crate) fn NobodyChosen() -> impl IntoView {
    page_head(|| t::nav_people().to_owned(), None);
    view! { <Empty icon=Icon::People title=t::people_choose text=t::people_choose_text/> }
}

#[component]
fn PeopleList() -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let place: PeoplePlace = expect_context();
    let search: NodeRef<html::Input> = NodeRef::new();
    let found: Signal<Arc<Vec<Arc<Row>>>> = Memo::new(move |_| {
        let (index, directory) = (library.index().get(), library.directory().get());
        Arc::new(place.text.with(|text| finder::find(&index, &directory, text, place.unit.get())))
    })
    .into();
    let slash = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "/" && !focus::is_typing() {
            event.prevent_default();
            if let Some(search) = search.get_untracked() {
                let _ = search.focus();
            }
        }
    });
    on_cleanup(move || slash.remove());
    let typed = move |event| {
        place.text.set(event_target_value(&event));
        place.top_px.set(0.0);
    };
    let arrow = move |event: web_sys::KeyboardEvent| {
        if event.key() == "ArrowDown" {
            event.prevent_default();
            focus::focus("[data-at=\"0\"]");
        }
    };
    view! {
        <div class="people__tools">
            <label class="search">
                <span class="visually-hidden">{t::people_search}</span>
                <Glyph icon=Icon::Search/>
                <input
                    class="input"
                    type="search"
                    autocomplete="off"
                    enterkeyhint="search"
                    placeholder=t::people_search_hint
                    node_ref=search
                    prop:value=place.text
                    on:input=typed
                    on:keydown=arrow
                />
            </label>
            <UnitFilter place=place/>
            <div class="cluster cluster--apart">
                <p class="muted small figures" role="status">{move || t::people_found(found.with(|found| found.len()))}</p>
                <Show when=move || session.may_write(Kind::Person)>
                    <a class="small" href="/people/new">{t::people_new}</a>
                </Show>
            </div>
        </div>
        {move || match library.phase().get() {
            Phase::Loading | Phase::Locked => view! { <Skeleton rows=6/> }.into_any(),
            Phase::Failed(problem) => view! { <ProblemNotice problem=Signal::stored(problem)/> }.into_any(),
            Phase::Ready => view! { <Found found=found place=place/> }.into_any(),
        }}
    }
}

/// The people found, or why there is nobody.
#[component]
fn Found(found: Signal<Arc<Vec<Arc<Row>>>>, place: PeoplePlace) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let path = use_location().pathname;
    let row = move |at: usize, row: Arc<Row>| {
        let village = library.directory().with(|directory| unit_name(directory, row.unit));
        let own = format!("/people/{}", row.doc);
        let current = Signal::derive(move || path.with(|path| path.starts_with(&own)));
        view! { <PersonRowView row=row village=village at=at current=current/> }
    };
    let nobody = move || {
        if library.index().with(|index| index.people().next().is_none()) {
            if session.keeps_files() {
                view! { <Empty icon=Icon::People title=t::people_none_yet text=t::people_none_yet_text/> }
                    .into_any()
            } else {
                view! { <NoFiles/> }.into_any()
            }
        } else {
            view! { <Empty icon=Icon::Search title=t::people_none_found text=t::people_none_found_text/> }
                .into_any()
        }
    };
    let some = Memo::new(move |_| found.with(|found| !found.is_empty()));
    view! {
        <Show when=move || some.get() fallback=nobody>
            <WindowList
                items=found
                key=row_key
                row=row
                top_px=place.top_px
                label=Signal::derive(|| t::nav_people().to_owned())
            />
        </Show>
    }
}

fn row_key(row: &Arc<Row>) -> (DocId, Vec<ChangeHash>) {
    (row.doc, row.heads.clone())
}

/// A village to narrow by, where the phone holds more than one.
#[component]
fn UnitFilter(place: PeoplePlace) -> impl IntoView {
    let library = use_library();
    let units = Memo::new(move |_| {
        let (index, directory) = (library.index().get(), library.directory().get());
        finder::units(&index, &directory)
    });
    let option = move |(id, name): (UnitId, String)| {
        view! { <option value=id.to_string() prop:selected=move || place.unit.get() == Some(id)>{name}</option> }
    };
    let pick = move |event| {
        place.unit.set(event_target_value(&event).parse().ok());
        place.top_px.set(0.0);
    };
    view! {
        <Show when=move || units.with(|units| units.len() > 1)>
            <select class="input" aria-label=t::people_unit on:change=pick>
                <option value="" prop:selected=move || place.unit.get().is_none()>{t::people_all_units}</option>
                {move || units.get().into_iter().map(option).collect_view()}
            </select>
        </Show>
    }
}
