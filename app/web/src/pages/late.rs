//! 停用设备补交的记录: what devices brought after they were revoked, and the word of the township's head on each.
mod row;

use leptos::prelude::*;
use zoufang_core::access::may_review_late;

use self::row::LateRow;
use super::not_found::NotFoundPage;
use crate::{
    components::{
        empty::{Empty, Skeleton},
        icon::Icon,
        problem::ProblemNotice,
    },
    context::{
        devices::{self, LateItem},
        page_head,
        problem::Problem,
        session::SessionCtx,
        use_session,
    },
    i18n::t,
    platform::focus,
};

/// The page.
#[component]
pub(crate) fn LatePage() -> impl IntoView {
    let user = use_session().user();
    let allowed =
        Memo::new(move |_| user.with(|user| user.as_ref().is_some_and(|user| may_review_late(user.role))));
    move || {
        if !allowed.get() {
            return view! { <NotFoundPage/> }.into_any();
        }
        page_head(|| t::late_title().to_owned(), Some("/more".to_owned()));
        view! { <LateWork/> }.into_any()
    }
}

#[component]
fn LateWork() -> impl IntoView {
    let desk = Desk::new();
    desk.load();
    let Desk { items, problem, busy, .. } = desk;
    let some = Memo::new(move |_| items.with(|items| items.as_ref().is_some_and(|items| !items.is_empty())));
    // What was read before a problem may not be all.
    let sure = move || problem.with(Option::is_none);
    let none = Memo::new(move |_| sure() && items.with(|items| items.as_ref().is_some_and(Vec::is_empty)));
    let count = move || {
        let count = items.with(|items| items.as_ref().map(Vec::len));
        count.filter(|_| sure()).map(t::late_count)
    };
    view! {
        <div class="stack stack--loose">
            <div class="section__head">
                <p class="strong" role="status" id=COUNT tabindex="-1">{count}</p>
                <button type="button" class="button" disabled=move || busy.get() on:click=move |_| desk.load()>{t::office_refresh}</button>
            </div>
            {move || problem.get().map(|problem| view! {
                <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| desk.load())/>
            })}
            <Show when=move || busy.get() && items.with(Option::is_none)><Skeleton/></Show>
            <Show when=move || none.get()><Empty icon=Icon::Check title=t::late_empty text=t::late_empty_text/></Show>
            <Show when=move || some.get()>
                <p>{t::late_text}</p>
                <ul class="stack stack--close">
                    <For
                        each=move || items.get().unwrap_or_default()
                        key=Clone::clone
                        children=move |item| view! { <LateRow item=item desk=desk/> }
                    />
                </ul>
            </Show>
        </div>
    }
}

/// The id of the line that counts.
const COUNT: &str = "late-count";

/// What the page knows, and what its rows ask of it.
#[derive(Clone, Copy)]
struct Desk {
    session: SessionCtx,
    /// What waits, once it was read.
    items: RwSignal<Option<Vec<LateItem>>>,
    /// Why it could not be read.
    problem: RwSignal<Option<Problem>>,
    /// It is being read.
    busy: RwSignal<bool>,
}

impl Desk {
    fn new() -> Self {
        Self {
            session: use_session(),
            items: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    /// Reads what waits. What is shown stays until the answer is there.
    fn load(self) {
        self.busy.set(true);
        self.problem.set(None);
        leptos::task::spawn_local(async move {
            match devices::late(self.session).await {
                Ok(items) => {
                    self.items.try_set(Some(items));
                }
                Err(cause) => {
                    self.problem.try_set(Some(cause));
                }
            }
            self.busy.try_set(false);
        });
    }

    /// An item is decided: it goes, and the focus goes on to the next one, since the button that had it is gone.
    fn settle(self, device: &str, doc: &str) {
        let is_it = |item: &LateItem| item.device == device && item.doc == doc;
        let next = self.items.try_update(|items| {
            let items = items.as_mut()?;
            let at = items.iter().position(is_it)?;
            items.remove(at);
            (at < items.len()).then_some(at)
        });
        let selector = match next.flatten() {
            Some(at) => format!(".late-row:nth-child({}) h2", at + 1),
            None => format!("#{COUNT}"),
        };
        request_animation_frame(move || focus::focus(&selector));
    }
}
