//! 保障情况 of a person: disability and hardship, for those who may read it. Others' phones do not even hold it.
use leptos::prelude::*;
use zoufang_core::{
    document::conflict::Conflict,
    record::{ChangeHash, DocId, Kind, Record, Welfare},
};

use super::{
    super::load::{read_view, use_record},
    Conflicts,
};
use crate::{
    components::facts::Facts,
    context::{library::Opened, use_library, use_session},
    i18n::{Text, label, t},
};

/// What the card reads of the record.
#[derive(Clone)]
struct WelfareFile {
    welfare: Welfare,
    conflicts: Vec<Conflict>,
    heads: Vec<ChangeHash>,
}

impl WelfareFile {
    fn of(opened: Opened) -> Self {
        let welfare = Welfare::from_entries(&opened.document.entries());
        Self { welfare, conflicts: opened.document.conflicts(), heads: opened.document.heads() }
    }
}

/// The card on the person's page.
#[component]
pub(crate) fn WelfareCard(
    /// The person's document.
    person: DocId,
) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let doc = person.beside();
    let is_there = Memo::new(move |_| library.index().with(|index| index.row(doc).is_some()));
    view! {
        <section class="card">
            <div class="card__head">
                <h2>{t::welfare_title}</h2>
                <Show when=move || session.may_write(Kind::Welfare)>
                    <a class="button button--quiet" href=format!("/people/{person}/welfare")>{t::action_edit}</a>
                </Show>
            </div>
            <Show when=move || is_there.get() fallback=|| view! { <p class="muted">{t::welfare_none}</p> }>
                <Said doc=doc/>
            </Show>
            <p class="muted small">{t::welfare_who}</p>
        </section>
    }
}

#[component]
fn Said(doc: DocId) -> impl IntoView {
    read_view(use_record(doc, WelfareFile::of), move |file| {
        let WelfareFile { welfare, conflicts, heads } = file.clone();
        let nothing = welfare.is_empty();
        view! {
            <Conflicts doc=doc kind=Kind::Welfare conflicts=conflicts heads=heads/>
            <Facts items=Signal::derive(move || facts(&welfare))/>
            {nothing.then(|| view! { <p class="muted">{t::welfare_none}</p> })}
        }
    })
}

fn facts(welfare: &Welfare) -> Vec<(Text, Option<String>)> {
    vec![
        (t::field_support, welfare.support_status.map(|support| label(support).to_owned())),
        (t::field_disability_grade, welfare.disability_grade.map(|grade| grade.to_string())),
        (t::field_disability_nature, welfare.disability_nature.map(|nature| label(nature).to_owned())),
    ]
}
