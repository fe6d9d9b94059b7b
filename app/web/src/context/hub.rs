//! The hub: the open store, the sync's driver, and the signals that say to pages what is held.
//!
//! Library, session and sync are three views of it, so that a page asks for what it needs and no more.
use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use async_lock::Mutex;
use gloo::{
    events::EventListener,
    timers::{callback::Interval, future::TimeoutFuture},
};
use leptos::{prelude::*, task::spawn_local};
use zoufang_core::{
    phone::{Account, Draft, OfflineRight, Phone, Settled},
    query::Index,
    record::Timestamp,
    seal::Keyring,
    sync::{
        session::{Event, Failure, Phase as LinePhase},
        wire::Directory,
    },
};

use super::{
    library::Phase,
    lock::LockView,
    problem::Problem,
    readings,
    recovery::{RecoveryView, SlotsTurn},
    session::SignedIn,
};
use crate::{
    platform::{
        clock, one_tab,
        pace::{self, Pace},
        post, preference,
    },
    store::{
        Fault, Lock, Store,
        slots::{self, Found},
    },
    sync::{Driver, Listener, News},
};

/// So many rows are put into the index in one step at the start.
const ROWS_A_STEP: usize = 100;

/// So often the clock is looked at, for the offline right.
const CLOCK_EVERY_MS: u32 = 60_000;

/// A wipe that takes longer has failed.
const WIPING_MS_MAX: u32 = 20_000;

/// The open store and the driver that writes to it.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) store: Rc<Store>,
    pub(crate) driver: Rc<Driver>,
    news: Rc<News>,
}

/// Where everything comes together.
#[derive(Clone, Copy)]
pub(crate) struct Hub {
    device: StoredValue<Option<Device>, LocalStorage>,
    /// This tab is the one that may write.
    holds: StoredValue<bool>,
    /// Which opening of the store is the last one: an older one that was held up does nothing any more.
    opening: StoredValue<u32>,
    /// The lock before which this tab stands.
    pub(super) lock: StoredValue<Rc<Mutex<Option<Box<Lock>>>>, LocalStorage>,
    /// The keys of the open store.
    pub(super) keyring: StoredValue<Option<Keyring>, LocalStorage>,
    pub(super) lock_view: RwSignal<LockView>,
    pub(super) needs_pin: RwSignal<bool>,
    /// Somebody has let this phone in, and a new PIN is not chosen yet.
    pub(super) let_in: StoredValue<bool>,
    /// Who is signed in on a locked phone, to ask and to look; nowhere but in memory.
    pub(super) asker: StoredValue<Option<Account>, LocalStorage>,
    pub(super) recovery: RwSignal<Option<RecoveryView>>,
    pub(super) slots_turn: SlotsTurn,
    /// The store of a tab that has lost it to another one, for its drafts only.
    last_words: StoredValue<Option<Rc<Store>>, LocalStorage>,
    pub(super) phase: RwSignal<Phase>,
    pub(super) index: RwSignal<Arc<Index>>,
    pub(super) directory: RwSignal<Arc<Directory>>,
    pub(super) user: RwSignal<Option<SignedIn>>,
    pub(super) known: RwSignal<bool>,
    pub(super) cloned: RwSignal<bool>,
    pub(super) line: RwSignal<LinePhase>,
    /// Whether a sync has come to its end since the app was opened.
    has_synced: StoredValue<bool>,
    outbox: Trigger,
    pub(super) last_answer: RwSignal<Option<(Timestamp, i64)>>,
    pub(super) progress: RwSignal<(u64, u64)>,
    pub(super) offline_right: RwSignal<OfflineRight>,
    in_front: RwSignal<bool>,
    pub(super) drafts: RwSignal<BTreeMap<String, Draft>>,
}

