//! Properties of documents: replicas converge whatever the line does, nothing is lost, everything survives storage.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use proptest::prelude::*;
use zoufang_core::{
    document::{Document, LogChange},
    record::{DeviceId, Entries, Kind, Patch, Person, Record, Timestamp, UserId, Value},
    sync::scan,
};

const KEYS: &[&str] = &[
    "name",
    "address",
    "phone/01A.number",
    "phone/01B.number",
    "phone/01A.removed",
    "entitlement/combat_veteran",
    "notice_given",
    "contact_wish",
];

#[derive(Clone, Debug)]
enum Step {
    Edit { replica: usize, key: usize, value: u8, at: i64 },
    Deliver { from: usize, to: usize, keep: Vec<bool>, twice: bool, backwards: bool },
}

fn value(key: &str, seed: u8) -> Value {
    match key {
        "entitlement/combat_veteran" | "phone/01A.removed" => Value::Bool(seed.is_multiple_of(2)),
        "notice_given" => Value::Text(format!("2026-01-{:02}", 1 + seed % 28)),
        "contact_wish" => Value::Text(if seed.is_multiple_of(2) { "yes" } else { "phone_only" }.to_owned()),
        _ => Value::Text(format!("值{}", seed % 4)),
    }
}

fn step(replicas: usize) -> impl Strategy<Value = Step> {
    let edit = (0..replicas, 0..KEYS.len(), any::<u8>(), 0i64..100_000)
        .prop_map(|(replica, key, value, at)| Step::Edit { replica, key, value, at });
    let deliver =
        (0..replicas, 0..replicas, prop::collection::vec(any::<bool>(), 1..8), any::<bool>(), any::<bool>())
            .prop_map(|(from, to, keep, twice, backwards)| Step::Deliver {
                from,
                to,
                keep,
                twice,
                backwards,
            });
    prop_oneof![3 => edit, 2 => deliver]
}

struct Replica {
    document: Document,
    log: Vec<LogChange>,
    /// What came before its dependencies.
    early: Vec<LogChange>,
}

impl Replica {
    fn take(&mut self, changes: impl IntoIterator<Item = LogChange>) {
        self.early.extend(changes);
        let mut log = self.log.clone();
        log.extend(self.early.iter().cloned());
        // A document whose dependencies are not all there is not used: the phone waits for them.
        if let Ok(document) = Document::load(Kind::Person, log.clone()) {
            self.document = document;
            self.log = log;
            self.early.clear();
        }
    }
}

fn run(replicas: usize, steps: Vec<Step>) -> Vec<Replica> {
    let mut fleet: Vec<Replica> = (0..replicas)
        .map(|_| Replica { document: Document::new(Kind::Person), log: vec![], early: vec![] })
        .collect();
    for (session, step) in steps.into_iter().enumerate() {
        match step {
            Step::Edit { replica, key, value: seed, at } => {
                let author = UserId(u32::try_from(replica).unwrap() + 1);
                let actor = DeviceId(replica as u64).actor((session as u64).to_be_bytes());
                let patch = Patch::set(KEYS[key], value(KEYS[key], seed));
                if let Some(raw) =
                    fleet[replica].document.commit(actor, author, Timestamp(at * 1000), &patch).unwrap()
                {
                    fleet[replica].log.push(LogChange { raw, author, received_at: None });
                }
            }
            Step::Deliver { from, to, keep, twice, backwards } => {
                let mut sent: Vec<LogChange> = fleet[from]
                    .log
                    .iter()
                    .zip(keep.iter().cycle())
                    .filter(|(_, keep)| **keep)
                    .map(|(change, _)| change.clone())
                    .collect();
                if twice {
                    sent.extend(sent.clone());
                }
                if backwards {
                    sent.reverse();
                }
                fleet[to].take(sent);
            }
        }
    }
    let all: Vec<LogChange> = fleet.iter().flat_map(|replica| replica.log.clone()).collect();
    for (at, replica) in fleet.iter_mut().enumerate() {
        let mut all = all.clone();
        let middle = at.min(all.len());
        all.rotate_left(middle);
        replica.take(all);
    }
    fleet
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn replicas_converge((replicas, steps) in (2usize..=5).prop_flat_map(|n| (Just(n), prop::collection::vec(step(n), 1..40)))) {
        let fleet = run(replicas, steps);
        let first = &fleet[0].document;
        for other in &fleet[1..] {
            prop_assert_eq!(first.heads(), other.document.heads());
            prop_assert_eq!(first.entries(), other.document.entries());
            prop_assert_eq!(first.conflicts(), other.document.conflicts());
        }
    }

    #[test]
    fn every_value_that_was_written_stays_in_the_history(steps in prop::collection::vec(step(3), 1..30)) {
        let fleet = run(3, steps);
        for replica in &fleet {
            for change in &replica.log {
                let scanned = scan::scan(&change.raw).unwrap();
                for op in scanned.ops {
                    if let Some(value) = op.value {
                        prop_assert!(fleet[0].document.history_of(&op.key).iter().any(|claim| claim.value == value));
                    }
                }
            }
        }
    }

    #[test]
    fn a_document_survives_storage(steps in prop::collection::vec(step(2), 1..20)) {
        let fleet = run(2, steps);
        let document = &fleet[0].document;
        let stored = fleet[0].log.iter().rev().cloned();
        let loaded = Document::load(Kind::Person, stored).unwrap();
        prop_assert_eq!(loaded.entries(), document.entries());
        prop_assert_eq!(loaded.heads(), document.heads());
        prop_assert_eq!(loaded.conflicts(), document.conflicts());
        prop_assert_eq!(loaded.raw_changes().len(), document.raw_changes().len());
        let saved = automerge::Automerge::load(&document.save()).unwrap();
        prop_assert_eq!(saved.save(), document.save());
    }

    #[test]
    fn a_scan_says_what_automerge_says(steps in prop::collection::vec(step(3), 1..30)) {
        for replica in run(3, steps) {
            for change in replica.log {
                let scanned = scan::scan(&change.raw).unwrap();
                let parsed = automerge::Change::from_bytes(change.raw).unwrap();
                prop_assert_eq!(scanned.hash.0, parsed.hash().0);
                prop_assert_eq!(scanned.actor.as_slice(), parsed.actor_id().to_bytes());
                prop_assert_eq!(scanned.seq, parsed.seq());
                prop_assert_eq!(scanned.start_op, parsed.start_op().get());
                prop_assert_eq!(scanned.max_op, parsed.max_op());
                prop_assert_eq!(scanned.time, parsed.timestamp());
                prop_assert_eq!(scanned.ops.len(), parsed.len());
                prop_assert_eq!(scanned.deps.len(), parsed.deps().len());
            }
        }
    }
}

