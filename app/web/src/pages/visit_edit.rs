//! A visit log or a Party-member contact record: new, or a correction of one's own. One form for both; a contact has
//! a topic and three more questions, and no reasons.
mod goods;
mod model;
mod people_picker;
mod promises;
mod questions;
mod visitors;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use zoufang_core::{
    phone::{Base, Draft, DraftText},
    record::{Contact, DocId, Kind, Patch, Record, UnitId},
};

use self::{
    goods::GoodsFields,
    model::{VisitForm, fault_words},
    people_picker::PeoplePicker,
    promises::PromiseFields,
    questions::{ContactQuestions, VisitQuestions},
    visitors::Visitors,
};
use super::{
    draft::Keeper,
    form::{DraftNotice, FormFoot, drops_draft},
    load::{doc_in_path, read_view},
};
use crate::{
    components::{error_summary::ErrorSummary, problem::ProblemNotice},
    context::{page_head, problem::Problem, toasts::use_toasts, use_library, use_session},
    i18n::t,
    platform::storage::StorageGuard,
};

/// What the form begins with.
struct Begin {
    form: VisitForm,
    base: Base,
    draft: Option<Draft>,
}

/// A new visit; `?person=` names whom.
#[component]
pub(crate) fn VisitNewPage() -> impl IntoView {
    page_head(|| t::visit_new().to_owned(), Some("/".to_owned()));
    view! { <NewForm kind=Kind::Visit/> }
}

/// A new contact; `?person=` names with whom.
#[component]
pub(crate) fn ContactNewPage() -> impl IntoView {
    page_head(|| t::person_new_contact().to_owned(), Some("/".to_owned()));
    view! { <NewForm kind=Kind::Contact/> }
}

/// Drawn anew when the address names another person.
#[component]
fn NewForm(kind: Kind) -> impl IntoView {
    let query = use_query_map();
    let person =
        Memo::new(move |_| query.with(|query| query.get("person")).and_then(|id| id.parse::<DocId>().ok()));
    move || view! { <Loader kind=kind doc=None person=person.get()/> }
}

/// A correction of a visit.
#[component]
pub(crate) fn VisitEditPage() -> impl IntoView {
    view! { <EditForm kind=Kind::Visit/> }
}

/// A correction of a contact.
#[component]
pub(crate) fn ContactEditPage() -> impl IntoView {
    view! { <EditForm kind=Kind::Contact/> }
}

#[component]
fn EditForm(kind: Kind) -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => {
            page_head(|| t::visit_edit_title().to_owned(), Some(record_path(kind, doc)));
            view! { <Loader kind=kind doc=Some(doc) person=None/> }.into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

fn record_path(kind: Kind, doc: DocId) -> String {
    if kind == Kind::Contact { format!("/contacts/{doc}") } else { format!("/visits/{doc}") }
}

fn draft_key(kind: Kind, doc: Option<DocId>, person: Option<DocId>) -> String {
    let name = if kind == Kind::Contact { "contact" } else { "visit" };
    match doc {
        Some(doc) => format!("{name}:{doc}"),
        None => format!("{name}-new:{}", person.map(|person| person.to_string()).unwrap_or_default()),
    }
}

#[component]
fn Loader(kind: Kind, doc: Option<DocId>, person: Option<DocId>) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let begin = RwSignal::new(None::<Result<Begin, Problem>>);
    let user = session.user().with_untracked(|user| user.as_ref().map(|user| user.id));
    leptos::task::spawn_local(async move {
        let read = async {
            let draft = library.load_draft(&draft_key(kind, doc, person));
            let (form, base) = match doc {
                Some(doc) => {
                    let base =
                        Base::of(&library.open(doc).await?.document, draft.as_ref().map(|draft| &draft.text));
                    (VisitForm::of(kind, &base.entries), base)
                }
                None => (VisitForm::new(kind, person, user), Base::default()),
            };
            Ok(Begin { form, base, draft })
        };
        let result = read.await;
        begin.try_set(Some(result));
    });
    read_view(begin, move |begin| {
        let (form, base, draft) = (begin.form.clone(), begin.base.clone(), begin.draft.clone());
        view! { <Form doc=doc form=form base=base draft=draft key=draft_key(kind, doc, person)/> }
    })
}

