//! Where to go: tabs under the thumb on a phone, a column at the side on a wide screen.
use leptos::prelude::*;

use super::{
    icon::{Glyph, Icon},
    mark::Mark,
};
use crate::i18n::{Text, t};

struct Place {
    path: &'static str,
    label: Text,
    icon: Icon,
    class: &'static str,
}

const NEW_VISIT: &str = "/visits/new";

const PLACES: [Place; 6] = [
    Place { path: "/", label: t::nav_today, icon: Icon::Today, class: "" },
    Place { path: "/people", label: t::nav_people, icon: Icon::People, class: "" },
    Place { path: NEW_VISIT, label: t::nav_new_visit, icon: Icon::Plus, class: "nav__item--new" },
    Place { path: "/sync", label: t::nav_sync, icon: Icon::Sync, class: "" },
    Place { path: "/office", label: t::nav_office, icon: Icon::Office, class: "" },
    Place { path: "/more", label: t::nav_more, icon: Icon::More, class: "" },
];

fn is_here(path: &str, place: &str) -> bool {
    match place {
        "/" => path == "/",
        _ => path == place || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')),
    }
}

/// The navigation.
#[component]
pub(crate) fn Nav(
    /// The path shown now.
    #[prop(into)]
    path: Signal<String>,
    /// Whether the user may look at the office pages.
    #[prop(into)]
    office: Signal<bool>,
    /// Whether people's files are on this phone.
    #[prop(into)]
    files: Signal<bool>,
    /// Whether the user writes visits.
    #[prop(into)]
    visits: Signal<bool>,
) -> impl IntoView {
    let item = move |place: &'static Place| {
        let link_class = if place.path == NEW_VISIT { "nav__link nav__link--new" } else { "nav__link" };
        let is_hidden = move || match place.path {
            "/office" => !office.get(),
            "/people" => !files.get(),
            NEW_VISIT => !visits.get(),
            _ => false,
        };
        // Whoever has no files here has room for the office on a narrow screen, too.
        let is_wide = move || place.path == "/office" && files.get();
        view! {
            <li class=format!("nav__item {}", place.class) class:nav__item--wide=is_wide hidden=is_hidden>
                <a class=link_class href=place.path aria-current=move || path.with(|path| is_here(path, place.path)).then_some("page")>
                    <Glyph icon=place.icon/>
                    <span>{place.label}</span>
                </a>
            </li>
        }
    };
    view! {
        <nav class="shell__nav nav" aria-label=t::nav_label>
            <div class="nav__brand">
                <Mark/>
                <span>{t::app_name}</span>
            </div>
            <ul class="nav__list">{PLACES.iter().map(item).collect_view()}</ul>
        </nav>
    }
}
