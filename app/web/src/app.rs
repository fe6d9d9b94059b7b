//! The app: its contexts, and which page answers which address.
use leptos::prelude::*;
use leptos_router::{
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use zoufang_core::phone::OfflineRight;

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice, shell::Shell},
    context::{
        drafts::DraftDesk,
        hub::Hub,
        library::{Library, Phase},
        lock::LockCtx,
        page::PageHead,
        problem::Problem,
        readings::Readings,
        recovery::RecoveryCtx,
        session::SessionCtx,
        sync::Sync,
        toasts::Toasts,
        use_library, use_lock, use_session, use_sync,
    },
    i18n::{language, t},
    pages::{
        later::{Later, later},
        lock::LockPage,
        not_found::NotFoundPage,
        people::{NobodyChosen, PeoplePage, PeoplePlace},
        pin::FirstPinPage,
        sign_in::SignInPage,
        today::TodayPage,
    },
    platform::{install::Install, link::Link, preference, storage::StorageGuard, update::Update},
};

/// The root of the app.
#[component]
pub(crate) fn App() -> impl IntoView {
    let update = Update::new();
    provide_context(update);
    provide_context(Install::new());
    // Before the router looks at the address.
    provide_context(Link::new());
    provide_context(StorageGuard::new());
    provide_context(DraftDesk::new());
    provide_context(Toasts::new());
    provide_context(PageHead::new());
    provide_context(PeoplePlace::new());
    provide_context(Later::new());
    let hub = Hub::new();
    provide_context(SessionCtx::new(hub));
    provide_context(Library::new(hub));
    provide_context(Readings::new(hub));
    provide_context(Sync::new(hub));
    provide_context(RecoveryCtx::new(hub));
    provide_context(LockCtx::new(hub, expect_context()));
    #[cfg(feature = "bench")]
    crate::bench::provide();

    Effect::new(move |_| preference::mark_root("lang", Some(language().tag())));
    let looking = window_event_listener_untyped("visibilitychange", move |_| update.look());
    on_cleanup(move || looking.remove());

    view! {
        <Router>
            <Door/>
        </Router>
    }
}

/// What stands before every page, so that the address is still there afterwards: the lock, the sign-in, the choice of a PIN, the end of
/// the offline right; and the
/// reason when this phone's records cannot be read, or another window has them.
#[component]
fn Door() -> impl IntoView {
    let (session, library) = (use_session(), use_library());
    let phase = Memo::new(move |_| match library.phase().get() {
        // A page that is open is not drawn anew when the store is ready.
        Phase::Loading | Phase::Ready => Phase::Loading,
        Phase::Locked => Phase::Locked,
        Phase::Failed(problem) => Phase::Failed(problem),
    });
    let closed = move |problem: Problem| {
        view! {
            <main class="sign-in" id="main">
                <h1 class="sign-in__name">{t::app_name}</h1>
                <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| library.open_here())/>
            </main>
        }
    };
    move || match phase.get() {
        Phase::Failed(problem) => closed(problem).into_any(),
        Phase::Locked => view! { <LockPage/> }.into_any(),
        Phase::Loading | Phase::Ready => view! { <Inside session=session/> }.into_any(),
    }
}

#[component]
fn Inside(session: SessionCtx) -> impl IntoView {
    let inside = Memo::new(move |_| session.user().with(Option::is_some));
    let (known, needs_pin) = (session.known(), use_lock().needs_pin());
    let right = use_sync().offline_right();
    let ended = Memo::new(move |_| right.get() == OfflineRight::Ended);
    view! {
        <Show when=move || known.get() fallback=|| view! { <main class="sign-in"><Skeleton/></main> }>
            <Show when=move || inside.get() fallback=|| view! { <SignInPage/> }>
                <Show when=move || !needs_pin.get() fallback=|| view! { <FirstPinPage/> }>
                    <Show when=move || !ended.get() fallback=later(|pages| pages.offline_ended)>
                        <Pages/>
                    </Show>
                </Show>
            </Show>
        </Show>
    }
}

/// Which page answers which address.
#[component]
fn Pages() -> impl IntoView {
    // Once the first screen has what it shows, the rest may come.
    let (library, later_pages): (Library, Later) = (use_library(), expect_context());
    Effect::new(move |_| {
        if matches!(library.phase().get(), Phase::Ready) {
            later_pages.fetch();
        }
    });
    view! {
        <Routes fallback=|| view! { <NotFoundPage/> }>
            <Route path=path!("/sign-in") view=SignInPage/>
            <ParentRoute path=path!("") view=Shell>
                <Route path=path!("") view=TodayPage/>
                <ParentRoute path=path!("/people") view=PeoplePage>
                    <Route path=path!("") view=NobodyChosen/>
                    <Route path=path!("/new") view=later(|pages| pages.person_new)/>
                    <Route path=path!("/:id") view=later(|pages| pages.person)/>
                    <Route path=path!("/:id/edit") view=later(|pages| pages.person_edit)/>
                    <Route path=path!("/:id/welfare") view=later(|pages| pages.welfare_edit)/>
                    <Route path=path!("/:id/history") view=later(|pages| pages.history)/>
                    <Route path=path!("/:id/copy") view=later(|pages| pages.person_copy)/>
                    <Route path=path!("/:id/access") view=later(|pages| pages.person_access)/>
                </ParentRoute>
                <Route path=path!("/visits/new") view=later(|pages| pages.visit_new)/>
                <Route path=path!("/visits/:id") view=later(|pages| pages.visit)/>
                <Route path=path!("/visits/:id/edit") view=later(|pages| pages.visit_edit)/>
                <Route path=path!("/contacts/new") view=later(|pages| pages.contact_new)/>
                <Route path=path!("/contacts/:id") view=later(|pages| pages.visit)/>
                <Route path=path!("/contacts/:id/edit") view=later(|pages| pages.contact_edit)/>
                <Route path=path!("/sync") view=later(|pages| pages.sync)/>
                <Route path=path!("/office") view=later(|pages| pages.office)/>
                <Route path=path!("/more") view=later(|pages| pages.more)/>
                <Route path=path!("/more/access") view=later(|pages| pages.access)/>
                <Route path=path!("/more/carry") view=later(|pages| pages.carry)/>
                <Route path=path!("/more/devices") view=later(|pages| pages.devices)/>
                <Route path=path!("/more/late") view=later(|pages| pages.late)/>
                <Route path=path!("/more/pin") view=later(|pages| pages.pin)/>
                <Route path=path!("/more/privacy") view=later(|pages| pages.privacy)/>
                <Route path=path!("/*any") view=NotFoundPage/>
            </ParentRoute>
        </Routes>
    }
}
