//! 查看记录: who saw a sensitive value in full, of one person as a print-out for them, and of all whom the reader answers for.
use leptos::prelude::*;
use zoufang_core::{
    access::Sensitive,
    record::{DocId, Timestamp},
};

use super::load::doc_in_path;
use crate::{
    components::{
        empty::{Empty, Skeleton},
        icon::Icon,
        problem::ProblemNotice,
    },
    context::{
        page_head,
        problem::Problem,
        readings::{self, Head, LogLine, LogPart},
        use_library, use_session,
    },
    i18n::{label, t},
    platform::clock,
};

/// Who read what of one person.
#[component]
pub(crate) fn PersonAccessPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => {
            page_head(|| t::access_of_person().to_owned(), Some(format!("/people/{doc}")));
            view! { <OfPerson doc=doc/> }.into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

#[component]
fn OfPerson(doc: DocId) -> impl IntoView {
    let (session, library) = (use_session(), use_library());
    let part = RwSignal::new(None::<Result<LogPart, Problem>>);
    let load = move || {
        part.set(None);
        leptos::task::spawn_local(async move {
            let found = readings::of_person(session, doc).await;
            part.try_set(Some(found));
        });
    };
    load();
    let name = move || {
        library
            .index()
            .with(|index| index.row(doc).and_then(|row| row.person().map(|person| person.name.clone())))
    };
    let lines = move |found: LogPart| {
        if found.items.is_empty() {
            return view! { <Empty icon=Icon::Check title=t::access_none text=t::access_none_text/> }
                .into_any();
        }
        let count = found.items.len();
        view! {
            <p class="strong" role="status">{move || t::access_count(count)}</p>
            <Lines lines=found.items/>
        }
        .into_any()
    };
    view! {
        <div class="stack stack--loose">
            <section class="card">
                <h2>{name}</h2>
                <p>{t::access_person_text}</p>
                <p class="muted small">{t::access_person_phones}</p>
                <p><button type="button" class="button" on:click=move |_| drop(gloo::utils::window().print())>{t::privacy_print}</button></p>
            </section>
            {move || match part.get() {
                None => view! { <Skeleton/> }.into_any(),
                Some(Err(problem)) => view! { <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load())/> }.into_any(),
                Some(Ok(found)) => lines(found),
            }}
        </div>
    }
}

/// The log of all whom the reader answers for, newest first.
#[component]
pub(crate) fn AccessPage() -> impl IntoView {
    page_head(|| t::access_title().to_owned(), Some("/more".to_owned()));
    let session = use_session();
    let lines = RwSignal::new(None::<Vec<LogLine>>);
    let (next, head) = (RwSignal::new(None::<u64>), RwSignal::new(None::<Head>));
    let (busy, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let load = move |before: Option<u64>| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match readings::log(session, before).await {
                Ok(part) => {
                    lines.try_update(|lines| match (lines, before) {
                        (Some(lines), Some(_)) => lines.extend(part.items),
                        (lines, _) => *lines = Some(part.items),
                    });
                    next.try_set(part.next);
                    // The end of the log as it was when the page was opened.
                    if before.is_none() {
                        head.try_set(Some(part.head));
                    }
                }
                Err(cause) => drop(problem.try_set(Some(cause))),
            }
            busy.try_set(false);
        });
    };
    load(None);
    view! {
        <div class="stack stack--loose">
            <section class="card">
                <p>{t::access_text}</p>
                {move || head.get().map(|head| view! {
                    <p class="muted small">{t::access_head_text}</p>
                    <p class="small figures access-head">{move || t::access_head(&head.hash, head.seq)}</p>
                })}
                <p><button type="button" class="button" disabled=move || busy.get() on:click=move |_| load(None)>{t::office_refresh}</button></p>
            </section>
            {move || lines.get().map(|lines| if lines.is_empty() {
                view! { <Empty icon=Icon::Check title=t::access_none text=t::access_none_text/> }.into_any()
            } else {
                view! { <Lines lines=lines/> }.into_any()
            })}
            <Show when=move || busy.get() && lines.with(Option::is_none)><Skeleton/></Show>
            {move || problem.get().map(|problem| view! {
                <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load(next.get_untracked()))/>
            })}
            {move || next.get().map(|seq| view! {
                <button type="button" class="button button--large button--wide" disabled=move || busy.get() on:click=move |_| load(Some(seq))>
                    {t::access_more}
                </button>
            })}
        </div>
    }
}

#[component]
fn Lines(lines: Vec<LogLine>) -> impl IntoView {
    let line = |line: LogLine| {
        let LogLine { seq, user_name, unit_name, device_label, person_name, what, why, read_at_ms } = line;
        let whose = person_name.filter(|name| !name.is_empty());
        let what = move || match (&whose, what_words(what)) {
            (Some(name), what) => t::access_what_of(name, what),
            (None, what) => t::access_what(what),
        };
        view! {
            <li class="timeline__item access-line" data-seq=seq>
                <p class="timeline__when">{move || clock::moment_words(Timestamp(read_at_ms))}" · "{user_name}</p>
                <p class="strong">{what}</p>
                <p>{move || t::access_why(label(why))}</p>
                <p class="muted small">{unit_name}" · "{device_label}</p>
            </li>
        }
    };
    view! { <ol class="timeline">{lines.into_iter().map(line).collect_view()}</ol> }
}

fn what_words(what: Sensitive) -> &'static str {
    match what {
        Sensitive::IdNumber => t::field_id_number(),
        Sensitive::Phone => t::field_phone(),
        Sensitive::Health => t::field_disability_grade(),
        Sensitive::Money => t::field_support(),
    }
}
