//! What a revoked device brought of one record: who, when, what it would set, and the two answers.
use leptos::prelude::*;
use zoufang_core::{
    query::Index,
    record::{DocId, Kind, Patch, Timestamp, UserId, Value},
};

use super::Desk;
use crate::{
    components::{
        dialog::Confirm,
        facts::Facts,
        names::{people_names, user_name},
        notice::{Notice, Weight},
        problem::{ProblemNotice, refusal_words},
        values,
    },
    context::{
        devices::{self, LateItem},
        problem::Problem,
        toasts::use_toasts,
        use_library,
    },
    i18n::{Text, t},
    pages::history::set_line,
    platform::clock,
};

/// What the changes would set, apart from the people, who stand there as ids.
struct Sets {
    people: Vec<DocId>,
    visitors: Vec<UserId>,
    rest: Vec<(String, Option<Value>)>,
}

impl From<Patch> for Sets {
    fn from(patch: Patch) -> Self {
        let (mut people, mut visitors, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in patch.0 {
            let person = key.strip_prefix("person/").and_then(|id| id.parse().ok());
            let visitor = key.strip_prefix("visitor/").and_then(|id| id.parse().ok());
            match (person, visitor, &value) {
                (Some(person), _, Some(Value::Bool(true))) => people.push(person),
                (_, Some(visitor), Some(Value::Bool(true))) => visitors.push(visitor),
                // Of a Party membership: whose it is.
                (_, _, Some(Value::Text(id))) if key == "person" => people.extend(id.parse::<DocId>()),
                _ if values::is_inner(&key) => {}
                _ => rest.push((key, value)),
            }
        }
        Self { people, visitors, rest }
    }
}

fn kind_words(kind: Option<Kind>) -> Text {
    match kind {
        Some(Kind::Person) => t::person_kind,
        Some(Kind::Party) => t::late_party,
        Some(Kind::Visit) => t::visit_kind,
        Some(Kind::Contact) => t::contact_kind,
        Some(Kind::Welfare) => t::welfare_title,
        // A newer server may know more kinds.
        None => t::late_record,
    }
}

fn path_of(kind: Option<Kind>, doc: DocId) -> Option<String> {
    match kind? {
        // A Party membership is read in its person's file.
        Kind::Party => None,
        Kind::Person => Some(format!("/people/{doc}")),
        Kind::Welfare => Some(format!("/people/{}", doc.beside())),
        Kind::Visit => Some(format!("/visits/{doc}")),
        Kind::Contact => Some(format!("/contacts/{doc}")),
    }
}

/// Whose file it is, if that is on this phone.
fn name_of(index: &Index, doc: Option<DocId>) -> Option<String> {
    index.row(doc?)?.person().map(|person| person.name.clone())
}

/// One record.
#[component]
pub(super) fn LateRow(
    /// What came.
    item: LateItem,
    /// The page.
    desk: Desk,
) -> impl IntoView {
    let (library, toasts) = (use_library(), use_toasts());
    let (busy, asking) = (RwSignal::new(false), RwSignal::new(false));
    let refused = RwSignal::new(Vec::<String>::new());
    let problem = RwSignal::new(None::<Problem>);

    let (patch, unread) = item.values();
    let Sets { people, visitors, rest } = patch.into();
    let (kind, doc) = (Kind::of_code(item.kind), item.doc.parse::<DocId>().ok());
    let words = kind_words(kind);
    let title = move || match library.index().with(|index| name_of(index, doc)) {
        Some(name) => format!("{} · {name}", words()),
        None => words().to_owned(),
    };
    let is_here = move || doc.is_some_and(|doc| library.index().with(|index| index.row(doc).is_some()));
    let path = Memo::new(move |_| doc.and_then(|doc| path_of(kind, doc)).filter(|_| is_here()));

    let decided = StoredValue::new(item.clone());
    let LateItem { device, device_label, user_name: by, doc: doc_text, unit_name, received_at_ms, .. } = item;
    let (author, label) = (by.clone(), device_label.clone());
    let whose = by.clone();
    let about = Signal::derive(move || format!("{} · {whose} · {label}", title()));
    let items = Signal::derive(move || {
        let names = library.index().with(|index| people_names(index, &people));
        let visitor_names = library.directory().with(|directory| {
            let names: Vec<String> = visitors.iter().map(|id| user_name(directory, Some(*id))).collect();
            names.join("、")
        });
        let facts: Vec<(Text, Option<String>)> = vec![
            (t::late_by, Some(by.clone())),
            (t::late_device, Some(device_label.clone())),
            (t::more_unit, Some(unit_name.clone())),
            (t::late_received, Some(clock::moment_words(Timestamp(received_at_ms)))),
            (t::field_people, Some(names)),
            (t::field_visitors, Some(visitor_names)),
        ];
        facts
    });

    let decide = move |take: bool| {
        busy.set(true);
        problem.set(None);
        refused.set(Vec::new());
        let item = decided.get_value();
        leptos::task::spawn_local(async move {
            match devices::decide(desk.session, &item, take).await {
                Ok(codes) if codes.is_empty() => {
                    toasts.say(if take { t::late_taken() } else { t::late_dropped() });
                    desk.settle(&item.device, &item.doc);
                }
                Ok(mut codes) => {
                    codes.dedup();
                    refused.try_set(codes);
                }
                // Somebody else was faster.
                Err(Problem::NotAllowed) => {
                    toasts.say(t::late_gone());
                    desk.settle(&item.device, &item.doc);
                }
                Err(cause) => {
                    problem.try_set(Some(cause));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        <li class="card late-row" data-device=device data-doc=doc_text>
            <h2 tabindex="-1">{title}</h2>
            <Facts items=items/>
            <div class="late-values">{rest.into_iter().map(set_line).collect_view()}</div>
            {(unread > 0).then(|| view! { <p class="strong">{move || t::late_unread(unread)}</p> })}
            {move || (!refused.with(Vec::is_empty)).then(|| view! { <NotTaken codes=refused.get() by=author.clone()/> })}
            {move || problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })}
            <div class="cluster">
                <button type="button" class="button button--primary" disabled=move || busy.get() on:click=move |_| decide(true)>
                    {t::late_take}
                </button>
                <button type="button" class="button button--problem" disabled=move || busy.get() on:click=move |_| asking.set(true)>
                    {t::late_drop}
                </button>
                {move || path.get().map(|path| view! { <a class="button button--quiet" href=path>{t::refused_open}</a> })}
            </div>
            <Confirm
                open=asking
                title=t::late_drop_title
                about=about
                text=t::late_drop_text
                action=t::late_drop
                on_yes=move |()| decide(false)
            />
        </li>
    }
}

/// Why the server did not take it.
#[component]
fn NotTaken(codes: Vec<String>, by: String) -> impl IntoView {
    let reason = |code: String| {
        let shown = code.clone();
        view! {
            <p>{move || reason_words(&code)}</p>
            <p class="notice__code">{move || t::problem_code(format!("R-{shown}"))}</p>
        }
    };
    view! {
        <Notice weight=Weight::Problem title=Signal::derive(|| t::late_refused().to_owned())>
            <p>{move || t::late_refused_as(&by)}</p>
            {codes.into_iter().map(reason).collect_view()}
        </Notice>
    }
}

/// A refusal in words, for somebody who did not write the change and has nothing to submit again.
fn reason_words(code: &str) -> String {
    match code {
        "re_rooted" => t::late_refused_re_rooted().to_owned(),
        "pending" => t::late_refused_pending().to_owned(),
        _ => refusal_words(code),
    }
}
