//! One device: whose it is, its state in words, and the button for the day when it is lost.
use leptos::prelude::*;
use zoufang_core::{access::may_review_late, record::Timestamp};

use super::{Desk, people::DevicePeople};
use crate::{
    components::{
        facts::Facts,
        icon::{Glyph, Icon},
        notice::{Notice, Weight},
        problem::ProblemNotice,
    },
    context::devices::DeviceLine,
    i18n::{Text, t},
    platform::clock,
};

const DAY_MS: i64 = 24 * 3_600_000;
/// Whoever is silent for longer is asked about.
const SILENT_DAYS: i64 = 7;
/// Whoever is silent for longer may be lost.
const LOST_DAYS: i64 = 30;

/// How a device stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    InUse,
    /// Not heard of for so many days.
    Silent(i64),
    /// Not heard of for so many days that it may be lost.
    Lost(i64),
    /// It may still have its records.
    Revoked,
    Wiped,
}

impl State {
    fn of(line: &DeviceLine, now: Timestamp) -> Self {
        let days = (now.0 - line.seen_at_ms.unwrap_or(line.enrolled_at_ms)) / DAY_MS;
        match (line.revoked_at_ms, line.wiped_at_ms) {
            (Some(_), Some(_)) => Self::Wiped,
            (Some(_), None) => Self::Revoked,
            (None, _) if line.this || days <= SILENT_DAYS => Self::InUse,
            (None, _) if days <= LOST_DAYS => Self::Silent(days),
            (None, _) => Self::Lost(days),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::InUse => "in-use",
            Self::Silent(_) => "silent",
            Self::Lost(_) => "lost",
            Self::Revoked => "revoked",
            Self::Wiped => "wiped",
        }
    }

    /// The words at the head of the row, their class and their icon.
    fn badge(self) -> (Text, &'static str, Icon) {
        match self {
            Self::InUse => (t::device_in_use, "badge badge--accent", Icon::Check),
            Self::Silent(_) => (t::device_silent, "badge badge--warn", Icon::Warning),
            Self::Lost(_) => (t::device_lost, "badge badge--problem", Icon::Warning),
            Self::Revoked => (t::device_not_wiped, "badge badge--warn", Icon::Warning),
            Self::Wiped => (t::device_wiped, "badge", Icon::Check),
        }
    }
}

/// The device and its user, in one line.
pub(super) fn full_name(line: &DeviceLine) -> String {
    format!("{} · {} · {}", line.label, line.user_name, line.unit_name)
}

/// The id of a row's heading.
pub(super) fn heading_id(device: &str) -> String {
    format!("device-{device}")
}

/// One device.
#[component]
pub(super) fn DeviceRow(
    /// The device.
    line: DeviceLine,
    /// The page.
    desk: Desk,
) -> impl IntoView {
    let state = State::of(&line, clock::now());
    let (words, class, icon) = state.badge();
    let (shown, asked) = (line.clone(), line.clone());
    let items = Signal::derive(move || facts_of(&shown));
    let user = desk.session.user();
    let may_review =
        Memo::new(move |_| user.with(|user| user.as_ref().is_some_and(|user| may_review_late(user.role))));
    let is_revoked = line.revoked_at_ms.is_some();
    let may_end = !is_revoked && !line.this;
    let (id, failed_id, late) = (line.id.clone(), line.id.clone(), line.late);
    let problem = move || {
        let failed = desk.failed.get().filter(|(id, _)| *id == failed_id);
        failed.map(|(_, problem)| view! { <ProblemNotice problem=Signal::stored(problem)/> })
    };
    view! {
        <li class="card device-row" data-device=line.id.clone() data-state=state.name()>
            <div class="card__head">
                <h3 id=heading_id(&line.id) tabindex="-1">{line.label.clone()}</h3>
                <span class="cluster cluster--close">
                    {line.this.then(|| view! { <span class="badge badge--info">{t::device_this}</span> })}
                    <span class=class><Glyph icon=icon small=true/>{words}</span>
                </span>
            </div>
            <Facts items=items/>
            <Advice state=state/>
            {(late > 0).then(|| view! { <p class="strong">{move || t::device_late(late)}</p> })}
            {problem}
            {may_end.then(|| {
                let ask = move |_| desk.ask(asked.clone());
                view! {
                    <button type="button" class="button button--problem" disabled=move || desk.busy.get() on:click=ask>
                        {t::device_revoke}
                    </button>
                }
            })}
            {move || (is_revoked && may_review.get()).then(|| view! {
                {(late > 0).then(|| view! { <a class="button" href="/more/late">{t::late_title}</a> })}
                <DevicePeople device=id.clone()/>
            })}
        </li>
    }
}

fn facts_of(line: &DeviceLine) -> Vec<(Text, Option<String>)> {
    let moment = |ms: Option<i64>| ms.map(|ms| clock::moment_words(Timestamp(ms)));
    let seen = moment(line.seen_at_ms).unwrap_or_else(|| t::device_never_seen().to_owned());
    vec![
        (t::device_user, Some(line.user_name.clone())),
        (t::more_unit, Some(line.unit_name.clone())),
        (t::device_seen, Some(seen)),
        (t::device_revoked_at, moment(line.revoked_at_ms)),
        (t::device_wiped_at, moment(line.wiped_at_ms)),
    ]
}

/// What to do about a device, if there is something.
#[component]
fn Advice(state: State) -> impl IntoView {
    let silent = |days: i64, todo: Text| {
        let title = Signal::derive(move || t::device_silent_for(days));
        view! { <Notice weight=Weight::Warn title=title><p>{todo}</p></Notice> }.into_any()
    };
    match state {
        State::InUse | State::Wiped => ().into_any(),
        State::Silent(days) => silent(days, t::device_silent_todo),
        State::Lost(days) => silent(days, t::device_lost_todo),
        State::Revoked => view! { <p>{t::device_not_wiped_text}</p> }.into_any(),
    }
}