#[component]
fn Form(doc: Option<DocId>, form: VisitForm, base: Base, draft: Option<Draft>, key: String) -> impl IntoView {
    let (library, session, toasts) = (use_library(), use_session(), use_toasts());
    let guard: StorageGuard = expect_context();
    let navigate = use_navigate();
    let kind = form.kind;
    let fresh = StoredValue::new(form.clone());
    let restored_at = RwSignal::new(draft.as_ref().map(|draft| draft.saved_at));
    let form = RwSignal::new(draft.map_or(form, |draft| VisitForm::of(kind, &draft.text.entries)));
    let base = StoredValue::new(base);
    let text = move |form: &VisitForm| DraftText {
        entries: form.contact.to_entries(),
        base: base.with_value(|base| base.heads.clone()),
        ..DraftText::default()
    };
    let keeper = Keeper::new(key, fresh.with_value(text), Signal::derive(move || form.with(text)));
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    let faults = Signal::derive(move || {
        if tried.get() {
            form.with(VisitForm::faults).into_iter().map(fault_words).collect()
        } else {
            Vec::new()
        }
    });

    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if busy.get_untracked() || !form.with_untracked(VisitForm::faults).is_empty() {
            return;
        }
        busy.set(true);
        let navigate = navigate.clone();
        let user = session.user().get_untracked();
        let home = user.as_ref().map(|user| user.unit).unwrap_or_default();
        let (contact, unit) = form.with_untracked(|form| {
            let unit = library.index().with_untracked(|index| form.unit(index, home));
            (form.cleaned(user.as_ref().map(|user| user.id)), unit)
        });
        leptos::task::spawn_local(async move {
            match write(library, doc, kind, unit, &contact, &base.get_value()).await {
                Ok(written) => {
                    keeper.close().await;
                    toasts.say(t::saved_here());
                    guard.ask();
                    navigate(
                        &record_path(kind, written),
                        NavigateOptions { replace: true, ..Default::default() },
                    );
                }
                Err(cause) => {
                    busy.try_set(false);
                    problem.try_set(Some(cause));
                }
            }
        });
    };
    let forget = drops_draft(form, fresh, restored_at, toasts);
    view! {
        // Else the browser keeps what is typed for its next session, in clear.
        <form class="form" novalidate autocomplete="off" on:submit=save>
            <ErrorSummary faults=faults/>
            {move || restored_at.get().map(|at| view! { <DraftNotice kept_at=at on_drop=forget/> })}
            <PeoplePicker form=form faults=faults/>
            {(kind == Kind::Contact).then(|| view! { <ContactQuestions form=form faults=faults/> })}
            <VisitQuestions form=form faults=faults/>
            <Visitors form=form/>
            <GoodsFields form=form/>
            <PromiseFields form=form faults=faults/>
            <FormFoot label=t::action_save busy=busy problem=problem keeper=keeper/>
        </form>
    }
}

/// Writes the record: a new one, or what differs from the one there is.
async fn write(
    library: crate::context::library::Library,
    doc: Option<DocId>,
    kind: Kind,
    unit: UnitId,
    contact: &Contact,
    base: &Base,
) -> Result<DocId, Problem> {
    let entries = if kind == Kind::Contact { contact.to_entries() } else { contact.visit.to_entries() };
    match doc {
        Some(doc) => {
            let patch = Patch::between(&base.entries, &entries);
            library.edit(doc, base.heads.clone(), patch).await.map(|()| doc)
        }
        None => library.create(kind, unit, entries).await,
    }
}
