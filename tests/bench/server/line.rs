//! Requests, each at its time on a connection of its own, whatever became of those before.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use zoufang_core::sync::wire::{CONTENT_TYPE, Push};

use super::phone::Phone;

/// There are many threads, and they do little.
const STACK_BYTES: usize = 512 * 1024;
/// A device that is turned away so often would wait for ever.
const TRIES_MAX: usize = 100;
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What a device sends.
pub(super) enum Content {
    /// A whole request.
    Body(Vec<u8>),
    /// Changes; the request is written when it is due.
    Changes(Vec<Push>),
}

/// A request.
pub(super) struct Letter {
    pub(super) device: usize,
    /// When it is sent, from the beginning.
    pub(super) due: Duration,
    pub(super) content: Content,
}

/// What became of it.
pub(super) struct Served {
    /// From the first byte sent until the answer was there, with all waiting.
    pub(super) ms: f64,
    /// From the first byte of the try that was answered.
    pub(super) accepted_ms: f64,
    /// So often the server said: come again.
    pub(super) turned_away: usize,
    /// So often it said nothing, or that it failed.
    pub(super) failed: usize,
}

/// Sends them all, in the order in which they are due, and waits for all answers.
pub(super) fn send(url: &str, phones: &[Mutex<Phone>], letters: Vec<Letter>) -> Result<Vec<Served>> {
    let mut letters = letters;
    letters.sort_by_key(|letter| letter.due);
    let began = Instant::now();
    thread::scope(|scope| {
        let mut running = Vec::with_capacity(letters.len());
        for letter in letters {
            thread::sleep(letter.due.saturating_sub(began.elapsed()));
            let phone = &phones[letter.device];
            let deliver = move || deliver(url, phone, letter.content);
            running.push(thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, deliver)?);
        }
        running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a device panicked"))?)
            .collect()
    })
}

fn deliver(url: &str, phone: &Mutex<Phone>, content: Content) -> Result<Served> {
    let mut phone = phone.lock().unwrap_or_else(PoisonError::into_inner);
    let body = match content {
        Content::Body(body) => body,
        Content::Changes(changes) => phone.request(changes),
    };
    let mut served = Served { ms: 0.0, accepted_ms: 0.0, turned_away: 0, failed: 0 };
    let began = Instant::now();
    for _ in 0..TRIES_MAX {
        let tried = Instant::now();
        let wait = match post(url, phone.token(), &body) {
            Ok(Answer::Whole(answer)) => {
                served.ms = began.elapsed().as_secs_f64() * 1000.0;
                served.accepted_ms = tried.elapsed().as_secs_f64() * 1000.0;
                phone.hear(&answer)?;
                return Ok(served);
            }
            Ok(Answer::Later(wait)) => {
                served.turned_away += 1;
                wait
            }
            Err(error) if served.failed > 2 => return Err(error),
            Err(_) => {
                served.failed += 1;
                Duration::from_secs(1)
            }
        };
        thread::sleep(wait);
    }
    bail!("a device was turned away {TRIES_MAX} times")
}

enum Answer {
    Whole(Vec<u8>),
    /// Come again.
    Later(Duration),
}

fn post(url: &str, token: &str, body: &[u8]) -> Result<Answer> {
    let answer = ureq::post(format!("{url}/api/v1/sync"))
        .config()
        .http_status_as_error(false)
        .build()
        .header("content-type", CONTENT_TYPE)
        .header("authorization", format!("Bearer {token}"))
        .send(body)?;
    match answer.status().as_u16() {
        200 => {
            Ok(Answer::Whole(answer.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?))
        }
        503 => {
            let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let seconds =
                seconds.and_then(|text| text.parse().ok()).context("503 and no time to come again")?;
            Ok(Answer::Later(Duration::from_secs(seconds)))
        }
        status => bail!("the server answered {status}"),
    }
}