impl Hub {
    /// A hub that opens the store as soon as this tab may.
    pub(crate) fn new() -> Self {
        let hub = Self {
            device: StoredValue::new_local(None),
            holds: StoredValue::new(false),
            opening: StoredValue::new(0),
            lock: StoredValue::new_local(Rc::default()),
            keyring: StoredValue::new_local(None),
            lock_view: RwSignal::new(LockView::default()),
            needs_pin: RwSignal::new(false),
            let_in: StoredValue::new(false),
            asker: StoredValue::new_local(None),
            recovery: RwSignal::new(None),
            slots_turn: StoredValue::new_local(Rc::default()),
            last_words: StoredValue::new_local(None),
            phase: RwSignal::new(Phase::Loading),
            index: RwSignal::new(Arc::default()),
            directory: RwSignal::new(Arc::default()),
            user: RwSignal::new(None),
            known: RwSignal::new(false),
            cloned: RwSignal::new(false),
            line: RwSignal::new(LinePhase::Idle),
            has_synced: StoredValue::new(false),
            outbox: Trigger::new(),
            last_answer: RwSignal::new(None),
            progress: RwSignal::new((0, 0)),
            offline_right: RwSignal::new(OfflineRight::Held),
            in_front: RwSignal::new(is_in_front()),
            drafts: RwSignal::new(BTreeMap::new()),
        };
        hub.listen();
        hub.open(false);
        hub
    }

    /// Opens the store, or stands before its lock; `take_over` takes it from another tab.
    pub(crate) fn open(self, take_over: bool) {
        let opening = self.begin_opening();
        spawn_local(async move {
            let lost = move || {
                // Of this tab only what is being typed may still be written: it stands in a table of its own.
                self.holds.set_value(false);
                if let Some(device) = self.let_go() {
                    device.store.leave();
                    self.last_words.set_value(Some(device.store));
                }
                self.phase.set(Phase::Failed(Problem::OtherTab));
            };
            // A lock that this tab has it would wait for in vain.
            if !self.holds.get_value() {
                if !one_tab::hold(take_over, lost).await {
                    self.phase.set(Phase::Failed(Problem::OtherTab));
                    return;
                }
                self.holds.set_value(true);
            }
            match slots::look().await {
                _ if self.opening.get_value() != opening || !self.is_loading() => {}
                Ok(Found::Open(keyring)) => {
                    self.needs_pin.set(asks_pin());
                    self.enter(opening, keyring).await;
                }
                Ok(Found::Locked(lock)) => self.stand_before(Some(lock)).await,
                Ok(Found::Gone) => self.stand_before(None).await,
                Err(fault) => self.phase.set(Phase::Failed(fault.into())),
            }
        });
    }

    /// Opens the store, which is not open, with these keys.
    pub(super) fn open_with(self, keyring: Keyring) {
        let opening = self.begin_opening();
        spawn_local(self.enter(opening, keyring));
    }

    /// As [`Self::open_with`], and waits until the store is there.
    pub(super) async fn open_here_with(self, keyring: Keyring) {
        let opening = self.begin_opening();
        self.enter(opening, keyring).await;
    }

    /// Whether this tab may still write: another one may have taken the store while something was awaited.
    pub(super) fn still_holds(self) -> Result<(), Problem> {
        if self.holds.get_value() { Ok(()) } else { Err(Problem::OtherTab) }
    }

    fn begin_opening(self) -> u32 {
        self.phase.set(Phase::Loading);
        let opening = self.opening.get_value().wrapping_add(1);
        self.opening.set_value(opening);
        opening
    }

    /// Nothing more is read or written with the open store.
    pub(super) fn let_go(self) -> Option<Device> {
        let device = self.device.try_update_value(Option::take).flatten()?;
        device.driver.tell(Event::Offline);
        device.news.listen(false);
        Some(device)
    }

    /// As [`Self::let_go`]; and what was under way is written, and nothing after it.
    pub(super) async fn close_store(self) {
        if let Some(device) = self.let_go() {
            device.store.close().await;
        }
    }

    async fn enter(self, opening: u32, keyring: Keyring) {
        let phase = match self.read(opening, &keyring).await {
            Ok(()) => Phase::Ready,
            Err(fault) => Phase::Failed(fault.into()),
        };
        // Another tab may have taken the store while it was read.
        if self.is_loading() && self.opening.get_value() == opening {
            self.keyring.set_value(Some(keyring));
            self.phase.set(phase);
            self.tend_recovery();
            if let Ok(device) = self.device() {
                device.store.tidy().await;
            }
        }
    }

    fn is_loading(self) -> bool {
        self.phase.get_untracked() == Phase::Loading
    }

