//! The office's view: figures by unit and recent visits, read from the server and not kept on this device.
mod overview;
mod visits;

use leptos::prelude::*;
use zoufang_core::{access::may_list, record::Kind};

use self::{overview::Overview, visits::RecentVisits};
use super::not_found::NotFoundPage;
use crate::{
    context::{page_head, use_session},
    i18n::t,
};

/// The page.
#[component]
pub(crate) fn OfficePage() -> impl IntoView {
    let session = use_session();
    let user = session.user();
    let allowed = Memo::new(move |_| session.sees_office());
    move || {
        if !allowed.get() {
            return view! { <NotFoundPage/> }.into_any();
        }
        let lists_visits =
            move || user.with(|user| user.as_ref().is_some_and(|user| may_list(user.role, Kind::Visit)));
        // Where it is a tab of its own on every screen, no way leads back from it.
        page_head(|| t::nav_office().to_owned(), session.keeps_files().then(|| "/more".to_owned()));
        view! {
            <div class="stack stack--loose">
                <Overview/>
                <Show when=lists_visits><RecentVisits/></Show>
            </div>
        }
        .into_any()
    }
}
