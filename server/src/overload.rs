//! What the server does when more is asked of it than it can do at once: a bounded number is worked on, a bounded number waits a
//! bounded time, and everybody else is told when to come again, before anything of theirs is read. Nothing is refused for good: a phone
//! keeps what waits in its outbox.
//!
//! Health and news are outside: a monitor must not call a busy server dead, and a stream costs nothing while it is silent (its places
//! are counted in `news`). Syncs, parcels and sign-ins have gates of their own at their handlers, since each costs something else.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};
use crate::state::App;

/// Requests of a kind that are worked on at once, unless something else is set. On one core, which needs some 20 ms for a day's
/// changes, the last of them is answered within a second; twice as many answered nobody sooner, and the last too late.
pub const AT_ONCE: usize = 32;
/// For each of them so many may wait. One that waits is a few KB: its body is not read.
const WAITING_EACH: usize = 16;
/// So long one waits for its turn. With the work itself an answer is there within two seconds, or a word when to come again.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Password hashes that are computed at once: each takes 19 MiB and a core.
const HASHES_MAX: usize = 2;
/// Sign-ins that may wait for that.
const HASHES_WAITING_MAX: usize = 64;
/// A person waits for a sign-in anyway.
const HASH_WAIT_MAX: Duration = Duration::from_secs(5);

/// What passes however busy the server is.
const OUTSIDE: [&str; 3] = ["/healthz", "/readyz", "/api/v1/news"];
/// What has a gate of its own.
const ELSEWHERE: [&str; 4] = ["/api/v1/sync", "/api/v1/parcels", "/api/v1/inbox", "/api/v1/sign-in"];

/// Lets a number of requests through at once; some wait before it.
#[derive(Debug)]
pub struct Gate {
    running: Semaphore,
    waiting: Semaphore,
    wait_max: Duration,
}

impl Gate {
    fn new(running_max: usize, waiting_max: usize, wait_max: Duration) -> Self {
        Self { running: Semaphore::new(running_max), waiting: Semaphore::new(waiting_max), wait_max }
    }

    /// A turn, until it is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] if too many wait already, or none became free in time.
    pub async fn enter(&self) -> Result<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Ok(turn);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        let turn = tokio::time::timeout(self.wait_max, self.running.acquire()).await;
        turn.ok().and_then(std::result::Result::ok).ok_or(Error::Busy)
    }
}

/// The gates of a server.
#[derive(Debug)]
pub struct Gates {
    /// Syncs and parcels: they read and write much.
    pub syncs: Gate,
    /// Sign-ins: memory and a core each.
    pub hashes: Gate,
    /// Everything else.
    others: Gate,
}

impl Gates {
    /// Gates that let so many of each kind through at once; of sign-ins never more than the machine's memory is worth.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        let gate = || Gate::new(at_once, at_once.saturating_mul(WAITING_EACH), WAIT_MAX);
        Self {
            syncs: gate(),
            others: gate(),
            hashes: Gate::new(HASHES_MAX.min(at_once), HASHES_WAITING_MAX, HASH_WAIT_MAX),
        }
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self::new(AT_ONCE)
    }
}

/// Everything that has no gate of its own waits here for its turn, before its body is read.
pub async fn shed(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OUTSIDE.contains(&path) || ELSEWHERE.contains(&path) {
        return next.run(request).await;
    }
    match app.gates.others.enter().await {
        Ok(_turn) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn some_run_some_wait_a_while_and_the_rest_is_told_to_come_again() {
        let gate = Gate::new(2, 1, Duration::from_millis(1));
        let (_first, _second) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        let (third, fourth) = tokio::join!(gate.enter(), gate.enter());
        assert!(matches!(third, Err(Error::Busy)), "it waited, and none became free");
        assert!(matches!(fourth, Err(Error::Busy)), "there was no place to wait");
    }

    #[tokio::test]
    async fn who_waits_has_the_turn_that_becomes_free() {
        let gate = Gate::new(1, 1, Duration::from_secs(600));
        let first = gate.enter().await.unwrap();
        let (second, ()) = tokio::join!(gate.enter(), async { drop(first) });
        assert!(second.is_ok());
    }
}
