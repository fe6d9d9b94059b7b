//! Letters of the inbox: opened late, in the middle, twice, after a sync, or not at all.
use super::harness::{Device, Server, UNIT, doc};
use super::*;
use crate::{
    encode,
    record::{DeviceId, Timestamp, list::Role},
    seal::SealError,
    sync::{
        inbox::{Letter, Question, bound, seal_letter},
        wire::{Control, Directory, DirectoryUser, End, encode_page},
    },
};

/// What a service worker finds: the question in clear.
fn question(device: &Device) -> Option<Question> {
    let rows = device.disk.table(Table::Inbox);
    let (_, clear) = rows.into_iter().find(|(key, _)| key == QUESTION)?;
    minicbor::decode(&clear).ok()
}

fn leave(device: &mut Device, seed: u8) -> bool {
    let Some(plan) = device.phone.plan_question(&[seed; 32]) else { return false };
    device.run(plan);
    true
}

fn sealed(question: &Question, letter: &Letter) -> Vec<u8> {
    let bound = bound(question.request.device, &encode(question));
    seal_letter(letter, question.inbox, &bound, [8; 32]).unwrap()
}

/// What the server answers a question that comes with all that waits; pages of at most so many numbers.
fn answered(server: &mut Server, device: &Device, step: u64) -> Vec<u8> {
    let verdicts = server.push(&device.outgoing());
    let answer = pages(server, device, step);
    sealed(&question(device).unwrap(), &Letter { verdicts, answer })
}

/// The answer to a question, with pages of at most so many numbers.
fn pages(server: &Server, device: &Device, step: u64) -> Vec<u8> {
    let question = question(device).unwrap();
    let mut answer = encode_answer_start();
    for (unit, cursor) in &question.request.cursors {
        let mut from = *cursor;
        let end = server.logs.get(unit).map_or(0, |log| log.len() as u64);
        while from < end {
            let mut part = server.clone();
            part.logs.get_mut(unit).unwrap().truncate(usize::try_from(from + step).unwrap_or(usize::MAX));
            let page = part.page(*unit, from, &[]);
            from = page.to_seq;
            answer.extend(encode_page(page, VERSION));
        }
    }
    let end = End { more: false, epoch: device.phone.epoch(), server_time: Timestamp(1_007) };
    answer.extend(encode_frame(&Frame::End(end)));
    answer
}

/// Takes a letter in, up to so many commits; says how many there were.
fn take_in(device: &mut Device, letter: &[u8], most: usize) -> usize {
    let mut count = 0;
    for brought in device.phone.read_letter(letter) {
        for commit in device.phone.commits_of(brought) {
            if count == most {
                return count;
            }
            device.take(&commit);
            count += 1;
        }
    }
    count
}

/// Two phones that have synced, of which the first has left a question and has an edit that waits; the second has edited since.
fn met() -> (Device, Device, Server) {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
        server.sync(device);
    }
    assert!(leave(&mut a, 1));
    b.set(doc(1), "address", "东街");
    b.set(doc(2), "name", "李强");
    server.sync(&mut b);
    a.set(doc(1), "kind", "farmer");
    (a, b, server)
}

fn same(server: &mut Server, a: &mut Device, b: &mut Device) {
    for _ in 0..3 {
        server.sync(a);
        server.sync(b);
    }
    assert_eq!(a.phone.held(UNIT), server.state(UNIT));
    assert_eq!(b.phone.held(UNIT), server.state(UNIT));
    for number in [1, 2] {
        assert_eq!(a.open(doc(number)).entries(), b.open(doc(number)).entries());
    }
}

#[test]
fn a_letter_brings_what_is_new_and_the_receipts_of_what_was_delivered() {
    let (mut a, mut b, mut server) = met();
    let letter = answered(&mut server, &a, 99);
    take_in(&mut a, &letter, usize::MAX);
    assert_eq!(a.phone.waiting(), 0, "the receipt is there");
    assert_eq!(a.open(doc(1)).entries().text("address").as_deref(), Some("东街"));
    assert_eq!(a.open(doc(2)).entries().text("name").as_deref(), Some("李强"));
    assert_eq!(a.phone.held(UNIT), server.state(UNIT), "nothing is counted twice");
    assert!(!a.phone.is_repairing(), "a late answer says nothing of today's digest");
    same(&mut server, &mut a, &mut b);
}

#[test]
fn what_was_taken_in_is_not_done_again_wherever_it_was_left() {
    for most in 0..6 {
        let (mut a, mut b, mut server) = met();
        let letter = answered(&mut server, &a, 1);
        take_in(&mut a, &letter, most);
        a.phone = a.disk.phone();
        take_in(&mut a, &letter, usize::MAX);
        let held = a.phone.held(UNIT);
        assert_eq!(held, server.state(UNIT), "after {most}");
        // Only that the server was heard of is said once more, and says nothing new.
        let heard = a.phone.last_answer();
        assert_eq!(take_in(&mut a, &letter, usize::MAX), 1);
        assert_eq!((a.phone.held(UNIT), a.phone.last_answer()), (held, heard));
        same(&mut server, &mut a, &mut b);
    }
}

