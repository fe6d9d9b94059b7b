//! The frame of every page: bar, navigation, main part, toasts.
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};
use zoufang_core::record::Kind;

use super::{app_bar::AppBar, nav::Nav, sync_chip::SyncChip, toast::ToastPlace, update_bar::UpdateBar};
use crate::{
    context::{drafts::DraftDesk, page::PageHead, toasts::use_toasts, use_session, use_sync},
    i18n::t,
    platform::update::Update,
};

/// Pages that use the whole width: lists beside details, tables.
fn is_wide(path: &str) -> bool {
    path.starts_with("/people") || path.starts_with("/office")
}

/// The frame.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let head: PageHead = expect_context();
    let update: Update = expect_context();
    let desk: DraftDesk = expect_context();
    let (sync, session, toasts) = (use_sync(), use_session(), use_toasts());
    let path = use_location().pathname;
    let office = Signal::derive(move || session.sees_office());
    let files = Signal::derive(move || session.keeps_files());
    let visits = Signal::derive(move || session.may_write(Kind::Visit));
    let main_class =
        move || if path.with(|path| is_wide(path)) { "shell__main shell__main--wide" } else { "shell__main" };
    view! {
        <a class="skip-link" href="#main" rel="external" on:click=skip_to_main>{t::action_skip}</a>
        <div class="shell">
            <header class="shell__bar">
                <UpdateBar ready=update.ready() unkept=desk.unkept on_keep=move |()| desk.keep() on_apply=move |()| update.apply()/>
                <AppBar title=head.title back=head.back>
                    <SyncChip state=sync.state() waiting=sync.waiting()/>
                </AppBar>
            </header>
            <Nav path=path office=office files=files visits=visits/>
            <main class=main_class id="main" tabindex="-1">
                <Outlet/>
            </main>
        </div>
        <ToastPlace toasts=toasts.list() on_close=move |id| toasts.close(id)/>
    }
}

fn skip_to_main(event: web_sys::MouseEvent) {
    event.prevent_default();
    crate::platform::focus::focus("main");
}
