//! What the server does when more is asked of it than it can do at once: a bounded number is worked on, a bounded number waits a
//! bounded time, and everybody else is told when to come again, before anything of theirs is read. Nothing is refused for good: a phone
//! keeps what waits in its outbox.
//!
//! A turn is for work and not for waiting for a weak line: a body that does not come at once is read without one, in bounded room.
//!
//! Health and news are outside: a monitor must not call a busy server dead, and a stream costs nothing while it is silent (its places
//! are counted in `news`). Syncs, parcels and sign-ins have gates of their own at their handlers, since each costs something else.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::body::{length_said, read};
use crate::error::{Error, Result};
use crate::routes::access;
use crate::state::App;

/// Requests of a kind that are worked on at once, unless something else is set. A core needs some 20 ms for a day's changes, and a
/// database of its own some as well: more at once answered nobody sooner, and the last too late (32 over PostgreSQL 2.8 s).
pub const AT_ONCE: usize = 16;
/// For each of them so many may wait. One that waits is a few KB: its body is not read.
const WAITING_EACH: usize = 16;
/// So long one waits for its turn. With the work itself an answer is there within two seconds, or a word when to come again.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// A body that is there within this time is read in its turn.
const AT_HAND: Duration = Duration::from_millis(50);
/// One that comes slower has so long: a full one over a line of 4 KB a second.
const UPLOAD_MAX: Duration = Duration::from_secs(300);
/// Bytes of all that come slowly, in KiB; each counts as what it says it has.
const UPLOADS_KIB: usize = 64 * 1024;
/// Whoever has sent a whole body over a weak line waits longer for the turn.
const SENT_WAIT_MAX: Duration = Duration::from_secs(5);
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
        self.enter_within(self.wait_max).await
    }

    async fn enter_within(&self, wait_max: Duration) -> Result<SemaphorePermit<'_>> {
        if let Ok(turn) = self.running.try_acquire() {
            return Ok(turn);
        }
        let _place = self.waiting.try_acquire().map_err(|_| Error::Busy)?;
        let turn = tokio::time::timeout(wait_max, self.running.acquire()).await;
        turn.ok().and_then(std::result::Result::ok).ok_or(Error::Busy)
    }
}

/// A turn at work.
#[derive(Debug)]
pub struct Turn<'g> {
    gate: &'g Gate,
    uploads: &'g Semaphore,
    _permit: SemaphorePermit<'g>,
}

impl Turn<'_> {
    /// Reads a body of at most so many bytes; `said` is how many its request said. If it is not at hand the turn is given back
    /// meanwhile, and taken anew.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::BadRequest`] if it breaks off, and [`Error::Busy`] if there is no room for another one that comes
    /// slowly, it took too long, or no turn became free in time.
    pub async fn receive(self, body: Body, said: Option<usize>, most: usize) -> Result<(Bytes, Self)> {
        let kib = said.unwrap_or(most).min(most).div_ceil(1024);
        let mut reading = std::pin::pin!(read(body, most));
        if let Ok(bytes) = tokio::time::timeout(AT_HAND, &mut reading).await {
            return Ok((bytes?, self));
        }
        let (gate, uploads) = (self.gate, self.uploads);
        drop(self);
        let room = uploads.try_acquire_many(u32::try_from(kib).unwrap_or(u32::MAX));
        let _room = room.map_err(|_| Error::Busy)?;
        let bytes = tokio::time::timeout(UPLOAD_MAX, reading).await.map_err(|_| Error::Busy)??;
        let permit = gate.enter_within(SENT_WAIT_MAX).await?;
        Ok((bytes, Self { gate, uploads, _permit: permit }))
    }
}

/// The gates of a server.
#[derive(Debug)]
pub struct Gates {
    /// Syncs and parcels: they read and write much.
    syncs: Gate,
    /// Sign-ins: memory and a core each.
    pub hashes: Gate,
    /// Everything else.
    others: Gate,
    /// Room for what comes slowly, in KiB.
    uploads: Semaphore,
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
            uploads: Semaphore::new(UPLOADS_KIB),
        }
    }

    /// A turn among the running syncs.
    ///
    /// # Errors
    /// [`Error::Busy`] if none became free in time.
    pub async fn sync(&self) -> Result<Turn<'_>> {
        self.turn(&self.syncs).await
    }

    async fn turn<'g>(&'g self, gate: &'g Gate) -> Result<Turn<'g>> {
        Ok(Turn { gate, uploads: &self.uploads, _permit: gate.enter().await? })
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self::new(AT_ONCE)
    }
}

