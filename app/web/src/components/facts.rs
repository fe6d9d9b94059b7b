//! Names and values of a record; a value that is not known takes no line.
use leptos::prelude::*;

use crate::i18n::Text;

/// A list of names and values.
#[component]
pub(crate) fn Facts(
    /// Names and values.
    #[prop(into)]
    items: Signal<Vec<(Text, Option<String>)>>,
) -> impl IntoView {
    let line = |(name, value): (Text, Option<String>)| {
        value.filter(|value| !value.is_empty()).map(|value| {
            view! {
                <div class="facts__item">
                    <dt>{name}</dt>
                    <dd class="keep-lines">{value}</dd>
                </div>
            }
        })
    };
    view! { <dl class="facts">{move || items.get().into_iter().map(line).collect_view()}</dl> }
}
