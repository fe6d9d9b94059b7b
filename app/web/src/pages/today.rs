//! 今日: the day, what waits, drafts to go on with, recent visits, and the way to a new one.
use leptos::prelude::*;
use zoufang_core::{
    phone::{Draft, DraftText, OfflineRight},
    query::Index,
    record::{Kind, Record, Visit},
};

use crate::{
    components::{
        empty::{Empty, Skeleton},
        icon::{Glyph, Icon},
        names::people_names,
        no_files::NoFiles,
        notice::{Notice, Weight},
        problem::ProblemNotice,
        visit_row::VisitRowView,
    },
    context::{library::Phase, page_head, sync::SyncState, use_library, use_recovery, use_session, use_sync},
    i18n::t,
    platform::clock,
};

/// How many recent visits are shown.
const RECENT_MAX: usize = 10;

/// The page.
#[component]
pub(crate) fn TodayPage() -> impl IntoView {
    page_head(|| t::nav_today().to_owned(), None);
    let (library, session) = (use_library(), use_session());
    let greeting = move || session.user().get().map(|user| t::today_greeting(user.name, user.unit_name));
    view! {
        <div class="stack stack--loose">
            <div>
                <p class="today__date">{clock::today_words}</p>
                <p class="muted">{greeting}</p>
            </div>
            <Show when=move || session.may_write(Kind::Visit)>
                <a class="button button--primary button--large button--wide" href="/visits/new"><Glyph icon=Icon::Plus/>{t::visit_new}</a>
            </Show>
            <NeedsLine/>
            <OtherRecoveryKey/>
            <Waiting/>
            <Drafts/>
            <Show when=move || session.keeps_files() fallback=|| view! { <NoFiles/> }>
                <section class="section">
                    <div class="section__head">
                        <h2>{t::today_recent}</h2>
                        <a href="/people">{t::today_all_people}</a>
                    </div>
                    {move || match library.phase().get() {
                        Phase::Loading | Phase::Locked => view! { <Skeleton rows=3/> }.into_any(),
                        Phase::Failed(problem) => view! { <ProblemNotice problem=Signal::stored(problem)/> }.into_any(),
                        Phase::Ready => view! { <Recent/> }.into_any(),
                    }}
                </section>
            </Show>
        </div>
    }
}

/// The offline right ends soon.
#[component]
fn NeedsLine() -> impl IntoView {
    let right = use_sync().offline_right();
    move || match right.get() {
        OfflineRight::Warned(days) => {
            let title = Signal::derive(move || t::today_needs_line(days));
            Some(view! { <Notice weight=Weight::Warn title=title><p>{t::today_needs_line_text}</p></Notice> })
        }
        OfflineRight::Held | OfflineRight::Ended => None,
    }
}

/// The server says another recovery key than the one that this phone has.
#[component]
fn OtherRecoveryKey() -> impl IntoView {
    let view = use_recovery().view();
    let is_other = Memo::new(move |_| view.with(|view| view.is_some_and(|view| view.other.is_some())));
    view! {
        <Show when=move || is_other.get()>
            <Notice weight=Weight::Warn title=Signal::derive(|| t::recovery_key_other().to_owned())>
                <p><a href="/more">{t::recovery_key_compare}</a></p>
            </Notice>
        </Show>
    }
}

/// What is only on this phone, or what somebody must look at.
#[component]
fn Waiting() -> impl IntoView {
    let sync = use_sync();
    move || match sync.state().get() {
        SyncState::Attention(problem) => {
            Some(view! { <ProblemNotice problem=Signal::stored(problem)/> }.into_any())
        }
        SyncState::Offline
        | SyncState::Paused
        | SyncState::Waiting(_)
        | SyncState::Running { .. }
        | SyncState::Done { .. } => {
            let waiting = sync.waiting().get();
            (waiting > 0).then(|| {
                let title = Signal::derive(move || t::today_waiting(waiting));
                view! { <Notice weight=Weight::Warn title=title><p>{t::today_waiting_text}</p></Notice> }
                    .into_any()
            })
        }
    }
}

