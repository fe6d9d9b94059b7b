//! Sensitive values of a person: masked; in full for a reason, for a minute, after the reading was kept.
//!
//! Invariant: a value is in the page only after [`Readings::note`](crate::context::readings::Readings::note) has returned.
use gloo::{events::EventListener, timers::callback::Interval};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use zoufang_core::{
    access::{Read, Sensitive},
    record::{
        DocId, Phone, id_number,
        list::{AccessReason, ValueList},
        phone,
    },
};

use super::{
    dialog::modal,
    icon::{Glyph, Icon},
    problem::ProblemNotice,
};
use crate::{
    context::{
        problem::Problem,
        readings::{Reader, Readings, use_readings},
    },
    i18n::{label, t},
    platform::clock,
};

/// A value stays so long, in seconds.
const SHOWN_S: u32 = 60;

/// A value with its inner part hidden.
pub(crate) fn masked(what: Sensitive, value: &str) -> String {
    match what {
        Sensitive::IdNumber => id_number::masked(value),
        Sensitive::Phone => phone::masked(value),
        Sensitive::Health | Sensitive::Money => t::value_hidden().to_owned(),
    }
}

/// Which value of the page is seen in full, and which one is asked for. One at a time.
#[derive(Clone, Copy)]
pub(crate) struct Reveal {
    person: DocId,
    readings: Readings,
    asked: RwSignal<Option<(Sensitive, String)>>,
    shown: RwSignal<Option<String>>,
    left_s: RwSignal<u32>,
    /// By the steady clock: ticks of a page in the background come late, or not at all.
    ends_at_ms: StoredValue<u64>,
    timer: StoredValue<Option<Interval>, LocalStorage>,
    problem: RwSignal<Option<Problem>>,
}

impl Reveal {
    /// For the values of one person; hidden again when the page is.
    pub(crate) fn new(person: DocId) -> Self {
        let reveal = Self {
            person,
            readings: use_readings(),
            asked: RwSignal::new(None),
            shown: RwSignal::new(None),
            left_s: RwSignal::new(0),
            ends_at_ms: StoredValue::new(0),
            timer: StoredValue::new_local(None),
            problem: RwSignal::new(None),
        };
        let hidden = EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| {
            if gloo::utils::document().hidden() {
                reveal.hide();
            }
        });
        let hidden = StoredValue::new_local(Some(hidden));
        on_cleanup(move || {
            hidden.update_value(|listener| drop(listener.take()));
            reveal.hide();
        });
        reveal
    }

    fn ask(self, what: Sensitive, key: String) {
        self.problem.set(None);
        self.asked.set(Some((what, key)));
    }

    /// Keeps the reading, and shows the value for a minute.
    fn show(self, why: AccessReason) {
        let Some((what, key)) = self.asked.get_untracked() else { return };
        leptos::task::spawn_local(async move {
            match self.readings.note(self.person, what, why).await {
                Ok(()) => {
                    self.asked.try_set(None);
                    // The page may be gone meanwhile.
                    if self.left_s.try_set(SHOWN_S).is_none() {
                        self.shown.set(Some(key));
                        self.ends_at_ms.set_value(clock::steady_ms() + u64::from(SHOWN_S) * 1_000);
                        self.timer.set_value(Some(Interval::new(1_000, move || self.count())));
                    }
                }
                Err(cause) => drop(self.problem.try_set(Some(cause))),
            }
        });
    }

    fn count(self) {
        let left_ms = self.ends_at_ms.get_value().saturating_sub(clock::steady_ms());
        match u32::try_from(left_ms.div_ceil(1_000)) {
            Ok(0) | Err(_) => self.hide(),
            Ok(left_s) => self.left_s.set(left_s),
        }
    }

    fn hide(self) {
        self.timer.update_value(|timer| drop(timer.take()));
        self.shown.try_set(None);
    }
}

/// A value, masked, with the way to see it where the reader may.
#[component]
pub(crate) fn SensitiveValue(
    /// What it is.
    what: Sensitive,
    /// A name for it on this page.
    key: String,
    /// The value.
    value: String,
) -> impl IntoView {
    let reveal: Reveal = expect_context();
    let right = Memo::new(move |_| Reader::now().right(what));
    let (key, value) = (StoredValue::new(key), StoredValue::new(value));
    let is_shown = Memo::new(move |_| {
        right.get() == Read::Clear
            || reveal.shown.with(|shown| key.with_value(|key| shown.as_ref() == Some(key)))
    });
    let words = move || match (is_shown.get(), right.get()) {
        (true, _) => value.get_value(),
        (false, Read::Hidden) => t::value_hidden().to_owned(),
        (false, _) => value.with_value(|value| masked(what, value)),
    };
    view! {
        <span class="sensitive">
            <span class="figures sensitive__value">{words}</span>
            <Show when=move || right.get() == Read::OnReason>
                <Show
                    when=move || is_shown.get()
                    fallback=move || view! {
                        <button type="button" class="button button--quiet" on:click=move |_| reveal.ask(what, key.get_value())>
                            {t::reveal_show}
                        </button>
                    }
                >
                    <button type="button" class="button button--quiet" on:click=move |_| reveal.hide()>
                        {move || t::reveal_hide(reveal.left_s.get())}
                    </button>
                </Show>
            </Show>
        </span>
    }
}

