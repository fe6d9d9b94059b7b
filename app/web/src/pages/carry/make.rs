//! The phone's half: the service worker makes the file, so that a locked phone can do it, too.
use leptos::prelude::*;
use zoufang_core::sync::carried::FILE_SUFFIX;

use crate::{
    components::notice::{Notice, Weight},
    i18n::t,
    platform::{
        clock,
        file::MemoryFile,
        post::{self, NoFile},
    },
};

/// What came of it.
#[derive(Clone)]
enum Made {
    File(MemoryFile, u32),
    None(NoFile),
}

/// Makes the file, and gives it to the person.
#[component]
pub(crate) fn MakeFile() -> impl IntoView {
    let busy = RwSignal::new(false);
    let made = RwSignal::new_local(None::<Made>);
    let make = move |_| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let found = match post::carry().await {
                Ok(file) => {
                    let name = format!("zoufang-{}-{}{FILE_SUFFIX}", clock::today(), file.count);
                    MemoryFile::new(&name, &file.bytes)
                        .map_or(Made::None(NoFile::Storage), |made| Made::File(made, file.count))
                }
                Err(why) => Made::None(why),
            };
            made.try_set(Some(found));
            busy.try_set(false);
        });
    };
    let result = move || {
        made.get().map(|made| match made {
            Made::File(file, count) => view! { <Ready file=file count=count/> }.into_any(),
            Made::None(NoFile::Nothing) => {
                view! { <Notice weight=Weight::Good title=Signal::derive(|| t::carry_nothing().to_owned())><p>{t::carry_nothing_text}</p></Notice> }.into_any()
            }
            Made::None(NoFile::Unknown) => {
                view! { <Notice weight=Weight::Warn title=Signal::derive(|| t::carry_unknown().to_owned())><p>{t::carry_unknown_text}</p></Notice> }.into_any()
            }
            Made::None(NoFile::Storage) => {
                view! { <Notice weight=Weight::Problem title=Signal::derive(|| t::carry_failed().to_owned())><p>{t::carry_failed_text}</p></Notice> }.into_any()
            }
        })
    };
    view! {
        <section class="card stack" id="make-file">
            <h2>{t::carry_make_title}</h2>
            <p>{t::carry_make_text}</p>
            <button type="button" class="button button--primary button--large button--wide" disabled=move || busy.get() on:click=make>
                {t::carry_make}
            </button>
            <div role="status">{result}</div>
        </section>
    }
}

/// The file is there: where it goes, and what happens then.
#[component]
fn Ready(file: MemoryFile, count: u32) -> impl IntoView {
    let (shared, kept) = (file.clone(), file.clone());
    let share = file.can_be_shared().then(|| {
        view! { <button type="button" class="button button--primary" on:click=move |_| shared.share()>{t::carry_share}</button> }
    });
    view! {
        <Notice weight=Weight::Good title=Signal::derive(move || t::carry_made(count))>
            <p>{t::carry_made_text}</p>
            <div class="cluster">
                {share}
                <button type="button" class="button" on:click=move |_| kept.download()>{t::carry_download}</button>
            </div>
        </Notice>
    }
}