#[test]
fn after_a_sync_a_letter_brings_nothing_and_after_another_question_it_is_none() {
    for moves in [false, true] {
        let (mut a, mut b, mut server) = met();
        let letter = answered(&mut server, &a, 99);
        if moves {
            // What moved away and came back since must not go again by what an older page says.
            server.move_to(doc(1), UnitId(6));
            server.move_to(doc(1), UNIT);
        }
        server.sync(&mut a);
        let before = a.phone.held(UNIT);
        // That the server was there is heard, if no control has put an end to the question.
        assert_eq!(take_in(&mut a, &letter, usize::MAX), usize::from(!moves));
        assert_eq!(a.phone.held(UNIT), before);
        assert!(leave(&mut a, 2));
        assert!(a.phone.read_letter(&letter).is_empty());
        assert_eq!(a.disk.table(Table::Inbox).len(), 1, "old letters went with the old question");
        same(&mut server, &mut a, &mut b);
    }
}

#[test]
fn a_page_that_does_not_go_on_from_here_is_passed_over() {
    let (mut a, mut b, mut server) = met();
    let letter = answered(&mut server, &a, 99);
    let first = server.logs[&UNIT].len() as u64;
    // A sync that was cut brought the first of two changes.
    let mut part = server.clone();
    part.logs.get_mut(&UNIT).unwrap().truncate(2);
    let from = a.phone.meta.cursors[&UNIT].seq;
    a.take_page(Page { complete: false, ..part.page(UNIT, from, &[]) });
    take_in(&mut a, &letter, usize::MAX);
    assert!(a.phone.meta.cursors[&UNIT].seq < first);
    assert_eq!(a.phone.waiting(), 0, "its receipts count all the same");
    same(&mut server, &mut a, &mut b);
}

#[test]
fn what_an_older_answer_says_of_the_whole_log_is_not_compared() {
    let (mut a, mut b, mut server) = met();
    let letter = answered(&mut server, &a, 99);
    // A sync that was cut after its receipts.
    a.set(doc(3), "name", "王芳");
    let verdicts = server.push(&a.outgoing());
    a.take(&Commit::Verdicts(verdicts));
    take_in(&mut a, &letter, usize::MAX);
    assert!(a.phone.meta.cursors[&UNIT].seq > 1, "its page is taken in");
    assert!(!a.phone.is_repairing());
    same(&mut server, &mut a, &mut b);
}

#[test]
fn a_letter_of_another_log_or_of_nobody_is_nothing() {
    let (mut a, _, mut server) = met();
    let letter = answered(&mut server, &a, 99);
    for place in (0..letter.len()).step_by(7) {
        let mut touched = letter.clone();
        touched[place] ^= 1;
        assert!(a.phone.read_letter(&touched).is_empty());
        assert!(a.phone.read_letter(&letter[..place]).is_empty());
    }
    // Somebody who has the key, and did not open the question.
    let question = question(&a).unwrap();
    let forged = seal_letter(&Letter::default(), question.inbox, b"", [1; 32]);
    assert_ne!(forged, Err(SealError::WrongKey));
    assert!(a.phone.read_letter(&forged.unwrap()).is_empty());
    a.take(&Commit::EpochChanged(EpochId(77)));
    assert_eq!(take_in(&mut a, &letter, usize::MAX), 0);
    assert_eq!(a.phone.waiting(), 2, "both own edits are offered to the restored server");
}

#[test]
fn the_next_push_says_what_a_letter_told_until_a_ticket_comes() {
    let (mut a, _, mut server) = met();
    assert_eq!(a.outgoing().request.told, None);
    let pushed = a.outgoing().hashes;
    let letter = answered(&mut server, &a, 99);
    take_in(&mut a, &letter, usize::MAX);
    a.set(doc(3), "name", "王芳");
    // The push of the first edit may have reached the server, too, and its answer been lost.
    assert_eq!(a.outgoing().request.told, Some(pushed));
    a.take(&Commit::Ticket(4));
    assert_eq!(a.outgoing().request.told, None);
}

#[test]
fn the_next_push_also_says_what_the_controls_of_a_letter_took_away() {
    let (mut a, _, mut server) = met();
    let pushed = a.outgoing();
    server.push(&pushed);
    let cursor = a.outgoing().request.cursors[0].1;
    let re_rooted = Page {
        unit: UNIT,
        from_seq: cursor,
        to_seq: cursor + 1,
        items: Vec::new(),
        rows: Vec::new(),
        digest: Digest::default(),
        count: 0,
        complete: false,
        controls: vec![Control::ReRooted { doc: doc(1) }],
    };
    let mut answer = encode_answer_start();
    answer.extend(encode_page(re_rooted, VERSION));
    let letter = sealed(&question(&a).unwrap(), &Letter { verdicts: Vec::new(), answer });
    assert_eq!(take_in(&mut a, &letter, usize::MAX), 2);
    assert_eq!(a.phone.waiting(), 0, "it is to be made again");
    assert_eq!(a.outgoing().request.told, Some(pushed.hashes));
}

