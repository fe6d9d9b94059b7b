//! 个人信息: what is kept of the people visited, why, and on what ground; to be shown, read out or printed at the first visit.
use gloo::net::http::Method;
use leptos::prelude::*;
use serde::Deserialize;
use std::collections::HashMap;

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice},
    context::{page_head, problem::Problem},
    i18n::{Language, language, t},
    sync::{Answer, call_json},
};

/// Kept by the service worker beside the app.
const PATH: &str = "/privacy.json";

#[derive(Clone, Deserialize)]
struct Table {
    grounds: HashMap<String, InBoth<String>>,
    groups: Vec<Group>,
}

#[derive(Clone, Deserialize)]
struct InBoth<T> {
    zh: T,
    en: T,
}

impl<T> InBoth<T> {
    fn said(&self) -> &T {
        match language() {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

#[derive(Clone, Deserialize)]
struct Group {
    #[serde(flatten)]
    words: InBoth<Words>,
    ground: String,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Clone, Deserialize)]
struct Words {
    what: String,
    why: String,
    need: Option<String>,
}

/// The page.
#[component]
pub(crate) fn PrivacyPage() -> impl IntoView {
    page_head(|| t::privacy_title().to_owned(), Some("/more".to_owned()));
    let table = RwSignal::new(None::<Result<Table, Problem>>);
    let load = move || {
        table.set(None);
        leptos::task::spawn_local(async move {
            let answer = call_json::<Table>(Method::GET, PATH, None, None::<&()>).await;
            let found = answer.map_err(Problem::from).and_then(|answer| match answer {
                Answer::Ok(found) => Ok(found),
                Answer::Refused(..) => Err(Problem::ServerDown),
            });
            table.try_set(Some(found));
        });
    };
    load();
    view! {
        <div class="stack stack--loose">
            <section class="card">
                <h2>{t::privacy_who}</h2>
                <p>{t::privacy_who_text}</p>
                <p>{t::privacy_never}</p>
                <p><button type="button" class="button" on:click=move |_| drop(gloo::utils::window().print())>{t::privacy_print}</button></p>
            </section>
            {move || match table.get() {
                None => view! { <Skeleton/> }.into_any(),
                Some(Err(problem)) => view! { <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| load())/> }.into_any(),
                Some(Ok(table)) => view! { <Groups table=table/> }.into_any(),
            }}
            <section class="card">
                <h2>{t::privacy_rights}</h2>
                <p>{t::privacy_rights_text}</p>
            </section>
        </div>
    }
}

#[component]
fn Groups(table: Table) -> impl IntoView {
    let Table { grounds, groups } = table;
    let one = move |group: &Group| {
        let words = group.words.said().clone();
        let ground = grounds.get(&group.ground).map(|ground| ground.said().clone());
        view! {
            <li class="card privacy-group">
                <div class="card__head">
                    <h3>{words.what}</h3>
                    {group.sensitive.then(|| view! { <span class="badge badge--warn">{t::privacy_sensitive}</span> })}
                </div>
                <p>{words.why}</p>
                {words.need.map(|need| view! { <p>{t::privacy_need(&need)}</p> })}
                <p class="muted small">{ground.map(|ground| t::privacy_ground(&ground))}</p>
            </li>
        }
    };
    view! { <ul class="stack stack--close">{move || groups.iter().map(&one).collect_view()}</ul> }
}
