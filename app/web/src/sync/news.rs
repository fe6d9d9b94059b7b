//! Listens to the server's news while the app is in front, so that what others wrote is here within seconds and not
//! within a minute.
//!
//! News only wake the sync, which asks by itself without them, too.
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use gloo::timers::future::TimeoutFuture;
use leptos::task::spawn_local;
use web_sys::AbortController;
use zoufang_core::{
    record::UnitId,
    sync::{
        backoff,
        news::NewsReader,
        session::{Event, Failure},
    },
};

use super::{
    driver::{Driver, dice},
    transport,
};
use crate::store::Store;

/// From an event to the request: an own push is news, too, and its answer comes in this time; and phones of one township do
/// not ask in the same moment. Half of it at least.
const CALM_MS: u32 = 3_000;

/// The listener. It lives as long as the driver that it wakes.
pub(crate) struct News {
    store: Rc<Store>,
    driver: Weak<Driver>,
    /// The run of the loop that may go on; another number ends it.
    run: Cell<u32>,
    open: RefCell<Option<AbortController>>,
    /// Where logs end, as far as was heard and not yet asked for.
    heard: RefCell<BTreeMap<UnitId, u64>>,
}

#[derive(serde::Deserialize)]
struct UnitNews {
    unit: u32,
    seq: u64,
}

impl News {
    /// A listener that does not listen yet.
    pub(crate) fn new(store: Rc<Store>, driver: &Rc<Driver>) -> Rc<Self> {
        Rc::new(Self {
            store,
            driver: Rc::downgrade(driver),
            run: Cell::new(0),
            open: RefCell::default(),
            heard: RefCell::default(),
        })
    }

    /// Begins to listen, or stops.
    pub(crate) fn listen(self: &Rc<Self>, wanted: bool) {
        let run = self.run.get().wrapping_add(1);
        self.run.set(run);
        if let Some(open) = self.open.take() {
            open.abort();
        }
        if wanted {
            let news = Rc::clone(self);
            spawn_local(async move { news.keep_listening(run).await });
        }
    }

    fn is_over(&self, run: u32) -> bool {
        self.run.get() != run || self.driver.strong_count() == 0
    }

    async fn keep_listening(self: Rc<Self>, run: u32) {
        let mut failures = 0;
        while !self.is_over(run) {
            let heard_something = match self.follow(run).await {
                Ok(heard_something) => heard_something,
                // The sync finds out the same and says so; it begins anew with the next sign-in.
                Err(Failure::SignInNeeded) => return self.wake(),
                Err(_) => false,
            };
            if self.is_over(run) {
                return;
            }
            failures = if heard_something { 1 } else { failures + 1 };
            TimeoutFuture::new(u32::try_from(backoff::wait_ms(failures, dice())).unwrap_or(u32::MAX)).await;
        }
    }

    /// Reads one stream to its end; says whether it brought anything.
    async fn follow(self: &Rc<Self>, run: u32) -> Result<bool, Failure> {
        let token = self.store.phone().account().and_then(|account| account.token.clone());
        let token = token.ok_or(Failure::SignInNeeded)?;
        let abort = AbortController::new().map_err(|_| Failure::Unreachable)?;
        self.open.replace(Some(abort.clone()));
        let pieces = transport::open_news(abort, &token).await?;
        let (mut reader, mut heard_something) = (NewsReader::default(), false);
        while let Ok(Some(bytes)) = pieces.next().await {
            if self.is_over(run) {
                break;
            }
            let data = reader.push(&bytes);
            let news = data.iter().filter_map(|data| serde_json::from_str::<UnitNews>(data).ok());
            heard_something = true;
            for UnitNews { unit, seq } in news {
                self.hear(UnitId(unit), seq);
            }
        }
        Ok(heard_something)
    }

    fn hear(self: &Rc<Self>, unit: UnitId, seq: u64) {
        if !self.store.phone().is_behind(unit, seq) {
            return;
        }
        let first = self.heard.borrow().is_empty();
        self.heard.borrow_mut().insert(unit, seq);
        if first {
            let news = Rc::clone(self);
            spawn_local(async move {
                TimeoutFuture::new(CALM_MS - CALM_MS / 2 * u32::from(dice()) / 255).await;
                let heard = news.heard.take();
                if heard.into_iter().any(|(unit, seq)| news.store.phone().is_behind(unit, seq)) {
                    news.wake();
                }
            });
        }
    }

    fn wake(&self) {
        if let Some(driver) = self.driver.upgrade() {
            driver.tell(Event::Wake);
        }
    }
}
