//! Streams of news to phones and offices: "unit X is at seq N" and nothing else; what is there to read is fetched by a sync.
//!
//! A stream tells of its user's units only. It ends when its session does, when the device opens too many others, and when
//! the server stops. Nothing is kept for a slow reader but the newest number of each unit.

mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;
use zoufang_core::record::UnitId;

use crate::account::SignedIn;
use crate::error::Result;
use crate::state::App;
use crate::store::{Listener, News, TokenHash};
pub use places::{DEVICE_STREAMS_MAX, Place, Places};

/// So often a stream says that it is alive, and looks whether its session is.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// After the store failed, what may have been missed is asked for again so soon.
const AGAIN: Duration = Duration::from_secs(1);

/// The content of one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnitNews {
    /// The unit.
    #[schema(value_type = u32)]
    pub unit: UnitId,
    /// The number of the last change in its log, or an earlier one if more came meanwhile.
    pub seq: u64,
}

/// One open stream.
struct Reader {
    app: App,
    token: TokenHash,
    place: Place,
    listener: Listener,
    scope: BTreeSet<UnitId>,
    told: BTreeMap<UnitId, u64>,
    waiting: BTreeMap<UnitId, u64>,
    /// Everything must be read again.
    stale: bool,
    wake_at: Instant,
}

/// The events for who has signed in: first where each unit of the scope stands, then what changes.
///
/// # Errors
/// [`crate::error::Error::Busy`] if too many streams are open, or if the store fails.
pub async fn follow(
    app: App,
    signed_in: SignedIn,
) -> Result<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let place = app.places.take(signed_in.principal.device)?;
    // Listening comes before reading: what is committed between the two is heard.
    let listener = app.store.news();
    let mut reader = Reader {
        wake_at: Instant::now() + app.heartbeat,
        app,
        token: signed_in.token,
        place,
        listener,
        scope: BTreeSet::new(),
        told: BTreeMap::new(),
        waiting: BTreeMap::new(),
        stale: false,
    };
    reader.read_again().await?;
    Ok(stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    }))
}

impl Reader {
    /// The next event; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((unit, seq)) = self.waiting.pop_first() {
                self.told.insert(unit, seq);
                if let Ok(event) = Event::default().event("unit").json_data(UnitNews { unit, seq }) {
                    return Some(event);
                }
            }
            tokio::select! {
                () = self.place.lost() => return None,
                () = sleep_until(self.wake_at) => {
                    if !self.look().await {
                        return None;
                    }
                    return Some(Event::default().comment(""));
                }
                news = self.listener.next() => match news? {
                    News::Unit { unit, last_seq } => self.hear(unit, last_seq),
                    News::Sessions => if !self.look().await {
                        return None;
                    },
                    News::Directory | News::Missed => {
                        self.stale = true;
                        if !self.look().await {
                            return None;
                        }
                    }
                },
            }
        }
    }

    fn hear(&mut self, unit: UnitId, seq: u64) {
        let told = self.told.get(&unit).copied().unwrap_or(0);
        if seq > told && self.scope.contains(&unit) {
            let waiting = self.waiting.entry(unit).or_insert(seq);
            *waiting = seq.max(*waiting);
        }
    }

    /// Whether the session lives; reads again what must be. A store that fails is asked again soon.
    async fn look(&mut self) -> bool {
        self.wake_at = Instant::now() + self.app.heartbeat;
        let looked = if self.stale { self.read_again().await } else { self.is_signed_in().await };
        looked.unwrap_or_else(|error| {
            tracing::warn!(%error, "a stream of news waits for the store");
            self.stale = true;
            self.wake_at = Instant::now() + AGAIN;
            true
        })
    }

    async fn is_signed_in(&self) -> Result<bool> {
        Ok(self.app.store.principal(self.token, self.app.now()).await?.is_some())
    }

    /// Reads scope and ends of logs; what is beyond what was told waits to be told.
    async fn read_again(&mut self) -> Result<bool> {
        let Some(principal) = self.app.store.principal(self.token, self.app.now()).await? else {
            return Ok(false);
        };
        let scope = self.app.units().await?.logs(&principal.account);
        let tails = self.app.store.tails(&scope).await?;
        self.scope = scope.into_iter().collect();
        let scope = &self.scope;
        self.told.retain(|unit, _| scope.contains(unit));
        self.waiting.retain(|unit, _| scope.contains(unit));
        for tail in tails {
            self.hear(tail.unit, tail.last_seq);
        }
        self.stale = false;
        Ok(true)
    }
}
