//! What a phone reads: its own store, and an answer taken in from the first byte to the last commit.

use std::collections::VecDeque;

use zoufang_core::{
    access::Reading,
    phone::{Draft, Edit, Phone, Plan, SegmentId, Segments, Stored, Table},
    record::{DocId, Kind, Patch, Timestamp, UnitId, UserId, Value},
    sync::session::{Effect, Event, Session},
};

use super::{pieces::Pieces, recipe::actor, wire::answer_bytes};
use crate::disk::Disk;

const ROWS_MAX: usize = 64;
const REQUESTS_MAX: usize = 8;
const NOW: Timestamp = Timestamp(1_795_449_600_000);

/// A document of the phone that a hostile answer comes to.
const OWN: DocId = DocId([1; 16]);

/// The rows of a store: table, key and value of each.
pub(super) fn stored(input: &[u8]) {
    let mut pieces = Pieces(input);
    let (mut stored, mut segments, mut letters) = (Stored::default(), Segments::new(), Vec::new());
    for _ in 0..ROWS_MAX {
        if pieces.is_empty() {
            break;
        }
        let (table, key, value) = (pieces.byte(), pieces.text(), pieces.piece().to_vec());
        match Table::ALL[usize::from(table) % Table::ALL.len()] {
            Table::Meta => stored.meta.push((key, value)),
            Table::Outbox => stored.outbox.push((key, value)),
            Table::Block => stored.blocks.push((key, value)),
            Table::Row => stored.rows.push((key, value)),
            Table::Draft => draft(&value),
            Table::Parcel => stored.parcel_keys.push(key),
            Table::Reading => drop(minicbor::decode::<Reading>(&value)),
            Table::Inbox => letters.push(value),
            Table::Log => {
                let numbers: Vec<u32> = key.split('/').filter_map(|part| part.parse().ok()).collect();
                if let [unit, number] = numbers[..] {
                    segments.insert(SegmentId { unit: UnitId(unit), number }, value);
                }
                stored.log_keys.push(key);
            }
        }
    }
    let phone = Phone::read(&stored);
    look(&phone, &segments);
    let _ = phone.plan_question(&[1; 32]);
    let brought = letters.iter().flat_map(|letter| phone.read_letter(letter));
    assert_eq!(brought.flat_map(|part| phone.commits_of(part)).count(), 0, "nobody has sealed it");
    if let Some(account) = phone.account() {
        let _ = phone.plan_sign_in(account.clone());
    }
    let docs: Vec<DocId> = phone.rows().map(|row| row.doc).collect();
    for doc in docs {
        let mut phone = phone.clone();
        if let Ok(Some(plan)) = phone.plan_edit(&edit(doc, None, "改了"), &segments) {
            phone.settle(plan);
            assert!(phone.waiting() > 0, "what is saved waits");
        }
    }
}

fn draft(bytes: &[u8]) {
    if let Some(draft) = Draft::of_bytes(bytes) {
        assert_eq!(
            Draft::of_bytes(&draft.to_bytes()),
            Some(draft),
            "what was read can be written and read again"
        );
    }
}

/// Reads everything that screens read.
pub(super) fn look(phone: &Phone, segments: &Segments) {
    let _ = (phone.outgoing(segments), phone.progress(), phone.last_answer(), phone.scope().len());
    let _ = (phone.plan_tidy(), phone.outbox().count(), phone.directory().users.len());
    for row in phone.rows() {
        if let Ok(Some((document, unit))) = phone.document(row.doc, segments) {
            let _ = (document.entries(), document.conflicts(), document.history(), unit);
        }
    }
}

fn edit(doc: DocId, new: Option<(Kind, UnitId)>, facts: &str) -> Edit {
    let mut patch = Patch::set("facts", Value::Text(facts.to_owned()));
    if new.is_some() {
        patch.0.insert("created_by".to_owned(), Some(Value::Int(7)));
    }
    let mut fresh = actor(0);
    fresh[15] = 0xdd;
    let actor = automerge_actor(&fresh);
    Edit { doc, new, base: Vec::new(), patch, actor, author: UserId(7), at: NOW }
}

fn automerge_actor(bytes: &[u8]) -> automerge::ActorId {
    automerge::ActorId::from(bytes)
}

/// An answer to a phone with a change that waits; its bytes come in two parts. What has no receipt stays, whatever comes.
pub(super) fn session(input: &[u8]) {
    let (mut phone, mut disk) = worked();
    let bytes = answer_bytes(input);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let mut session = Session::new();
    let mut events = VecDeque::from([Event::Wake]);
    let (mut requests, mut receipts) = (0, 0);
    while let Some(event) = events.pop_front() {
        for effect in session.handle(event, 0) {
            match effect {
                Effect::Read => events.extend(
                    phone
                        .outgoing(&disk.segments(phone.needs_outgoing()))
                        .map(|out| Event::Outgoing(Box::new(out))),
                ),
                Effect::Send(_) if requests < REQUESTS_MAX => {
                    requests += 1;
                    events.extend([Event::Bytes(head.to_vec()), Event::Bytes(tail.to_vec())]);
                    events.push_back(Event::AnswerEnded);
                }
                Effect::Commit(commit) => {
                    if let zoufang_core::sync::session::Commit::Verdicts(verdicts) = &*commit {
                        receipts += verdicts.len();
                    }
                    let segments = disk.segments(phone.needs(&commit));
                    let plan = phone.plan_commit(&commit, &segments, NOW);
                    run(&mut phone, &mut disk, plan);
                    events.push_front(Event::Committed);
                }
                Effect::Cancel => events.clear(),
                Effect::Send(_) | Effect::Show(_) | Effect::Wait(_) => {}
            }
        }
    }
    assert!(receipts > 0 || phone.waiting() == 1, "what has no receipt stays");
    let ids: Vec<SegmentId> = phone.rows().flat_map(|row| phone.segments_of(row.doc)).collect();
    look(&phone, &disk.segments(ids));
    let again = disk.phone();
    assert_eq!(again.rows().count(), phone.rows().count(), "memory and store say the same");
    assert_eq!(again.waiting(), phone.waiting());
    assert_eq!(again.held(UnitId(5)), phone.held(UnitId(5)));
}

/// A phone that is signed in, with one change that waits.
///
/// # Panics
/// When it cannot be made: never.
#[must_use]
pub fn worked() -> (Phone, Disk) {
    let (mut phone, mut disk) = (Phone::default(), Disk::default());
    sign_in(&mut phone, &mut disk);
    let plan = phone.plan_edit(&edit(OWN, Some((Kind::Visit, UnitId(5))), "水管"), &Segments::new());
    run(&mut phone, &mut disk, plan.expect("a sound save").expect("something to save"));
    (phone, disk)
}

fn sign_in(phone: &mut Phone, disk: &mut Disk) {
    let account = zoufang_core::phone::Account {
        user: UserId(7),
        sign_in_name: "village".to_owned(),
        name: "village".to_owned(),
        role: zoufang_core::record::list::Role::VillageWorker,
        unit: UnitId(5),
        unit_name: "village".to_owned(),
        device: super::recipe::DEVICE,
        token: Some("token".to_owned()),
        former: Vec::new(),
    };
    let plan = phone.plan_sign_in(account).expect("a phone without work");
    run(phone, disk, plan);
}

pub(super) fn run(phone: &mut Phone, disk: &mut Disk, plan: Plan) {
    disk.write(&plan.batch);
    phone.settle(plan);
}
