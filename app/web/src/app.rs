//! The app: its contexts, and which page answers which address.
use leptos::prelude::*;
use leptos_router::{
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice, shell::Shell},
    context::{
        drafts::DraftDesk,
        hub::Hub,
        library::{Library, Phase},
        page::PageHead,
        problem::Problem,
        session::SessionCtx,
        sync::Sync,
        toasts::Toasts,
        use_library, use_session,
    },
    i18n::{language, t},
    pages::{
        history::HistoryPage,
        more::MorePage,
        not_found::NotFoundPage,
        office::OfficePage,
        people::{NobodyChosen, PeoplePage, PeoplePlace},
        person::PersonPage,
        person_edit::{PersonEditPage, PersonNewPage},
        sign_in::SignInPage,
        sync::SyncPage,
        today::TodayPage,
        visit::VisitPage,
        visit_edit::{ContactEditPage, ContactNewPage, VisitEditPage, VisitNewPage},
    },
    platform::{install::Install, preference, storage::StorageGuard, update::Update},
};

/// The root of the app.
#[component]
pub(crate) fn App() -> impl IntoView {
    let update = Update::new();
    provide_context(update);
    provide_context(Install::new());
    provide_context(StorageGuard::new());
    provide_context(DraftDesk::new());
    provide_context(Toasts::new());
    provide_context(PageHead::new());
    provide_context(PeoplePlace::new());
    let hub = Hub::new();
    provide_context(SessionCtx::new(hub));
    provide_context(Library::new(hub));
    provide_context(Sync::new(hub));

    Effect::new(move |_| preference::mark_root("lang", Some(language().tag())));
    let looking = window_event_listener_untyped("visibilitychange", move |_| update.look());
    on_cleanup(move || looking.remove());

    view! {
        <Router>
            <Door/>
        </Router>
    }
}

/// The sign-in at every address while nobody is signed in, so that the address is still there afterwards; and the reason
/// when this phone's records cannot be read, or another window has them.
#[component]
fn Door() -> impl IntoView {
    let (session, library) = (use_session(), use_library());
    let failed = Memo::new(move |_| match library.phase().get() {
        Phase::Failed(problem) => Some(problem),
        Phase::Loading | Phase::Ready => None,
    });
    let closed = move |problem: Problem| {
        view! {
            <main class="sign-in" id="main">
                <h1 class="sign-in__name">{t::app_name}</h1>
                <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| library.open_here())/>
            </main>
        }
    };
    move || match failed.get() {
        Some(problem) => closed(problem).into_any(),
        None => view! { <Inside session=session/> }.into_any(),
    }
}

#[component]
fn Inside(session: SessionCtx) -> impl IntoView {
    let inside = Memo::new(move |_| session.user().with(Option::is_some));
    let known = session.known();
    view! {
        <Show when=move || known.get() fallback=|| view! { <main class="sign-in"><Skeleton/></main> }>
            <Show when=move || inside.get() fallback=|| view! { <SignInPage/> }>
                <Pages/>
            </Show>
        </Show>
    }
}

/// Which page answers which address.
#[component]
fn Pages() -> impl IntoView {
    view! {
        <Routes fallback=|| view! { <NotFoundPage/> }>
            <Route path=path!("/sign-in") view=SignInPage/>
            <ParentRoute path=path!("") view=Shell>
                <Route path=path!("") view=TodayPage/>
                <ParentRoute path=path!("/people") view=PeoplePage>
                    <Route path=path!("") view=NobodyChosen/>
                    <Route path=path!("/new") view=PersonNewPage/>
                    <Route path=path!("/:id") view=PersonPage/>
                    <Route path=path!("/:id/edit") view=PersonEditPage/>
                    <Route path=path!("/:id/history") view=HistoryPage/>
                </ParentRoute>
                <Route path=path!("/visits/new") view=VisitNewPage/>
                <Route path=path!("/visits/:id") view=VisitPage/>
                <Route path=path!("/visits/:id/edit") view=VisitEditPage/>
                <Route path=path!("/contacts/new") view=ContactNewPage/>
                <Route path=path!("/contacts/:id") view=VisitPage/>
                <Route path=path!("/contacts/:id/edit") view=ContactEditPage/>
                <Route path=path!("/sync") view=SyncPage/>
                <Route path=path!("/office") view=OfficePage/>
                <Route path=path!("/more") view=MorePage/>
                <Route path=path!("/*any") view=NotFoundPage/>
            </ParentRoute>
        </Routes>
    }
}
