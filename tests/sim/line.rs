//! The line between phones and server: requests and answers that are lost, doubled, late, cut, damaged or somebody else's.

use anyhow::Result;
use zoufang_core::{
    record::Timestamp,
    sync::{
        session::{Event, Failure},
        wire::{SyncRequest, decode_request, encode_request},
    },
};
use zoufang_server::{error::Error, sync::exchange::Chunks};

use crate::{
    fault::Fault,
    server::{Blow, Outcome},
    world::{Item, Kind, World},
};

/// What a captive portal says.
const PORTAL: &[u8] = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to continue.</p>";
/// Store steps of a request, about; the server stops at one of them.
const STEPS_MAX: usize = 60;

/// A request and its answer on their way.
#[derive(Default)]
pub(crate) struct Call {
    phone: usize,
    token: String,
    body: Vec<u8>,
    chunks: Option<Chunks>,
    /// So many bytes of the answer come through; then the line is cut.
    left: usize,
    /// A byte of the answer of which a bit flips, by its place.
    flip: Option<usize>,
    /// The answer is lost.
    mute: bool,
    sent_bytes: usize,
    /// The phone has heard of the cut.
    cut: bool,
}

impl World {
    /// Sends a request of a phone's session.
    pub(crate) fn send(&mut self, phone: usize, mut body: Vec<u8>) {
        let Some(tab) = self.phones[phone].tab.as_mut() else { return };
        let token = tab.phone.account().and_then(|account| account.token.clone()).unwrap_or_default();
        self.next_call += 1;
        let number = self.next_call;
        tab.call = Some(number);
        if let Some(version) = self.phones[phone].version {
            body = as_of(version, &body);
        }
        let online = self.phones[phone].online;
        self.note("send", phone, &[number], &body);
        if !online {
            return self.after(20, Item::Deliver(number, Event::Failed(Failure::Unreachable)));
        }
        if self.strikes(Fault::Drop) {
            return self.after(10_000, Item::Deliver(number, Event::Failed(Failure::Unreachable)));
        }
        if self.strikes(Fault::Portal) {
            return self.portal(number);
        }
        if self.strikes(Fault::TruncateUp) {
            body.truncate(self.line.below(body.len()));
        }
        if !body.is_empty() && self.strikes(Fault::CorruptUp) {
            let place = self.line.below(body.len());
            body[place] ^= 1 << self.line.below(8);
        }
        let mute = self.strikes(Fault::AnswerLost);
        // Most answers are small: half of the cuts fall into their first 300 bytes.
        let left = if self.strikes(Fault::Truncate) {
            let most = if self.line.happens(500) { 300 } else { 60_000 };
            self.line.below(most)
        } else {
            usize::MAX
        };
        let flip = self.strikes(Fault::Corrupt).then(|| self.line.below(600));
        if self.strikes(Fault::Duplicate) {
            // Nobody hears the answer to the second one.
            self.next_call += 1;
            let second =
                Call { phone, token: token.clone(), body: body.clone(), mute: true, ..Call::default() };
            self.calls.insert(self.next_call, second);
            let late = self.line.between(1, 600_000);
            self.after(late, Item::Arrive(self.next_call));
        }
        let call = Call { phone, token, body, left, flip, mute, ..Call::default() };
        self.calls.insert(number, call);
        let mut latency = if self.calm { 1 } else { self.line.between(20, 400) };
        if self.strikes(Fault::Delay) {
            latency += self.line.between(1_000, 240_000);
        }
        if self.strikes(Fault::Reorder) {
            latency += self.line.between(0, 5_000);
        }
        self.after(latency, Item::Arrive(number));
    }

    fn portal(&mut self, number: u64) {
        if self.line.happens(500) {
            return self.after(50, Item::Deliver(number, Event::Failed(Failure::NotOurs)));
        }
        // A page under our content type: the magic must tell.
        self.after(50, Item::Deliver(number, Event::Bytes(PORTAL.to_vec())));
        self.after(60, Item::Deliver(number, Event::AnswerEnded));
    }

    /// A request reaches the server.
    pub(crate) fn arrive(&mut self, number: u64) -> Result<()> {
        if !self.server_up {
            self.after(30, Item::Deliver(number, Event::Failed(Failure::Unreachable)));
            return Ok(());
        }
        let blow = self.blow();
        let Some(call) = self.calls.get_mut(&number) else { return Ok(()) };
        let (phone, size) = (call.phone, call.body.len());
        let (outcome, struck) =
            self.server.answer(&call.token, &call.body, blow.map(|(step, blow, _)| (step, blow)));
        if let Some((_, _, fault)) = blow.filter(|_| struck) {
            self.counts.count(fault);
        }
        match outcome {
            Outcome::Chunks(chunks) => {
                call.chunks = Some(chunks);
                self.note("arrived", phone, &[number, size as u64], &[]);
                self.after(1, Item::Chunk(number));
            }
            Outcome::Refused(error) => {
                let failure = failure_of(&error);
                self.note("turned away", phone, &[number], error.to_string().as_bytes());
                self.fail_if_ours(&error, phone, struck);
                self.after(20, Item::Deliver(number, Event::Failed(failure)));
            }
            Outcome::Stopped => {
                self.note("server stopped", phone, &[number], &[]);
                self.after(5, Item::Deliver(number, Event::Failed(Failure::Unreachable)));
                self.stop_server()?;
            }
        }
        Ok(())
    }

    /// An error of the server's own is one only where a fault explains it.
    pub(crate) fn fail_if_ours(&mut self, error: &Error, phone: usize, struck: bool) {
        if matches!(error, Error::Internal(_)) && !struck {
            let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            self.fail(Kind::Broken, Some(phone), None, format!("the server failed by itself: {source}"));
        }
    }

