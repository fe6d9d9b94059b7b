//! Feeds the session with events and does what it says.
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use async_lock::Mutex;
use gloo::timers::callback::Timeout;
use leptos::task::spawn_local;
use zoufang_core::sync::session::{Commit, Effect, Event, Failure, Phase, Session};

use super::transport::{self, SyncCall};
use crate::{
    platform::{clock, pace::Pace},
    store::{Fault, Store},
};
use zoufang_core::phone::Settled;

/// What the rest of the app hears of the sync.
pub(crate) trait Listener {
    /// Something new is held.
    fn settled(&self, settled: Settled);
    /// The session is in another phase.
    fn phase(&self, phase: Phase);
}

/// The driver. It lives as long as the app.
pub(crate) struct Driver {
    store: Rc<Store>,
    listener: Box<dyn Listener>,
    session: RefCell<Session>,
    /// The request under way; a newer one, or none, gives it up.
    call: RefCell<Option<SyncCall>>,
    request: Cell<u32>,
    timer: RefCell<Option<Timeout>>,
    /// One event at a time: a commit that is under way when the sync is stopped ends before the next one is asked for.
    turn: Mutex<()>,
    /// A first sync is thousands of small steps: the screen gets its turns between them.
    pace: Pace,
}

/// So many bytes of an answer are read in one step: about a hundred records.
const PIECE_BYTES: usize = 16 * 1024;

impl Driver {
    /// A driver with nothing under way.
    pub(crate) fn new(store: Rc<Store>, listener: Box<dyn Listener>) -> Rc<Self> {
        Rc::new(Self {
            store,
            listener,
            session: RefCell::new(Session::new()),
            call: RefCell::new(None),
            request: Cell::new(0),
            timer: RefCell::new(None),
            turn: Mutex::new(()),
            pace: Pace::begin(),
        })
    }

    /// Feeds an event, without waiting for what comes of it.
    pub(crate) fn tell(self: &Rc<Self>, event: Event) {
        let driver = Rc::clone(self);
        spawn_local(async move { driver.feed(event).await });
    }

    /// Takes in what the service worker brought while the app was closed or locked; events wait until that is done. Without a line
    /// it is all that comes, so that a letter that cannot be kept now is left for the next start.
    pub(crate) fn open_letters(self: &Rc<Self>) {
        let driver = Rc::clone(self);
        spawn_local(async move {
            let _turn = driver.turn.lock().await;
            let Ok(letters) = driver.store.letters().await else { return };
            if letters.is_empty() {
                return;
            }
            for (_, sealed) in &letters {
                let brought = driver.store.phone().read_letter(sealed);
                for part in brought {
                    let commits = driver.store.phone().commits_of(part);
                    for commit in commits {
                        if driver.commit(commit).await.is_err() {
                            return;
                        }
                        driver.pace.step().await;
                    }
                }
            }
            // The worker goes on from here; and where nothing changed, the letters go by themselves.
            driver.store.leave_question().await;
            let _ = driver.store.drop_letters(letters.into_iter().map(|(key, _)| key)).await;
        });
    }

    async fn feed(self: &Rc<Self>, event: Event) {
        let _turn = self.turn.lock().await;
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let effects = self.session.borrow_mut().handle(event, dice());
            for effect in effects {
                // Reading a page takes as long as planning what becomes of it, and as writing that down.
                self.pace.step().await;
                events.extend(self.perform(effect).await);
            }
            self.pace.step().await;
        }
    }

    async fn perform(self: &Rc<Self>, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Read => {
                let signed_in = self.store.phone().account().is_some_and(|account| account.token.is_some());
                let outgoing = match self.store.outgoing().await {
                    Ok(outgoing) => outgoing.filter(|_| signed_in),
                    Err(_) => return Some(Event::Failed(Failure::Store)),
                };
                Some(outgoing.map_or(Event::Failed(Failure::SignInNeeded), |outgoing| {
                    Event::Outgoing(Box::new(outgoing))
                }))
            }
            Effect::Send(body) => {
                self.send(body);
                None
            }
            Effect::Commit(commit) => Some(match self.commit(*commit).await {
                Ok(wake) => {
                    if wake {
                        self.tell(Event::Wake);
                    }
                    Event::Committed
                }
                Err(Fault::Full) => Event::Failed(Failure::StoreFull),
                Err(Fault::Closed | Fault::Fails(_)) => Event::Failed(Failure::Store),
            }),
            Effect::Cancel => {
                self.request.set(self.request.get().wrapping_add(1));
                drop(self.call.take());
                None
            }
            Effect::Wait(ms) => {
                let driver = Rc::downgrade(self);
                let wake = move || {
                    if let Some(driver) = driver.upgrade() {
                        driver.tell(Event::Timer);
                    }
                };
                self.timer.replace(Some(Timeout::new(u32::try_from(ms).unwrap_or(u32::MAX), wake)));
                None
            }
            Effect::Show(phase) => {
                if phase == Phase::Failed(Failure::SignInNeeded) {
                    self.forget_token().await;
                }
                self.listener.phase(phase);
                if phase == Phase::Idle {
                    self.store.leave_question().await;
                }
                None
            }
        }
    }

    /// Keeps it; says whether there is something to send or to ask for at once.
    async fn commit(&self, commit: Commit) -> Result<bool, Fault> {
        let now = clock::now();
        let settled = self
            .store
            .run_with(
                |phone| phone.needs(&commit),
                |phone, segments| Ok::<_, Fault>(Some(phone.plan_commit(&commit, segments, now))),
            )
            .await?;
        let wake = settled.as_ref().is_some_and(|settled| settled.wake);
        if let Some(settled) = settled {
            self.listener.settled(settled);
        }
        Ok(wake)
    }

    async fn forget_token(&self) {
        let stale = self.store.phone().account().is_some_and(|account| account.token.is_some());
        if stale
            && let Ok(Some(settled)) = self.store.run(|phone| Some(phone.plan_signed_out_by_server())).await
        {
            self.listener.settled(settled);
        }
    }

    fn send(self: &Rc<Self>, body: Vec<u8>) {
        let number = self.request.get().wrapping_add(1);
        self.request.set(number);
        let token =
            self.store.phone().account().and_then(|account| account.token.clone()).unwrap_or_default();
        let driver = Rc::clone(self);
        spawn_local(async move {
            let (call, abort) = match transport::new_call() {
                Ok(made) => made,
                Err(failure) => return driver.feed(Event::Failed(failure)).await,
            };
            driver.call.replace(Some(call));
            let outcome = driver.receive(number, abort, &token, &body).await;
            if driver.request.get() == number {
                driver.feed(outcome.map_or_else(Event::Failed, |()| Event::AnswerEnded)).await;
            }
        });
    }

    async fn receive(
        self: &Rc<Self>,
        number: u32,
        abort: web_sys::AbortController,
        token: &str,
        body: &[u8],
    ) -> Result<(), Failure> {
        let pieces = transport::send(abort, token, body).await?;
        while let Some(bytes) = pieces.next().await? {
            for bytes in bytes.chunks(PIECE_BYTES) {
                if self.request.get() != number {
                    return Ok(());
                }
                self.feed(Event::Bytes(bytes.to_vec())).await;
            }
        }
        Ok(())
    }
}

/// A random byte.
pub(super) fn dice() -> u8 {
    let mut byte = [0];
    // Without random numbers the waits are merely the longest.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