/// Writes keys with Automerge itself, as a later version of the app could.
fn foreign_change(keys: &[(&str, &str)]) -> LogChange {
    use automerge::{ROOT, transaction::Transactable};
    let mut document = automerge::Automerge::new().with_actor(DeviceId(9).actor([1; 8]));
    let mut transaction = document.transaction();
    for (key, value) in keys {
        transaction.put(ROOT, *key, *value).unwrap();
    }
    transaction.commit();
    let raw = document.get_last_local_change().unwrap().raw_bytes().to_vec();
    LogChange { raw, author: UserId(3), received_at: None }
}

#[test]
fn unknown_keys_survive_a_round_trip() {
    let later = foreign_change(&[("name", "张伟"), ("from_the_future", "kept")]);
    let mut document = Document::load(Kind::Person, [later]).unwrap();
    assert!(document.entries().get("from_the_future").is_none(), "what we do not know we do not show");
    let before = document.entries();
    let mut person = Person::from_entries(&before);
    person.address = Some("东街".to_owned());
    document
        .commit(
            DeviceId(1).actor([2; 8]),
            UserId(1),
            Timestamp(0),
            &Patch::between(&before, &person.to_entries()),
        )
        .unwrap();
    let saved = automerge::Automerge::load(&document.save()).unwrap();
    let (kept, _) = automerge::ReadDoc::get(&saved, automerge::ROOT, "from_the_future").unwrap().unwrap();
    assert_eq!(kept.as_str(), Some("kept"));
}