    /// What strikes at the server in its next piece of work, at which step, and as which fault.
    pub(crate) fn blow(&mut self) -> Option<(u32, Blow, Fault)> {
        let rate = |fault| if self.calm { 0 } else { self.config.rates.of(fault) };
        let (stop, fail) = (rate(Fault::ServerCrash), rate(Fault::ServerStoreFails));
        // An early step in half of all cases: most requests are short.
        let most = if self.mishap.happens(500) { 12 } else { STEPS_MAX };
        let step = u32::try_from(self.mishap.below(most)).unwrap_or(0);
        if self.mishap.happens(stop) {
            return Some((step, Blow::Stop, Fault::ServerCrash));
        }
        let kind = self.mishap.pick(&[Blow::Busy, Blow::Full, Blow::Fail])?;
        self.mishap.happens(fail).then_some((step, kind, Fault::ServerStoreFails))
    }

    /// The server stops: every answer under way is cut. It starts again on what was committed.
    pub(crate) fn stop_server(&mut self) -> Result<()> {
        let cut: Vec<u64> = self.calls.keys().copied().collect();
        for number in cut {
            let had = self.calls.get_mut(&number).is_some_and(|call| call.chunks.take().is_some());
            if had {
                self.after(5, Item::Deliver(number, Event::AnswerEnded));
            }
        }
        self.server.restart()?;
        self.server_up = false;
        let down = self.mishap.between(100, 60_000);
        self.after(down, Item::ServerUp);
        Ok(())
    }

    /// The server makes the next chunk of an answer.
    pub(crate) fn chunk(&mut self, number: u64) -> Result<()> {
        let Some(call) = self.calls.get_mut(&number) else { return Ok(()) };
        let Some(chunks) = call.chunks.as_mut() else { return Ok(()) };
        let Some(mut chunk) = self.server.next(chunks) else {
            let (mute, cut) = (call.mute, call.left == 0);
            self.calls.remove(&number);
            if !mute && !cut {
                self.after(2, Item::Deliver(number, Event::AnswerEnded));
            } else if mute {
                self.after(45_000, Item::Deliver(number, Event::Failed(Failure::Unreachable)));
            }
            return Ok(());
        };
        if let Some(place) = call.flip
            && let Some(byte) = place.checked_sub(call.sent_bytes).and_then(|place| chunk.get_mut(place))
        {
            *byte ^= 4;
        }
        call.sent_bytes += chunk.len();
        let mute = call.mute;
        chunk.truncate(call.left);
        call.left -= chunk.len();
        // A line that is cut before the first byte is a cut line, too.
        let cut = call.left == 0 && !std::mem::replace(&mut call.cut, call.left == 0);
        let phone = call.phone;
        self.note("chunk", phone, &[number], &chunk);
        let mut wait = 1;
        if !mute {
            // In pieces, as a line brings them.
            let mut rest = chunk.as_slice();
            while !rest.is_empty() {
                let most = if self.calm { rest.len() } else { 1 + self.line.below(rest.len().min(16_384)) };
                let (piece, after) = rest.split_at(most.min(rest.len()));
                self.after(wait, Item::Deliver(number, Event::Bytes(piece.to_vec())));
                wait += if self.calm { 1 } else { self.line.between(1, 30) };
                rest = after;
            }
            if cut {
                self.after(wait, Item::Deliver(number, Event::AnswerEnded));
            }
        }
        let pause = if self.calm { 1 } else { self.line.between(1, 50) };
        self.after(wait + pause, Item::Chunk(number));
        Ok(())
    }

    /// Something comes back to the phone, if it still listens.
    pub(crate) fn deliver(&mut self, number: u64, event: Event) {
        let listening = self
            .phones
            .iter()
            .position(|phone| phone.tab.as_ref().is_some_and(|tab| tab.call == Some(number)));
        let Some(phone) = listening else { return };
        if let Some(tab) = self.phones[phone].tab.as_mut()
            && matches!(event, Event::AnswerEnded | Event::Failed(_))
        {
            tab.call = None;
        }
        self.feed(phone, event);
    }

    /// The phone's clock.
    pub(crate) fn phone_clock(&self, phone: usize) -> Timestamp {
        Timestamp(crate::world::EPOCH_MS + self.now + self.phones[phone].clock_off_ms)
    }
}

/// A request as a phone of an older version writes it.
fn as_of(version: u8, body: &[u8]) -> Vec<u8> {
    let Ok(request) = decode_request(body) else { return body.to_vec() };
    encode_request(&if version == 1 {
        SyncRequest {
            version: None,
            ticket: None,
            probes: Vec::new(),
            wants: Vec::new(),
            strays: Vec::new(),
            held: None,
            told: None,
            ..request
        }
    } else {
        SyncRequest { version: Some(version), strays: Vec::new(), told: None, ..request }
    })
}

/// What the app's transport makes of an error.
fn failure_of(error: &Error) -> Failure {
    match error {
        Error::SignedOut | Error::WrongDevice => Failure::SignInNeeded,
        Error::Busy | Error::TooMany { .. } | Error::Overtaken | Error::Disk(_) => Failure::Busy(5),
        Error::BadCredentials
        | Error::Locked { .. }
        | Error::NotFound
        | Error::MethodNotAllowed
        | Error::BadRequest(_)
        | Error::TooLarge
        | Error::UnsupportedMediaType
        | Error::Full
        | Error::CodeNeeded
        | Error::CodeWrong
        | Error::Internal(_) => Failure::Server,
    }
}
