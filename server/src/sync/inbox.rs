//! The inbox: a phone's service worker delivers parcels and asks, with a question that the app has left, what is new; it gets what a
//! sync would answer, sealed for the app.
//!
//! Parcels come first: whatever is wrong with the question, each has its fate, and then there is no letter. A question is read and
//! nothing else. It moves no ticket, so that the copy of a phone is found by its next push as ever. And it notes no cursor: whoever
//! has the phone can send it again and again, long after the app has gone on, and nobody knows whether the letter is ever taken in;
//! the cursors that acknowledge an erasure are those of a sync.

use futures_util::StreamExt;
use zoufang_core::record::DeviceId;
use zoufang_core::seal::PublicKey;
use zoufang_core::sync::inbox::{ANSWER_BYTES_MAX, Letter, Question, WANT_BYTES, open_question, seal_letter};
use zoufang_core::sync::parcel::Fate;

use super::answer::Answer;
use super::exchange::{behind, differs, readable};
use super::{directory, parcel};
use crate::account::token;
use crate::error::Result;
use crate::state::App;
use crate::store::Signer;
use crate::work::off_thread;

/// A letter, and how it is to be sealed.
pub struct Open {
    /// The letter.
    pub letter: Letter,
    to: PublicKey,
    bound: Vec<u8>,
}

impl Open {
    /// Seals it; `seed` is drawn for this call alone. Nothing if the question brought no key.
    #[must_use]
    pub fn seal(&self, seed: [u8; 32]) -> Vec<u8> {
        seal_letter(&self.letter, self.to, &self.bound, seed).unwrap_or_default()
    }
}

/// Takes the parcels of a body in, one fate for each, and answers the question, if it can be answered. The signature has been looked
/// at.
///
/// # Errors
/// If the store fails while parcels are taken in; nothing was taken in then.
pub async fn take(
    app: &App,
    device: DeviceId,
    signer: &Signer,
    (question, parcels): (Vec<u8>, Vec<Vec<u8>>),
) -> Result<(Vec<Fate>, Option<Open>)> {
    let taken = parcel::take(app, device, signer, parcels).await?;
    let fates = taken.iter().map(|taken| taken.fate).collect();
    // What was taken in is told in any case.
    let open = answered(app, device, question).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no letter");
        None
    });
    let verdicts = taken.into_iter().filter_map(|taken| taken.verdict).collect();
    Ok((fates, open.map(|open| Open { letter: Letter { verdicts, ..open.letter }, ..open })))
}

/// The letter without verdicts. None if the question cannot be opened, is not this device's, the session is over or works on no unit,
/// or the log is another one since: the next sync says all that.
async fn answered(app: &App, device: DeviceId, sealed: Vec<u8>) -> Result<Option<Open>> {
    let keys = app.sync_keys.clone();
    let Ok((question, bound)) = off_thread(move || open_question(&keys, &sealed)).await? else {
        return Ok(None);
    };
    let Question { request, token, inbox: to } = question;
    let Some(token) = token::of_text(&token) else { return Ok(None) };
    let principal = app.store.principal(token, app.now()).await?;
    let Some(principal) = principal.filter(|it| it.device == device && request.device == device) else {
        return Ok(None);
    };
    let units = app.units().await?;
    let scope = readable(units.logs(&principal.account), request.spoken());
    let epoch = app.store.epoch().await?;
    if scope.is_empty() || request.epoch != epoch {
        return Ok(None);
    }
    let tails = app.store.tails(&scope).await?;
    let version = request.spoken();
    let cursors = request.cursors.into_iter().collect();
    let logs = behind(&tails, &cursors);
    let directory = if request.directory_version < units.version {
        Some(directory::read(app.store.as_ref(), &units, &principal.account).await?)
    } else {
        None
    };
    let answer = Answer {
        app: app.clone(),
        epoch,
        verdicts: Vec::new(),
        tells_epoch: false,
        scope: differs(&cursors, &scope)
            .then(|| tails.iter().map(|tail| (tail.unit, tail.last_seq)).collect()),
        directory,
        buckets: Vec::new(),
        misplaced: Vec::new(),
        strays: Vec::new(),
        wants: Vec::new(),
        logs,
        own: Default::default(),
        want_bytes: request.want_bytes.min(WANT_BYTES) as usize,
        ticket: None,
        version,
    };
    let letter = Letter { verdicts: Vec::new(), answer: within(answer).await };
    Ok(Some(Open { letter, to, bound }))
}

/// The bytes of an answer, as far as they fit.
async fn within(answer: Answer) -> Vec<u8> {
    let (mut chunks, mut bytes) = (answer.into_chunks(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            break;
        }
        bytes.extend(chunk);
    }
    bytes
}
