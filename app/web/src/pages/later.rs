//! Pages that the first screen does not need. Their code lies in a wasm module of its own, which comes after the first
//! screen is drawn, or at once when one of them is asked for; the service worker keeps it beside the first one.
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

use super::{
    access::{AccessPage, PersonAccessPage},
    carry::CarryPage,
    devices::DevicesPage,
    forgotten::ForgottenPage,
    history::HistoryPage,
    late::LatePage,
    more::MorePage,
    office::OfficePage,
    offline_ended::OfflineEndedPage,
    person::PersonPage,
    person_copy::PersonCopyPage,
    person_edit::{PersonEditPage, PersonNewPage},
    pin::ChangePinPage,
    privacy::PrivacyPage,
    sync::SyncPage,
    visit::VisitPage,
    visit_edit::{ContactEditPage, ContactNewPage, VisitEditPage, VisitNewPage},
    welfare_edit::WelfareEditPage,
};
use crate::{
    components::{empty::Skeleton, problem::ProblemNotice},
    context::problem::Problem,
};

/// A page, drawn when it is called.
type Draw = fn() -> AnyView;

/// The pages of the second module.
#[derive(Clone, Copy)]
pub(crate) struct LaterPages {
    pub(crate) access: Draw,
    pub(crate) carry: Draw,
    pub(crate) contact_edit: Draw,
    pub(crate) contact_new: Draw,
    pub(crate) devices: Draw,
    pub(crate) forgotten: Draw,
    pub(crate) history: Draw,
    pub(crate) late: Draw,
    pub(crate) more: Draw,
    pub(crate) office: Draw,
    pub(crate) offline_ended: Draw,
    pub(crate) person: Draw,
    pub(crate) person_access: Draw,
    pub(crate) person_copy: Draw,
    pub(crate) person_edit: Draw,
    pub(crate) person_new: Draw,
    pub(crate) pin: Draw,
    pub(crate) privacy: Draw,
    pub(crate) sync: Draw,
    pub(crate) visit: Draw,
    pub(crate) visit_edit: Draw,
    pub(crate) visit_new: Draw,
    pub(crate) welfare_edit: Draw,
}

#[wasm_split(later, wasm_split_path = leptos::wasm_split, fallible)]
fn read_pages() -> Result<LaterPages, SplitLoaderError> {
    Ok(LaterPages {
        access: || view! { <AccessPage/> }.into_any(),
        carry: || view! { <CarryPage/> }.into_any(),
        contact_edit: || view! { <ContactEditPage/> }.into_any(),
        contact_new: || view! { <ContactNewPage/> }.into_any(),
        devices: || view! { <DevicesPage/> }.into_any(),
        forgotten: || view! { <ForgottenPage/> }.into_any(),
        history: || view! { <HistoryPage/> }.into_any(),
        late: || view! { <LatePage/> }.into_any(),
        more: || view! { <MorePage/> }.into_any(),
        office: || view! { <OfficePage/> }.into_any(),
        offline_ended: || view! { <OfflineEndedPage/> }.into_any(),
        person: || view! { <PersonPage/> }.into_any(),
        person_access: || view! { <PersonAccessPage/> }.into_any(),
        person_copy: || view! { <PersonCopyPage/> }.into_any(),
        person_edit: || view! { <PersonEditPage/> }.into_any(),
        person_new: || view! { <PersonNewPage/> }.into_any(),
        pin: || view! { <ChangePinPage/> }.into_any(),
        privacy: || view! { <PrivacyPage/> }.into_any(),
        sync: || view! { <SyncPage/> }.into_any(),
        visit: || view! { <VisitPage/> }.into_any(),
        visit_edit: || view! { <VisitEditPage/> }.into_any(),
        visit_new: || view! { <VisitNewPage/> }.into_any(),
        welfare_edit: || view! { <WelfareEditPage/> }.into_any(),
    })
}

/// Whether the second module is here.
#[derive(Clone, Copy)]
enum State {
    NotAsked,
    Coming,
    Here(LaterPages),
    Missing,
}

/// The second module, as the app sees it.
#[derive(Clone, Copy)]
pub(crate) struct Later(RwSignal<State>);

impl Later {
    /// Not fetched yet.
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(State::NotAsked))
    }

    /// Fetches the module, unless it is here or on its way.
    pub(crate) fn fetch(self) {
        if matches!(self.0.get_untracked(), State::Coming | State::Here(_)) {
            return;
        }
        self.0.set(State::Coming);
        leptos::task::spawn_local(async move {
            let state = read_pages().await.map_or(State::Missing, State::Here);
            self.0.set(state);
        });
    }
}

/// A page of the second module at its address.
pub(crate) fn later(page: fn(&LaterPages) -> Draw) -> impl Fn() -> AnyView + Clone + Send + 'static {
    move || view! { <LaterPage page=page/> }.into_any()
}

#[component]
fn LaterPage(page: fn(&LaterPages) -> Draw) -> impl IntoView {
    let later: Later = expect_context();
    later.fetch();
    move || {
        match later.0.get() {
        State::Here(pages) => page(&pages)(),
        State::NotAsked | State::Coming => view! { <Skeleton/> }.into_any(),
        State::Missing => {
            view! { <ProblemNotice problem=Signal::stored(Problem::Offline) retry=Callback::new(move |()| later.fetch())/> }
                .into_any()
        }
    }
    }
}
