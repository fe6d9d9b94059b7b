//! The inbox: what is new for a phone, fetched by its service worker while the app is locked or closed, and opened at the next unlock.
//!
//! The app leaves a *question*: what a sync would say without pushing, sealed to the server's sync key. The worker sends it with the
//! parcels that wait, and keeps the *letter* that comes back: what a sync would have answered, and what became of each parcel, sealed
//! to a key that the question brought. The worker can read neither. Only who has opened the question can write a letter to it: the
//! letter's key is in the question alone, and a letter is bound to what the question says in clear.
//!
//! A body is magic (4 bytes), then the question and each parcel after its length (4, little endian). The answer is one byte for each
//! parcel ([`Fate`](super::parcel::Fate)), then the letter, if there is one.
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::{
    parcel::{self, PARCELS_MAX},
    wire::{Frame, FrameReader, SyncRequest, Verdict, WireError, pack},
};
use crate::{
    encode,
    record::{ChangeHash, DeviceId},
    seal::{PublicKey, Purpose, SealError, SecretKey, open_with, seal_to},
};

/// The content type of bodies and answers.
pub const CONTENT_TYPE: &str = "application/vnd.zoufang.inbox";
/// The most of an answer that goes into a letter: a phone that was away for longer goes on with a sync.
pub const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// About how many bytes of pages a question asks for; a page more stays below [`ANSWER_BYTES_MAX`].
pub const WANT_BYTES: u32 = 256 * 1024;

const MAGIC: [u8; 4] = *b"ZFI1";
/// What a device signs begins with this, so that its signature is good for nothing else.
const SIGNED_FOR: &[u8] = b"zoufang inbox\n";

/// What a phone leaves for its service worker to ask.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Question {
    /// What a sync would say; it pushes nothing and compares nothing.
    #[n(0)]
    pub request: SyncRequest,
    /// The session: who may read.
    #[n(1)]
    pub token: String,
    /// The key to which the letter is sealed, drawn for this question alone.
    #[n(2)]
    pub inbox: PublicKey,
}

/// What the server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Letter {
    /// What became of the changes that came in parcels with the question.
    #[n(0)]
    pub verdicts: Vec<(ChangeHash, Verdict)>,
    /// An answer to the question's request, as a sync has it; cut where it gets too long.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub answer: Vec<u8>,
}

impl Letter {
    /// The frames of the answer, as far as they can be read.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        FrameReader::new().push(&self.answer).unwrap_or_default()
    }
}

/// What a letter is bound to: who asked, and all that the question says.
#[must_use]
pub fn bound(device: DeviceId, question: &[u8]) -> Vec<u8> {
    [&device.0.to_be_bytes()[..], &Sha256::digest(question)].concat()
}

/// Seals an encoded [`Question`]; `seed` is 32 bytes drawn for this call alone.
///
/// # Errors
/// [`SealError::WrongKey`] if the key is none.
pub fn seal_question(question: Vec<u8>, to: PublicKey, seed: [u8; 32]) -> Result<Vec<u8>, SealError> {
    let (compression, mut packed) = pack(question);
    packed.insert(0, compression);
    seal_to(to, Purpose::Question, &[], &packed, seed)
}

/// Opens a question with that of the keys to which it was sealed, and gives what a letter to it is bound to.
///
/// # Errors
/// As [`open_with`]; [`SealError::Damaged`] too if what was sealed is no question.
pub fn open_question(keys: &[SecretKey], sealed: &[u8]) -> Result<(Question, Vec<u8>), SealError> {
    let content = parcel::open_packed(keys, Purpose::Question, sealed)?;
    let question: Question = minicbor::decode(&content).map_err(|_| SealError::Damaged)?;
    let bound = bound(question.request.device, &content);
    Ok((question, bound))
}

/// Seals a letter to the key of the question that it answers; `seed` is 32 bytes drawn for this call alone.
///
/// # Errors
/// [`SealError::WrongKey`] if the key is none.
pub fn seal_letter(
    letter: &Letter,
    to: PublicKey,
    bound: &[u8],
    seed: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    seal_to(to, Purpose::Letter, bound, &encode(letter), seed)
}

/// Opens a letter.
///
/// # Errors
/// As [`open_with`]; [`SealError::Damaged`] too if what was sealed is no letter.
pub fn open_letter(key: &SecretKey, bound: &[u8], sealed: &[u8]) -> Result<Letter, SealError> {
    let content = open_with(key, Purpose::Letter, bound, sealed)?;
    minicbor::decode(&content).map_err(|_| SealError::Damaged)
}

/// A body.
#[must_use]
pub fn encode_body<'a>(question: &'a [u8], parcels: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut body = MAGIC.to_vec();
    parcel::put_pieces(&mut body, std::iter::once(question).chain(parcels));
    body
}