    async fn read(self, opening: u32, keyring: &Keyring) -> Result<(), Fault> {
        let blocked = move || self.phase.set(Phase::Failed(Problem::OtherTab));
        let store = Rc::new(Store::open(keyring, blocked).await?);
        if self.opening.get_value() != opening {
            return Ok(());
        }
        if self.phase.get_untracked() == Phase::Failed(Problem::OtherTab) {
            // A window with an older version was closed.
            self.phase.set(Phase::Loading);
        }
        let driver = Driver::new(Rc::clone(&store), Box::new(self));
        self.drafts.set(store.drafts().await?);
        let mut index = Index::default();
        let (pace, rows): (_, Vec<_>) = (Pace::begin(), store.phone().rows().cloned().collect());
        for some in rows.chunks(ROWS_A_STEP) {
            index.extend(some.iter().cloned());
            pace.step().await;
        }
        if !self.is_loading() || self.opening.get_value() != opening {
            return Ok(());
        }
        self.index.set(Arc::new(index));
        if store.unread_outbox {
            post::deliver();
        }
        let news = News::new(Rc::clone(&store), &driver);
        self.device.set_value(Some(Device { store, driver, news }));
        self.look_at_clock();
        self.introduce();
        self.outbox.notify();
        self.known.set(true);
        if let Some(device) = self.device.get_value() {
            device.driver.open_letters();
        }
        // The frame of the pages is drawn in this task, the first list in the next one.
        pace::turn().await;
        self.tell(if is_online() { Event::Wake } else { Event::Offline });
        Ok(())
    }

    /// Tells the service worker in whose name it delivers.
    pub(super) fn introduce(self) {
        let account = self.device.get_value().and_then(|device| device.store.phone().account().cloned());
        if let Some((device, token)) = account.and_then(|account| Some((account.device, account.token?))) {
            post::introduce(device, &token);
        }
    }

    /// Whether something waits for its receipt.
    fn waits(self) -> bool {
        self.device
            .with_value(|device| device.as_ref().is_some_and(|device| device.store.phone().waiting() > 0))
    }

    /// The open store and its driver.
    pub(crate) fn device(self) -> Result<Device, Problem> {
        self.device.get_value().ok_or(Problem::StorageFails("closed"))
    }

    /// The store that drafts are kept in.
    pub(super) fn draft_store(self) -> Result<Rc<Store>, Problem> {
        let device = self.device.with_value(|device| device.as_ref().map(|device| Rc::clone(&device.store)));
        device.or_else(|| self.last_words.get_value()).ok_or(Problem::StorageFails("closed"))
    }

    /// Feeds the sync an event. Before a PIN is chosen nothing is fetched.
    pub(crate) fn tell(self, event: Event) {
        if self.needs_pin.get_untracked() {
            return;
        }
        if let Some(device) = self.device.get_value() {
            device.driver.tell(event);
        }
    }

    /// Tells the sync that there is something to do, if there is a line.
    pub(crate) fn wake(self) {
        self.tell(if is_online() { Event::Wake } else { Event::Offline });
    }

    /// Goes on with the sync, as a person asks. One event and not two: the second would ask the server once more.
    pub(super) fn resume(self) {
        self.tell(Event::Resume);
        if !is_online() {
            self.tell(Event::Offline);
        }
    }

    /// Says to lists what a settled plan changed.
    pub(super) fn take(self, settled: Settled) {
        let Settled { rows, removed, forgotten, drafts, wake: _, outbox } = settled;
        if forgotten {
            self.index.set(Arc::default());
            self.drafts.set(BTreeMap::new());
        }
        if !drafts.is_empty() {
            self.drafts.update(|kept| kept.retain(|key, _| !drafts.contains(key)));
        }
        if !rows.is_empty() || !removed.is_empty() {
            self.index.update(|index| {
                let index = Arc::make_mut(index);
                removed.into_iter().for_each(|doc| index.remove(doc));
                index.extend(rows);
            });
        }
        if outbox {
            self.outbox.notify();
            // A phone that dies in a pocket hides no page first.
            if !is_online() && self.waits() {
                post::something_waits();
            }
        }
        self.refresh();
    }

    /// What the phone says of its outbox; tracked. Nothing is copied, so a save costs the same whatever waits.
    pub(super) fn of_outbox<T>(self, ask: impl FnOnce(&Phone) -> T) -> Option<T> {
        self.outbox.track();
        self.device.with_value(|device| device.as_ref().map(|device| ask(&device.store.phone())))
    }

