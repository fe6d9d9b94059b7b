//! Two people wrote one field: every value with who and when, and one tap to choose. Nothing is thrown away.
use leptos::prelude::*;
use zoufang_core::{
    access::Sensitive,
    document::conflict::{Claim, Conflict},
    record::{Kind, Value},
    sync::wire::Directory,
};

use super::{
    icon::{Glyph, Icon},
    names::user_name,
    sensitive::SensitiveValue,
    values,
};
use crate::{i18n::t, platform::clock};

/// What somebody wrote; where numbers that are masked look alike, they can be seen in full.
fn claim_words(key: &str, claim: &Claim) -> AnyView {
    match (Sensitive::of_key(Kind::Person, key), &claim.value) {
        (Some(what), Value::Text(text)) => {
            let name = format!("{key} {} {:?}", claim.at.0, claim.author);
            view! { <SensitiveValue what=what key=name value=text.clone()/> }.into_any()
        }
        (_, value) => {
            let (key, value) = (key.to_owned(), value.clone());
            (move || values::value_words(&key, &value)).into_any()
        }
    }
}

/// One field in conflict.
#[component]
pub(crate) fn ConflictCard(
    /// The field and its values.
    conflict: Conflict,
    /// Names of the writers.
    #[prop(into)]
    directory: Signal<std::sync::Arc<Directory>>,
    /// Called with the key and the value chosen.
    #[prop(into)]
    on_choose: Callback<(String, Value)>,
) -> impl IntoView {
    let Conflict { key, claims } = conflict;
    let field = key.clone();
    let claim = move |claim: Claim| {
        let (key, value) = (key.clone(), claim.value.clone());
        let words = claim_words(&key, &claim);
        view! {
            <div class="conflict-card__value">
                <div>
                    <p class="conflict-card__text">{words}</p>
                    <p class="conflict-card__origin">
                        {move || t::conflict_origin(clock::moment_words(claim.at), directory.with(|directory| user_name(directory, claim.author)))}
                    </p>
                </div>
                <button type="button" class="button" on:click=move |_| on_choose.run((key.clone(), value.clone()))>{t::conflict_use}</button>
            </div>
        }
    };
    view! {
        <section class="conflict-card">
            <div class="conflict-card__head">
                <Glyph icon=Icon::Warning/>
                <h2>{move || t::conflict_title(values::field_words(&field))}</h2>
            </div>
            <p>{t::conflict_text}</p>
            <div class="conflict-card__values">{claims.into_iter().map(claim).collect_view()}</div>
        </section>
    }
}
