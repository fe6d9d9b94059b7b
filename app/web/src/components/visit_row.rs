//! One visit or contact in a list: who, when, how, what came of it, and where the record is.
use std::sync::Arc;

use leptos::prelude::*;
use zoufang_core::{
    query::{Row, RowBody},
    record::Kind,
};

use super::record_state::RecordStateBadge;
use crate::{
    context::library::RecordState,
    i18n::{label, t},
    platform::clock,
};

/// The address of a record's page.
pub(crate) fn record_path(row: &Row) -> String {
    match row.kind() {
        Kind::Person | Kind::Party => format!("/people/{}", row.doc),
        Kind::Welfare => format!("/people/{}", row.doc.beside()),
        Kind::Visit => format!("/visits/{}", row.doc),
        Kind::Contact => format!("/contacts/{}", row.doc),
    }
}

/// What a row says under its title: kind, day, channel, result or topic.
fn note(row: &Row, dated: bool) -> String {
    let Some(visit) = row.visit() else { return String::new() };
    let topic = match &row.body {
        RowBody::Contact(contact) => contact.topic.map(label),
        RowBody::Person(_) | RowBody::Party(_) | RowBody::Visit(_) | RowBody::Welfare => None,
    };
    let day = visit.happened_on.filter(|_| dated).map(clock::day_words);
    let parts = [
        day,
        visit.channel.map(|channel| label(channel).to_owned()),
        topic.map(str::to_owned),
        visit.result.map(|result| label(result).to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// One visit or contact.
#[component]
pub(crate) fn VisitRowView(
    /// The row.
    row: Arc<Row>,
    /// The title: the people visited, or what is fitting where they are known.
    #[prop(into)]
    title: Signal<String>,
    /// Where the record is.
    #[prop(into)]
    state: Signal<RecordState>,
    /// Whether the day stands under the title; not where it is the title.
    #[prop(default = true)]
    dated: bool,
) -> impl IntoView {
    let excerpt = row.visit().and_then(|visit| visit.excerpt.clone());
    let path = record_path(&row);
    let contact = row.kind() == Kind::Contact;
    view! {
        <a class="row visit-row" href=path>
            <div>
                <p class="row__title">
                    {title}
                    {contact.then(|| view! { " "<span class="badge badge--info">{t::contact_kind}</span> })}
                </p>
                <p class="row__note">{move || note(&row, dated)}</p>
                {excerpt.map(|text| view! { <p class="row__note">{text}</p> })}
            </div>
            <RecordStateBadge state=state/>
        </a>
    }
}
