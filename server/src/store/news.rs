//! News: what a store tells, in this process, about what was committed in any process.

use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};
use zoufang_core::record::UnitId;

/// A listener that falls behind by more is told that it missed something.
const KEPT_MAX: usize = 1_024;

/// One piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A unit's log ends at this number, or beyond.
    Unit {
        /// The unit.
        unit: UnitId,
        /// The number.
        last_seq: u64,
    },
    /// Users or units changed.
    Directory,
    /// Sessions were ended.
    Sessions,
    /// News may have been lost: whoever listens reads again what it must know.
    Missed,
}

/// Where a store puts its news.
#[derive(Clone, Debug)]
pub(super) struct Teller(Sender<News>);

impl Default for Teller {
    fn default() -> Self {
        Self(channel(KEPT_MAX).0)
    }
}

impl Teller {
    /// Tells everybody who listens; nobody need.
    pub(super) fn tell(&self, news: News) {
        let _ = self.0.send(news);
    }

    /// Everything that is told from now on.
    pub(super) fn listener(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears what a store tells. Subscribe first and read second: then nothing falls between.
#[derive(Debug)]
pub struct Listener(Receiver<News>);

impl Listener {
    /// The next piece of news; `None` when the store is gone. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<News> {
        match self.0.recv().await {
            Ok(news) => Some(news),
            Err(RecvError::Lagged(_)) => Some(News::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}