/// A phone: masked, with one tap to call it, which is a reading, too.
#[component]
pub(crate) fn PhoneLine(
    /// The entry's id.
    id: String,
    /// The phone.
    phone: Phone,
) -> impl IntoView {
    let reveal: Reveal = expect_context();
    let Phone { number, owner, .. } = phone;
    let may_call = Memo::new(move |_| Reader::now().right(Sensitive::Phone) == Read::OnReason);
    let called = number.clone();
    let call = move |_| {
        let number = called.clone();
        reveal.problem.set(None);
        leptos::task::spawn_local(async move {
            match reveal.readings.note(reveal.person, Sensitive::Phone, AccessReason::Call).await {
                Ok(()) => dial(&number),
                Err(cause) => drop(reveal.problem.try_set(Some(cause))),
            }
        });
    };
    view! {
        <div class="phone-line">
            <p class="cluster cluster--close">
                <SensitiveValue what=Sensitive::Phone key=id value=number/>
                {owner.map(|owner| view! { <span class="badge">{move || label(owner)}</span> })}
            </p>
            <Show when=move || may_call.get()>
                <button type="button" class="button phone-link" on:click=call.clone()><Glyph icon=Icon::PhoneCall/>{t::person_call}</button>
            </Show>
        </div>
    }
}

/// Opens the dialler.
fn dial(number: &str) {
    let document = gloo::utils::document();
    let Some(link) =
        document.create_element("a").ok().and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok())
    else {
        return;
    };
    // In the page only while it is clicked, so that whoever watches for calls sees it (`platform::idle`).
    let _ = link.set_attribute("href", &format!("tel:{number}"));
    if gloo::utils::body().append_child(&link).is_ok() {
        link.click();
        link.remove();
    }
}

/// Why a call was not noted, and so was not made; stands where it is seen.
#[component]
pub(crate) fn RevealProblem(
    /// The page's.
    reveal: Reveal,
) -> impl IntoView {
    let outside = move || reveal.problem.get().filter(|_| reveal.asked.with(Option::is_none));
    move || outside().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })
}

/// Asks for the reason; one tap answers and shows the value.
#[component]
pub(crate) fn RevealDialog(
    /// The page's.
    reveal: Reveal,
) -> impl IntoView {
    let what = Memo::new(move |_| reveal.asked.with(|asked| asked.as_ref().map(|(what, _)| *what)));
    let node = modal(Memo::new(move |_| what.get().is_some()));
    let close = move || {
        reveal.asked.set(None);
        reveal.problem.set(None);
    };
    let title = move || match what.get() {
        Some(Sensitive::Phone) => t::reveal_title_phone(),
        Some(Sensitive::IdNumber | Sensitive::Health | Sensitive::Money) | None => t::reveal_title_id(),
    };
    let reasons = move || {
        let offered = AccessReason::ALL.iter().copied();
        let offered =
            offered.filter(|why| *why != AccessReason::Call || what.get() == Some(Sensitive::Phone));
        offered
            .map(|why| {
                view! {
                    <button type="button" class="button button--large button--wide" data-why=why.code() on:click=move |_| reveal.show(why)>
                        {move || label(why)}
                    </button>
                }
            })
            .collect_view()
    };
    let problem = move || {
        reveal.problem.get().map(|problem| view! { <ProblemNotice problem=Signal::stored(problem)/> })
    };
    view! {
        <dialog class="dialog" node_ref=node aria-label=title on:close=move |_| close()>
            <div class="dialog__body">
                <h2>{title}</h2>
                <p>{t::reveal_text}</p>
                <Show when=move || what.get().is_some()>{problem}</Show>
                <div class="stack stack--close">{reasons}</div>
                <div class="dialog__actions">
                    <button type="button" class="button" on:click=move |_| close()>{t::action_cancel}</button>
                </div>
            </div>
        </dialog>
    }
}
