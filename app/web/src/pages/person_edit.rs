//! Editing a person's file, or making a new one. Only what was changed is written.
mod fields;
mod model;

pub(crate) use self::fields::fault_of;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use zoufang_core::{
    phone::{Base, Draft},
    record::{DocId, Kind, UnitId},
};

use self::{
    fields::{AddressFields, BasicFields, GivenFields, PhoneFields, ServiceFields},
    model::PersonForm,
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
    base: Base,
    unit: UnitId,
    draft: Option<Draft>,
}

/// Editing a file.
#[component]
pub(crate) fn PersonEditPage() -> impl IntoView {
    let doc = doc_in_path();
    move || match doc.get() {
        Some(doc) => {
            page_head(|| t::person_edit_title().to_owned(), Some(format!("/people/{doc}")));
            view! { <Loader doc=Some(doc)/> }.into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

/// A new file.
#[component]
pub(crate) fn PersonNewPage() -> impl IntoView {
    page_head(|| t::people_new().to_owned(), Some("/people".to_owned()));
    view! { <Loader doc=None/> }
}

fn draft_key(doc: Option<DocId>) -> String {
    format!("person:{}", doc.map(|doc| doc.to_string()).unwrap_or_default())
}

/// Reads the file and the draft once; a change from elsewhere while one types does not overwrite what is typed.
#[component]
fn Loader(doc: Option<DocId>) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let begin = RwSignal::new(None::<Result<Begin, Problem>>);
    let home = session.user().with_untracked(|user| user.as_ref().map(|user| user.unit)).unwrap_or_default();
    leptos::task::spawn_local(async move {
        let read = async {
            let draft = library.load_draft(&draft_key(doc));
            let (base, unit) = match doc {
                Some(doc) => {
                    let opened = library.open(doc).await?;
                    (Base::of(&opened.document, draft.as_ref().map(|draft| &draft.text)), opened.unit)
                }
                None => (Base::default(), home),
            };
            Ok(Begin { base, unit, draft })
        };
        let result = read.await;
        begin.try_set(Some(result));
    });
    read_view(
        begin,
        move |begin| view! { <Form doc=doc base=begin.base.clone() unit=begin.unit draft=begin.draft.clone()/> },
    )
}

#[component]
fn Form(doc: Option<DocId>, base: Base, unit: UnitId, draft: Option<Draft>) -> impl IntoView {
    let (library, session, toasts) = (use_library(), use_session(), use_toasts());
    let guard: StorageGuard = expect_context();
    let navigate = use_navigate();
    let form = PersonForm::of(base.entries.clone());
    let original = StoredValue::new(form.clone());
    let restored_at = RwSignal::new(draft.as_ref().map(|draft| draft.saved_at));
    let blank = form.draft(base.heads.clone());
    let form = RwSignal::new(draft.map_or(form.clone(), |draft| form.with_draft(&draft.text)));
    let base = StoredValue::new(base);
    let text = move || form.with(|form| form.draft(base.with_value(|base| base.heads.clone())));
    let keeper = Keeper::new(draft_key(doc), blank, Signal::derive(text));
    let (busy, tried) = (RwSignal::new(false), RwSignal::new(false));
    let problem = RwSignal::new(None::<Problem>);
    let faults = Signal::derive(move || if tried.get() { form.with(PersonForm::faults) } else { Vec::new() });

    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if busy.get_untracked() || !form.with_untracked(PersonForm::faults).is_empty() {
            return;
        }
        busy.set(true);
        let navigate = navigate.clone();
        let user = session.user().with_untracked(|user| user.as_ref().map(|user| user.id));
        leptos::task::spawn_local(async move {
            let result = match doc {
                Some(doc) => {
                    let patch =
                        original.with_value(|original| form.with_untracked(|form| form.patch(original)));
                    library.edit(doc, base.with_value(|base| base.heads.clone()), patch).await.map(|()| doc)
                }
                None => {
                    library
                        .create(Kind::Person, unit, form.with_untracked(|form| form.new_entries(user)))
                        .await
                }
            };
            match result {
                Ok(doc) => {
                    keeper.close().await;
                    toasts.say(t::saved_here());
                    guard.ask();
                    navigate(
                        &format!("/people/{doc}"),
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
    let forget = drops_draft(form, original, restored_at, toasts);
    view! {
        // Else the browser keeps what is typed for its next session, in clear.
        <form class="form" novalidate autocomplete="off" on:submit=save>
            <ErrorSummary faults=faults/>
            {move || restored_at.get().map(|at| view! { <DraftNotice kept_at=at on_drop=forget/> })}
            <BasicFields form=form faults=faults/>
            <PhoneFields form=form faults=faults/>
            <AddressFields form=form/>
            <GivenFields form=form/>
            <ServiceFields form=form faults=faults/>
            <FormFoot label=t::action_save busy=busy problem=problem keeper=keeper/>
        </form>
    }
}