/// Everything that has no gate of its own waits here for its turn, and then its body is read.
pub async fn shed(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if OUTSIDE.contains(&path) || ELSEWHERE.contains(&path) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let received = match app.gates.turn(&app.gates.others).await {
        Ok(turn) => turn.receive(body, length_said(&head.headers), access::BODY_BYTES_MAX).await,
        Err(error) => Err(error),
    };
    match received {
        Ok((body, _turn)) => next.run(Request::from_parts(head, body.into())).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::sync::mpsc;

    use super::*;

    type Rest = mpsc::UnboundedSender<std::io::Result<Bytes>>;

    #[tokio::test]
    async fn some_run_some_wait_a_while_and_the_rest_is_told_to_come_again() {
        let gate = Gate::new(2, 1, Duration::from_millis(1));
        let (_first, _second) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        let (third, fourth) = tokio::join!(gate.enter(), gate.enter());
        assert!(matches!(third, Err(Error::Busy)), "it waited, and none became free");
        assert!(matches!(fourth, Err(Error::Busy)), "there was no place to wait");
    }

    /// A body of which the rest is still to come.
    fn slow() -> (Rest, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        sender.send(Ok(Bytes::from_static(b"half"))).unwrap();
        let parts =
            stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        (sender, Body::from_stream(parts))
    }

    #[tokio::test]
    async fn a_body_that_comes_slowly_holds_no_turn() {
        let gates = Gates::new(1);
        let (sender, body) = slow();
        let upload = gates.sync().await.unwrap().receive(body, None, 100);
        let meanwhile = async {
            // The other one waits for the only turn, and has it.
            let (body, turn) = gates.sync().await.unwrap().receive("quick".into(), None, 100).await.unwrap();
            assert_eq!(&body[..], b"quick");
            sender.send(Ok(Bytes::from_static(b" and half"))).unwrap();
            drop((sender, turn));
        };
        let (upload, ()) = tokio::join!(upload, meanwhile);
        let (body, _turn) = upload.unwrap();
        assert_eq!(&body[..], b"half and half");
        assert!(gates.syncs.running.try_acquire().is_err(), "and then it has a turn");
    }

    #[tokio::test]
    async fn there_is_room_for_so_much_that_comes_slowly() {
        let gates = Gates::new(2);
        let receive = async |said, most| {
            let (sender, body) = slow();
            let turn = gates.sync().await.unwrap();
            let both = tokio::join!(turn.receive(body, said, most), async {
                tokio::time::sleep(2 * AT_HAND).await;
                drop(sender);
            });
            both.0.map(drop)
        };
        assert!(matches!(receive(None, UPLOADS_KIB * 1024 + 1).await, Err(Error::Busy)));
        let others = gates.uploads.try_acquire_many(u32::try_from(UPLOADS_KIB).unwrap()).unwrap();
        assert!(matches!(receive(Some(4), 1024).await, Err(Error::Busy)), "others come slowly, too");
        drop(others);
        let _others = gates.uploads.try_acquire_many(u32::try_from(UPLOADS_KIB - 1).unwrap()).unwrap();
        assert!(receive(Some(4), 1024 * 1024).await.is_ok(), "it takes the room that it says");
        assert!(
            matches!(receive(None, 1024 * 1024).await, Err(Error::Busy)),
            "if it says nothing, all that it may"
        );
        assert!(matches!(receive(Some(4), 3).await, Err(Error::TooLarge)));
    }

    #[tokio::test]
    async fn who_waits_has_the_turn_that_becomes_free() {
        let gate = Gate::new(1, 1, Duration::from_secs(600));
        let first = gate.enter().await.unwrap();
        let (second, ()) = tokio::join!(gate.enter(), async { drop(first) });
        assert!(second.is_ok());
    }
}