#[test]
fn a_letter_of_before_does_not_go_on_from_the_controls_of_a_sync_that_died_with_them() {
    let (mut a, mut b, mut server) = met();
    let letter = answered(&mut server, &a, 99);
    server.re_root(doc(1), "");
    a.take(&Commit::Controls(UNIT, vec![Control::ReRooted { doc: doc(1) }]));
    a.phone = a.disk.phone();
    assert_eq!(take_in(&mut a, &letter, usize::MAX), 0, "it has changes that build on what is gone");
    assert!(leave(&mut a, 2), "the next question is as if there had been none");
    a.set(doc(1), "residence", "away");
    same(&mut server, &mut a, &mut b);
    assert_eq!(a.open(doc(1)).entries().text("address").as_deref(), Some("东街"));
}

#[test]
fn a_refused_change_is_told_and_a_receipt_of_nothing_here_is_none() {
    let (mut a, ..) = met();
    let hash = a.phone.outbox().next().unwrap().hash;
    let verdicts =
        vec![(ChangeHash([9; 32]), Verdict::Accepted(4)), (hash, Verdict::Refused(Refusal::NotInScope))];
    let letter = sealed(&question(&a).unwrap(), &Letter { verdicts, answer: Vec::new() });
    assert_eq!(take_in(&mut a, &letter, usize::MAX), 1);
    assert_eq!((a.phone.waiting(), a.phone.refused().count()), (0, 1));
}

#[test]
fn names_and_units_of_an_older_day_are_passed_over() {
    let (mut a, ..) = met();
    let user = DirectoryUser { id: UserId(1), name: "改名".into(), role: Role::VillageWorker, unit: UNIT };
    let directory = |version| Directory { version, users: vec![user.clone()], ..a.phone.directory().clone() };
    let newer = Brought::Frame(Frame::Directory(directory(7)));
    assert_eq!(a.phone.commits_of(newer), [Commit::Directory(directory(7))]);
    assert_eq!(a.phone.commits_of(Brought::Frame(Frame::Directory(directory(0)))), []);
    let other = vec![(UNIT, 9), (UnitId(8), 1)];
    let scope = Brought::Frame(Frame::Scope(other.clone()));
    assert_eq!(a.phone.commits_of(scope.clone()), [Commit::Scope(other.clone())]);
    a.take(&Commit::Scope(other));
    assert_eq!(a.phone.commits_of(scope), [], "the units are not those of the question any more");
    let mut page = Server::default().page(UnitId(99), 0, &[]);
    page.to_seq = 3;
    assert_eq!(a.phone.commits_of(Brought::Frame(Frame::Page(page))), [], "a unit that is not held");
}

#[test]
fn the_offline_right_counts_from_when_the_server_was_heard_of() {
    let day = 24 * 60 * 60 * 1000;
    let (mut a, ..) = met();
    let (here, off) = a.phone.last_answer().unwrap();
    // Twenty-five days are spent, and the worker heard of the server after twenty.
    let now = Timestamp(here.0 + 25 * day);
    let plan = a.phone.plan_offline(now).unwrap();
    a.run(plan);
    assert_eq!(a.phone.offline_right(now), OfflineRight::Warned(5));
    for _ in 0..2 {
        a.take(&Commit::Heard(Timestamp(7 + 20 * day)));
        assert_eq!(a.phone.last_answer(), Some((Timestamp(here.0 + 20 * day), off)));
        // A clock that is set back gives nothing back.
        assert_eq!(a.phone.offline_right(Timestamp(here.0)), OfflineRight::Held);
        assert_eq!(a.phone.meta.spent_ms, 5 * day.unsigned_abs());
        assert_eq!(a.phone.offline_right(Timestamp(here.0 + 44 * day)), OfflineRight::Warned(6));
    }
    a.take(&Commit::Heard(Timestamp(7)));
    assert_eq!(a.phone.last_answer(), Some((Timestamp(here.0 + 20 * day), off)), "an older word");
}

#[test]
fn a_question_is_left_once_for_what_is_held_and_goes_with_the_session() {
    let (mut a, _, mut server) = met();
    assert!(!leave(&mut a, 2), "it would say the same");
    let first = question(&a).unwrap();
    assert_eq!(first.request.push.len() + first.request.probes.len() + first.request.wants.len(), 0);
    server.sync(&mut a);
    assert!(leave(&mut a, 2));
    let second = question(&a).unwrap();
    assert_ne!(first.inbox, second.inbox, "each has a key of its own");
    assert_eq!(second.request.device, DeviceId(1));
    let gone = |device: &Device| {
        let kept = device.disk.table(Table::Meta).into_iter().any(|(key, _)| key == "inbox");
        assert!(!kept && device.disk.table(Table::Inbox).is_empty());
    };
    let plan = a.phone.plan_signed_out_by_server();
    a.run(plan);
    gone(&a);
    assert!(!leave(&mut a, 3), "nobody is signed in");
    let mut fresh = Device::new(3);
    assert!(!leave(&mut fresh, 1), "it has heard nothing yet");
    server.sync(&mut fresh);
    assert!(leave(&mut fresh, 1));
    let plan = fresh.phone.plan_sign_out();
    fresh.run(plan);
    gone(&fresh);
}
