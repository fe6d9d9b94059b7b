//! In place of files, for who works on none.
use leptos::prelude::*;

use super::{empty::Empty, icon::Icon};
use crate::{
    context::use_session,
    i18n::{Text, t},
};

/// For a role that works on no files: where its pages are.
#[component]
pub(crate) fn NoFiles() -> impl IntoView {
    let session = use_session();
    let (path, label): (_, Text) =
        if session.sees_office() { ("/office", t::nav_office) } else { ("/more", t::nav_more) };
    view! {
        <Empty icon=Icon::Office title=t::today_no_files>
            <p>{t::today_no_files_text}</p>
            <a class="button button--large" href=path>{label}</a>
        </Empty>
    }
}
