//! The computer's half: each body goes to the server in the phone's name. Handing in twice does no harm.
use leptos::prelude::*;
use zoufang_core::sync::{
    carried::{self, CarriedError, FILE_BYTES_MAX, FILE_SUFFIX, Signed},
    parcel::Fate,
};

use crate::{
    components::{
        notice::{Notice, Weight},
        problem::ProblemNotice,
        progress::Progress,
    },
    context::problem::Problem,
    i18n::t,
    platform::file,
    sync::{HandedIn, hand_in},
};

/// What became of the changes, by fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    stored: usize,
    refused: usize,
    pending: usize,
    unreadable: usize,
}

impl Tally {
    fn add(&mut self, fates: &[u8]) {
        for fate in fates {
            let count = match *fate {
                fate if fate == Fate::Stored as u8 => &mut self.stored,
                fate if fate == Fate::Refused as u8 => &mut self.refused,
                fate if fate == Fate::Pending as u8 => &mut self.pending,
                _ => &mut self.unreadable,
            };
            *count += 1;
        }
    }
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// So many bodies of so many.
    Running(u64, u64),
    Done(Tally),
    Stopped,
    BadFile(CarriedError),
    /// The phone is ended; whether all that it brought could be kept.
    Ended(bool),
    /// The server does not know the phone, or the file is not the one that it has made.
    Unknown,
    Failed(Problem),
}

/// Takes a file and hands it in.
#[component]
pub(crate) fn HandIn() -> impl IntoView {
    let state = RwSignal::new(State::Idle);
    let running = Memo::new(move |_| state.with(|state| matches!(state, State::Running(..))));
    let take = move |event: leptos::ev::Event| {
        let Some(chosen) = file::chosen(&event_target(&event)) else { return };
        state.set(State::Running(0, 0));
        leptos::task::spawn_local(async move {
            let end = match file::read(&chosen, FILE_BYTES_MAX).await {
                Some(bytes) => deliver(&bytes, state).await,
                None => State::BadFile(CarriedError::TooBig),
            };
            state.try_set(end);
        });
    };
    view! {
        <section class="card stack" id="hand-in">
            <h2>{t::carry_hand_title}</h2>
            <p>{t::carry_hand_text}</p>
            // The browser's own words for it are in the browser's language.
            <label class="button button--primary button--large button--wide file-button">
                <input class="visually-hidden" type="file" accept=format!("{FILE_SUFFIX},{}", file::TEXT_SUFFIX) disabled=move || running.get() on:change=take/>
                {t::carry_choose}
            </label>
            <div role="status">{move || outcome(state)}</div>
        </section>
    }
}

/// Hands in one body after the other. What is handed in stays handed in, whatever comes after.
async fn deliver(file: &[u8], state: RwSignal<State>) -> State {
    let carried = match carried::read(file) {
        Ok(carried) => carried,
        Err(error) => return State::BadFile(error),
    };
    let (mut tally, total) = (Tally::default(), carried.bodies.len() as u64);
    for (done, signed) in (0..).zip(&carried.bodies) {
        // The person has stopped it, or has left the page.
        if done > 0 && state.try_with_untracked(|state| !matches!(state, State::Running(..))) != Some(false) {
            return State::Stopped;
        }
        state.try_set(State::Running(done, total));
        match one(carried.device, signed).await {
            Ok(HandedIn::Fates(fates)) => tally.add(&fates),
            Ok(HandedIn::Ended { kept }) => return State::Ended(kept),
            Ok(HandedIn::Unknown) => return State::Unknown,
            Err(problem) => return State::Failed(problem),
        }
    }
    State::Done(tally)
}

async fn one(device: zoufang_core::record::DeviceId, signed: &Signed<'_>) -> Result<HandedIn, Problem> {
    hand_in(device, signed).await.map_err(Problem::from)
}

fn outcome(state: RwSignal<State>) -> Option<AnyView> {
    let notice = |weight, title: fn() -> &'static str, text: fn() -> &'static str| {
        view! { <Notice weight=weight title=Signal::derive(move || title().to_owned())><p>{text}</p></Notice> }.into_any()
    };
    Some(match state.get() {
        State::Idle => return None,
        State::Running(done, total) => view! {
            <div class="stack stack--close">
                <Progress done=Signal::stored(done) total=Signal::stored(total) words=Signal::derive(move || t::carry_running(done, total))/>
                <p><button type="button" class="button" on:click=move |_| state.set(State::Stopped)>{t::action_cancel}</button></p>
            </div>
        }
        .into_any(),
        State::Done(tally) => view! { <Summary tally=tally/> }.into_any(),
        State::Stopped => notice(Weight::Info, t::carry_stopped, t::carry_again_text),
        State::BadFile(CarriedError::NotOurs) => notice(Weight::Problem, t::carry_not_ours, t::carry_not_ours_text),
        State::BadFile(CarriedError::Newer) => notice(Weight::Problem, t::carry_newer, t::carry_newer_text),
        State::BadFile(CarriedError::Damaged) => notice(Weight::Problem, t::carry_damaged, t::carry_damaged_text),
        State::BadFile(CarriedError::TooBig) => notice(Weight::Problem, t::carry_too_big, t::carry_damaged_text),
        State::Ended(true) => notice(Weight::Warn, t::carry_ended, t::carry_ended_text),
        State::Ended(false) => notice(Weight::Problem, t::carry_ended, t::carry_ended_part_text),
        State::Unknown => notice(Weight::Problem, t::carry_not_known, t::carry_not_known_text),
        State::Failed(problem) => view! {
            <ProblemNotice problem=Signal::stored(problem)/>
            <p>{t::carry_again_text}</p>
        }
        .into_any(),
    })
}

/// How many of the changes are where.
#[component]
fn Summary(tally: Tally) -> impl IntoView {
    let Tally { stored, refused, pending, unreadable } = tally;
    let all = refused + pending + unreadable == 0;
    let weight = if all { Weight::Good } else { Weight::Warn };
    view! {
        <Notice weight=weight title=Signal::derive(move || t::carry_stored(stored))>
            {all.then(|| view! { <p>{t::carry_stored_text}</p> })}
            {(refused > 0).then(|| view! { <p>{move || t::carry_refused(refused)}</p> })}
            {(pending > 0).then(|| view! { <p>{move || t::carry_pending(pending)}</p> })}
            {(unreadable > 0).then(|| view! { <p>{move || t::carry_unreadable(unreadable)}</p> })}
        </Notice>
    }
}