#[test]
fn a_person_chooses_between_two_phones_and_nothing_vanishes() {
    let number = "phone/01A.number";
    let text = |text: &str| Value::Text(text.to_owned());
    let mut base = Document::new(Kind::Person);
    let first = base
        .commit(DeviceId(1).actor([0; 8]), UserId(1), Timestamp(1000), &Patch::set(number, text("1540")))
        .unwrap()
        .unwrap();
    let log = |raw: Vec<u8>, author| LogChange { raw, author: UserId(author), received_at: None };
    let mut village = Document::load(Kind::Person, [log(first.clone(), 1)]).unwrap();
    let mut township = Document::load(Kind::Person, [log(first, 1)]).unwrap();
    let a = village
        .commit(DeviceId(1).actor([1; 8]), UserId(1), Timestamp(9000), &Patch::set(number, text("1541")))
        .unwrap()
        .unwrap();
    let mut patch = Patch::set(number, text("1542"));
    patch.0.insert("address".to_owned(), Some(text("东街")));
    let b = township.commit(DeviceId(2).actor([1; 8]), UserId(2), Timestamp(8000), &patch).unwrap().unwrap();
    village.apply([log(b, 2)]).unwrap();
    township.apply([log(a, 1)]).unwrap();
    for document in [&village, &township] {
        assert_eq!(document.entries().text("address").as_deref(), Some("东街"));
        let conflicts = document.conflicts();
        assert_eq!(conflicts.len(), 1);
        let seen: Vec<_> =
            conflicts[0].claims.iter().map(|claim| (claim.value.clone(), claim.author, claim.at)).collect();
        assert_eq!(
            seen,
            [
                (text("1542"), Some(UserId(2)), Timestamp(8000)),
                (text("1541"), Some(UserId(1)), Timestamp(9000))
            ]
        );
    }
    // Choosing either value writes, also the one that is shown anyway: it ends the conflict, and the history says what was
    // chosen and still has the other.
    for (at, chosen) in [(2, "1541"), (3, "1542")] {
        let (mut village, mut township) = (village.clone(), township.clone());
        let choice = village
            .commit(
                DeviceId(1).actor([at; 8]),
                UserId(1),
                Timestamp(10_000),
                &Patch::set(number, text(chosen)),
            )
            .unwrap();
        township.apply([log(choice.expect("a choice is a change"), 1)]).unwrap();
        assert!(village.conflicts().is_empty() && township.conflicts().is_empty());
        assert_eq!(village.heads(), township.heads());
        assert_eq!(township.entries().text(number).as_deref(), Some(chosen));
        let history = township.history_of(number);
        assert_eq!(history.len(), 4, "the value that was not chosen stays in the history");
        assert_eq!(history.last().map(|claim| claim.value.clone()), Some(text(chosen)));
    }
    // Taking a value away is still told as that.
    let gone = Patch([(number.to_owned(), None)].into());
    village.commit(DeviceId(1).actor([9; 8]), UserId(1), Timestamp(11_000), &gone).unwrap();
    assert_eq!(village.history().last().map(|step| step.sets.clone()), Some(vec![(number.to_owned(), None)]));
}

#[test]
fn two_choices_made_at_once_both_stand() {
    let text = |text: &str| Value::Text(text.into());
    let mut next = 0;
    let mut write = |document: &mut Document, device: u64, patch: &Patch| {
        next += 1;
        let at = Timestamp(i64::from(next) * 1000);
        let raw = document.commit(DeviceId(device).actor([next; 8]), UserId(1), at, patch).unwrap();
        LogChange { raw: raw.unwrap(), author: UserId(1), received_at: None }
    };
    let mut village = Document::new(Kind::Person);
    let first = write(&mut village, 1, &Patch::set("name", text("张伟")));
    let mut township = Document::load(Kind::Person, [first]).unwrap();
    let a = write(&mut village, 1, &Patch::set("name", text("张玮")));
    let b = write(&mut township, 2, &Patch::set("name", text("张炜")));
    village.apply([b]).unwrap();
    township.apply([a]).unwrap();
    // Whichever of the two Automerge holds for the winner, to choose it is as much a word as to choose the other.
    let one = write(&mut village, 1, &Patch::set("name", text("张玮")));
    let other = write(&mut township, 2, &Patch::set("name", text("张炜")));
    village.apply([other]).unwrap();
    township.apply([one]).unwrap();
    for document in [&village, &township] {
        let conflicts = document.conflicts();
        assert_eq!(conflicts.len(), 1, "nobody's choice is dropped");
        let values: Vec<_> = conflicts[0].claims.iter().map(|claim| claim.value.clone()).collect();
        assert_eq!(values, [text("张玮"), text("张炜")]);
        assert!(document.history().iter().all(|step| step.sets.len() == 1), "a choice is told once");
    }
}

#[test]
fn writing_what_stands_there_makes_no_change() {
    let mut document = Document::new(Kind::Person);
    let mut entries = Entries::default();
    entries.put_text("name", Some("张伟"));
    let patch = Patch::from(entries);
    assert!(document.commit(DeviceId(1).actor([0; 8]), UserId(1), Timestamp(0), &patch).unwrap().is_some());
    assert!(document.commit(DeviceId(1).actor([1; 8]), UserId(1), Timestamp(0), &patch).unwrap().is_none());
    assert!(
        document
            .commit(
                DeviceId(1).actor([1; 8]),
                UserId(1),
                Timestamp(0),
                &Patch::set("opinion", Value::Bool(true))
            )
            .is_err()
    );
}

#[test]
fn a_change_tells_its_fields_in_the_order_people_read_them() {
    let text = |text: &str| Some(Value::Text(text.into()));
    let mut document = Document::new(Kind::Person);
    // Automerge keeps keys in another order than the shape: `address` before `name`.
    let patch = Patch([("address".to_owned(), text("某村一组")), ("name".to_owned(), text("某人"))].into());
    document.commit(DeviceId(1).actor([1; 8]), UserId(1), Timestamp(1_000), &patch).unwrap();
    let keys: Vec<_> = document.history().remove(0).sets.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["name", "address"]);
}
