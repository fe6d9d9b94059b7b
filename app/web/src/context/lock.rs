//! The lock of this phone: opening it, choosing a PIN, and what becomes of a phone whose PIN is forgotten.
use std::rc::Rc;

use gloo::timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use zoufang_core::{
    query::{Index, RowBody},
    record::PartialDate,
    seal::{Pin, WeakPin},
};

use super::{
    drafts::DraftDesk,
    hub::{Hub, asks_pin},
    library::Phase,
    problem::Problem,
};
use crate::{
    platform::{idle, post, preference},
    store::{
        self, Fault, Held, Lock, Tried,
        slots::{self, Found},
    },
};

/// How long a lock waits for what was typed to be kept.
const KEEP_MS: u32 = 2_000;
const STEP_MS: u32 = 50;
/// How often the service worker is asked to deliver, and how often in vain.
const DELIVER_EVERY_MS: u32 = 2_000;
const DELIVER_IN_VAIN: u32 = 8;

/// What is said at the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockView {
    /// Wrong PINs that are left.
    pub(crate) left: u8,
    /// The wait before the next try, in ms.
    pub(crate) wait_ms: u64,
    /// There were too many: no PIN opens this any more.
    pub(crate) gone: bool,
    /// What is here and nowhere else, if that could be counted.
    pub(crate) held: Option<Held>,
}

/// Why a PIN was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PinFault {
    /// It would be guessed.
    Weak(WeakPin),
    /// The PIN of today was not right.
    WrongNow,
    /// It could not be kept.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for PinFault {
    fn from(problem: E) -> Self {
        Self::Problem(problem.into())
    }
}

/// The lock, as pages use it.
#[derive(Clone, Copy)]
pub(crate) struct LockCtx {
    hub: Hub,
    desk: DraftDesk,
}

impl LockCtx {
    /// The lock of a hub; it closes by itself when nobody is there.
    pub(crate) fn new(hub: Hub, desk: DraftDesk) -> Self {
        let lock = Self { hub, desk };
        idle::watch(move || lock.close());
        lock
    }

    /// What is said at the lock.
    pub(crate) fn view(self) -> Signal<LockView> {
        self.hub.lock_view.into()
    }

    /// Whether a PIN must be chosen before anything else.
    pub(crate) fn needs_pin(self) -> Signal<bool> {
        self.hub.needs_pin.into()
    }

    /// Tries a PIN; says whether it was right.
    pub(crate) async fn open(self, text: &str) -> Result<bool, Problem> {
        let lock = self.hub.lock.get_value();
        let mut lock = lock.lock().await;
        let Some(opened) = lock.as_mut() else { return Ok(false) };
        let tried = opened.try_pin(text).await.map_err(|fault| match fault {
            Fault::Full => Problem::FullAndLocked,
            Fault::Closed | Fault::Fails(_) => fault.into(),
        })?;
        self.hub.show(Some(opened));
        match tried {
            Tried::Opened(keyring) => {
                self.hub.still_holds()?;
                *lock = None;
                self.hub.needs_pin.set(false);
                self.hub.open_with(keyring);
                Ok(true)
            }
            Tried::Wrong | Tried::TooEarly => Ok(false),
            Tried::Gone => {
                *lock = None;
                self.hub.show(None);
                Ok(false)
            }
        }
    }

    /// The lock was in front for so long.
    pub(crate) async fn waited(self, ms: u64) -> Result<(), Problem> {
        let lock = self.hub.lock.get_value();
        let mut lock = lock.lock().await;
        if let Some(lock) = lock.as_mut() {
            lock.waited(ms).await?;
            self.hub.show(Some(lock));
        }
        Ok(())
    }

    /// Has what waits delivered, since nobody else does while this page is in front; says what waits still.
    pub(crate) async fn deliver(self) {
        post::deliver();
        TimeoutFuture::new(DELIVER_EVERY_MS).await;
        if let Ok(held) = store::held().await {
            self.hub.lock_view.update(|view| view.held = Some(held));
        }
    }

    /// Takes a PIN, in the place of the one of today if there is one.
    pub(crate) async fn choose(self, today: Option<&str>, text: &str) -> Result<(), PinFault> {
        let birthdays = self.hub.index.with_untracked(|index| birthdays(index));
        let pin = Pin::choose(text, birthdays.iter().map(String::as_str)).map_err(PinFault::Weak)?;
        if let Some(today) = today {
            self.check(today).await?;
        }
        let turn = self.hub.slots_turn.get_value();
        let turn = turn.lock().await;
        let keyring = self.hub.keyring.get_value().ok_or(Problem::StorageFails("closed"))?;
        self.hub.still_holds()?;
        let next = slots::choose(&pin, &keyring).await?;
        drop(turn);
        self.hub.close_store().await;
        self.hub.still_holds()?;
        let is_text = !text.bytes().all(|byte| byte.is_ascii_digit());
        preference::write(preference::PASSPHRASE, is_text.then_some("yes"));
        let was_let_in = self.hub.let_in.get_value();
        self.hub.let_in.set_value(false);
        self.hub.needs_pin.set(false);
        self.hub.open_here_with(next).await;
        if was_let_in {
            spawn_local(async move { drop(self.hub.forget_request().await) });
        }
        Ok(())
    }

