//! The office's view: figures by unit and recent visits, read from the server and not kept on this device.
mod overview;
mod visits;

use leptos::prelude::*;

use self::{overview::Overview, visits::RecentVisits};
use crate::{context::page_head, i18n::t};

/// The page.
#[component]
pub(crate) fn OfficePage() -> impl IntoView {
    page_head(|| t::nav_office().to_owned(), Some("/more".to_owned()));
    view! {
        <div class="stack stack--loose">
            <Overview/>
            <RecentVisits/>
        </div>
    }
}
