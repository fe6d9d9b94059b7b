//! The session by its events and effects.
use super::*;
use crate::{
    record::{DeviceId, Timestamp},
    sync::wire::{encode_answer_start, encode_frame},
};

fn outgoing() -> Event {
    let request = SyncRequest {
        epoch: EpochId(1),
        device: DeviceId(2),
        directory_version: 0,
        cursors: vec![],
        push: vec![],
        want_bytes: WANT_BYTES,
        version: None,
        ticket: None,
        probes: vec![],
        wants: vec![],
        strays: vec![],
        held: None,
        told: None,
    };
    Event::Outgoing(Box::new(Outgoing { request, hashes: vec![], rest_waits: false }))
}

/// Pushes one change while more wait, and gives what is done after the whole answer.
fn after_a_full_push(verdict: Verdict) -> Vec<Effect> {
    let mut session = Session::new();
    session.handle(Event::Wake, 0);
    let Event::Outgoing(mut outgoing) = outgoing() else { unreachable!("as it is made") };
    (outgoing.hashes, outgoing.rest_waits) = (vec![ChangeHash([1; 32])], true);
    session.handle(Event::Outgoing(outgoing), 0);
    session.handle(Event::Bytes(answer(&[Frame::Verdicts(vec![verdict]), end(false)])), 0);
    session.handle(Event::Committed, 0);
    session.handle(Event::AnswerEnded, 0);
    session.handle(Event::Committed, 0)
}

#[test]
fn what_did_not_fit_one_request_goes_at_once() {
    let again = [Effect::Show(Phase::Running), Effect::Read];
    assert_eq!(after_a_full_push(Verdict::Accepted(1)), again);
    assert_eq!(after_a_full_push(Verdict::Duplicate(1)), again);
    let idle = [Effect::Show(Phase::Idle), Effect::Wait(IDLE_MS)];
    assert_eq!(after_a_full_push(Verdict::Pending), idle, "it would be the same push for ever");
}

fn end(more: bool) -> Frame {
    Frame::End(End { more, epoch: EpochId(1), server_time: Timestamp(5) })
}

fn answer(frames: &[Frame]) -> Vec<u8> {
    let frames = frames.iter().flat_map(encode_frame);
    encode_answer_start().into_iter().chain(frames).collect()
}

/// A session that waits for the first bytes of an answer.
fn receiving() -> Session {
    let mut session = Session::new();
    assert_eq!(session.handle(Event::Wake, 0), [Effect::Show(Phase::Running), Effect::Read]);
    assert!(matches!(session.handle(outgoing(), 0)[..], [Effect::Send(_)]));
    session
}

#[test]
fn one_commit_at_a_time_and_the_end_last() {
    let mut session = receiving();
    let bytes = answer(&[Frame::Scope(vec![(UnitId(7), 0)]), end(false)]);
    let first = session.handle(Event::Bytes(bytes), 0);
    assert_eq!(first, [Effect::Commit(Box::new(Commit::Scope(vec![(UnitId(7), 0)])))]);
    assert_eq!(session.handle(Event::AnswerEnded, 0), [], "the store has the floor");
    assert!(
        matches!(&session.handle(Event::Committed, 0)[..], [Effect::Commit(commit)] if matches!(**commit, Commit::End(..)))
    );
    assert_eq!(session.handle(Event::Committed, 0), [Effect::Show(Phase::Idle), Effect::Wait(IDLE_MS)]);
}

#[test]
fn a_cut_answer_is_asked_for_again() {
    let mut session = receiving();
    let bytes = answer(&[Frame::Scope(vec![]), end(false)]);
    session.handle(Event::Bytes(bytes[..bytes.len() - 1].to_vec()), 0);
    session.handle(Event::Committed, 0);
    let effects = session.handle(Event::AnswerEnded, 0);
    assert!(effects.contains(&Effect::Show(Phase::Failed(Failure::CutOff))));
    assert!(effects.contains(&Effect::Wait(backoff::WAIT_MIN_MS)));
    assert_eq!(session.handle(Event::Timer, 0), [Effect::Show(Phase::Running), Effect::Read]);
}

#[test]
fn a_captive_portal_is_not_taken_as_an_answer() {
    let mut session = receiving();
    let effects = session.handle(Event::Bytes(b"<html>".to_vec()), 0);
    assert!(effects.contains(&Effect::Show(Phase::Failed(Failure::NotOurs))));
}

#[test]
fn a_restored_server_is_asked_again_at_once() {
    let mut session = receiving();
    let bytes = answer(&[Frame::Problem(Problem::EpochChanged(EpochId(9)))]);
    let effects = session.handle(Event::Bytes(bytes), 0);
    assert_eq!(effects, [Effect::Commit(Box::new(Commit::EpochChanged(EpochId(9))))]);
    assert_eq!(session.handle(Event::Committed, 0), []);
    assert_eq!(session.handle(Event::AnswerEnded, 0), [Effect::Show(Phase::Running), Effect::Read]);
}

#[test]
fn what_came_up_meanwhile_is_done_next() {
    let mut session = receiving();
    assert_eq!(session.handle(Event::Wake, 0), []);
    session.handle(Event::Bytes(answer(&[end(false)])), 0);
    session.handle(Event::Committed, 0);
    assert_eq!(session.handle(Event::AnswerEnded, 0), [Effect::Show(Phase::Running), Effect::Read]);
}

#[test]
fn an_expired_sign_in_waits_for_the_person() {
    let mut session = receiving();
    let effects = session.handle(Event::Failed(Failure::SignInNeeded), 0);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Wait(_))));
    assert_eq!(session.handle(Event::Wake, 0), [Effect::Show(Phase::Running), Effect::Read]);
}

#[test]
fn bytes_of_a_dropped_answer_do_nothing() {
    let mut session = receiving();
    session.handle(Event::Offline, 0);
    assert_eq!(session.handle(Event::Bytes(answer(&[end(false)])), 0), []);
    assert_eq!(session.handle(Event::Committed, 0), []);
}

#[test]
fn a_pause_holds_until_the_person_goes_on() {
    let mut session = receiving();
    let bytes = answer(&[Frame::Scope(vec![]), end(false)]);
    session.handle(Event::Bytes(bytes), 0);
    assert_eq!(session.handle(Event::Pause, 0), [Effect::Cancel, Effect::Show(Phase::Paused)]);
    assert_eq!(session.handle(Event::Committed, 0), [], "what was stored stays, and nothing follows");
    for event in [Event::Wake, Event::Timer] {
        assert_eq!(session.handle(event, 0), [Effect::Show(Phase::Paused)]);
    }
    assert_eq!(session.handle(Event::Offline, 0), [Effect::Cancel, Effect::Show(Phase::Offline)]);
    assert_eq!(session.handle(Event::Wake, 0), [Effect::Show(Phase::Paused)]);
    assert_eq!(session.handle(Event::Resume, 0), [Effect::Show(Phase::Running), Effect::Read]);
}
