//! Editing 保障情况: support and disability of a person. Only what was changed is written.
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use zoufang_core::{
    phone::{Base, Draft, DraftText},
    record::{DocId, Entries, Kind, Patch, Record, UnitId, UserId, Welfare},
};

use super::{
    draft::Keeper,
    form::{DraftNotice, FormFoot, drops_draft},
    load::{doc_in_path, read_view},
};
use crate::{
    components::{problem::ProblemNotice, select_field::SelectField},
    context::{page_head, problem::Problem, toasts::use_toasts, use_library, use_session},
    i18n::t,
    platform::{clock, storage::StorageGuard},
};

/// The grades of a disability.
const GRADES: std::ops::RangeInclusive<u8> = 1..=10;

/// What the form begins with.
struct Begin {
    /// The record, if there is one already.
    base: Option<Base>,
    unit: UnitId,
    draft: Option<Draft>,
}

/// The page.
#[component]
pub(crate) fn WelfareEditPage() -> impl IntoView {
    let person = doc_in_path();
    move || match person.get() {
        Some(person) => {
            page_head(|| t::welfare_title().to_owned(), Some(format!("/people/{person}")));
            view! { <Loader person=person/> }.into_any()
        }
        None => view! { <ProblemNotice problem=Signal::stored(Problem::NotFound)/> }.into_any(),
    }
}

/// Reads the record and the draft once; a change from elsewhere while one types does not overwrite what is typed.
#[component]
fn Loader(person: DocId) -> impl IntoView {
    let (library, session) = (use_library(), use_session());
    let begin = RwSignal::new(None::<Result<Begin, Problem>>);
    let may_write = untrack(|| session.may_write(Kind::Welfare));
    leptos::task::spawn_local(async move {
        let read = async {
            if !may_write {
                return Err(Problem::NotFound);
            }
            let doc = person.beside();
            let draft = library.load_draft(&Draft::key("welfare", doc));
            // It goes where the person is, who must be here.
            let unit = library.open(person).await?.unit;
            let is_there = library.index().with_untracked(|index| index.row(doc).is_some());
            let base = if is_there {
                let opened = library.open(doc).await?;
                Some(Base::of(&opened.document, draft.as_ref().map(|draft| &draft.text)))
            } else {
                None
            };
            Ok(Begin { base, unit, draft })
        };
        let result = read.await;
        begin.try_set(Some(result));
    });
    read_view(begin, move |begin| {
        view! { <Form person=person base=begin.base.clone() unit=begin.unit draft=begin.draft.clone()/> }
    })
}

#[component]
fn Form(person: DocId, base: Option<Base>, unit: UnitId, draft: Option<Draft>) -> impl IntoView {
    let (library, session, toasts) = (use_library(), use_session(), use_toasts());
    let guard: StorageGuard = expect_context();
    let navigate = use_navigate();
    let is_new = base.is_none();
    let base = base.unwrap_or_default();
    let heads = StoredValue::new(base.heads);
    let original = StoredValue::new(Welfare::from_entries(&base.entries));
    let restored_at = RwSignal::new(draft.as_ref().map(|draft| draft.saved_at));
    let text = move |welfare: &Welfare| DraftText {
        entries: welfare.to_entries(),
        base: heads.get_value(),
        ..DraftText::default()
    };
    let blank = original.with_value(text);
    let begun = draft.map(|draft| Welfare::from_entries(&draft.text.entries));
    let form = RwSignal::new(begun.unwrap_or_else(|| original.get_value()));
    let typed = Signal::derive(move || form.with(text));
    let keeper = Keeper::new(Draft::key("welfare", person.beside()), blank, typed);
    let (busy, problem) = (RwSignal::new(false), RwSignal::new(None::<Problem>));
    let name = move || {
        let row = library.index().with(|index| index.row(person).cloned());
        row.and_then(|row| row.person().map(|person| person.name.clone())).unwrap_or_default()
    };
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let navigate = navigate.clone();
        let user = session.user().with_untracked(|user| user.as_ref().map(|user| user.id));
        leptos::task::spawn_local(async move {
            let welfare = form.get_untracked();
            let result = if is_new {
                library.create_beside(person, unit, new_entries(welfare, user)).await
            } else {
                let patch = Patch::between(&original.get_value().to_entries(), &welfare.to_entries());
                library.edit(person.beside(), heads.get_value(), patch).await
            };
            match result {
                Ok(()) => {
                    keeper.close().await;
                    toasts.say(t::saved_here());
                    guard.ask();
                    let replace = NavigateOptions { replace: true, ..Default::default() };
                    navigate(&format!("/people/{person}"), replace);
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
            <h2 class="person__name">{name}</h2>
            <p class="muted">{t::welfare_who}</p>
            {move || restored_at.get().map(|at| view! { <DraftNotice kept_at=at on_drop=forget/> })}
            <SelectField
                id="support_status"
                label=t::field_support
                value=Signal::derive(move || form.with(|form| form.support_status))
                on_pick=move |support| form.update(|form| form.support_status = support)
            />
            <GradeField form=form/>
            <SelectField
                id="disability_nature"
                label=t::field_disability_nature
                value=Signal::derive(move || form.with(|form| form.disability_nature))
                on_pick=move |nature| form.update(|form| form.disability_nature = nature)
            />
            <FormFoot label=t::action_save busy=busy problem=problem keeper=keeper/>
        </form>
    }
}

fn new_entries(welfare: Welfare, user: Option<UserId>) -> Entries {
    Welfare { created: user.map(|user| (user, clock::now())), ..welfare }.to_entries()
}

/// The grade of a disability, from 1, the heaviest, to 10.
#[component]
fn GradeField(form: RwSignal<Welfare>) -> impl IntoView {
    let grade = move || form.with(|form| form.disability_grade);
    let option = move |choice: u8| {
        view! { <option value=choice.to_string() prop:selected=move || grade() == Some(choice)>{choice.to_string()}</option> }
    };
    let pick =
        move |event| form.update(|form| form.disability_grade = event_target_value(&event).parse().ok());
    view! {
        <div class="field">
            <label class="field__label" for="disability_grade">{t::field_disability_grade}</label>
            <select class="input" id="disability_grade" on:change=pick>
                <option value="" prop:selected=move || grade().is_none()>{t::form_not_known}</option>
                {GRADES.map(option).collect_view()}
            </select>
        </div>
    }
}
