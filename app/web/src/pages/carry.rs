//! 带文件上交: what waits on a phone that finds no line, as a file that is carried to a computer and handed in there.
mod hand_in;
mod make;

use leptos::prelude::*;

use self::hand_in::HandIn;
pub(crate) use self::make::MakeFile;
use crate::{context::page_head, i18n::t};

/// The page: both halves, since phone and computer run the same app.
#[component]
pub(crate) fn CarryPage() -> impl IntoView {
    page_head(|| t::carry_title().to_owned(), Some("/more".to_owned()));
    view! {
        <div class="stack stack--loose">
            <MakeFile/>
            <HandIn/>
        </div>
    }
}
