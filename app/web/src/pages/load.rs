//! Opening the record that a page is about, again whenever it changes.
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use zoufang_core::record::DocId;

use crate::{
    components::{empty::Skeleton, problem::ProblemNotice},
    context::{library::Opened, problem::Problem, use_library},
};

/// What a page has read: nothing yet, the record, or why not.
pub(crate) type Read<T> = Option<Result<T, Problem>>;

/// The document in the page's address (`:id`).
pub(crate) fn doc_in_path() -> Memo<Option<DocId>> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse().ok()))
}

/// Opens a record and reads it with `read`, and again whenever its row has other heads.
pub(crate) fn use_record<T: Send + Sync + 'static>(
    doc: DocId,
    read: impl Fn(Opened) -> T + Copy + 'static,
) -> RwSignal<Read<T>> {
    let library = use_library();
    let opened = RwSignal::new(None);
    let heads = Memo::new(move |_| library.index().with(|index| index.row(doc).map(|row| row.heads.clone())));
    Effect::new(move |_| {
        // Read, not only tracked: a memo that was never read has not looked at anything yet, and tells nobody.
        heads.with(|_| ());
        leptos::task::spawn_local(async move {
            let result = library.open(doc).await.map(read);
            opened.try_set(Some(result));
        });
    });
    opened
}

/// Draws what was read: grey shapes, the record, or the problem.
pub(crate) fn read_view<T, V>(
    read: RwSignal<Read<T>>,
    draw: impl Fn(&T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + Sync + 'static,
    V: IntoView + 'static,
{
    move || {
        read.with(|read| match read {
            None => view! { <Skeleton/> }.into_any(),
            Some(Ok(record)) => draw(record).into_any(),
            Some(Err(problem)) => {
                let problem = problem.clone();
                view! { <ProblemNotice problem=Signal::stored(problem)/> }.into_any()
            }
        })
    }
}