/// The question and the parcels of a body.
///
/// # Errors
/// [`WireError`]; of a body that is cut nothing was delivered.
pub fn decode_body(body: &[u8]) -> Result<(&[u8], Vec<&[u8]>), WireError> {
    let rest = body.strip_prefix(&MAGIC).ok_or(WireError::NotOurs)?;
    let mut pieces = parcel::pieces(rest, PARCELS_MAX + 1)?;
    if pieces.is_empty() {
        return Err(WireError::Malformed);
    }
    let parcels = pieces.split_off(1);
    Ok((pieces[0], parcels))
}

/// What a device signs: that question and parcels come from it.
#[must_use]
pub fn signed(device: DeviceId, body: &[u8]) -> Vec<u8> {
    [SIGNED_FOR, device.to_string().as_bytes(), b"\n", body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::{EpochId, Timestamp, UnitId},
        sync::wire::{End, VERSION, encode_answer_start, encode_frame},
    };

    fn key(seed: u8) -> SecretKey {
        SecretKey::of_seed(&[seed; 32])
    }

    fn question() -> Question {
        let request = SyncRequest {
            epoch: EpochId(9),
            device: DeviceId(7),
            directory_version: 3,
            cursors: (0..40).map(|unit| (UnitId(unit), 1 << 33)).collect(),
            push: Vec::new(),
            want_bytes: WANT_BYTES,
            version: Some(VERSION),
            ticket: None,
            probes: Vec::new(),
            wants: Vec::new(),
            held: None,
            told: None,
            strays: Vec::new(),
        };
        Question { request, token: "secret".to_owned(), inbox: key(5).public() }
    }

    fn letter() -> Letter {
        let end = End { more: false, epoch: EpochId(9), server_time: Timestamp(8) };
        let answer = [encode_answer_start(), encode_frame(&Frame::End(end))].concat();
        Letter { verdicts: vec![(ChangeHash([1; 32]), Verdict::Pending)], answer }
    }

    #[test]
    fn a_question_shows_nothing_and_is_opened_by_the_server_alone() {
        let sealed = seal_question(encode(&question()), key(1).public(), [9; 32]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let (opened, bound_to) = open_question(&[key(2), key(1)], &sealed).unwrap();
        assert!(opened == question());
        assert_eq!(bound_to, bound(DeviceId(7), &encode(&question())));
        assert!(open_question(&[key(2)], &sealed).is_err_and(|error| error == SealError::OtherKey));
        let parcel = parcel::seal(encode(&question()), key(1).public(), [9; 32]).unwrap();
        assert!(open_question(&[key(1)], &parcel).is_err(), "a parcel is no question");
    }

    #[test]
    fn a_letter_answers_one_question() {
        let bound = bound(DeviceId(7), b"one");
        let sealed = seal_letter(&letter(), key(5).public(), &bound, [3; 32]).unwrap();
        let opened = open_letter(&key(5), &bound, &sealed).unwrap();
        assert_eq!(opened, letter());
        assert_eq!(opened.frames().len(), 1);
        for (device, question) in [(DeviceId(8), &b"one"[..]), (DeviceId(7), b"two")] {
            let other = super::bound(device, question);
            assert_eq!(open_letter(&key(5), &other, &sealed), Err(SealError::Damaged));
        }
        assert_eq!(open_letter(&key(6), &bound, &sealed), Err(SealError::OtherKey));
    }

    #[test]
    fn of_an_answer_that_was_cut_or_is_none_what_is_whole_is_read() {
        let mut cut = letter();
        cut.answer.pop();
        assert!(cut.frames().is_empty());
        assert!(Letter { answer: b"<html>".to_vec(), ..letter() }.frames().is_empty());
        assert!(Letter::default().frames().is_empty());
    }

    #[test]
    fn a_body_is_read_whole_or_not_at_all() {
        let body = encode_body(b"question", [&b"one"[..], b""]);
        assert_eq!(decode_body(&body).unwrap(), (&b"question"[..], vec![&b"one"[..], b""]));
        assert_eq!(decode_body(&encode_body(b"", [])).unwrap(), (&b""[..], vec![]));
        for length in 0..body.len() {
            let whole = [16, 23].contains(&length);
            assert_eq!(decode_body(&body[..length]).is_ok(), whole, "length {length}");
        }
        assert_eq!(decode_body(b"ZFP1"), Err(WireError::NotOurs));
        let most = encode_body(b"", vec![&b""[..]; PARCELS_MAX]);
        assert_eq!(decode_body(&most).map(|(_, parcels)| parcels.len()), Ok(PARCELS_MAX));
        let many = encode_body(b"", vec![&b""[..]; PARCELS_MAX + 1]);
        assert_eq!(decode_body(&many), Err(WireError::TooBig));
    }

    #[test]
    fn a_signature_is_for_the_inbox_alone() {
        assert_eq!(signed(DeviceId(0xAB), b"body"), b"zoufang inbox\n00000000000000ab\nbody");
        assert_ne!(signed(DeviceId(1), b"x"), parcel::signed(DeviceId(1), b"x"));
    }
}