/// Forms that were begun and not saved.
#[component]
fn Drafts() -> impl IntoView {
    let library = use_library();
    let drafts = library.drafts();
    let row = move |(key, draft): (String, Draft)| {
        let (path, saved_at) = (draft_path(&key), draft.saved_at);
        let title = move || library.index().with(|index| draft_title(index, &key, &draft.text));
        let note = move || t::draft_kept_at(clock::moment_words(saved_at));
        view! {
            <a class="row" href=path>
                <div>
                    <p class="row__title">{title}</p>
                    <p class="row__note">{note}</p>
                </div>
                <span class="row__aside">{t::draft_continue}</span>
            </a>
        }
    };
    view! {
        <Show when=move || !drafts.with(Vec::is_empty)>
            <section class="section">
                <h2>{t::today_drafts}</h2>
                <div class="card card--flush">
                    <div class="rows"><For each=move || drafts.get() key=|(key, draft)| (key.clone(), draft.saved_at) children=row/></div>
                </div>
            </section>
        </Show>
    }
}

/// The page on which a draft was begun. Keys are `<form>:<document or empty>`.
fn draft_path(key: &str) -> String {
    let (form, doc) = key.split_once(':').unwrap_or((key, ""));
    match (form, doc) {
        ("visit-new", "") => "/visits/new".to_owned(),
        ("visit-new", person) => format!("/visits/new?person={person}"),
        ("contact-new", "") => "/contacts/new".to_owned(),
        ("contact-new", person) => format!("/contacts/new?person={person}"),
        ("visit", doc) => format!("/visits/{doc}/edit"),
        ("contact", doc) => format!("/contacts/{doc}/edit"),
        ("person", "") => "/people/new".to_owned(),
        ("person", doc) => format!("/people/{doc}/edit"),
        _ => "/".to_owned(),
    }
}

fn draft_title(index: &Index, key: &str, text: &DraftText) -> String {
    let entries = &text.entries;
    let form = key.split(':').next().unwrap_or_default();
    let (kind, who) = match form {
        "visit-new" | "visit" => (t::visit_kind(), people_names(index, &Visit::from_entries(entries).people)),
        "contact-new" | "contact" => {
            (t::contact_kind(), people_names(index, &Visit::from_entries(entries).people))
        }
        _ => (t::person_kind(), entries.text("name").unwrap_or_default()),
    };
    if who.is_empty() { kind.to_owned() } else { format!("{kind} · {who}") }
}

/// The newest visits and contacts.
#[component]
fn Recent() -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let rows = Memo::new(move |_| {
        library.index().with(|index| index.recent().take(RECENT_MAX).cloned().collect::<Vec<_>>())
    });
    let row = move |row: std::sync::Arc<zoufang_core::query::Row>| {
        let doc = row.doc;
        let people = row.visit().map(|visit| visit.people.clone()).unwrap_or_default();
        let title = Signal::derive(move || library.index().with(|index| people_names(index, &people)));
        view! { <VisitRowView row=row title=title state=Signal::derive(move || library.record_state(doc))/> }
    };
    view! {
        <Show
            when=move || !rows.with(Vec::is_empty)
            fallback=move || {
                let text = if session.may_write(Kind::Visit) { t::today_no_visits_text } else { t::today_no_visits_others };
                view! { <Empty icon=Icon::Today title=t::today_no_visits text=text/> }
            }
        >
            <div class="card card--flush">
                <div class="rows"><For each=move || rows.get() key=|row| (row.doc, row.heads.clone()) children=row/></div>
            </div>
        </Show>
        <p class="small muted">{move || library.index().with(|index| t::today_counts(index.count(Kind::Contact), index.count(Kind::Person), index.count(Kind::Visit)))}</p>
    }
}
