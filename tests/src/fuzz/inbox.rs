//! Bodies of the inbox, and questions and letters whose sealing is sound and whose content is anything.

use zoufang_core::{
    phone::Phone,
    record::{EpochId, Timestamp, UnitId},
    seal::{Purpose, SealError, SecretKey, seal_to},
    sync::{
        gate::Refusal,
        inbox::{
            Letter, Question, decode_body, encode_body, open_letter, open_question, seal_letter,
            seal_question,
        },
        parcel::PARCELS_MAX,
        session::Commit,
        wire::{Directory, End, Verdict},
    },
};

use super::{
    Pieces,
    phone::{look, run, worked},
    wire::answer_bytes,
};
use crate::disk::Disk;

/// The clock of a phone that opens a letter.
const NOW: Timestamp = Timestamp(1_795_449_900_000);
const UNIT: UnitId = UnitId(5);

/// The first byte says what the rest is: a body, what is sealed in a question, what is sealed in a letter, or what a letter says to a
/// phone.
pub(super) fn inbox(input: &[u8]) {
    let mut pieces = Pieces(input);
    let key = SecretKey::of_seed(&[1; 32]);
    match pieces.byte() % 4 {
        0 => {
            let Ok((question, parcels)) = decode_body(pieces.0) else { return };
            assert!(parcels.len() <= PARCELS_MAX, "a bound");
            assert_eq!(encode_body(question, parcels), pieces.0, "there is one form");
        }
        1 => {
            let sealed = seal_to(key.public(), Purpose::Question, &[], pieces.0, [2; 32]).expect("a key");
            match open_question(std::slice::from_ref(&key), &sealed) {
                Err(error) => assert_eq!(error, SealError::Damaged),
                Ok((question, _)) => {
                    let again = minicbor::to_vec(&question).expect("it was read");
                    let again = seal_question(again, key.public(), [3; 32]).expect("a key");
                    assert!(open_question(&[key], &again).is_ok_and(|(read, _)| read == question));
                }
            }
        }
        2 => {
            let sealed = seal_to(key.public(), Purpose::Letter, &[], pieces.0, [2; 32]).expect("a key");
            match open_letter(&key, &[], &sealed) {
                Err(error) => assert_eq!(error, SealError::Damaged),
                Ok(letter) => {
                    let again = seal_letter(&letter, key.public(), &[], [3; 32]).expect("a key");
                    assert_eq!(open_letter(&key, &[], &again), Ok(letter), "what was read can be written");
                }
            }
        }
        _ => taken_in(pieces),
    }
}

/// A letter to a phone that has asked: whatever it says, memory and store say the same, what has no verdict waits, and taken in again
/// it brings nothing.
fn taken_in(mut pieces: Pieces<'_>) {
    let (mut phone, mut disk, question) = asked();
    let waiting = phone.outbox().next().expect("something waits").hash;
    let verdict = match pieces.byte() % 4 {
        0 => None,
        1 => Some(Verdict::Accepted(9)),
        2 => Some(Verdict::Refused(Refusal::NotInScope)),
        _ => Some(Verdict::Pending),
    };
    let verdicts = verdict.map(|verdict| (waiting, verdict)).into_iter().collect();
    let letter = Letter { verdicts, answer: answer_bytes(pieces.0) };
    let clear = minicbor::to_vec(&question).expect("it was made");
    let bound = zoufang_core::sync::inbox::bound(question.request.device, &clear);
    let sealed = seal_letter(&letter, question.inbox, &bound, [4; 32]).expect("a key");
    take(&mut phone, &mut disk, &sealed);
    let has_verdict = matches!(verdict, Some(Verdict::Accepted(_) | Verdict::Refused(_)));
    assert!(has_verdict || phone.outbox().any(|row| row.hash == waiting), "what has no receipt stays");
    let state =
        |phone: &Phone| (phone.held(UNIT), phone.progress(), phone.last_answer(), phone.rows().count());
    let before = state(&phone);
    phone = disk.phone();
    assert_eq!(state(&phone), before, "memory and store say the same");
    take(&mut phone, &mut disk, &sealed);
    assert_eq!(state(&phone), before, "a letter is taken in once");
    let ids: Vec<_> = phone.rows().flat_map(|row| phone.segments_of(row.doc)).collect();
    look(&phone, &disk.segments(ids));
}

fn take(phone: &mut Phone, disk: &mut Disk, sealed: &[u8]) {
    for brought in phone.read_letter(sealed) {
        for commit in phone.commits_of(brought) {
            commit_to(phone, disk, &commit);
        }
    }
}

fn commit_to(phone: &mut Phone, disk: &mut Disk, commit: &Commit) {
    let plan = phone.plan_commit(commit, &disk.segments(phone.needs(commit)), NOW);
    run(phone, disk, plan);
}

/// A phone with a change that waits, which has synced and left a question.
fn asked() -> (Phone, Disk, Question) {
    let (mut phone, mut disk) = worked();
    let sync_key = Some(SecretKey::of_seed(&[1; 32]).public());
    let end = End { more: false, epoch: EpochId(1), server_time: Timestamp(1) };
    for commit in [
        Commit::Epoch(EpochId(1)),
        Commit::Scope(vec![(UNIT, 0)]),
        Commit::Directory(Directory { version: 1, sync_key, ..Directory::default() }),
        Commit::End(end, Default::default()),
    ] {
        commit_to(&mut phone, &mut disk, &commit);
    }
    let plan = phone.plan_question(&[5; 32]).expect("a phone that has synced");
    run(&mut phone, &mut disk, plan);
    let clear = disk.get(zoufang_core::phone::Table::Inbox, zoufang_core::phone::QUESTION);
    let question = minicbor::decode(clear.expect("it is left")).expect("it was made");
    (phone, disk, question)
}