    async fn check(self, today: &str) -> Result<(), PinFault> {
        let Found::Locked(mut lock) = slots::look().await? else { return Ok(()) };
        match lock.try_pin(today).await? {
            Tried::Opened(_) => Ok(()),
            Tried::Wrong | Tried::TooEarly => Err(PinFault::WrongNow),
            Tried::Gone => {
                self.close();
                Err(PinFault::WrongNow)
            }
        }
    }

    /// Locks: what is typed is kept, then the page begins anew, and nothing of a key stays in memory.
    pub(crate) fn close(self) {
        // A phone that somebody has let in shows nothing yet, but it is open.
        let is_closed = self.hub.needs_pin.get_untracked() && !self.hub.let_in.get_value();
        let open = self.hub.phase.get_untracked() == Phase::Ready && !is_closed;
        if !open || !asks_pin() {
            return;
        }
        // Nothing is shown from now on, also while what is typed is kept.
        preference::mark_root(preference::CLOSING, Some(""));
        spawn_local(async move {
            self.keep_typed().await;
            let _ = gloo::utils::window().location().reload();
        });
    }

    async fn keep_typed(self) {
        self.desk.keep();
        for _ in 0..KEEP_MS / STEP_MS {
            // The forms hear of it in their own turn.
            TimeoutFuture::new(STEP_MS).await;
            if self.desk.unkept.get_untracked() == 0 {
                return;
            }
        }
    }
}

impl Hub {
    /// Stands before the lock; `None` when no PIN opens it any more.
    pub(super) async fn stand_before(self, lock: Option<Box<Lock>>) {
        let held = store::held().await.ok();
        self.lock_view.update(|view| view.held = held);
        self.show(lock.as_deref());
        self.lock.set_value(Rc::new(lock.into()));
        if self.phase.get_untracked() == Phase::Loading {
            self.phase.set(Phase::Locked);
            post::ask();
        }
    }

    fn show(self, lock: Option<&Lock>) {
        let (left, wait_ms) = lock.map_or((0, 0), Lock::attempts);
        self.lock_view.update(|view| (view.left, view.wait_ms, view.gone) = (left, wait_ms, lock.is_none()));
    }

    /// The phone changed hands: the PIN goes with the one who knew it.
    pub(super) async fn ask_for_new_pin(self) -> Result<(), Problem> {
        let keyring = self.keyring.get_value().ok_or(Problem::StorageFails("closed"))?;
        slots::drop_pin(&keyring).await?;
        self.needs_pin.set(asks_pin());
        Ok(())
    }

    /// Has the service worker deliver everything that waits; gives up when nothing gets on.
    pub(super) async fn deliver_all(self) -> Result<(), Problem> {
        let mut left = usize::MAX;
        let mut in_vain = 0;
        while in_vain < DELIVER_IN_VAIN {
            let held = store::held().await?;
            self.lock_view.update(|view| view.held = Some(held));
            if held.waiting == 0 {
                return Ok(());
            }
            in_vain = if held.waiting < left { 0 } else { in_vain + 1 };
            left = held.waiting;
            post::deliver();
            TimeoutFuture::new(DELIVER_EVERY_MS).await;
        }
        Err(Problem::Undelivered(left))
    }

    /// Opens the store that was emptied, with new keys.
    pub(super) async fn open_emptied(self) -> Result<(), Problem> {
        let Found::Open(keyring) = slots::look().await? else { return Err(Problem::StorageFails("slot")) };
        self.needs_pin.set(asks_pin());
        self.open_here_with(keyring).await;
        self.device().map(drop)
    }
}

/// Days of birth of people in the file, as digits.
fn birthdays(index: &Index) -> Vec<String> {
    let birth = |body: &RowBody| match body {
        RowBody::Person(person) => person.birth,
        RowBody::Party(_) | RowBody::Visit(_) | RowBody::Contact(_) | RowBody::Welfare => None,
    };
    let days = index.rows().filter_map(|row| match birth(&row.body)? {
        PartialDate::Day(day) => Some(day.ymd()),
        PartialDate::Year(_) | PartialDate::Month(..) => None,
    });
    days.map(|(year, month, day)| format!("{year:04}{month:02}{day:02}")).collect()
}

/// The lock of this app.
pub(crate) fn use_lock() -> LockCtx {
    expect_context()
}
