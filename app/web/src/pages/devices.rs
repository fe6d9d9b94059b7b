//! 设备: which devices have this user's records or those of the township, and ending one that is lost.
mod code;
mod people;
mod row;

use leptos::prelude::*;
use zoufang_core::access::{DeviceReach, device_reach};

use self::row::DeviceRow;
use crate::{
    components::{dialog::Confirm, empty::Skeleton, problem::ProblemNotice},
    context::{
        devices::{self, DeviceLine},
        page_head,
        problem::Problem,
        session::SessionCtx,
        toasts::{Toasts, use_toasts},
        use_session,
    },
    i18n::{Text, t},
    platform::{clock, focus},
};

/// The page.
#[component]
pub(crate) fn DevicesPage() -> impl IntoView {
    page_head(|| t::device_title().to_owned(), Some("/more".to_owned()));
    let desk = Desk::new();
    desk.load();
    let Desk { lines, problem, busy, chosen, asking, .. } = desk;
    let count = move || {
        lines.with(|lines| {
            lines.as_ref().map(|lines| {
                let revoked = lines.iter().filter(|line| line.revoked_at_ms.is_some()).count();
                t::device_count(revoked, lines.len() - revoked)
            })
        })
    };
    let user = use_session().user();
    let reach = move || user.with(|user| user.as_ref().map(|user| device_reach(user.role)));
    let makes_codes = Memo::new(move |_| reach().is_some_and(|reach| reach != DeviceReach::Own));
    let about = Signal::derive(move || chosen.get().map(|line| row::full_name(&line)).unwrap_or_default());
    view! {
        <div class="stack stack--loose">
            <div class="section__head">
                <p class="muted" role="status">{count}</p>
                <button type="button" class="button" disabled=move || busy.get() on:click=move |_| desk.load()>{t::office_refresh}</button>
            </div>
            {move || problem.get().map(|problem| view! {
                <ProblemNotice problem=Signal::stored(problem) retry=Callback::new(move |()| desk.load())/>
            })}
            <Show when=move || busy.get() && lines.with(Option::is_none)><Skeleton/></Show>
            <Group title=t::device_in_use revoked=false desk=desk/>
            <Show when=move || makes_codes.get()><code::CodeCard/></Show>
            <Group title=t::device_revoked revoked=true desk=desk/>
            <Confirm
                open=asking
                title=t::device_revoke_title
                about=about
                text=t::device_revoke_text
                action=t::device_revoke_do
                on_yes=move |()| desk.revoke()
            />
        </div>
    }
}

/// The devices in use, or those that are revoked.
#[component]
fn Group(title: Text, revoked: bool, desk: Desk) -> impl IntoView {
    let lines = Memo::new(move |_| {
        let mut lines = desk.lines.get().unwrap_or_default();
        lines.retain(|line| line.revoked_at_ms.is_some() == revoked);
        lines
    });
    let some = Memo::new(move |_| !lines.with(Vec::is_empty));
    view! {
        <Show when=move || some.get()>
            <section class="section">
                <h2>{title}</h2>
                <ul class="stack stack--close">
                    <For each=move || lines.get() key=Clone::clone children=move |line| view! { <DeviceRow line=line desk=desk/> }/>
                </ul>
            </section>
        </Show>
    }
}

/// What the page knows, and what its rows ask of it.
#[derive(Clone, Copy)]
struct Desk {
    session: SessionCtx,
    toasts: Toasts,
    /// The devices, once they were read.
    lines: RwSignal<Option<Vec<DeviceLine>>>,
    /// Why they could not be read.
    problem: RwSignal<Option<Problem>>,
    /// A request is under way.
    busy: RwSignal<bool>,
    /// The device that the question is about.
    chosen: RwSignal<Option<DeviceLine>>,
    /// Whether the question is asked.
    asking: RwSignal<bool>,
    /// The device that could not be ended, and why.
    failed: RwSignal<Option<(String, Problem)>>,
}

impl Desk {
    fn new() -> Self {
        Self {
            session: use_session(),
            toasts: use_toasts(),
            lines: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
            chosen: RwSignal::new(None),
            asking: RwSignal::new(false),
            failed: RwSignal::new(None),
        }
    }

    /// Reads the devices. Those shown stay until the answer is there.
    fn load(self) {
        self.begin();
        leptos::task::spawn_local(async move {
            self.read().await;
            self.busy.try_set(false);
        });
    }

    fn begin(self) {
        self.busy.set(true);
        self.problem.set(None);
        self.failed.set(None);
    }

    async fn read(self) -> bool {
        match devices::devices(self.session).await {
            Ok(lines) => self.lines.try_set(Some(lines)).is_none(),
            Err(cause) => {
                self.problem.try_set(Some(cause));
                false
            }
        }
    }

    /// Asks whether a device shall be ended.
    fn ask(self, line: DeviceLine) {
        self.chosen.set(Some(line));
        self.asking.set(true);
    }

    /// Ends the device that was asked about.
    fn revoke(self) {
        let Some(line) = self.chosen.get_untracked() else { return };
        self.begin();
        leptos::task::spawn_local(async move {
            match devices::revoke(self.session, &line.id).await {
                Ok(()) => {
                    self.toasts.say(t::device_revoked_now(row::full_name(&line)));
                    if !self.read().await {
                        self.mark_revoked(&line.id);
                    }
                    // Its row has moved, and the button that had the focus is gone.
                    let heading = row::heading_id(&line.id);
                    request_animation_frame(move || focus::focus(&format!("#{heading}")));
                }
                Err(cause) => {
                    self.failed.try_set(Some((line.id, cause)));
                }
            }
            self.busy.try_set(false);
        });
    }

    /// The device is revoked, also while the list cannot be read anew.
    fn mark_revoked(self, id: &str) {
        self.lines.try_update(|lines| {
            let found = lines.iter_mut().flatten().find(|line| line.id == id);
            if let Some(line) = found {
                line.revoked_at_ms = Some(clock::now().0);
            }
        });
    }
}