    /// Reads the small signals anew; each tells its readers only if it differs.
    fn refresh(self) {
        let Some(device) = self.device.get_value() else { return };
        let phone = device.store.phone();
        let user = phone.account().map(SignedIn::of);
        if self.user.with_untracked(|known| *known != user) {
            self.user.set(user);
        }
        if self.cloned.get_untracked() != phone.is_cloned() {
            self.cloned.set(phone.is_cloned());
        }
        if self.directory.with_untracked(|known| known.version != phone.directory().version) {
            self.directory.set(Arc::new(phone.directory().clone()));
            self.tend_recovery();
        }
        let (last_answer, progress) = (phone.last_answer(), phone.progress());
        if self.last_answer.get_untracked() != last_answer {
            self.last_answer.set(last_answer);
        }
        if self.progress.get_untracked() != progress {
            self.progress.set(progress);
        }
        let right = phone.offline_right(clock::now());
        if self.offline_right.get_untracked() != right {
            self.offline_right.set(right);
        }
    }

    /// Looks at the clock: the offline right may have ended. What is spent of it is kept, so that a clock that is set back later gives
    /// nothing back; a store that has no room for that counts on at the next look.
    fn look_at_clock(self) {
        self.refresh();
        let Some(device) = self.device.get_value() else { return };
        spawn_local(async move {
            let _ = device.store.run(|phone| phone.plan_offline(clock::now())).await;
        });
    }

    /// The line comes and goes, and the app comes back to the front.
    fn listen(self) {
        let window = gloo::utils::window();
        EventListener::new(&window, "online", move |_| self.tell(Event::Wake)).forget();
        let begin_anew = || drop(gloo::utils::window().location().assign("/"));
        let wiping = move || {
            preference::mark_root(preference::CLOSING, Some(""));
            spawn_local(async move {
                self.close_store().await;
                // If it did not come to that, the next start asks again.
                TimeoutFuture::new(WIPING_MS_MAX).await;
                begin_anew();
            });
        };
        post::on_wipe(wiping, begin_anew);
        EventListener::new(&window, "offline", move |_| self.tell(Event::Offline)).forget();
        EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| {
            self.in_front.set(is_in_front());
            if is_in_front() {
                self.look_at_clock();
                self.wake();
            } else if self.waits() {
                post::something_waits();
            }
        })
        .forget();
        Interval::new(CLOCK_EVERY_MS, move || self.look_at_clock()).forget();
        // A stream is a request of its own, with a connection of its own: on a thin line it would take from the first sync.
        let listens = Memo::new(move |listening: Option<&bool>| {
            let line = self.line.get();
            let stopped = match line {
                LinePhase::Offline | LinePhase::Paused => true,
                LinePhase::Failed(failure) => failure.needs_person(),
                LinePhase::Idle | LinePhase::Running => false,
            };
            // The line is idle as well before anything was asked.
            let synced =
                listening.copied().unwrap_or(false) || line == LinePhase::Idle && self.has_synced.get_value();
            self.phase.get() == Phase::Ready
                && !self.needs_pin.get()
                && self.in_front.get()
                && self.user.with(Option::is_some)
                && synced
                && !stopped
        });
        Effect::new(move |_| {
            let listens = listens.get();
            if let Some(device) = self.device.get_value() {
                device.news.listen(listens);
            }
        });
    }
}

impl Listener for Hub {
    fn settled(&self, settled: Settled) {
        self.take(settled);
    }

    fn phase(&self, phase: LinePhase) {
        if phase == LinePhase::Failed(Failure::SignInNeeded) {
            post::ask();
        }
        // Only after a sync is it known that there is a line, and our server at its end.
        if phase == LinePhase::Idle
            && let Some(device) = self.device.get_value()
        {
            self.has_synced.set_value(true);
            spawn_local(async move { drop(readings::deliver(&device.store).await) });
        }
        if self.line.get_untracked() != phase {
            self.line.set(phase);
        }
    }
}

/// Whoever signs in chooses a PIN; but nobody sits before the bench, unless it measures that.
pub(super) fn asks_pin() -> bool {
    !cfg!(feature = "bench") || preference::read(preference::BENCH_PIN).is_some()
}

fn is_in_front() -> bool {
    gloo::utils::document().visibility_state() == web_sys::VisibilityState::Visible
}

fn is_online() -> bool {
    gloo::utils::window().navigator().on_line()
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::StorageFull,
            Fault::Closed => Self::StorageFails("closed"),
            Fault::Fails(place) => Self::StorageFails(place),
        }
    }
}
